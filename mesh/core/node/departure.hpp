#pragma once

#include <optional>

#include "mesh/core/duty/duty_service.hpp"
#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/node/pulse.hpp"
#include "mesh/core/node/serving.hpp"
#include "mesh/core/records/publisher.hpp"
#include "mesh/core/session/membership.hpp"
#include "mesh/core/session/streams.hpp"

namespace tulle::mesh {

/// How this node leaves, and how a peer does. A leaver retires first: everybody learns that it takes no duties over any
/// more. Then it hands its duties over, or tells what is left to tell itself when nobody stays, and says goodbye.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
/// Limits: what is asked for in RetireRequest and LeaveRequest; in the last second before the deadline a leaver says
///         goodbye to every peer that it can.
class Departure {
public:
    Departure(MeshContext& context, Membership& membership, Serving& serving, Publisher& publisher, DutyService& duty,
              const Pulse& pulse, const Streams& streams, const RecordRing& ring)
        : context_(context),
          membership_(membership),
          serving_(serving),
          publisher_(publisher),
          duty_(duty),
          pulse_(pulse),
          streams_(streams),
          ring_(ring) {}

    void on(Instant now, const RetireRequest& request, Effects& out);
    void on(Instant now, const LeaveRequest& request, Effects& out);

    /// A peer leaves: it goes when all that it sent has come.
    void on(Instant now, Session& session, const Leave& goodbye, Effects& out);
    static void on(Session& session, const LeaveReceipt&) { session.parting.receipted = true; }
    /// A peer's heartbeat answers one of ours.
    static void on(Session& session, const Heartbeat& heartbeat);
    /// Notes that this heartbeat says that this node leaves, if it does.
    static void note_sent(Session& session, const Heartbeat& heartbeat);
    /// A frame of the peer has come: perhaps the last one.
    void check(Instant now, Session& session, Effects& out);

    /// Ends a turn.
    void tick(Instant now, Effects& out);
    [[nodiscard]] std::optional<Instant> next_deadline() const;

private:
    [[nodiscard]] bool tells_last_words(Instant now) const;
    [[nodiscard]] bool may_part(Instant now) const;
    void say_goodbye(Instant now, Effects& out);
    void end(Effects& out);

    MeshContext& context_;
    Membership& membership_;
    Serving& serving_;
    Publisher& publisher_;
    DutyService& duty_;
    const Pulse& pulse_;
    const Streams& streams_;
    const RecordRing& ring_;
    std::optional<Instant> tell_by_;  // retiring: until when the node tells, should it be the last
    std::optional<Instant> leave_by_;
    Instant sent_at_;  // the last goodbyes
    Instant look_at_;
    // Steps that are taken once and for all.
    struct Done {
        bool is_last = false;     // the shard has been told so
        bool takes_over = false;  // the peers have been told so
        bool parted = false;      // some peer has been told goodbye
        bool left = false;
    } done_;
};

}  // namespace tulle::mesh
