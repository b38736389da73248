#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

namespace tulle::sim {

/// Defects that tests plant in a simulated node, to see that the checkers find them. `Defects` plants them from
/// outside, in what goes into the node and what comes out; the node itself knows nothing of them.
enum class Planted : std::uint8_t {
    kNone,
    kRepairOff,           ///< what a peer asks for again is not sent
    kDuplicateFilterOff,  ///< a frame that has come before is delivered again
    kBarrierOff,          ///< a subscription is confirmed before anybody has acknowledged it
    kAckBeforeApply,      ///< a delta is acknowledged although it can't be applied yet
    kSecondSkipsBarrier,  ///< who subscribes to a pending channel is confirmed at once
    kStaleSnapshot,       ///< a snapshot replaces what newer deltas have brought
    kReconcileOpen,       ///< others fill in for a silent origin whose session still stands
    kOldPipe,             ///< the end of a peer's old subscription is taken for its death
    kHearsayKills,        ///< who asks after a silent peer is believed, though the peer is heard here
    kLeaveUnflushed,      ///< a leaver does not wait for receipts
    kPresenceOvertakes,   ///< changes of presence overtake the list of members
    kRetainedUnmoved,     ///< the last events of channels are not handed on when the members change
    kTaskForgotten,       ///< a task counts as done when the shard has been told of it
    kSettledEarly,        ///< a duty counts as done when the shard has been told of it
    kControlUnheeded,     ///< data alone is enough for a peer to count as alive
};

/// By the names that `simrun --plant` takes.
inline constexpr std::array<std::pair<std::string_view, Planted>, 15> kPlantedNames{{
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
}};

}  // namespace tulle::sim
