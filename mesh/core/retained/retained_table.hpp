#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mesh/base/hash.hpp"
#include "mesh/base/time.hpp"
#include "mesh/core/node/messages.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/node/port.hpp"

namespace tulle::mesh {

/// The retained events on this node, and the decision about the nodes to keep each event.
///
/// An event is kept by the channel's keepers, as rendezvous hashing names them; by every node with subscribers of the
/// channel; and by the node that accepted the event, for `retained_transit`, until the event has surely arrived. A
/// keeper that meets other nodes, and is no keeper among them, keeps the event for `retained_transit` more: the nodes
/// of another part of a split mesh are met one after another, and each node asks for the events that it missed. Of two
/// events of a channel the event with the greater stamp is the last, for every node.
///
/// When the members change, the holders of an event hand the event on to the new keepers. When the node is lost that
/// accepted an event lately, the event goes to all interested peers too: some of the peers may have missed the event. A
/// node told of an event lately, and only by members lost since, may be the only node of its part of the mesh with the
/// event: the lost members may have come from another part of the mesh and met nobody else. Such a node hands the event
/// on to all keepers and to all interested peers.
///
/// In a mesh split in part, the members that hand an event on may not have met all keepers. A keeper that was handed an
/// event therefore hands the event on to the keepers that have not handed it over themselves, `retained_spread` later.
/// A node does so once for an event, so no event goes round.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Cost:   put and find are O(log events). After a change of members `retained_slice` weights are computed in a turn,
///         until all events have been looked at. Unneeded events are removed in slices of equal cost.
/// Limits: `retained_bytes`. Beyond, the event put first is dropped and counted as evicted.
class RetainedTable {
public:
    RetainedTable(OriginId self, const Timing& timing, const Limits& limits)
        : self_(self), timing_(timing), limits_(limits), members_{self} {}

    /// Keeps an event unless a later event of the channel is kept. `own`: this node accepted the event. `teller`: the
    /// member that told the event, or the origin of a record when the origin may have other members than this node. No
    /// teller when the event was accepted here or came as another record: Reconcile brings the records of a dead origin
    /// to all nodes that lost the origin together.
    void put(Instant now, const std::string& channel, const RetainedEvent& event, bool own, OriginId teller = {});
    /// Null without an event, or when the event is too old. Valid until the next change of the table.
    [[nodiscard]] const RetainedEvent* find(Instant now, const std::string& channel) const;

    /// Sets the members with a session. This node is added as a member itself. Starts the search for events to hand on.
    void set_members(std::vector<OriginId> others);
    /// The keepers of the channel among the present members, the most responsible keeper first.
    [[nodiscard]] std::vector<OriginId> keepers(const std::string& channel, std::size_t count = kKeepers) const;
    /// True when node `who` is a keeper of the channel.
    [[nodiscard]] bool keeps(OriginId who, const std::string& channel) const;
    /// No event is dropped for `retained_transit`, unless its time is over when somebody asks for it.
    void postpone_sweep(Instant now) { sweep_ = {std::nullopt, now + timing_.retained_transit}; }
    /// Give the event of `channel` to member `to`; 0 stands for all members with interest in the event.
    struct HandOn {
        OriginId to;
        std::string channel;
    };
    /// Does a slice of the due work. Returns the events to hand on.
    [[nodiscard]] std::vector<HandOn> on_deadline(Instant now);
    /// When on_deadline() has work. Instant{} stands for "at once".
    [[nodiscard]] std::optional<Instant> next_deadline() const;
    /// The channels of the events accepted here lately with `to` as a keeper, or with `asks` true for the channel. For
    /// a peer that has missed an unknown part of this node's log. Walks all events.
    [[nodiscard]] std::vector<std::string> lately_for(Instant now, OriginId to,
                                                      const std::function<bool(const std::string&)>& asks) const;

    /// Collects the members' answers about the channel from here on.
    void want(const std::string& channel) { wanted_.try_emplace(channel); }
    /// Forgets the answers about the channel.
    void forget(const std::string& channel) { wanted_.erase(channel); }
    /// A subscriber has been told the event kept now. From here on every record is news to subscribers.
    void confirmed(const std::string& channel) { wanted_[channel].is_confirmed = true; }
    /// Takes in a member's word about a channel. `since`: the version of this node's present interest in the channel,
    /// if any. True when the word answers this interest.
    bool accept(Instant now, OriginId from, const RetainedPart& part, std::optional<InterestVersion> since);
    /// True when an answer of `from`, made for version `since` or a later version, stands.
    [[nodiscard]] bool knows(OriginId from, const std::string& channel, InterestVersion since) const;
    /// True when record `n` of `from` came behind an answer of `from` with the record's event, or with a later event.
    /// Subscribers then get the event with their confirmation.
    [[nodiscard]] bool is_answered(OriginId from, const std::string& channel, RecordNo n) const;
    /// The answers about a channel held here, of ended sessions included: at most twice the members, and one.
    [[nodiscard]] std::size_t answers(const std::string& channel) const {
        const auto wanted = wanted_.find(channel);
        return wanted == wanted_.end() ? 0 : wanted->second.answers.size();
    }
    /// The session of `from` has ended: its answers no longer stand.
    void lose(OriginId from) { epochs_.erase(from); }

