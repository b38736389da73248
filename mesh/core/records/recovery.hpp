#pragma once

#include <map>
#include <vector>

#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/records/arrivals.hpp"
#include "mesh/core/records/origins.hpp"
#include "mesh/core/records/reconcile.hpp"
#include "mesh/core/session/membership.hpp"

namespace tulle::mesh {

/// When an origin dies, its receivers fill each other in. Reconcile says who asks whom and what is filled in; this
/// service knows who is there, and sends and delivers.
///
/// Thread: confined to the hub. Time: `now` must not go backwards. Limits: as of Reconcile; `extras` records of an
/// origin
///         beyond its own order, then what it would have sent between them is given up.
class Recovery {
public:
    Recovery(MeshContext& context, const Membership& membership, Origins& origins, Arrivals& arrivals, Traces& traces)
        : context_(context),
          membership_(membership),
          origins_(origins),
          arrivals_(arrivals),
          traces_(traces),
          reconcile_(context.timing(), context.limits()) {}

    /// The next record of an origin's link, or what of it will never come: kept for those that ask.
    void keep(Instant now, OriginId from, const RecordPtr& record) { reconcile_.keep(now, from, record); }
    void keep_gone(Instant now, OriginId from, RecordNo upto, const Gone& gone) {
        reconcile_.keep_gone(now, from, upto, gone);
    }
    void on(Instant now, OriginId from, const Wake& wake, Effects& out);
    void on(Instant now, OriginId from, const Fill& fill, Effects& out);

    /// Says how much of the log of `oid` has come here, for a handshake with that node. If the node is there, it sends
    /// the rest itself, in order: nothing is filled in meanwhile.
    [[nodiscard]] SessionTerms terms_for(OriginId oid, RecordNo last);
    /// The peer may have been asked by a session before, which it had ended without our knowing.
    void session_up(Instant now, OriginId oid, Effects& out);
    /// `position`: how far its link had come. REQUIRES: the session is closed, so that nothing late of the origin can
    /// come behind what is filled in.
    void session_down(Instant now, OriginId oid, PeerState state, Reconcile::Position position, Effects& out);
    [[nodiscard]] static Reconcile::Position position_of(const LinkReceiver& receiver) {
        return {receiver.delivered(), receiver.held_records(), receiver.lost(), receiver.considered()};
    }
    /// Begins a turn's end. To dial a dead node is to tell it how far we are, so nothing may be filled in meanwhile.
    /// When the dialling has come to nothing, as another process sits there, say, the survivors are asked after all.
    void ask_after_dialling(Instant now, Effects& out);
    void tick(Instant now, Effects& out);
    [[nodiscard]] std::optional<Instant> next_deadline() const { return reconcile_.next_deadline(); }

    [[nodiscard]] std::uint64_t filled() const { return reconcile_.filled(); }
    [[nodiscard]] std::size_t largest_ring() const { return reconcile_.largest_ring(); }
    /// Records given up during recoveries. Losses reported by survivors with the channel's name are not counted.
    [[nodiscard]] std::uint64_t gone() const { return gone_; }

private:
    void ask_survivors(Instant now, OriginId origin, Reconcile::Position position, Effects& out);
    void pass_extras(OriginId origin, RecordNo& delivered);
    /// True when a filled-in record may be delivered. False when `record` or a later record was delivered already. A
    /// record that is lost thereby is added to `late`, channel by channel.
    [[nodiscard]] bool is_in_order(OriginId origin, const Record& record, Gone& late);
    void run(Instant now, const Reconcile::Out& todo, Effects& out);
    void fill_in(Instant now, const Reconcile::Out::Filled& filled, Effects& out);
    void send_fill(const Reconcile::Out::Answer& answer, Effects& out);

    MeshContext& context_;
    const Membership& membership_;
    Origins& origins_;
    Arrivals& arrivals_;
    Traces& traces_;
    Reconcile reconcile_;
    std::map<OriginId, Reconcile::Position> unasked_;  // dialled while the survivors were being asked
    std::uint64_t gone_ = 0;
};

}  // namespace tulle::mesh
