#include "mesh/core/node/mesh_node.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"
#include "mesh/base/overloaded.hpp"

namespace tulle::mesh {

// The services refer to each other, so the order of construction (the order of the fields) is the order of their
// dependence.
MeshNode::MeshNode(NodeOptions options, std::uint64_t seed)
    : options_(std::move(options)),
      prng_(seed),
      stores_(options_),
      membership_(options_, prng_,
                  {.last = [this] { return stores_.ring.last(); },
                   .terms = [this](OriginId oid) { return recovery_.terms_for(oid, stores_.ring.last()); }}),
      context_(options_, sessions_, stores_.audience, membership_),
      serving_(context_, membership_),
      pulse_(context_, stores_.tallies),
      roster_(context_, membership_, stores_.interest, stores_.tallies, pulse_, serving_, stores_.local),
      presence_(context_, stores_.presence, stores_.local, stores_.interest, stores_.ring, serving_),
      retained_(context_, stores_.retained, stores_.local, stores_.interest, stores_.clock),
      history_(context_, stores_.clock, retained_),
      acknowledger_(context_, stores_.ring),
      publisher_(context_, serving_, membership_, stores_.ring, retained_, history_, acknowledger_),
      sleep_(context_, publisher_),
      traces_(context_, publisher_, stores_.ring, roster_, stores_.tallies),
      arrivals_(context_, presence_, retained_, history_, traces_, stores_.tallies),
      recovery_(context_, membership_, stores_.origins, arrivals_, traces_),
      window_(context_, stores_.local),
      subscriptions_(context_, window_, stores_.local, presence_, retained_),
      interest_(context_, stores_.interest, stores_.local, window_, subscriptions_),
      streams_(context_, stores_.ring, stores_.interest, stores_.origins, stores_.tallies, recovery_, arrivals_,
               presence_, retained_, subscriptions_, acknowledger_),
      queries_(context_, retained_, history_),
      resumes_(context_, stores_.clock, stores_.local, history_, queries_),
      usage_(context_),
      duty_(context_),
      departure_(context_, membership_, serving_, publisher_, acknowledger_, duty_, pulse_, streams_, stores_.ring),
      introductions_(context_, membership_),
      rebinding_(context_, pulse_, prng_) {
    TULLE_ASSERT(options_.oid != OriginId{});
}

void MeshNode::set_shards(std::uint64_t shards) {
    arrivals_.set_shards(shards);
    queries_.set_shards(shards);
}

void MeshNode::start(Instant now, Effects& out) {
    pulse_.start(now);
    // The first turn can't be late.
    promised_ = now;
    history_.start(now);
    membership_.start(now, out);
    settle(now, out);
}

struct MeshNode::InputHandler {
    MeshNode& node;
    Instant now;
    Effects& out;

