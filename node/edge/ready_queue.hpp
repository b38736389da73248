#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <utility>

#include <boost/asio/io_context.hpp>

#include "mesh/base/assert.hpp"

namespace tulle::node {

/// Work that is ready without a word of the kernel, first in, first out. Asio's own queue asks the kernel for events
/// before each handler that the handler before has posted. So each of the messages in a single read would cost a system
/// call.
///
/// Thread: the reactor's.
/// Limits: none of its own; each connection has a single read under way.
/// Errors: push throws std::bad_alloc.
class ReadyQueue {
public:
    /// Queues `work`, a callable without arguments.
    template <class Work>
    void push(Work&& work) {
        tasks_.push_back(std::make_unique<TaskOf<std::decay_t<Work>>>(std::forward<Work>(work)));
    }
    [[nodiscard]] bool empty() const { return tasks_.empty(); }
    [[nodiscard]] std::size_t size() const { return tasks_.size(); }
    /// Runs the first work, which leaves the queue whatever the work throws. REQUIRES: not empty.
    void run_next() {
        TULLE_ASSERT(!tasks_.empty());
        const std::unique_ptr<Task> task = std::move(tasks_.front());
        tasks_.pop_front();
        task->run();
    }
    /// Drops all work without running the work.
    void clear() { tasks_.clear(); }

private:
    /// Type-erased work. std::function would demand copies, and handlers of Asio can only be moved.
    struct Task {
        Task() = default;
        Task(const Task&) = delete;
        Task& operator=(const Task&) = delete;
        virtual ~Task() = default;
        virtual void run() = 0;
    };

    /// The work of a certain type.
    template <class Work>
    struct TaskOf final : Task {
        explicit TaskOf(const Work& from) : work(from) {}
        explicit TaskOf(Work&& from) : work(std::move(from)) {}
        void run() override { std::move(work)(); }
        Work work;
    };

    std::deque<std::unique_ptr<Task>> tasks_;
};

/// An executor of Asio's kind over a ReadyQueue. Bound to the handlers of operations that may be done as soon as they
/// begin. Queue and context must outlive every copy of the executor.
class ReadyExecutor {
public:
    ReadyExecutor(ReadyQueue& queue, boost::asio::io_context& context) : queue_(&queue), context_(&context) {}

    [[nodiscard]] boost::asio::io_context& context() const noexcept { return *context_; }
    /// Work in the queue does not keep the context running: the reactor itself does.
    void on_work_started() const noexcept {}
    void on_work_finished() const noexcept {}
    /// dispatch, post and defer all queue the work: none may run a handler inside another handler.
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
