#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mesh/base/time.hpp"

namespace tulle::chaos {

/// The first few violations are told in words, the others only counted.
inline constexpr std::size_t kMaxDetails = 10;
/// A run of which more was exempted fails, whatever the verdicts: it has not looked.
inline constexpr double kMaxExemptedPercent = 5;
/// Of fewer checks a share says nothing: one exempted pair of ten.
inline constexpr std::uint64_t kShareMatters = 200;

struct Verdict {
    std::string id;
    std::string promise;
    std::uint64_t checked = 0;
    std::uint64_t exempted = 0;
    std::map<std::string, std::uint64_t> exemptions;  ///< by the rule; their sum is `exempted`
    std::uint64_t violations = 0;
    std::map<std::string, std::uint64_t> notes;  ///< what happened that the promise allows; counted, not exempted
    std::vector<std::string> details;

    [[nodiscard]] bool ok() const { return violations == 0; }
    /// Of what was checked, in percent.
    [[nodiscard]] double exempted_percent() const;
    void violate(std::string detail);
    void exempt(const std::string& rule);
};

struct Samples {
    std::vector<Duration> values;

    /// The smallest value that `percent` of all do not exceed; zero without values.
    [[nodiscard]] Duration percentile(std::size_t percent) const;
    [[nodiscard]] Duration median() const { return percentile(50); }
};

struct Report {
    std::string seed;
    std::uint32_t nodes = 0;
    Duration length{};
    std::uint64_t messages = 0;  ///< accepted
    std::uint64_t deliveries = 0;
    std::uint64_t faults = 0;
    std::uint64_t kills = 0;
    std::uint64_t freezes = 0;             ///< those long enough to be found
    std::uint64_t sessions_across = 0;     ///< made anew between two that had been cut off from each other
    std::uint64_t sessions_elsewhere = 0;  ///< and between two that had not
    std::uint64_t memory_growth = 0;       ///< bytes, the most of any node while another was frozen
    std::uint64_t memory_allowed = 0;
    std::uint64_t memory_peak = 0;
    std::vector<Verdict> invariants;
    std::vector<std::string> skipped;  ///< what was not done or not judged, with the reason
    Samples detection;                 ///< of a kill, by each survivor
    Samples freeze_detection;
    Samples cut_detection;
    Samples convergence;  ///< from the end of a fault until all see all
    Samples repair;       ///< how late messages of peers came that took longer than 20 ms
    Samples delivery;     ///< from the call to publish until the subscriber has it

    /// Of all that was checked, in percent.
    [[nodiscard]] double exempted_percent() const;
    /// Why too much has been exempted, for people; empty: all together have no more than kMaxExemptedPercent, and no
    /// promise with kShareMatters checks more than twice that.
    [[nodiscard]] std::vector<std::string> too_much_exempted() const;
    /// Every promise was kept, and enough was judged to say so.
    [[nodiscard]] bool ok() const;
};

/// For people: a table of the invariants, a table of the times, the violations in words.
[[nodiscard]] std::string report_text(const Report& report);
/// One line.
[[nodiscard]] std::string report_json(const Report& report);

}  // namespace tulle::chaos