    void operator()(const ConnectionUp& up) const { node.on_connection_up(now, up.connection, out); }
    void operator()(const ConnectionDown& down) const {
        node.membership_.on_connection_down(now, down.connection, out);
    }
    void operator()(const EndpointChecked& checked) const { node.membership_.on_endpoint_checked(now, checked, out); }
    void operator()(const SubscriberSeen& seen) const { node.streams_.on(seen); }
    void operator()(const SubscriberGone&) const { node.membership_.on_subscriber_gone(); }
    void operator()(const Control& message) const {
        // The message may have made its session stand: the services must know the session first.
        if (node.membership_.on_control(now, message, out)) {
            node.handle_events(now, out);
            node.on_control(now, message, out);
        }
    }
    void operator()(const Data& message) const {
        // As for control, the first frame may make the session stand.
        if (node.membership_.on_data(now, message, out)) {
            node.handle_events(now, out);
            node.on_data(now, message, {}, out);
        }
    }
    void operator()(PortInput& port) const { node.on_port(now, port.shard, port.message, out); }
    void operator()(const RetireRequest& request) const { node.departure_.on(now, request, out); }
    void operator()(const LeaveRequest& request) const { node.departure_.on(now, request, out); }
    void operator()(const NameResolved& resolved) const { node.membership_.on_name_resolved(now, resolved, out); }
    void operator()(const ConnectionRefused& refused) const {
        node.membership_.on_connection_refused(now, refused.connection, out);
    }
    void operator()(const KeysChanged& keys) const { node.membership_.key_ids().set_own(keys.ids); }
    void operator()(const RebindRequest&) const { node.rebinding_.begin(now); }
};

void MeshNode::step(Instant now, Input input, Effects& out) {
    note_time(now, out);
    std::visit(InputHandler{*this, now, out}, input);
    handle_events(now, out);
}

void MeshNode::note_time(Instant now, Effects& out) {
    const Duration late = now - promised_;
    if (late <= options_.timing.own_loop_late) {
        return;
    }
    // Counted once: the next step of the same turn is not late again.
    promised_ = now;
    membership_.liveness().forgive(late);
    interest_.forgive(late);
    subscriptions_.forgive(late);
    streams_.forgive(late);
    acknowledger_.forgive(late);
    pulse_.woke(now);
    if (late > options_.timing.own_loop_asleep) {
        retained_.woke(now);
    }
    sleep_.woke(now, late, out);
}

void MeshNode::handle_events(Instant now, Effects& out) {
    for (const MembershipEvent& event : membership_.take_events()) {
        std::visit(Overloaded{[&](const SessionUp& up) { on_session_up(now, up, out); },
                              [&](const SessionDown& down) { on_session_down(now, down, out); }},
                   event);
    }
}

void MeshNode::on_connection_up(Instant now, ConnectionId connection, Effects& out) {
    // A connection that stands again has carried nothing of its session yet, and the peer may be about to give us up:
    // the heartbeat must not wait.
    if (Session* session = sessions_.find(membership_.on_connection_up(now, connection, out))) {
        Pulse::hurry(now, *session);
        sessions_.touch(*session);
    }
}

void MeshNode::on_session_up(Instant now, const SessionUp& up, Effects& out) {
    // The session's parts are filled before any service sends: a heartbeat reads all parts.
    const InterestSlot slot = interest_.take_slot();
    Session& session = sessions_.open(options_, up.oid, streams_.begin(now, up), slot);
    subscriptions_.session_up(now, session);
    streams_.session_up(now, session, up, out);
    sleep_.confirmed(now, up.oid, out);
    duty_.duties().member_up(now, up.oid, membership_.find(up.oid)->ready);
    // The first heartbeat completes the handshake at the peer, and comes before anything that depends on the session.
    send_heartbeat(now, session, out);
    interest_.session_up(now, session, out);
    traces_.session_up(up.oid, out);
    recovery_.session_up(now, up.oid, out);
    introductions_.session_up(now, session);
    retained_.session_up();
    const Peer& peer = *membership_.find(up.oid);
    history_.session_up(now, up.oid, peer.ready || up.their_at != RecordNo{});
    out.push_back(PeerChanged{{up.oid, false}});
}

DutyEnd MeshNode::duty_end(Instant now, const SessionDown& down) const {
    const Liveness& liveness = membership_.liveness();
    if (down.now == PeerState::kLeft) {
        return DutyEnd::kLeft;
    }
    // A peer that begins a session anew had given this node up: for a while the two did not hear each other either.
    if (down.now == PeerState::kJoining || liveness.was_deaf(now, down.oid)) {
        return DutyEnd::kDeaf;
    }
    return liveness.was_unanswered(now, down.oid) ? DutyEnd::kUnanswered : DutyEnd::kAnswered;
}

void MeshNode::on_session_down(Instant now, const SessionDown& down, Effects& out) {
    Session* session = sessions_.find(down.oid);
    TULLE_ASSERT(session != nullptr);
    // When a session ends for a newer session, the peer is still there: only a dead peer or a leaver is forgotten.
    const bool is_gone = down.now == PeerState::kDead || down.now == PeerState::kLeft;
    // The position must be read before the session closes.
    Reconcile::Position position =
        Recovery::position_of(session->data.receiver, session->data.may_lack_unknown(context_.timing()));
    streams_.session_down(now, *session);
    interest_.session_down(*session);
    sessions_.close(*session);
    presence_.session_down(now, down.oid);
    usage_.session_down(now, down.oid);
    retained_.session_down(down.oid);
    history_.session_down(now, down.oid, down.now == PeerState::kLeft);
    acknowledger_.session_down(down.oid);
    introductions_.session_down();
    duty_.duties().member_down(now, down.oid, duty_end(now, down));
    if (is_gone) {
        streams_.forget(down.oid, out);
        queries_.forget(down.oid, out);
        sleep_.confirmed(now, down.oid, out);
    }
    out.push_back(PeerChanged{{down.oid, true}});
    // Recovery begins when presence, duties and queries no longer count on the peer.
    recovery_.session_down(now, down.oid, down.now, std::move(position), out);
    stores_.tallies.forget([this](OriginId oid) { return membership_.find(oid) != nullptr; });
    subscriptions_.session_down(now, out);
}

struct MeshNode::ControlHandler {
    MeshNode& node;
    Instant now;
    Session& session;
    Effects& out;