    [[nodiscard]] std::size_t size() const { return events_.size(); }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    [[nodiscard]] std::uint64_t evicted() const { return evicted_; }

private:
    /// A kept event.
    struct Entry {
        RetainedEvent event;
        Instant put_at;
        /// Until then a former keeper keeps the event for members that have not asked yet.
        Instant spare_until;
        /// Counts the puts: the smallest order is evicted first.
        std::uint64_t order = 0;
        /// True when this node accepted the event.
        bool own = false;
        /// The members that told the event, at most kKeepers. Empty when the event came by a way that reaches others as
        /// well.
        std::vector<OriginId> tellers;
    };
    using Events = std::map<std::string, Entry>;
    /// A member's answer about a channel.
    struct Answer {
        InterestVersion version;
        /// Records up to here come no more behind the answer, or their event is in the answer.
        RecordNo at;
        /// The epoch of the session that brought the answer.
        std::uint64_t epoch = 0;
    };
    /// A channel with subscribers here.
    struct Wanted {
        std::map<OriginId, Answer> answers;
        bool is_confirmed = false;
    };
    /// A change of members with events still to be looked at.
    struct Move {
        std::vector<OriginId> before;
        std::vector<OriginId> after;
        /// The last channel looked at. Empty before the first.
        std::string cursor;
    };

    /// Removes an event. Returns the next event.
    Events::iterator drop(Events::iterator it);
    /// Looks at the next events of the oldest change of members.
    void move_slice(Instant now, std::vector<HandOn>& out);
    /// Decides for an event and a change of members whom to hand the event to.
    void hand_on(Instant now, const Move& move, Events::value_type& held, std::vector<HandOn>& out) const;
    /// True when all members that told the event lately are lost.
    [[nodiscard]] bool has_lost_tellers(Instant now, const Entry& entry) const;
    /// Looks at the next events that members have handed over a while ago.
    void spread_slice(Instant now, std::vector<HandOn>& out);
    /// Removes the next events that are too old or not needed.
    void sweep_slice(Instant now);
    /// True while an event accepted here may still be on its way to its keepers.
    [[nodiscard]] bool in_transit(Instant now, const Entry& entry) const {
        return entry.own && now < entry.put_at + timing_.retained_transit;
    }
    /// The standing answer of `from` about a channel. Null for none.
    [[nodiscard]] const Answer* answer_of(OriginId from, const std::string& channel) const;
    /// True while the session of `from` that brought the answer stands.
    [[nodiscard]] bool stands(OriginId from, const Answer& answer) const;
    /// Events to look at in a turn: the keepers of an event cost a weight for each of `members` members.
    [[nodiscard]] std::size_t slice(std::size_t members) const;

    OriginId self_;
    Timing timing_;
    Limits limits_;
    // The members in session, this node included.
    std::vector<OriginId> members_;
    // By channel. Ordered, so that slices can go on behind a name.
    Events events_;
    // Channels by the order of the puts, for eviction.
    std::map<std::uint64_t, std::string> by_order_;
    std::uint64_t last_order_ = 0;
    std::size_t bytes_ = 0;
    std::uint64_t evicted_ = 0;
    // Changes of members, oldest first.
    std::deque<Move> moves_;
    struct Sweep {
        /// The last channel swept. Nothing between two sweeps.
        std::optional<std::string> cursor;
        /// The start of the next sweep.
        Instant at;
    };
    Sweep sweep_;
    // Events that members have handed over, by the order of the put, with the moment to look for keepers without them.
    std::deque<std::pair<Instant, std::uint64_t>> handed_over_;
    StringMap<Wanted> wanted_;
    // A number for the present session of each member that has answered. No number is given twice.
    std::map<OriginId, std::uint64_t> epochs_;
    std::uint64_t last_epoch_ = 0;
};

}  // namespace tulle::mesh
