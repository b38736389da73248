#pragma once

#include <cstdint>
#include <deque>
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

/// The last events of channels that keep one, as far as this node holds them, and who is to hold which.
///
/// Of a channel the `keepers` that rendezvous hashing names hold the last event, every node with subscribers of it
/// does, and the node that has accepted it does for `retained_transit`, until it has surely arrived. When the members
/// change, its holders hand it on to whoever has become a keeper; when the node is lost that has accepted it lately, to
/// whoever is interested, as some may not have got it. A node that was told an event lately by members that are all
/// lost may be the only one of its part of the mesh that has the event: these members may have come from another part,
/// and have met nobody else. It hands the event on to all keepers and to whoever is interested. The last is the one
/// with the greatest stamp, for everybody.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
/// Cost:   put and find are O(log events). After a change of members `retained_slice` weights are computed a turn,
/// until
///         all events have been looked at; events that nobody needs any more go in the same way.
/// Limits: `retained_bytes`; beyond it the event that was put first goes, and is counted.
class RetainedTable {
public:
    RetainedTable(OriginId self, const Timing& timing, const Limits& limits)
        : self_(self), timing_(timing), limits_(limits), members_{self} {}

    /// Holds it unless a later one is held. `own`: accepted by this node. `teller`: the member that told us of it; none
    /// when it was accepted here, or came as a record, which `Reconcile` brings to everybody when its origin dies.
    void put(Instant now, const std::string& channel, const RetainedEvent& event, bool own, OriginId teller = {});
    /// Null when there is none, or it is too old. Valid until the next change.
    [[nodiscard]] const RetainedEvent* find(Instant now, const std::string& channel) const;

    // ---- who keeps
    /// The members that there are sessions with.
    void set_members(std::vector<OriginId> others);
    [[nodiscard]] std::vector<OriginId> keepers(const std::string& channel) const;
    [[nodiscard]] bool keeps(OriginId who, const std::string& channel) const;
    /// This member is to be given what we hold of the channel; 0: all that are interested in it.
    struct HandOn {
        OriginId to;
        std::string channel;
    };
    /// A slice of the work that is due.
    [[nodiscard]] std::vector<HandOn> on_deadline(Instant now);
    [[nodiscard]] std::optional<Instant> next_deadline() const;
    /// What this node has accepted lately and `to` is to keep: for when it is not known which of it is lost on the way.
    [[nodiscard]] std::vector<std::string> lately_for(Instant now, OriginId to) const;

    // ---- what others hold of the channels that have subscribers here
    void want(const std::string& channel) { wanted_.try_emplace(channel); }
    void forget(const std::string& channel) { wanted_.erase(channel); }
    /// Subscribers are told what is held now: what comes from here on is news to them.
    void confirmed(const std::string& channel) { wanted_[channel].is_confirmed = true; }
    /// `since`: the version of our present interest in the channel, if any. True when that is an answer to it.
    bool accept(Instant now, OriginId from, const RetainedPart& part, std::optional<InterestVersion> since);
    [[nodiscard]] bool knows(OriginId from, const std::string& channel, InterestVersion since) const;
    /// The record has come behind the answer of its origin that holds it, or a later one, already: an answer that the
    /// subscribers were waiting for.
    [[nodiscard]] bool is_answered(OriginId from, const std::string& channel, RecordNo n) const;
    /// Its session has ended.
    void lose(OriginId from) { ++epochs_[from]; }

    [[nodiscard]] std::size_t size() const { return events_.size(); }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    [[nodiscard]] std::uint64_t evicted() const { return evicted_; }

private:
    struct Entry {
        RetainedEvent event;
        Instant put_at;
        std::uint64_t order = 0;  // of the putting
        bool own = false;
        std::vector<OriginId> tellers;  // who told us of it, `kKeepers` at most; none: others have it for other reasons
    };
    using Events = std::map<std::string, Entry>;
    struct Answer {
        InterestVersion version;
        RecordNo at;
        std::uint64_t epoch = 0;  // of the session that brought it
    };
    struct Wanted {
        std::map<OriginId, Answer> answers;
        bool is_confirmed = false;
    };
    /// A change of members that not all events have been looked at for.
    struct Move {
        std::vector<OriginId> before;
        std::vector<OriginId> after;
        std::string cursor;
    };

    Events::iterator drop(Events::iterator it);
    void move_slice(Instant now, std::vector<HandOn>& out);
    void hand_on(Instant now, const Move& move, Events::value_type& held, std::vector<HandOn>& out) const;
    [[nodiscard]] bool has_lost_tellers(Instant now, const Entry& entry) const;
    void sweep_slice(Instant now);
    [[nodiscard]] bool in_transit(Instant now, const Entry& entry) const {
        return entry.own && now < entry.put_at + timing_.retained_transit;
    }
    [[nodiscard]] const Answer* answer_of(OriginId from, const std::string& channel) const;
    [[nodiscard]] std::size_t slice(std::size_t members) const;

    OriginId self_;
    Timing timing_;
    Limits limits_;
    std::vector<OriginId> members_;
    Events events_;
    std::map<std::uint64_t, std::string> by_order_;
    std::uint64_t last_order_ = 0;
    std::size_t bytes_ = 0;
    std::uint64_t evicted_ = 0;
    std::deque<Move> moves_;
    std::optional<std::string> sweep_cursor_;
    Instant sweep_at_;
    StringMap<Wanted> wanted_;
    std::map<OriginId, std::uint64_t> epochs_;
};

}  // namespace tulle::mesh