    // Membership deals with these kinds itself.
    void operator()(const Knock&) const { TULLE_ASSERT(false); }
    void operator()(const Hello&) const { TULLE_ASSERT(false); }
    void operator()(const Welcome&) const { TULLE_ASSERT(false); }
    void operator()(const Refuse&) const { TULLE_ASSERT(false); }
    void operator()(const Members&) const { TULLE_ASSERT(false); }
    void operator()(const ProbeAsk&) const { TULLE_ASSERT(false); }
    void operator()(const ProbeAnswer&) const { TULLE_ASSERT(false); }

    void operator()(const Heartbeat& heartbeat) const { node.on_heartbeat(now, session, heartbeat, out); }
    void operator()(const InterestDelta& delta) const { node.interest_.on(now, session, delta, out); }
    void operator()(const InterestAck& ack) const { node.interest_.on(now, session, ack, out); }
    void operator()(const InterestPull& pull) const { node.interest_.on(now, session, pull, out); }
    void operator()(const InterestChunk& chunk) const { node.interest_.on(now, session, chunk, out); }
    void operator()(const Receipt& receipt) const { node.streams_.on(session, receipt, out); }
    void operator()(const Nack& nack) const { node.streams_.on(now, session, nack, out); }
    void operator()(const QueryAsk& ask) const { node.queries_.on(now, session.oid, ask, out); }
    void operator()(const QueryAnswer& answer) const { node.queries_.on(now, session.oid, answer, out); }
    void operator()(const Leave& goodbye) const { node.departure_.on(now, session, goodbye, out); }
    void operator()(const LeaveReceipt& receipt) const {
        // The peer has all our frames, and ends the session before its own receipt would be due.
        node.streams_.take_receipt(session, session.data.sender.last_sent(), out);
        Departure::on(session, receipt);
    }
    void operator()(const Ping& ping) const { node.context_.send(session.oid, Pong{ping.nonce}, out); }
    void operator()(const Pong& pong) const { node.sleep_.on(now, session.oid, pong, out); }
    void operator()(const Relay& relay) const { node.on_relay(now, session.oid, relay, out); }
    void operator()(const Wake& wake) const { node.recovery_.on(now, session.oid, wake, out); }
    void operator()(const Fill& fill) const { node.recovery_.on(now, session.oid, fill, out); }
    void operator()(const TraceReport& report) const { node.traces_.on(now, session.oid, report, out); }
    void operator()(const Usage& usage) const { node.usage_.on(now, session.oid, usage); }
    void operator()(const DutyMail& mail) const { node.duty_.on(now, session.oid, mail); }
};

void MeshNode::on_control(Instant now, const Control& message, Effects& out) {
    Session* const session = sessions_.find(message.src);
    TULLE_ASSERT(session != nullptr);
    // Any message may bring a deadline forward.
    sessions_.touch(*session);
    session->data.control_at = now;
    std::visit(ControlHandler{*this, now, *session, out}, message.body);
}

void MeshNode::on_relay(Instant now, OriginId from, const Relay& relay, Effects& out) {
    // Here the node is the witness. Only a message for the node itself is looked into.
    if (relay.to != options_.oid) {
        membership_.sender().forward(relay, out);
    } else if (relay.control && membership_.on_relayed(now, *relay.control, out)) {
        on_control(now, *relay.control, out);
    } else if (relay.data && membership_.on_relayed(now, *relay.data)) {
        on_data(now, *relay.data, from, out);
    }
}

void MeshNode::on_data(Instant now, const Data& message, OriginId via, Effects& out) {
    Session* session = sessions_.find(message.src);
    TULLE_ASSERT(session != nullptr);
    sessions_.touch(*session);
    streams_.on(now, *session, message, via, out);
    // The frame may be the last of a leaver.
    if (std::holds_alternative<FramePtr>(message.body)) {
        departure_.check(now, *session, out);
    }
}

void MeshNode::on_heartbeat(Instant now, Session& session, const Heartbeat& heartbeat, Effects& out) {
    streams_.on(now, session, heartbeat, out);
    if (duty_.on(now, session.oid, heartbeat)) {
        // The peer has begun to leave, and waits to hear that this node knows.
        Pulse::hurry(now, session);
    }
    Departure::on(session, heartbeat);
    membership_.liveness().on_rebind(now, session.oid, std::chrono::milliseconds(heartbeat.rebind_ms));
    membership_.key_ids().heard(session.oid, heartbeat.key_ids);
    interest_.on_applied(now, session, heartbeat, out);
    stores_.clock.see(now, heartbeat.hybrid_us);
    if (const std::optional<Instant> echoed = pulse_.on(now, session, heartbeat)) {
        membership_.liveness().on_echo(now, session.oid, *echoed);
    }
    // Our Nacks sent by the former way have not reached the peer.
    if (membership_.sender().set_route(session.oid, heartbeat.deaf_via)) {
        session.data.receiver.hurry(now);
    }
    interest_.on_digest(now, session, heartbeat, out);
    introductions_.on(now, session, heartbeat, out);
    history_.heard(now, session, heartbeat);
}

void MeshNode::send_heartbeat(Instant now, Session& session, Effects& out) {
    Heartbeat heartbeat{.members_digest = membership_.digest(),
                        .ready = serving_.is_on(),
                        .hybrid_us = stores_.clock.latest(now),
                        .deaf_via = membership_.find(session.oid)->deaf_via,
                        .key_ids = membership_.key_ids().own()};
    pulse_.write(now, session, heartbeat);
    streams_.write(session, heartbeat);
    interest_.write(session, heartbeat);
    duty_.write(now, session.oid, heartbeat);
    Departure::note_sent(session, heartbeat);
    rebinding_.write(now, heartbeat);
    membership_.sender().send_every_way(session.oid, std::move(heartbeat), out);
}

struct MeshNode::PortHandler {
    MeshNode& node;
    Instant now;
    ShardIndex shard;
    Effects& out;

