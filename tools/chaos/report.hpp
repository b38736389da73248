#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mesh/base/time.hpp"

namespace tulle::chaos {

/// The first violations of a promise are told in words, all further violations only counted.
inline constexpr std::size_t kMaxDetails = 10;
/// A run with a greater share of exempted checks fails, whatever the verdicts: the run has not looked.
inline constexpr double kMaxExemptedPercent = 5;
/// With fewer checks a share says nothing: a single exempted pair of ten is 10 %.
inline constexpr std::uint64_t kShareMatters = 200;

/// The judgement of a promise.
struct Verdict {
    /// "P1", "RD"…, as in the README.
    std::string id;
    /// The promise in a few words.
    std::string promise;
    /// Checks made, with exempted checks and violations among them.
    std::uint64_t checked = 0;
    std::uint64_t exempted = 0;
    /// Exempted checks by rule; the sum is `exempted`.
    std::map<std::string, std::uint64_t> exemptions;
    std::uint64_t violations = 0;
    /// Events within the promise that a reader may care about; counted, not exempted.
    std::map<std::string, std::uint64_t> notes;
    /// The first kMaxDetails violations in words.
    std::vector<std::string> details;

    [[nodiscard]] bool ok() const { return violations == 0; }
    /// The exempted share of all checks, in percent; 0 without checks.
    [[nodiscard]] double exempted_percent() const;
    /// Counts a violation, and keeps the detail within kMaxDetails.
    void violate(std::string detail);
    /// Counts an exemption under the name of a rule. The caller counts the check.
    void exempt(const std::string& rule);
};

/// Measured times, in no particular order.
struct Samples {
    std::vector<Duration> values;

    /// The smallest value not exceeded by `percent` of all values; zero without values. `percent` is 0 to 100.
    [[nodiscard]] Duration percentile(std::size_t percent) const;
    [[nodiscard]] Duration median() const { return percentile(50); }
};

/// The outcome of a run: verdicts, counts and times.
struct Report {
    /// The text of kRun: usually a number.
    std::string seed;
    std::uint32_t nodes = 0;
    Duration length{};
    /// Accepted messages.
    std::uint64_t messages = 0;
    std::uint64_t deliveries = 0;
    std::uint64_t faults = 0;
    /// Processes ended by SIGKILL.
    std::uint64_t kills = 0;
    /// Freezes long enough to be found.
    std::uint64_t freezes = 0;
    /// Sessions made again between two nodes with a cut between them during the fault.
    std::uint64_t sessions_across = 0;
    /// Sessions made again between two nodes without a cut between them.
    std::uint64_t sessions_elsewhere = 0;
    /// Bytes: the greatest growth of any node while another node was frozen.
    std::uint64_t memory_growth = 0;
    /// Bytes: the bound on memory_growth.
    std::uint64_t memory_allowed = 0;
    /// Bytes: the greatest resident memory of any node.
    std::uint64_t memory_peak = 0;
    /// A verdict for each promise, in the order of the README.
    std::vector<Verdict> invariants;
    /// Faults and checks left out, each with the reason.
    std::vector<std::string> skipped;
    /// From a kill until a survivor's status says so, by each survivor.
    Samples detection;
    /// From the begin of a freeze until a survivor holds the frozen node for dead.
    Samples freeze_detection;
    /// From the begin of a cut until a node holds the node on the other side for dead.
    Samples cut_detection;
    /// From the end of a fault until all nodes see all nodes.
    Samples convergence;
    /// From publish to delivery, for messages from other nodes that took longer than 20 ms.
    Samples repair;
    /// From the call to publish until the subscriber has the message.
    Samples delivery;

    /// The exempted share of all checks of all promises, in percent.
    [[nodiscard]] double exempted_percent() const;
    /// Says for people where too much has been exempted. Empty when all promises together exempt no more than
    /// kMaxExemptedPercent, and no promise with kShareMatters or more checks exempts more than twice that share.
    [[nodiscard]] std::vector<std::string> too_much_exempted() const;
    /// True when every promise was kept, and enough was judged to say so.
    [[nodiscard]] bool ok() const;
};

/// For people: a table of the promises, a table of the times, the violations in words, and "pass" or "FAIL".
[[nodiscard]] std::string report_text(const Report& report);
/// The report as a single line of JSON. Detection times come with every value, so that runs can be put together.
[[nodiscard]] std::string report_json(const Report& report);

}  // namespace tulle::chaos
