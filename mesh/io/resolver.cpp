#include "mesh/io/resolver.hpp"

#include <exception>
#include <utility>

namespace tulle::mesh {

Resolver::Resolver(std::function<void()> wake) : wake_(std::move(wake)), thread_([this] { run(); }) {}

Resolver::~Resolver() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    asked_.notify_one();
    thread_.join();
}

void Resolver::ask(std::string endpoint) {
    {
        const std::lock_guard lock(mutex_);
        if (questions_.size() >= kMaxWaiting) {
            answers_.push_back({std::move(endpoint), std::nullopt});
            return;
        }
        questions_.push_back(std::move(endpoint));
    }
    asked_.notify_one();
}

std::vector<Resolver::Answer> Resolver::take_answers() {
    const std::lock_guard lock(mutex_);
    return std::exchange(answers_, {});
}

void Resolver::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        asked_.wait(lock, [this] { return stopping_ || !questions_.empty(); });
        if (stopping_) {
            return;
        }
        Answer answer{std::move(questions_.front()), std::nullopt};
        questions_.pop_front();
        lock.unlock();
        if (const std::optional<HostPort> address = parse_host_port(answer.endpoint)) {
            try {
                answer.address = resolve(*address);
            } catch (const std::exception&) {
                // out of memory: not found, and asked again when it is dialled again
            }
        }
        lock.lock();
        answers_.push_back(std::move(answer));
        wake_();
    }
}

}  // namespace tulle::mesh
