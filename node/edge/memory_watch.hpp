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

/// Measures the memory of the process ten times a second on a thread of its own, and tells the node's limits about
/// measures to take. Until then neither messages nor shards spend anything on the watch.
///
/// Thread: the methods are its owner's.
/// Errors: a measurement without memory counts as Pressure::kShedding.
class MemoryWatch {
public:
    /// `limit` in bytes, not 0. The watch calls `wake_shards` from its own thread when the shards have to shed.
    MemoryWatch(std::uint64_t limit, std::size_t shards, std::shared_ptr<NodeLimits> limits,
                std::function<void()> wake_shards);
    /// Stops the thread and joins.
    ~MemoryWatch();
    MemoryWatch(const MemoryWatch&) = delete;
    MemoryWatch& operator=(const MemoryWatch&) = delete;

    /// Starts the thread.
    void start();

private:
    /// The loop of the thread.
    void run();
    /// A measurement and its consequences.
    void look();
    /// Orders the shards to free the excess of the last measurement, each shard an equal part of at least a byte.
    /// Allocates nothing.
    void order_shed();
    /// Logs the present level.
    void tell() const;

    MemoryGauge gauge_;
    MemoryPressure pressure_;
    const std::size_t shards_;
    const std::shared_ptr<NodeLimits> limits_;
    const std::function<void()> wake_shards_;
    /// The number of measurements.
    std::size_t looks_ = 0;
    /// The level in the last line of the log, and the measurement of that line.
    Pressure told_ = Pressure::kNone;
    std::size_t told_at_ = 0;
    bool is_stopping_ = false;
    std::mutex mutex_;
    std::condition_variable stop_;
    std::thread thread_;
};

}  // namespace tulle::node
