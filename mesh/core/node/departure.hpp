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

/// How this node leaves, and how a peer leaves. A leaver retires first: all peers learn that the leaver takes no duties
/// over any more. Then the leaver hands its duties over, or does the last of them itself when nobody stays, and says
/// goodbye.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Ownership: refers to the services of the same node; all of them outlive the Departure.
/// Limits: the durations in RetireRequest and LeaveRequest. In the last second before the deadline a leaver says
///         goodbye to every peer possible. At the deadline the node leaves, whatever is still open.
/// Errors: none. Duties left untold at the end are counted in a warning.
class Departure {
public:
    Departure(MeshContext& context, Membership& membership, Serving& serving, Publisher& publisher,
              Acknowledger& acknowledger, DutyService& duty, const Pulse& pulse, const Streams& streams,
              const RecordRing& ring)
        : context_(context),
          membership_(membership),
          serving_(serving),
          publisher_(publisher),
          acknowledger_(acknowledger),
          duty_(duty),
          pulse_(pulse),
          streams_(streams),
          ring_(ring) {}

    /// Begins to retire. A second request has no effect.
    void on(Instant now, const RetireRequest& request, Effects& out);
    /// Begins to leave; retires first if need be. A second request has no effect.
    void on(Instant now, const LeaveRequest& request, Effects& out);

    /// A peer says goodbye: the session ends when all its frames have come.
    void on(Instant now, Session& session, const Leave& goodbye, Effects& out);
    /// The peer has all our frames and has let us go.
    static void on(Session& session, const LeaveReceipt&) { session.parting.receipted = true; }
    /// Reads a peer's heartbeat: does it answer a heartbeat of ours with `leaving`?
    static void on(Session& session, const Heartbeat& heartbeat);
    /// Remembers the first heartbeat to the peer with `leaving`.
    static void note_sent(Session& session, const Heartbeat& heartbeat);
    /// A frame of the peer has come. If the peer said goodbye and the frame completes its log, the peer has left.
    void check(Instant now, Session& session, Effects& out);

    /// Ends a turn: takes the next step of leaving, and appends Left when the node may end.
    void tick(Instant now, Effects& out);
    /// When tick() has something to do next; nothing unless leaving.
    [[nodiscard]] std::optional<Instant> next_deadline() const;

private:
    /// True while this node, the last that does duties, still has duties to tell.
    [[nodiscard]] bool tells_last_words(Instant now) const;
    /// True when every peer knows that this node leaves and has taken over its part, or when time runs out.
    [[nodiscard]] bool may_part(Instant now) const;
    /// Sends Leave to each peer with all our records and duties, once per heartbeat.
    void say_goodbye(Instant now, Effects& out);
    /// Answers the publishes that still wait for copies, and appends Left.
    void end(Effects& out);

    MeshContext& context_;
    Membership& membership_;
    Serving& serving_;
    Publisher& publisher_;
    Acknowledger& acknowledger_;
    DutyService& duty_;
    const Pulse& pulse_;
    const Streams& streams_;
    const RecordRing& ring_;
    /// Set when retiring: until when the node tells its duties, should it be the last.
    std::optional<Instant> tell_by_;
    /// Set when leaving: the drain deadline.
    std::optional<Instant> leave_by_;
    /// When the last goodbyes were sent.
    Instant sent_at_;
    /// When tick() looks again.
    Instant look_at_;
    /// Steps that are taken once and for all.
    struct Done {
        /// The duty shard has been told DutyLast.
        bool is_last = false;
        /// The peers have been told that this node takes the others' duties over.
        bool takes_over = false;
        /// Some peer has been sent a goodbye.
        bool parted = false;
        /// Left has been appended.
        bool left = false;
    } done_;
};

}  // namespace tulle::mesh
