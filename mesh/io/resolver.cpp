#include "mesh/io/resolver.hpp"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

namespace tulle::mesh {

/// Shared with the threads, as one that is in a look-up outlives the resolver.
struct Resolver::State {
    std::function<void()> wake;
    std::function<LookUp(const HostPort&)> look_up;
    std::mutex mutex;
    std::condition_variable asked;
    std::condition_variable ended;
    std::deque<std::string> questions;
    std::set<std::string> under_way;  // these, and what is being looked up
    std::vector<Answer> answers;
    std::size_t threads = 0;
    std::size_t idle = 0;
    bool stopping = false;
};

Resolver::Resolver(std::function<void()> wake, std::function<LookUp(const HostPort&)> look_up)
    : state_(std::make_shared<State>()) {
    state_->wake = std::move(wake);
    state_->look_up = std::move(look_up);
}

Resolver::~Resolver() {
    std::unique_lock lock(state_->mutex);
    state_->stopping = true;
    state_->asked.notify_all();
    state_->ended.wait(lock, [this] { return state_->idle == 0; });
}

void Resolver::ask(std::string endpoint) {
    const std::lock_guard lock(state_->mutex);
    if (state_->under_way.contains(endpoint)) {
        return;
    }
    if (state_->questions.size() >= kMaxWaiting) {
        state_->answers.push_back({std::move(endpoint), {{}, "too many names are being looked up"}});
        state_->wake();
        return;
    }
    if (state_->idle <= state_->questions.size() && state_->threads < kThreads) {
        try {
            std::thread([state = state_] { run(state); }).detach();
            ++state_->threads;
        } catch (const std::system_error& error) {
            if (state_->threads == 0) {
                state_->answers.push_back({std::move(endpoint), {{}, error.what()}});
                state_->wake();
                return;
            }
        }
    }
    state_->under_way.insert(endpoint);
    state_->questions.push_back(std::move(endpoint));
    state_->asked.notify_one();
}

std::vector<Resolver::Answer> Resolver::take_answers() {
    const std::lock_guard lock(state_->mutex);
    return std::exchange(state_->answers, {});
}

void Resolver::run(const std::shared_ptr<State>& state) {
    std::unique_lock lock(state->mutex);
    while (!state->stopping) {
        if (state->questions.empty()) {
            ++state->idle;
            state->asked.wait(lock, [&state] { return state->stopping || !state->questions.empty(); });
            --state->idle;
            continue;
        }
        Answer answer{std::move(state->questions.front()), {}};
        state->questions.pop_front();
        lock.unlock();
        if (const std::optional<HostPort> address = parse_host_port(answer.endpoint)) {
            try {
                answer.found = state->look_up(*address);
            } catch (const std::exception& error) {
                answer.found = {{}, error.what()};  // out of memory: asked again when it is dialled again
            }
        } else {
            answer.found.error = "not of the form HOST:PORT";
        }
        lock.lock();
        state->under_way.erase(answer.endpoint);
        if (!state->stopping) {
            state->answers.push_back(std::move(answer));
            state->wake();
        }
    }
    state->ended.notify_all();
}

}  // namespace tulle::mesh
