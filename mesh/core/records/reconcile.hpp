#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "mesh/core/node/messages.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/node/part_numbers.hpp"

namespace tulle::mesh {

/// When an origin dies, its receivers fill each other in: a record that any receiver has delivered is delivered by
/// every interested receiver. Reconcile decides whom to ask, and which records are filled in. Recovery sends and
/// delivers.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Use:    the caller ends the session with the origin first, so that no late record of the origin comes behind the
///         fill.
/// Order:  filled-in records are handed on in order of n, when every survivor has answered or at the deadline.
/// Deafness: records that the origin accepted for this node alone, while its data path to this node was broken or gave
///         no receipts, nobody else has. When control spoke meanwhile, this is known here, and at least one loss is
///         reported.
/// Silence: a survivor that loses its session before answering is asked again in the next session, even after the rest
///         was handed on. A survivor with a session but without an answer may have records that nobody else has. Such
///         records count as lost, and the loss is reported.
/// Limits: keeps of each origin the records of the last `receive_ring_age`, at most `receive_ring_bytes`, and for as
///         long the reports of losses. The last kLosses reports are kept, each with the names of at most kLossChannels
///         channels; older reports are summed up without names. Waits `reconcile` for answers, and at most twice as
///         long while answers arrive or survivors come again. Pools at most two rings of answers for each origin,
///         because two survivors may have different ends of the log; records beyond count as lost. When the origin
///         itself comes back meanwhile nothing is handed on: the origin sends everything itself.
/// Repeats: a survivor that has been silent for `reconcile_retry` is asked again, and so is a survivor whose answer
/// came
///         to its end without some part. While an answer arrives the survivor
///         is not asked again, because each question is answered from the beginning, with up to a ring of records.
class Reconcile {
public:
    /// Reports of losses kept for each origin. Bounds the memory for an origin whose ring is overrun again and again.
    static constexpr std::size_t kLosses = 16;
    /// Channels named in a report. Bounds a report to about 20 kB; a report with more channels is kept as a number
    /// without names.
    static constexpr std::size_t kLossChannels = 64;
    /// Parts of an answer that are told apart. An answer has at most the records of a receive ring and of a pool, three
    /// rings (16 MiB), in parts of 256 KiB less one record: about 400. An answer of more never counts as complete.
    static constexpr std::size_t kParts = 1024;

    Reconcile(const Timing& timing, const Limits& limits) : timing_(timing), limits_(limits) {}

    /// Keeps a record that came from `origin` and was delivered here, for survivors that ask later.
    void keep(Instant now, OriginId origin, const RecordPtr& record);
    /// Keeps a report: some records of `origin` up to `upto` will never come. A survivor that asks is told the report
    /// too.
    void keep_gone(Instant now, OriginId origin, RecordNo upto, const Gone& gone);

    /// The decisions of a call. The caller sends, answers and delivers, in the order of the fields.
    struct Out {
        /// Questions, each with the node to ask.
        std::vector<std::pair<OriginId, Wake>> asks;
        /// Send to `to` the given records of `origin`, filtered by the interest of `to`.
        struct Answer {
            OriginId to;
            OriginId origin;
            std::vector<RecordPtr> records;
            Gone gone;
        };
        std::vector<Answer> answers;
        /// Deliver these records here, in order.
        struct Filled {
            OriginId origin;
            std::vector<RecordPtr> records;
            /// Losses: no survivor has the records. Unknown channels may be of no interest here.
            Gone gone;
            /// No lost record has a greater number, as far as the survivors' answers tell.
            RecordNo upto;
        };
        std::vector<Filled> filled;
    };

