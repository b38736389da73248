#pragma once

#include <memory>
#include <string>

#include "node/edge/shard_counters.hpp"
#include "node/edge/span_queue.hpp"

namespace tulle::node {

/// Sends the spans of a queue to an OpenTelemetry collector, as OTLP over HTTP with a body of JSON, on a thread of its
/// own.
///
/// Thread: the owner's. counters() may be read by any thread.
/// Limits: a POST each second at most, one at a time (a further one at the end), with all spans that wait
///         (SpanQueue::kMost, so no more than that in a second). A batch that the collector does not take is sent
///         again, five times in all; then its spans are dropped and counted. An answer has 2 s.
/// Errors: the constructor throws std::runtime_error when HTTP requests cannot be set up. What goes wrong with the
///         collector is logged once a minute and counted, and concerns nobody else.
class SpanExporter {
public:
    /// `url`: where to POST to. `node`: the name of this node.
    SpanExporter(std::shared_ptr<SpanQueue> queue, std::string url, std::string node, std::string version);
    /// Stops the thread.
    ~SpanExporter();
    SpanExporter(const SpanExporter&) = delete;
    SpanExporter& operator=(const SpanExporter&) = delete;

    /// Starts the thread. To be called once.
    void start();
    /// Sends what waits, within a second, and ends the thread.
    void stop();
    [[nodiscard]] const ShardCounters& counters() const;

private:
    class Loop;
    std::unique_ptr<Loop> loop_;
};

}  // namespace tulle::node
