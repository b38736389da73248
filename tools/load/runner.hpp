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

struct RunOptions {
    enum class Kind : std::uint8_t {
        kBurst,     ///< closed loop: `batch` messages of each publisher, then wait until all have got them
        kRate,      ///< open loop: `rate` messages a second of all publishers together, whatever the server does
        kSaturate,  ///< at most `window` messages of each publisher under way, else as fast as it goes
        kIdle,      ///< nothing is sent
    };

    Kind kind = Kind::kBurst;
    std::size_t text_bytes = 64;
    Duration length{std::chrono::seconds(1)};
    std::uint32_t batch = 1;  ///< messages that are due, and as far as possible written, at once
    double rate = 0;
    std::uint32_t window = 1;
    std::uint32_t channels = 0;  ///< only so many of the published channels; 0: all
    Duration rest{};             ///< of closed loops: between two looks at the connections, see Swarm::rest
    Duration patience{std::chrono::seconds(5)};  ///< for what is still under way at the end, or does not move
};

struct RunReport {
    std::uint64_t sent = 0;
    std::uint64_t unsent = 0;    ///< were due in an open loop, but the server took no more
    std::uint64_t expected = 0;  ///< deliveries of what was sent
    Tally tally;
    Duration took{};  ///< from the first message until all had been received or given up
    CpuWindow::Used cpu;
    std::uint64_t requests = 0;  ///< answered well; of publishing by HTTP
    std::uint32_t lost_connections = 0;
    Swarm::Complaints complaints;

    /// Everything that was sent has come once, in order, and nobody complained.
    [[nodiscard]] bool clean() const;
    /// In words what is wrong; empty when clean.
    [[nodiscard]] std::string trouble() const;
    /// The same without what is missing or was not sent.
    [[nodiscard]] std::string errors() const;
    [[nodiscard]] std::uint64_t missing() const { return expected > tally.received ? expected - tally.received : 0; }
};

/// Carries out runs on connections that stand. After each, the latencies are in swarm.ledger().latency().
class Runner {
public:
    /// `progress` may be empty; it is called about five times a second with the time since the beginning and deliveries
    /// so far, and ends the run by returning false.
    using Progress = std::function<bool(Duration, std::uint64_t)>;
    Runner(Swarm& swarm, const Dialect& dialect, const Plan& plan, Progress progress = {});

    /// Empty when these options make sense here; otherwise what is wrong with them.
    [[nodiscard]] std::string complaint(const RunOptions& options) const;

    /// REQUIRES: complaint(options).empty().
    [[nodiscard]] RunReport run(const RunOptions& options, const std::vector<pid_t>& pids);

private:
    // More fields than 15: four tables of streams, and the run in work.
    struct Publisher {
        std::vector<std::uint32_t> streams;
        std::size_t used_streams = 0;
        std::size_t next_stream = 0;
        std::uint64_t written = 0;     ///< messages, in this run
        std::uint64_t due = 0;         ///< messages that should have been written by now
        std::uint64_t deliveries = 0;  ///< expected of what was written
        std::uint64_t audience = 0;    ///< of all its streams in use
    };

    void begin(const RunOptions& options);
    void burst();
    void open_loop();
    /// So many groups are due since the beginning, of the publishers in turn.
    void owe(std::uint64_t groups);
    void saturate();
    void idle();
    void rest() const;
    /// Writes what is due, as far as the transport lets it. `intended` of a message that is the publisher's n-th.
    template <class Intended>
    void pump(std::uint32_t publisher, const Intended& intended);
    template <class Intended>
    void pump_all(const Intended& intended);
    void write(std::uint32_t publisher, Instant intended);
    [[nodiscard]] bool everything_written() const;
    [[nodiscard]] bool everything_arrived() const;
    void await_the_rest(Instant deadline);
    [[nodiscard]] std::uint64_t under_way(std::uint32_t publisher) const;
    /// Whether to go on sending.
    [[nodiscard]] bool going_on(Instant now);

    Swarm& swarm_;
    const Dialect& dialect_;
    Progress progress_;
    std::vector<std::uint32_t> audience_;     ///< by stream
    std::vector<std::uint32_t> channel_;      ///< by stream
    std::vector<std::uint32_t> place_;        ///< by stream: which of the published channels
    std::vector<std::uint32_t> next_number_;  ///< by stream
    std::vector<Publisher> publishers_;
    RunOptions options_;
    RunReport report_;
    std::string text_;
    Instant begin_{};
    Instant end_{};
    Instant next_progress_{};
    bool stopped_ = false;  ///< by progress_
    std::uint32_t lost_before_ = 0;
};

}  // namespace tulle::load