    void operator()(Publish& wanted) const { node.publisher_.on(now, shard, wanted, out); }
    void operator()(const Subscribe& wanted) const { node.subscriptions_.on(now, shard, wanted, out); }
    void operator()(const Unsubscribe& gone) const {
        node.subscriptions_.on(now, shard, gone, out);
        node.resumes_.on(gone);
    }
    void operator()(const Resume& wanted) const { node.resumes_.on(now, shard, wanted, out); }
    void operator()(const MemberJoin& joining) const { node.presence_.on(now, shard, joining, out); }
    void operator()(const MemberLeave& leaving) const { node.presence_.on(now, shard, leaving, out); }
    void operator()(const Query& question) const { node.queries_.on(now, shard, question, out); }
    void operator()(const LocalAnswer& answer) const { node.queries_.on(shard, answer, out); }
    void operator()(const ShardLoad& load) const { node.pulse_.on(shard, load); }
    void operator()(const Echo& echo) const { out.push_back(ToPort{shard, Echoed{echo.id}}); }
    void operator()(const StatusRequest& request) const {
        out.push_back(ToPort{shard, StatusReply{request.id, node.status(now)}});
    }
    void operator()(const Trace& marked) const { node.traces_.on(now, shard, marked, out); }
    void operator()(const DutyCount& count) const { node.duty_.on(shard, count); }
    void operator()(const DutyTask& task) const { node.duty_.on(task); }
    void operator()(const DutyDone& done) const { node.duty_.on(now, done); }
    void operator()(const ShareUsage& used) const { node.usage_.on(now, shard, used); }
};

void MeshNode::on_port(Instant now, ShardIndex shard, ToHub& message, Effects& out) {
    std::visit(PortHandler{*this, now, shard, out}, message);
}

void MeshNode::settle(Instant now, Effects& out) {
    // The order of a turn: sessions that ended or began come first, then duties and sessions (frames, interest,
    // heartbeats), then the services with timers of their own, and at last serving and leaving, as both depend on all
    // others.
    note_time(now, out);
    stores_.ring.expire(now);
    membership_.on_deadline(now, out);
    handle_events(now, out);
    sleep_.tick(now, out);
    recovery_.ask_after_dialling(now, out);
    // Before the sessions: an announcement goes out with the heartbeats of the same turn.
    rebinding_.tick(now, out);
    duty_.tick(now, out);
    tick_sessions(now, out);
    // tick_sessions() may have given peers up, or a leaver may have gone.
    handle_events(now, out);
    subscriptions_.tick(now, out);
    introductions_.tick(out);
    queries_.tick(now, out);
    resumes_.tick(now, out);
    traces_.tick(now, out);
    recovery_.tick(now, out);
    static_cast<void>(stores_.interest.sweep());
    presence_.tick(now, out);
    retained_.tick(now);
    history_.tick(now);
    acknowledger_.tick(now, out);
    usage_.tick(now, out);
    if (serving_.tick(now, out)) {
        duty_.duties().begin();
    }
    departure_.tick(now, out);
    // While outdated interest is being swept, turns follow without a pause.
    promised_ = stores_.interest.sweeping() ? now : std::max(earliest(), now);
}

void MeshNode::tick_sessions(Instant now, Effects& out) {
    // Once for all sessions: naming records costs less than a look by each session.
    streams_.note_due();
    if (interest_.take_news()) {
        sessions_.touch_all();
    }
    streams_.find_deaf(now);
    sessions_.visit_due(now, [&](Session& session) {
        tick_session(now, session, out);
        return deadline(session);
    });
}

void MeshNode::tick_session(Instant now, Session& session, Effects& out) {
    streams_.ask_for_missing(now, session, out);
    interest_.tick(now, session, out);
    streams_.flush(now, session, out);
    if (Pulse::is_due(now, session)) {
        // Patience is checked with each heartbeat, as finer steps would gain nothing.
        interest_.check_intake(now, session, out);
        subscriptions_.check(now, session, out);
        send_heartbeat(now, session, out);
        sleep_.ask_again(now, session.oid, out);
    }
    streams_.redial_if_deaf(now, session, out);
}

Instant MeshNode::deadline(const Session& session) const {
    return interest_.next_deadline(session, streams_.next_deadline(session, session.beats.next_at));
}

Instant MeshNode::earliest() {
    // Versions were given since the sessions were looked at. The next turn tells the peers, and must come at once.
    if (interest_.has_news()) {
        return Instant{};
    }
    Instant next = sessions_.earliest([this](const Session& session) { return deadline(session); });
    const auto consider = [&next](const std::optional<Instant>& at) { next = std::min(next, at.value_or(next)); };
    consider(serving_.next_deadline());
    consider(queries_.next_deadline());
    consider(resumes_.next_deadline());
    consider(traces_.next_deadline());
    consider(recovery_.next_deadline());
    consider(stores_.ring.next_deadline());
    consider(presence_.next_deadline());
    consider(retained_.next_deadline());
    consider(history_.next_deadline());
    consider(acknowledger_.next_deadline());
    consider(usage_.next_deadline());
    consider(duties().next_deadline());
    consider(departure_.next_deadline());
    consider(rebinding_.next_deadline());
    // Last, because the answer is exact only below the horizon.
    next = std::min(next, membership_.next_deadline(next));
    // Without any deadline a look per hour does no harm.
    return next == Instant::max() ? promised_ + 1h : next;
}

std::optional<std::pair<InterestVersion, std::uint64_t>> MeshNode::interest_of(OriginId oid) const {
    const Session* session = sessions_.find(oid);
    if (session == nullptr || !session->interest.synced) {
        return std::nullopt;
    }
    const InterestSlot slot = session->interest.slot;
    return std::pair{stores_.interest.version(slot).value_or(InterestVersion{}), stores_.interest.digest(slot)};
}

}  // namespace tulle::mesh
