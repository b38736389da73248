#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mesh/base/time.hpp"
#include "tools/load/pacer.hpp"
#include "tools/load/plan.hpp"
#include "tools/load/process_usage.hpp"
#include "tools/load/swarm.hpp"

namespace tulle::load {

/// The options of a run, see Runner::complaint() for the bounds.
struct RunOptions {
    enum class Kind : std::uint8_t {
        /// Closed loop: each publisher writes `batch` messages, then the run waits until all receivers have all
        /// messages.
        kBurst,
        /// Open loop: `rate` messages a second of all publishers together, whatever the server does.
        kRate,
        /// As fast as the server goes, with at most `window` messages of each publisher under way.
        kSaturate,
        /// Nothing is sent; pings are answered.
        kIdle,
    };

    Kind kind = Kind::kBurst;
    /// Bytes of each text.
    std::size_t text_bytes = 64;
    /// How long new messages are sent. The wait for the last messages comes on top.
    Duration length{std::chrono::seconds(1)};
    /// Messages that are due, and as far as possible written, at once.
    std::uint32_t batch = 1;
    /// For kRate: messages a second.
    double rate = 0;
    /// For kSaturate.
    std::uint32_t window = 1;
    /// Only the first of the published channels, as many as given. 0: all.
    std::uint32_t channels = 0;
    /// For closed loops: the time between two looks at the connections, see Swarm::rest().
    Duration rest{};
    /// How long the run waits for messages under way at the end, or for a server that does not move.
    Duration patience{std::chrono::seconds(5)};
};

/// The outcome of a run.
struct RunReport {
    std::uint64_t sent = 0;
    /// Messages due in an open loop, but not taken by the server.
    std::uint64_t unsent = 0;
    /// Deliveries due to the sent messages.
    std::uint64_t expected = 0;
    Tally tally;
    /// From the first message until all messages had been received or given up.
    Duration took{};
    CpuWindow::Used cpu;
    /// Requests answered well, when publishing by HTTP.
    std::uint64_t requests = 0;
    /// Connections lost during the run.
    std::uint32_t lost_connections = 0;
    Swarm::Complaints complaints;

    /// True when every sent message has come once, in order, and no server complained.
    [[nodiscard]] bool clean() const;
    /// All faults in words; empty for a clean run.
    [[nodiscard]] std::string trouble() const;
    /// The faults in words, without missing and unsent messages.
    [[nodiscard]] std::string errors() const;
    /// Deliveries that never came.
    [[nodiscard]] std::uint64_t missing() const { return expected > tally.received ? expected - tally.received : 0; }
};

/// Carries out runs on connections already open. After each run the latencies are in swarm.ledger().latency().
///
/// Thread: the thread of the swarm.
/// Errors: a run ends early when a connection is lost, and the report says so.
class Runner {
public:
    /// Called about five times a second with the time since the beginning of the run and the deliveries so far.
    /// Returning false ends the run. May be empty.
    using Progress = std::function<bool(Duration, std::uint64_t)>;
    /// `swarm` and `dialect` must outlive the Runner. `plan` is the plan of the swarm.
    Runner(Swarm& swarm, const Dialect& dialect, const Plan& plan, Progress progress = {});

    /// Empty for options that make sense on these connections, otherwise the mistake in words.
    [[nodiscard]] std::string complaint(const RunOptions& options) const;

    /// Carries out a run; blocks until the end. `pids` are the processes to measure CPU time of. REQUIRES:
    /// complaint(options).empty().
    [[nodiscard]] RunReport run(const RunOptions& options, const std::vector<pid_t>& pids);

private:
    // More fields than 15: four tables of streams, and the run in work.
    /// A publisher's streams, and the publisher's account of this run.
    struct Publisher {
        std::vector<std::uint32_t> streams;
        /// How many of the streams, from the first on, take part in this run.
        std::size_t used_streams = 0;
        std::size_t next_stream = 0;
        /// Messages written in this run.
        std::uint64_t written = 0;
        /// Messages that should have been written so far.
        std::uint64_t due = 0;
        /// Deliveries expected of the written messages.
        std::uint64_t deliveries = 0;
        /// The receivers of all streams in use, added up.
        std::uint64_t audience = 0;
    };

    /// Sets everything back for a new run.
    void begin(const RunOptions& options);
    /// The run of kBurst.
    void burst();
    /// The run of kRate.
    void open_loop();
    /// Sets the due messages of all publishers, given the groups due since the beginning. Groups belong to the
    /// publishers in turn.
    void owe(std::uint64_t groups);
    /// The run of kSaturate.
    void saturate();
    /// The run of kIdle.
    void idle();
    /// Rests between two looks at the connections, if the options say so.
    void rest() const;
    /// Writes due messages of a publisher, as far as the transport takes more. `intended(n)` is the intended time of
    /// the publisher's n-th message.
    template <class Intended>
    void pump(std::uint32_t publisher, const Intended& intended);
    /// Calls pump() for every publisher with messages due. `intended(p, n)` is the intended time.
    template <class Intended>
    void pump_all(const Intended& intended);
    /// Writes a message of the publisher's next stream and accounts for the message.
    void write(std::uint32_t publisher, Instant intended);
    [[nodiscard]] bool everything_written() const;
    /// True when all expected deliveries have come and all requests are answered.
    [[nodiscard]] bool everything_arrived() const;
    /// Waits for messages under way until `deadline`.
    void await_the_rest(Instant deadline);
    /// Messages of a publisher not yet received by all, on average over the receivers.
    [[nodiscard]] std::uint64_t under_way(std::uint32_t publisher) const;
    /// Reports progress when due. Returns true as long as the run is to go on.
    [[nodiscard]] bool going_on(Instant now);

    Swarm& swarm_;
    const Dialect& dialect_;
    Progress progress_;
    /// By stream: receivers of a message.
    std::vector<std::uint32_t> audience_;
    /// By stream: the channel.
    std::vector<std::uint32_t> channel_;
    /// By stream: the place of the channel among the published channels.
    std::vector<std::uint32_t> place_;
    /// By stream: the number of the next message.
    std::vector<std::uint32_t> next_number_;
    std::vector<Publisher> publishers_;
    RunOptions options_;
    RunReport report_;
    /// The text of every message, stamped again for each.
    std::string text_;
    Instant begin_{};
    /// When sending ends; later on, when waiting ends.
    Instant end_{};
    Instant next_progress_{};
    /// True once progress_ has ended the run.
    bool stopped_ = false;
    /// The swarm's count of lost connections at the beginning of the run.
    std::uint32_t lost_before_ = 0;
};

}  // namespace tulle::load
