#pragma once

#include "tools/chaos/history.hpp"
#include "tools/chaos/report.hpp"
#include "tools/chaos/timeline.hpp"

namespace tulle::chaos {

/// The limits of the promises, as judged from outside.
///
/// A message is owed when the origin lives for at least this time after the answer. An origin killed sooner may take
/// the message to the grave.
inline constexpr Duration kOriginLives = 1s;
/// A subscription must have a message when the subscription lasts at least this time after the answer.
inline constexpr Duration kSettle = 3s;
/// Counted back from the end of a subscription. A message accepted within this time may still be under way when the
/// node writes the Close or dies.
inline constexpr Duration kPrompt = 500ms;
/// Takes the place of kPrompt while the mesh key is replaced: connections end once, and are made again with other keys.
/// As long as P1 allows where nothing is wrong.
inline constexpr Duration kPromptOfRotation = 1500ms;
/// Takes the place of kSettle after a thaw or a heal: 5 s until the mesh is whole again, and kSettle.
inline constexpr Duration kThawSettle = 8s;
/// Counted from the end of a fault: by then every node sees every other node.
inline constexpr Duration kHeal = 5s;
/// How long survivors may take to find a killed node dead, at the median over all kills and survivors.
inline constexpr Duration kDetectMedian = 500ms;
/// The bound of the 99th percentile of the detection times of kills.
inline constexpr Duration kDetectP99 = 1s;
/// How long survivors may take to find a frozen node dead. Also the bound of every single kill, however few kills a run
/// has.
inline constexpr Duration kFreezeDetect = 2500ms;
/// No stall shorter than this may kill a node.
inline constexpr Duration kHarmlessStall = 1s;
/// Added to every bound on views. The watcher looks at the status of a node 20 times a second, so a change shows late.
inline constexpr Duration kPollSlack = 250ms;

/// Judges a history. The function reads nothing else: an equal history always has an equal verdict. An empty history
/// yields a report without checks.
[[nodiscard]] Report check(const History& history);

/// The parts of check(). Each part appends verdicts and samples to `report`, with a verdict for every promise already
/// in place (see verdict_of()).
///
/// P1, P2, P3, and P6 for messages that a freeze or a cut delayed: messages arrive, in order, without silent holes.
void check_deliveries(const Timeline& timeline, Report& report);
/// P4: each of the last messages of a killed origin reaches either all survivors or none.
void check_killed_origins(const Timeline& timeline, Report& report);
/// P5: dead nodes are found in time, living nodes are not held for dead.
void check_membership(const Timeline& timeline, Report& report);
/// P6: the mesh is whole within kHeal after a fault, and sessions outlive faults elsewhere.
void check_heals(const Timeline& timeline, Report& report);
/// P7: nodes beside a frozen node grow by no more than memory_allowed().
void check_memory(const Timeline& timeline, Report& report);
/// P8: in quiet times every pair of nodes carries canaries both ways.
void check_pairs(const Timeline& timeline, Report& report);
/// PR, RD, CA and WH: presence, reads of the API, caches and webhooks are true at rest.
void check_rest(const Timeline& timeline, Report& report);

/// By how many bytes a node may grow while another node is frozen: the node's record ring, for each peer the credit and
/// the receive ring (mesh/core/node/numbers.hpp), and 32 MiB. `nodes` counts the whole mesh and is at least 1.
[[nodiscard]] std::uint64_t memory_allowed(std::uint32_t nodes);

/// The verdict named `id` ("P1"). An unknown id is a mistake of the caller and fails an assertion.
[[nodiscard]] Verdict& verdict_of(Report& report, const std::string& id);

/// "12.345678": seconds since the run began. The history has the moment in microseconds, so a reader finds the line
/// again.
[[nodiscard]] std::string at_text(Instant at);

}  // namespace tulle::chaos
