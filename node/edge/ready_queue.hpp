#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <utility>

#include <boost/asio/io_context.hpp>

#include "mesh/base/assert.hpp"

namespace tulle::node {

/// Work that is ready without the kernel having said so, first in, first out. Asio's own queue asks the kernel for
/// events before each handler that was posted by the one before it, which costs a system call for each of the messages
/// that have come in one read.
///
/// Thread: the reactor's. Errors: push throws when there is no memory for the work.
class ReadyQueue {
public:
    template <class Work>
    void push(Work&& work) {
        tasks_.push_back(std::make_unique<TaskOf<std::decay_t<Work>>>(std::forward<Work>(work)));
    }
    [[nodiscard]] bool empty() const { return tasks_.empty(); }
    [[nodiscard]] std::size_t size() const { return tasks_.size(); }
    /// Runs the first one, which is gone whatever it throws. REQUIRES: not empty.
    void run_next() {
        TULLE_ASSERT(!tasks_.empty());
        const std::unique_ptr<Task> task = std::move(tasks_.front());
        tasks_.pop_front();
        task->run();
    }
    void clear() { tasks_.clear(); }

private:
    struct Task {
        Task() = default;
        Task(const Task&) = delete;
        Task& operator=(const Task&) = delete;
        virtual ~Task() = default;
        virtual void run() = 0;
    };

    template <class Work>
    struct TaskOf final : Task {
        explicit TaskOf(const Work& from) : work(from) {}
        explicit TaskOf(Work&& from) : work(std::move(from)) {}
        void run() override { std::move(work)(); }
        Work work;
    };

    std::deque<std::unique_ptr<Task>> tasks_;
};

/// An executor of Asio's kind over a ReadyQueue, to be bound to handlers of operations that may be done as soon as they
/// begin.
class ReadyExecutor {
public:
    ReadyExecutor(ReadyQueue& queue, boost::asio::io_context& context) : queue_(&queue), context_(&context) {}

    [[nodiscard]] boost::asio::io_context& context() const noexcept { return *context_; }
    void on_work_started() const noexcept {}
    void on_work_finished() const noexcept {}
    template <class Work, class Allocator>
    void dispatch(Work&& work, const Allocator&) const {
        queue_->push(std::forward<Work>(work));
    }
    template <class Work, class Allocator>
    void post(Work&& work, const Allocator&) const {
        queue_->push(std::forward<Work>(work));
    }
    template <class Work, class Allocator>
    void defer(Work&& work, const Allocator&) const {
        queue_->push(std::forward<Work>(work));
    }
    friend bool operator==(const ReadyExecutor&, const ReadyExecutor&) noexcept = default;

private:
    ReadyQueue* queue_;
    boost::asio::io_context* context_;
};

}  // namespace tulle::node