    /// How far the records of an origin had arrived here.
    struct Position {
        /// Everything up to here was delivered.
        RecordNo delivered;
        /// Records that arrived beyond a hole.
        std::vector<RecordPtr> held;
        /// The number of records in the holes, at most.
        std::uint64_t lost = 0;
        /// No record in the holes has a greater number.
        RecordNo known = {};
        /// True when the origin was heard on control alone at the end, or had said that records wait for this node: it
        /// may have accepted records for this node that this node knows nothing of (DataPath::may_lack_unknown).
        bool is_deaf = false;
    };
    /// The nodes that may have records of the origin.
    struct Witnesses {
        /// In session now: asked at once and waited for.
        std::set<OriginId> survivors;
        /// Lately in session: asked when the next session stands, and not waited for.
        std::set<OriginId> away;
    };
    /// Starts the recovery of the dead `origin`. Without survivors the recovery ends in the same call. REQUIRES:
    /// `origin` is not a survivor.
    void begin(Instant now, OriginId origin, const Position& position, const Witnesses& witnesses, Out& out);
    /// Answers the question of another survivor: now, or in begin() when `origin_in_session` says that the origin still
    /// lives for this node.
    void on_wake(OriginId from, const Wake& wake, bool origin_in_session, Out& out);
    /// Takes in a part of the answer of `from`. Ignored when no answer of `from` is awaited.
    void on_fill(Instant now, OriginId from, const Fill& fill, Out& out);
    /// The size in bytes of the largest receive ring.
    [[nodiscard]] std::size_t largest_ring() const {
        std::size_t most = 0;
        for (const auto& [origin, ring] : rings_) {
            most = std::max(most, ring.bytes);
        }
        return most;
    }
    /// True when a recovery of `origin` has begun and not ended.
    [[nodiscard]] bool under_way(OriginId origin) const { return recoveries_.contains(origin); }
    /// The session with survivor `oid` has ended. Recoveries that await its answer will ask in its next session. Its
    /// early questions are dropped: they may have come by a session that the survivor itself ended long before.
    void survivor_gone(OriginId oid);
    /// A new session with `oid` stands. Asks for recoveries under way. Returns the origins with a finished recovery
    /// that `oid` has not answered: the caller begins these recoveries again.
    [[nodiscard]] std::vector<OriginId> survivor_back(Instant now, OriginId oid, Out& out);
    /// Gives up the recovery of `origin`, which may live after all: the origin itself sends everything completely and
    /// in order. Returns the position from which to begin again if the origin does not come; nothing when no recovery
    /// was under way.
    std::optional<Position> abort(OriginId origin);
    /// Asks again, gives up waiting, and drops old rings.
    void on_deadline(Instant now, Out& out);
    /// When on_deadline() has a recovery to work on. Nothing without recoveries: old rings alone cause no wake-up.
    [[nodiscard]] std::optional<Instant> next_deadline() const;
    /// Records handed on as filled in. The counter only grows.
    [[nodiscard]] std::uint64_t filled() const { return filled_; }

private:
    /// A record with its time of arrival.
    struct Kept {
        RecordPtr record;
        Instant at;
    };
    /// The latest records of an origin.
    struct Ring {
        std::deque<Kept> records;
        std::size_t bytes = 0;
    };
    /// A report of lost records with its time of arrival.
    struct Loss {
        RecordNo upto;
        Gone gone;
        Instant at;
    };
    /// A survivor whose answer is awaited.
    struct Awaited {
        Instant ask_again_at;
        /// The answer that arrives: its number, and the parts that have come.
        std::uint64_t answer = 0;
        PartNumbers parts{kParts};
        /// Notes a part. Returns true when the answer is complete.
        [[nodiscard]] bool note(const Fill& fill);
    };
    /// The state of a recovery.
    struct OriginRecovery {
        RecordNo delivered;
        /// Survivors whose answers are awaited.
        std::map<OriginId, Awaited> waiting;
        /// Survivors without a session: asked when they come again, and waited for until the deadline.
        std::set<OriginId> absent;
        /// Nodes lately in session: asked when they come again, and not waited for.
        std::set<OriginId> away;
        /// Records to be delivered, in order of n.
        std::map<RecordNo, RecordPtr> pool;
        std::size_t pool_bytes = 0;
        /// Records in the holes, less those found in the answers since.
        std::uint64_t lost = 0;
        /// No record in the holes has a greater number.
        RecordNo known;
        /// True when records may be missing that nobody knows of.
        bool is_deaf = false;
        /// Losses that survivors were told of, by channel.
        std::map<std::string, std::uint64_t> gone;
        std::uint64_t gone_unknown = 0;
        bool gone_history = false;
        /// The deadline beyond which no answer is waited for.
        Instant latest;
        /// The present deadline. Answers move the deadline on, up to `latest`.
        Instant give_up_at;
    };

    /// The records of `origin` behind `n` known here: from the receive ring and the pool, in order of n.
    [[nodiscard]] std::vector<RecordPtr> after(OriginId origin, RecordNo n) const;
    /// The kept losses of `origin` that reach beyond `n`.
    [[nodiscard]] Gone gone_after(OriginId origin, RecordNo n) const;
    /// The answer to a question of `to` about the records of `origin` behind `n`.
    [[nodiscard]] Out::Answer answer(OriginId to, OriginId origin, RecordNo n) const;
    /// Puts a record into the pool, unless known already. Beyond two rings of bytes the record counts as lost.
    void take_in(OriginRecovery& recovery, const RecordPtr& record);
    /// Merges the losses that a survivor reports.
    static void take_in(OriginRecovery& recovery, const Gone& gone);
    /// Extends the deadline to `until`, at most to `latest`.
    static void have_time(OriginRecovery& recovery, Instant until) {
        recovery.give_up_at = std::max(recovery.give_up_at, std::min(until, recovery.latest));
    }
    /// Ends a recovery: hands the pool on in order and reports losses.
    void finish(Instant now, std::map<OriginId, OriginRecovery>::iterator it, Out& out);
    /// Drops rings and reports older than `receive_ring_age`.
    void drop_old_rings(Instant now);

    Timing timing_;
    Limits limits_;
    // By origin. No ring in the map is empty.
    std::map<OriginId, Ring> rings_;
    // By origin. No queue in the map is empty.
    std::map<OriginId, std::deque<Loss>> losses_;
    // The earliest time at which a ring or report can be too old.
    Instant rings_until_ = Instant::max();
    std::map<OriginId, OriginRecovery> recoveries_;
    /// Survivors of a finished recovery that have not answered.
    struct Unasked {
        std::set<OriginId> survivors;
        /// After this moment nobody keeps the origin's records any more.
        Instant until;
    };
    // By origin.
    std::map<OriginId, Unasked> unasked_;
    // By origin: the askers whose question came before this node gave the origin up, each with its position.
    std::map<OriginId, std::map<OriginId, RecordNo>> early_;
    std::uint64_t filled_ = 0;
};

}  // namespace tulle::mesh
