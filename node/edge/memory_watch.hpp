#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "node/core/memory_pressure.hpp"
#include "node/edge/memory_gauge.hpp"
#include "node/edge/node_limits.hpp"

namespace tulle::node {

/// Measures the memory of the process ten times a second, on a thread of its own, and tells the node's limits what is
/// to be done: no message and no shard has to do anything for it until then.
///
/// Thread: its owner's.
class MemoryWatch {
public:
    /// `limit` in bytes, not 0. `wake_shards` is called from the watch's thread when they have to shed; any thread may
    /// call it.
    MemoryWatch(std::uint64_t limit, std::size_t shards, std::shared_ptr<NodeLimits> limits,
                std::function<void()> wake_shards);
    /// Stops and joins.
    ~MemoryWatch();
    MemoryWatch(const MemoryWatch&) = delete;
    MemoryWatch& operator=(const MemoryWatch&) = delete;

    void start();

private:
    void run();
    void look();
    /// Of what was too much at the last measurement, and of each shard something at least. Allocates nothing.
    void order_shed();
    void tell() const;

    MemoryGauge gauge_;
    MemoryPressure pressure_;
    const std::size_t shards_;
    const std::shared_ptr<NodeLimits> limits_;
    const std::function<void()> wake_shards_;
    std::size_t looks_ = 0;
    Pressure told_ = Pressure::kNone;
    std::size_t told_at_ = 0;
    bool is_stopping_ = false;
    std::mutex mutex_;
    std::condition_variable stop_;
    std::thread thread_;
};

}  // namespace tulle::node
