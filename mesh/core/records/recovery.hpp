#pragma once

#include <map>
#include <vector>

#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/records/arrivals.hpp"
#include "mesh/core/records/origins.hpp"
#include "mesh/core/records/reconcile.hpp"
#include "mesh/core/session/membership.hpp"

namespace tulle::mesh {

/// Brings the receivers of a dead origin to the same state: the receivers fill each other in. Reconcile decides whom to
/// ask and which records are filled in; this service knows the sessions, sends, and delivers.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Limits: the limits of Reconcile. At most `Limits::extras` filled-in records of an origin are remembered beyond the
///         origin's own order; beyond, the records between them are given up and reported.
class Recovery {
public:
    Recovery(MeshContext& context, const Membership& membership, Origins& origins, Arrivals& arrivals, Traces& traces)
        : context_(context),
          membership_(membership),
          origins_(origins),
          arrivals_(arrivals),
          traces_(traces),
          reconcile_(context.timing(), context.limits()) {}

    /// Keeps a record of an origin's link for survivors that ask later.
    void keep(Instant now, OriginId from, const RecordPtr& record) { reconcile_.keep(now, from, record); }
    /// Keeps a report of lost records for survivors that ask later.
    void keep_gone(Instant now, OriginId from, RecordNo upto, const Gone& gone) {
        reconcile_.keep_gone(now, from, upto, gone);
    }
    /// Answers the question of a survivor. A survivor that knows more than this node may also start a recovery here.
    void on(Instant now, OriginId from, const Wake& wake, Effects& out);
    /// Takes in a part of a survivor's answer.
    void on(Instant now, OriginId from, const Fill& fill, Effects& out);

    /// The terms of a handshake with `oid`: how much of the log of `oid` has arrived here. `last`: the last record of
    /// this node's log. Stops a recovery of `oid` under way: if the node lives, the node sends the rest itself and in
    /// order.
    [[nodiscard]] SessionTerms terms_for(OriginId oid, RecordNo last);
    /// Asks a returned survivor for the records of origins still to be recovered. The peer may have missed the
    /// questions of an earlier session that the peer had ended without this node's knowledge.
    void session_up(Instant now, OriginId oid, Effects& out);
    /// Starts the recovery of a dead origin. `position`: how far the origin's link had come. REQUIRES: the session is
    /// closed, so that no late record of the origin comes behind the filled-in records.
    void session_down(Instant now, OriginId oid, PeerState state, Reconcile::Position position, Effects& out);
    /// The position that session_down() needs.
    /// `is_deaf`: the origin was heard on control alone at the end.
    [[nodiscard]] static Reconcile::Position position_of(const LinkReceiver& receiver, bool is_deaf) {
        return {receiver.delivered(), receiver.held_records(), receiver.lost(), receiver.considered(), is_deaf};
    }
    /// Begins the end of a turn. While a dead node is dialled no recovery may run, because the handshake has told the
    /// node how far this node is. When the dialling has come to nothing, for example because another process has the
    /// endpoint, the survivors are asked after all.
    void ask_after_dialling(Instant now, Effects& out);
    /// Asks again, and ends recoveries at their deadlines.
    void tick(Instant now, Effects& out);
    [[nodiscard]] std::optional<Instant> next_deadline() const { return reconcile_.next_deadline(); }

    [[nodiscard]] std::uint64_t filled() const { return reconcile_.filled(); }
    [[nodiscard]] std::size_t largest_ring() const { return reconcile_.largest_ring(); }
    /// Records given up during recoveries. Losses reported by survivors with the channel's name are not counted.
    [[nodiscard]] std::uint64_t gone() const { return gone_; }

private:
    /// Begins a recovery with all present sessions as survivors.
    void ask_survivors(Instant now, OriginId origin, Reconcile::Position position, Effects& out);
    /// Moves `delivered` beyond the extras of the origin.
    void pass_extras(OriginId origin, RecordNo& delivered);
    /// True when a filled-in record may be delivered. False when `record` or a later record was delivered already. A
    /// record that is lost thereby is added to `late`, channel by channel.
    [[nodiscard]] bool is_in_order(OriginId origin, const Record& record, Gone& late);
    /// Carries out the decisions of Reconcile.
    void run(Instant now, const Reconcile::Out& todo, Effects& out);
    /// Delivers filled-in records and reports losses.
    void fill_in(Instant now, const Reconcile::Out::Filled& filled, Effects& out);
    /// Sends an answer in parts of at most `Limits::frame_bytes`, filtered by the asker's interest.
    void send_fill(const Reconcile::Out::Answer& answer, Effects& out);

    MeshContext& context_;
    const Membership& membership_;
    Origins& origins_;
    Arrivals& arrivals_;
    Traces& traces_;
    Reconcile reconcile_;
    // By origin: positions of origins that are being dialled instead of recovered.
    std::map<OriginId, Reconcile::Position> unasked_;
    std::uint64_t gone_ = 0;
    // The number of the last answer that was sent.
    std::uint64_t last_answer_ = 0;
};

}  // namespace tulle::mesh
