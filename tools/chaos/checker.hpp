#pragma once

#include "tools/chaos/history.hpp"
#include "tools/chaos/report.hpp"
#include "tools/chaos/timeline.hpp"

namespace tulle::chaos {

/// The limits of the promises, as judged from outside.
inline constexpr Duration kOriginLives = 1s;  ///< a message accepted so long before its origin is killed is owed
inline constexpr Duration kSettle = 3s;       ///< a subscription that lasts so long after a message must have it
/// Before a subscription ends: what is accepted later may be under way when the node writes its Close, or dies.
inline constexpr Duration kPrompt = 500ms;
inline constexpr Duration kThawSettle = 8s;       ///< the same after a thaw: 5 s to be whole again, and kSettle
inline constexpr Duration kHeal = 5s;             ///< until all see all
inline constexpr Duration kDetectMedian = 500ms;  ///< of a kill
inline constexpr Duration kDetectP99 = 1s;
inline constexpr Duration kFreezeDetect = 2500ms;  ///< of a freeze, and of any kill, however few there are
inline constexpr Duration kHarmlessStall = 1s;     ///< nothing shorter may kill
inline constexpr Duration kPollSlack = 250ms;      ///< status is looked at from time to time, not at once

/// Judges a history; reads nothing else, so that the same history always has the same verdict.
[[nodiscard]] Report check(const History& history);

/// The parts of check(). Each appends its verdicts and samples.
void check_deliveries(const Timeline& timeline, Report& report);
void check_killed_origins(const Timeline& timeline, Report& report);
void check_membership(const Timeline& timeline, Report& report);
void check_heals(const Timeline& timeline, Report& report);
void check_memory(const Timeline& timeline, Report& report);
void check_pairs(const Timeline& timeline, Report& report);
void check_rest(const Timeline& timeline, Report& report);

/// By how many bytes a node may grow while another one is frozen: its record ring, and for each peer the credit and the
/// receive ring (mesh/core/node/numbers.hpp), and 32 MiB.
[[nodiscard]] std::uint64_t memory_allowed(std::uint32_t nodes);

/// The verdict of that id; it must be there.
[[nodiscard]] Verdict& verdict_of(Report& report, const std::string& id);

/// "12.345678": seconds since the run began, to be found in the history as microseconds.
[[nodiscard]] std::string at_text(Instant at);

}  // namespace tulle::chaos
