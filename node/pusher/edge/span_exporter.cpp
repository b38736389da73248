#include "node/pusher/edge/span_exporter.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <spdlog/spdlog.h>

#include "mesh/base/time.hpp"
#include "node/core/address_policy.hpp"
#include "node/edge/clock.hpp"
#include "node/pusher/edge/webhook_sender.hpp"
#include "node/wire/otlp_json.hpp"

namespace tulle::node {
namespace {

/// Between two batches: as long as a person who looks for a trace waits gladly.
constexpr Duration kInterval = 1s;
/// For an answer of the collector.
constexpr Duration kTimeout = 2s;
/// For the last batches of a node that ends: as long as a step of a hasty end (Composition).
constexpr Duration kEnd = 1s;
constexpr unsigned kAttempts = 5;
constexpr Duration kLogInterval = 60s;

/// True for an outcome after which the same batch may be taken later (OTLP 1.x, "OTLP/HTTP Response": 429, 502, 503 and
/// 504; and a collector that was not reached).
bool is_passing(const WebhookOutcome& outcome) {
    return outcome.status == 0 || outcome.status == 429 || (outcome.status >= 502 && outcome.status <= 504);
}

}  // namespace

/// The part on the exporter's thread.
class SpanExporter::Loop {
public:
    Loop(std::shared_ptr<SpanQueue> queue, std::string url, std::string node, std::string version)
        : queue_(std::move(queue)),
          url_(std::move(url)),
          node_(std::move(node)),
          version_(std::move(version)),
          // The operator names the collector, so every address may be called.
          sender_(AddressPolicy{.allow_all = true}, kTimeout) {}

    void start() {
        thread_ = std::thread([this] { run(); });
    }

    void stop() {
        is_stopped_ = true;
        sender_.wake();
        if (thread_.joinable()) {
            thread_.join();
        }
    }

    const ShardCounters& counters() const { return counters_; }

private:
    /// Spans on their way to the collector.
    struct Batch {
        std::string body;
        std::size_t spans = 0;
        unsigned attempts = 0;
    };

    void run() {
        try {
            while (!is_stopped_) {
                if (sender_.in_flight() == 0 && monotonic_now() >= next_at_) {
                    next_at_ = monotonic_now() + kInterval;
                    send();
                }
                wait(sender_.in_flight() == 0 ? next_at_ : monotonic_now() + kInterval);
            }
            finish();
        } catch (const std::exception& error) {
            spdlog::critical("the export of spans has failed: {}", error.what());
            std::terminate();
        }
    }

    /// Takes outcomes until one has come, stop() was called, or until `until`.
    void wait(Instant until) {
        outcomes_.clear();
        sender_.run(std::max(until - monotonic_now(), Duration{}), outcomes_);
        for (const WebhookOutcome& outcome : outcomes_) {
            take(outcome);
        }
    }

    /// What is under way ends, and everything else goes once. What then is left is dropped.
    void finish() {
        const Instant until = monotonic_now() + kEnd;
        for (const bool is_last : {false, true}) {
            if (is_last) {
                drop();
            }
            if (sender_.in_flight() == 0) {
                send();
            }
            while (sender_.in_flight() > 0 && monotonic_now() < until) {
                wait(until);
            }
        }
        drop();
    }

    /// Gives the batch up, if there is one.
    void drop() {
        counters_.spans_dropped_total.add(batch_ ? batch_->spans : 0);
        batch_.reset();
    }

    /// Sends the batch that waits, or one of all spans that wait. A batch for which there is no memory is dropped.
    void send() {
        if (!batch_) {
            counters_.spans_dropped_total.add(queue_->take(spans_));
            if (spans_.empty()) {
                return;
            }
            batch_ = Batch{"", spans_.size()};
        }
        try {
            if (batch_->body.empty()) {
                batch_->body = otlp_json(spans_, node_, version_);
            }
            ++batch_->attempts;
            sender_.start({++last_id_, url_, {"Content-Type: application/json"}, batch_->body});
        } catch (const std::exception& error) {
            complain(error.what());
            drop();
        }
    }

    /// Logs a failure, unless one was logged a short time ago.
    void complain(const std::string& why) {
        if (const Instant now = monotonic_now(); now >= may_log_at_) {
            may_log_at_ = now + kLogInterval;
            spdlog::warn("the collector {} has not taken spans: {}", url_, why);
        }
    }

    void take(const WebhookOutcome& outcome) {
        if (outcome.is_taken()) {
            counters_.spans_exported_total.add(batch_->spans);
            batch_.reset();
            return;
        }
        complain(outcome.status == 0 ? outcome.error : "status " + std::to_string(outcome.status));
        if (!is_passing(outcome) || batch_->attempts >= kAttempts) {
            drop();
        }
    }

    const std::shared_ptr<SpanQueue> queue_;
    const std::string url_;
    const std::string node_;
    const std::string version_;
    WebhookSender sender_;
    ShardCounters counters_;
    /// Those of the last batch, with room for all that the queue may hold.
    std::vector<Span> spans_;
    std::optional<Batch> batch_;
    std::uint64_t last_id_ = 0;
    Instant next_at_{};
    Instant may_log_at_{};
    std::vector<WebhookOutcome> outcomes_;
    std::atomic<bool> is_stopped_ = false;
    std::thread thread_;
};

SpanExporter::SpanExporter(std::shared_ptr<SpanQueue> queue, std::string url, std::string node, std::string version)
    : loop_(std::make_unique<Loop>(std::move(queue), std::move(url), std::move(node), std::move(version))) {}

SpanExporter::~SpanExporter() {
    loop_->stop();
}

void SpanExporter::start() {
    loop_->start();
}

void SpanExporter::stop() {
    loop_->stop();
}

const ShardCounters& SpanExporter::counters() const {
    return loop_->counters();
}

}  // namespace tulle::node
