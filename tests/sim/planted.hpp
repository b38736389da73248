#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

namespace tulle::sim {

/// Defects that tests plant in a simulated node, to see that the checkers find each. Defects plants from outside, in
/// the input and the output of the node; the node itself knows nothing of a defect.
enum class Planted : std::uint8_t {
    kNone,
    /// Frames that a peer asks for again are not sent.
    kRepairOff,
    /// A frame that has come before is delivered again.
    kDuplicateFilterOff,
    /// A subscription is confirmed before any node has acknowledged the subscription.
    kBarrierOff,
    /// A delta is acknowledged although the node can't apply the delta yet.
    kAckBeforeApply,
    /// A further client of a pending channel is confirmed at once.
    kSecondSkipsBarrier,
    /// A snapshot replaces the changes of newer deltas.
    kStaleSnapshot,
    /// Others fill in for a silent origin although the session still stands.
    kReconcileOpen,
    /// The end of a peer's old subscription is taken for the peer's death.
    kOldPipe,
    /// A node that asks after a silent peer is believed, though the peer is heard here.
    kHearsayKills,
    /// A leaver does not wait for receipts.
    kLeaveUnflushed,
    /// Changes of presence overtake the list of users.
    kPresenceOvertakes,
    /// The last events of channels are not handed on when the members change.
    kRetainedUnmoved,
    /// A task counts as done when the shard has been told of the task.
    kTaskForgotten,
    /// A duty counts as done when the shard has been told of the duty.
    kSettledEarly,
    /// Data alone is enough for a peer to count as alive.
    kControlUnheeded,
    /// A publish that wants copies is answered before any other node has the message.
    kCopiesUncounted,
    /// A node that answers about a history claims to be told all since the beginning.
    kHistoryAlwaysWhole,
    /// A keeper is not told of lost messages that it was to hold.
    kHistoryGoneUntold,
    /// A client that comes from a node that was ahead gets messages again.
    kResumeNotAhead,
    /// A client is told that nothing was missed, whatever is known.
    kResumeAlwaysRecovers,
};

/// True for a defect of histories, which only runs with histories find.
[[nodiscard]] constexpr bool is_of_histories(Planted planted) {
    return planted == Planted::kHistoryAlwaysWhole || planted == Planted::kHistoryGoneUntold ||
           planted == Planted::kResumeNotAhead || planted == Planted::kResumeAlwaysRecovers;
}

/// The defects by the names that `simrun --plant` takes.
inline constexpr std::array<std::pair<std::string_view, Planted>, 20> kPlantedNames{{
    {"repair-off", Planted::kRepairOff},
    {"duplicate-filter-off", Planted::kDuplicateFilterOff},
    {"barrier-off", Planted::kBarrierOff},
    {"ack-before-apply", Planted::kAckBeforeApply},
    {"second-skips-barrier", Planted::kSecondSkipsBarrier},
    {"stale-snapshot", Planted::kStaleSnapshot},
    {"reconcile-open", Planted::kReconcileOpen},
    {"old-pipe", Planted::kOldPipe},
    {"hearsay-kills", Planted::kHearsayKills},
    {"leave-unflushed", Planted::kLeaveUnflushed},
    {"presence-overtakes", Planted::kPresenceOvertakes},
    {"kept-unmoved", Planted::kRetainedUnmoved},
    {"task-forgotten", Planted::kTaskForgotten},
    {"settled-early", Planted::kSettledEarly},
    {"control-unheeded", Planted::kControlUnheeded},
    {"copies-uncounted", Planted::kCopiesUncounted},
    {"history-always-whole", Planted::kHistoryAlwaysWhole},
    {"resume-not-ahead", Planted::kResumeNotAhead},
    {"resume-always-recovers", Planted::kResumeAlwaysRecovers},
    {"history-gone-untold", Planted::kHistoryGoneUntold},
}};

}  // namespace tulle::sim
