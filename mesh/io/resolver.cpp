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

/// Shared with the threads, because a thread inside a look-up outlives the resolver. The mutex guards every member
/// except the two functions.
struct Resolver::State {
    std::function<void()> wake;
    std::function<LookUp(const HostPort&)> look_up;
    std::mutex mutex;
    std::condition_variable asked;
    std::condition_variable ended;
    std::deque<std::string> questions;
    /// The questions, and the names being looked up.
    std::set<std::string> under_way;
    std::vector<Answer> answers;
    /// Threads started so far. Threads never end before the resolver.
    std::size_t threads = 0;
    /// Threads waiting for a question.
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
    // Idle threads end at once. Only threads inside a look-up remain, and these hold the state.
    state_->ended.wait(lock, [this] { return state_->idle == 0; });
}

void Resolver::ask(std::string endpoint) {
    const std::lock_guard lock(state_->mutex);
    // The pending answer will serve both questions.
    if (state_->under_way.contains(endpoint)) {
        return;
    }
    if (state_->questions.size() >= kMaxWaiting) {
        state_->answers.push_back({std::move(endpoint), {{}, "too many names are being looked up"}});
        state_->wake();
        return;
    }
    // More questions than idle threads: start another thread, up to the limit.
    if (state_->idle <= state_->questions.size() && state_->threads < kThreads) {
        try {
            std::thread([state = state_] { run(state); }).detach();
            ++state_->threads;
        } catch (const std::system_error& error) {
            // Without any thread nobody would ever answer. With at least one thread the question only waits longer.
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
        // The look-up may take seconds, so the lock is released.
        lock.unlock();
        if (const std::optional<HostPort> address = parse_host_port(answer.endpoint)) {
            try {
                answer.found = state->look_up(*address);
            } catch (const std::exception& error) {
                // Out of memory, for instance. The core dials again, and the name is looked up again.
                answer.found = {{}, error.what()};
            }
        } else {
            answer.found.error = "not of the form HOST:PORT";
        }
        lock.lock();
        state->under_way.erase(answer.endpoint);
        // After the end of the resolver `wake` may refer to something gone.
        if (!state->stopping) {
            state->answers.push_back(std::move(answer));
            state->wake();
        }
    }
    state->ended.notify_all();
}

}  // namespace tulle::mesh
