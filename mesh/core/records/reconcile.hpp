#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "mesh/core/node/messages.hpp"
#include "mesh/core/node/numbers.hpp"

namespace tulle::mesh {

/// When an origin dies, its receivers fill each other in: what one of them has delivered, all that are interested
/// deliver.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
/// Use:    the origin's session is ended first, so that nothing late of it can come behind the fill.
/// Order:  what is filled in is handed on in order of n, when every survivor has answered or at the deadline.
/// Silence: a survivor whose session ends before it has answered is asked when the next one stands, also when the rest
///         has been handed on by then. One that has a session and does not answer may have what nobody else has: that
///         is lost, and told so.
/// Limits: keeps `receive_ring_bytes` or `receive_ring_age` of what came from each origin, and for as long what is
///         gone: the last kLosses reports of it, with the names of up to kLossChannels channels each; older ones are
///         one without names; waits `reconcile`, and twice that at most while answers arrive or survivors come again.
///         Holds two rings of answers for each origin (two survivors may have different ends of it); what comes beyond
///         is counted as lost. When the origin comes back meanwhile, nothing is handed on: it sends everything itself.
/// Repeats: who has said nothing for `reconcile_retry` is asked again. While its answer arrives it is not: each
///         question is answered from the beginning, with up to a ring.
class Reconcile {
public:
    /// Reports of losses kept for each origin. Bounds the memory for an origin whose ring is overrun again and again.
    static constexpr std::size_t kLosses = 16;
    static constexpr std::size_t kLossChannels = 64;

    Reconcile(const Timing& timing, const Limits& limits) : timing_(timing), limits_(limits) {}

    /// Came from `origin` and was delivered.
    void keep(Instant now, OriginId origin, const RecordPtr& record);
    /// Records of `origin` up to `upto` will never come: who asks for them is to be told as well.
    void keep_gone(Instant now, OriginId origin, RecordNo upto, const Gone& gone);

    /// What to say to whom.
    struct Out {
        std::vector<std::pair<OriginId, Wake>> asks;
        /// Send `to` what of `origin` follows `after`, filtered by its interest.
        struct Answer {
            OriginId to;
            OriginId origin;
            std::vector<RecordPtr> records;
            Gone gone;
        };
        std::vector<Answer> answers;
        /// To be delivered here, in order.
        struct Filled {
            OriginId origin;
            std::vector<RecordPtr> records;
            Gone gone;      ///< nobody has these; those of unknown channels may be of no interest
            RecordNo upto;  ///< what is gone is no later than this one
        };
        std::vector<Filled> filled;
    };

    /// How far we had come with the origin.
    struct Position {
        RecordNo delivered;           ///< all up to here
        std::vector<RecordPtr> held;  ///< came beyond a hole
        std::uint64_t lost = 0;       ///< at most so many records are in the holes,
        RecordNo known = {};          ///< and none of them is later than this one
    };
    /// `survivors` have a session; `away` had one lately, and are asked if they come again.
    struct Witnesses {
        std::set<OriginId> survivors;
        std::set<OriginId> away;
    };
    /// `origin` is dead.
    void begin(Instant now, OriginId origin, const Position& position, const Witnesses& witnesses, Out& out);
    /// A survivor asks. Answered now, or when the origin is dead for us too.
    void on_wake(OriginId from, const Wake& wake, bool origin_in_session, Out& out);
    void on_fill(Instant now, OriginId from, const Fill& fill, Out& out);
    /// Bytes kept of the origin of which most is kept.
    [[nodiscard]] std::size_t largest_ring() const {
        std::size_t most = 0;
        for (const auto& [origin, ring] : rings_) {
            most = std::max(most, ring.bytes);
        }
        return most;
    }
    [[nodiscard]] bool under_way(OriginId origin) const { return recoveries_.contains(origin); }
    /// The session with survivor `oid` has ended. Recoveries that await its answer will ask in its next session. Its
    /// early questions are dropped: they may have come by a session that the survivor itself ended long before.
    void survivor_gone(OriginId oid);
    /// A new one stands. Returned are the origins of which the rest has been handed on, and that it is still to be
    /// asked of.
    [[nodiscard]] std::vector<OriginId> survivor_back(Instant now, OriginId oid, Out& out);
    /// It may live after all: then what it sends itself is complete and in order. How far we had come, to begin anew if
    /// it does not; nothing when that was not under way.
    std::optional<Position> abort(OriginId origin);
    void on_deadline(Instant now, Out& out);
    [[nodiscard]] std::optional<Instant> next_deadline() const;
    [[nodiscard]] std::uint64_t filled() const { return filled_; }

private:
    struct Kept {
        RecordPtr record;
        Instant at;
    };
    struct Ring {
        std::deque<Kept> records;
        std::size_t bytes = 0;
    };
    struct Loss {
        RecordNo upto;
        Gone gone;
        Instant at;
    };
    struct OriginRecovery {
        RecordNo delivered;
        std::map<OriginId, Instant> waiting;  // and when to ask again
        std::set<OriginId> absent;            // to be asked when they come again, and waited for
        std::set<OriginId> away;              // the same, and not waited for
        std::map<RecordNo, RecordPtr> pool;
        std::size_t pool_bytes = 0;
        std::uint64_t lost = 0;
        RecordNo known;                             // the holes are no later
        std::map<std::string, std::uint64_t> gone;  // by channel, as survivors were told
        std::uint64_t gone_unknown = 0;
        Instant latest;      // no answer is waited for beyond it
        Instant give_up_at;  // unless something comes meanwhile
    };

    [[nodiscard]] std::vector<RecordPtr> after(OriginId origin, RecordNo n) const;
    [[nodiscard]] Gone gone_after(OriginId origin, RecordNo n) const;
    [[nodiscard]] Out::Answer answer(OriginId to, OriginId origin, RecordNo n) const;
    void take_in(OriginRecovery& recovery, const RecordPtr& record);
    static void take_in(OriginRecovery& recovery, const Gone& gone);
    static void have_time(OriginRecovery& recovery, Instant until) {
        recovery.give_up_at = std::max(recovery.give_up_at, std::min(until, recovery.latest));
    }
    void finish(Instant now, std::map<OriginId, OriginRecovery>::iterator it, Out& out);
    void drop_old_rings(Instant now);

    Timing timing_;
    Limits limits_;
    std::map<OriginId, Ring> rings_;               // none is empty
    std::map<OriginId, std::deque<Loss>> losses_;  // likewise
    Instant rings_until_ = Instant::max();         // no ring is too old before
    std::map<OriginId, OriginRecovery> recoveries_;
    struct Unasked {
        std::set<OriginId> survivors;
        Instant until;  // then nobody has its records any more
    };
    std::map<OriginId, Unasked> unasked_;                     // by origin
    std::map<OriginId, std::map<OriginId, RecordNo>> early_;  // origin -> who asked before it was dead for us
    std::uint64_t filled_ = 0;
};

}  // namespace tulle::mesh
