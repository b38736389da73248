#include "mesh/core/mesh_node.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"
#include "mesh/base/overloaded.hpp"

namespace tulle::mesh {

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
      retained_(context_, stores_.kept, stores_.local, stores_.interest, stores_.clock),
      publisher_(context_, serving_, membership_, stores_.ring, retained_),
      sleep_(context_, publisher_),
      traces_(context_, publisher_, stores_.ring, roster_, stores_.tallies),
      arrivals_(context_, presence_, retained_, traces_),
      recovery_(context_, membership_, stores_.origins, arrivals_, traces_),
      window_(context_, stores_.local),
      subscriptions_(context_, window_, stores_.local, presence_, retained_),
      interest_(context_, stores_.interest, stores_.local, window_, subscriptions_),
      streams_(context_, stores_.ring, stores_.interest, stores_.origins, stores_.tallies, recovery_, arrivals_,
               presence_, retained_, subscriptions_),
      queries_(context_, retained_),
      usage_(context_),
      duty_(context_),
      departure_(context_, membership_, serving_, publisher_, duty_, pulse_, streams_, stores_.ring),
      introductions_(context_, membership_) {
    TULLE_ASSERT(options_.oid != OriginId{});
}

void MeshNode::set_shards(std::uint64_t shards) {
    arrivals_.set_shards(shards);
    queries_.set_shards(shards);
}

void MeshNode::start(Instant now, Effects& out) {
    pulse_.start(now);
    promised_ = now;
    membership_.start(now, out);
    settle(now, out);
}

void MeshNode::step(Instant now, Input input, Effects& out) {
    note_time(now, out);
    std::visit(Overloaded{[&](const LinkUp& up) { on_link_up(now, up.link, out); },
                          [&](const LinkDown& down) { membership_.on_link_down(now, down.link, out); },
                          [&](const EndpointChecked& checked) { membership_.on_endpoint_checked(now, checked, out); },
                          [&](const SubscriberSeen& seen) { streams_.on(seen); },
                          [&](const SubscriberGone&) { membership_.on_subscriber_gone(); },
                          [&](const Control& message) {
                              if (membership_.on_control(now, message, out)) {
                                  handle_events(now, out);
                                  on_control(now, message, out);
                              }
                          },
                          [&](const Data& message) {
                              if (membership_.on_data(now, message, out)) {
                                  handle_events(now, out);
                                  on_data(now, message, {}, out);
                              }
                          },
                          [&](PortInput& port) { on_port(now, port.shard, port.message, out); },
                          [&](const RetireRequest& request) { departure_.on(now, request, out); },
                          [&](const LeaveRequest& request) { departure_.on(now, request, out); },
                          [&](const NameResolved& resolved) { membership_.on_name_resolved(now, resolved, out); }},
               input);
    handle_events(now, out);
}

void MeshNode::note_time(Instant now, Effects& out) {
    const Duration late = now - promised_;
    if (late <= options_.timing.own_loop_late) {
        return;
    }
    promised_ = now;
    membership_.liveness().forgive(late);
    interest_.forgive(late);
    subscriptions_.forgive(late);
    streams_.forgive(late);
    pulse_.woke(now);
    sleep_.woke(now, late, out);
}

void MeshNode::handle_events(Instant now, Effects& out) {
    for (const MembershipEvent& event : membership_.take_events()) {
        std::visit(Overloaded{[&](const SessionUp& up) { on_session_up(now, up, out); },
                              [&](const SessionDown& down) { on_session_down(now, down, out); }},
                   event);
    }
}

/// A connection that stands again has carried nothing of its session yet, and the peer may be about to give us up: it
/// is not to wait for the next heartbeat.
void MeshNode::on_link_up(Instant now, LinkId link, Effects& out) {
    if (Session* session = sessions_.find(membership_.on_link_up(now, link, out))) {
        Pulse::hurry(now, *session);
        sessions_.touch(*session);
    }
}

void MeshNode::on_session_up(Instant now, const SessionUp& up, Effects& out) {
    const InterestSlot slot = interest_.take_slot();
    Session& session = sessions_.open(options_, up.oid, streams_.begin(now, up), slot);
    subscriptions_.session_up(now, session);
    streams_.session_up(now, session, up, out);
    sleep_.confirmed(now, up.oid, out);
    duty_.duties().member_up(now, up.oid);
    send_heartbeat(now, session, out);
    interest_.session_up(now, session, out);
    traces_.session_up(up.oid, out);
    recovery_.session_up(now, up.oid, out);
    introductions_.session_up(now, session);
    retained_.session_up();
}

void MeshNode::on_session_down(Instant now, const SessionDown& down, Effects& out) {
    Session* session = sessions_.find(down.oid);
    TULLE_ASSERT(session != nullptr);
    const bool is_gone = down.now == PeerState::kDead || down.now == PeerState::kLeft;
    Reconcile::Position position = Recovery::position_of(session->data.receiver);
    streams_.session_down(now, *session);
    interest_.session_down(*session);
    sessions_.close(*session);
    presence_.session_down(now, down.oid);
    usage_.session_down(now, down.oid);
    retained_.session_down(down.oid);
    duty_.duties().member_down(now, down.oid, down.now == PeerState::kLeft,
                               membership_.liveness().was_deaf(now, down.oid));
    if (is_gone) {
        streams_.forget(down.oid, out);
        queries_.forget(down.oid, out);
        sleep_.confirmed(now, down.oid, out);
    }
    recovery_.session_down(now, down.oid, down.now, std::move(position), out);
    stores_.tallies.forget([this](OriginId oid) { return membership_.find(oid) != nullptr; });
    subscriptions_.session_down(now, out);
}

void MeshNode::on_control(Instant now, const Control& message, Effects& out) {
    Session* const found = sessions_.find(message.src);
    TULLE_ASSERT(found != nullptr);
    Session& session = *found;
    sessions_.touch(session);
    const OriginId from = message.src;
    // Membership deals with these itself.
    const auto is_none_of_ours = [](const auto&) { TULLE_ASSERT(false); };
    std::visit(Overloaded{[&](const Knock& word) { is_none_of_ours(word); },
                          [&](const Hello& word) { is_none_of_ours(word); },
                          [&](const Welcome& word) { is_none_of_ours(word); },
                          [&](const Refuse& word) { is_none_of_ours(word); },
                          [&](const Members& word) { is_none_of_ours(word); },
                          [&](const ProbeAsk& word) { is_none_of_ours(word); },
                          [&](const ProbeAnswer& word) { is_none_of_ours(word); },
                          [&](const Heartbeat& heartbeat) { on_heartbeat(now, session, heartbeat, out); },
                          [&](const InterestDelta& delta) { interest_.on(now, session, delta, out); },
                          [&](const InterestAck& ack) { interest_.on(now, session, ack, out); },
                          [&](const InterestPull& pull) { interest_.on(now, session, pull, out); },
                          [&](const InterestChunk& chunk) { interest_.on(now, session, chunk, out); },
                          [&](const Receipt& receipt) { Streams::on(session, receipt); },
                          [&](const Nack& nack) { streams_.on(now, session, nack, out); },
                          [&](const QueryAsk& ask) { queries_.on(now, from, ask, out); },
                          [&](const QueryAnswer& answer) { queries_.on(now, from, answer, out); },
                          [&](const Leave& goodbye) { departure_.on(now, session, goodbye, out); },
                          [&](const LeaveReceipt& receipt) { Departure::on(session, receipt); },
                          [&](const Ping& ping) { context_.send(from, Pong{ping.nonce}, out); },
                          [&](const Pong& pong) { sleep_.on(now, from, pong, out); },
                          [&](const Relay& relay) { on_relay(now, from, relay, out); },
                          [&](const Wake& wake) { recovery_.on(now, from, wake, out); },
                          [&](const Fill& fill) { recovery_.on(now, from, fill, out); },
                          [&](const TraceReport& report) { traces_.on(now, from, report, out); },
                          [&](const Usage& usage) { usage_.on(now, from, usage); },
                          [&](const DutyMail& mail) { duty_.on(now, from, mail); }},
               message.body);
}

void MeshNode::on_relay(Instant now, OriginId from, const Relay& relay, Effects& out) {
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
    if (std::holds_alternative<FramePtr>(message.body)) {
        departure_.check(now, *session, out);
    }
}

/// Each service reads its part.
void MeshNode::on_heartbeat(Instant now, Session& session, const Heartbeat& heartbeat, Effects& out) {
    streams_.on(now, session, heartbeat);
    if (duty_.on(now, session.oid, heartbeat)) {
        Pulse::hurry(now, session);
    }
    Departure::on(session, heartbeat);
    interest_.on_applied(now, session, heartbeat, out);
    stores_.clock.see(now, heartbeat.hybrid_us);
    if (const std::optional<Instant> echoed = pulse_.on(now, session, heartbeat)) {
        membership_.liveness().on_echo(now, session.oid, *echoed);
    }
    if (membership_.sender().set_route(session.oid, heartbeat.deaf_via)) {
        session.data.receiver.hurry(now);  // what we have asked for has not reached it
    }
    interest_.on_digest(now, session, heartbeat, out);
    introductions_.on(now, session, heartbeat, out);
}

/// Each service writes its part.
void MeshNode::send_heartbeat(Instant now, Session& session, Effects& out) {
    Heartbeat heartbeat{.members_digest = membership_.digest(),
                        .ready = serving_.is_on(),
                        .hybrid_us = stores_.clock.read(now),
                        .deaf_via = membership_.find(session.oid)->deaf_via};
    pulse_.write(now, session, heartbeat);
    streams_.write(session, heartbeat);
    interest_.write(session, heartbeat);
    duty_.write(now, session.oid, heartbeat);
    Departure::note_sent(session, heartbeat);
    membership_.sender().send_every_way(session.oid, std::move(heartbeat), out);
}

void MeshNode::on_port(Instant now, ShardIndex shard, ToHub& message, Effects& out) {
    std::visit(
        Overloaded{[&](Publish& wanted) { publisher_.on(now, shard, wanted, out); },
                   [&](const Subscribe& wanted) { subscriptions_.on(now, shard, wanted, out); },
                   [&](const Unsubscribe& gone) { subscriptions_.on(now, shard, gone, out); },
                   [&](const MemberJoin& joining) { presence_.on(now, shard, joining, out); },
                   [&](const MemberLeave& leaving) { presence_.on(now, shard, leaving, out); },
                   [&](const Query& question) { queries_.on(now, shard, question, out); },
                   [&](const LocalAnswer& answer) { queries_.on(shard, answer, out); },
                   [&](const ShardLoad& load) { pulse_.on(shard, load); },
                   [&](const StatusRequest& request) {
                       out.push_back(ToPort{shard, StatusReply{request.id, status(now)}});
                   },
                   [&](const Trace& marked) { traces_.on(now, shard, marked, out); },
                   [&](const DutyCount& count) { duty_.on(shard, count); },
                   [&](const DutyTask& task) { duty_.on(task); }, [&](const DutyDone& done) { duty_.on(now, done); },
                   [&](const ShareUsage& used) { usage_.on(now, shard, used); }},
        message);
}

void MeshNode::settle(Instant now, Effects& out) {
    note_time(now, out);
    stores_.ring.expire(now);
    membership_.on_deadline(now, out);
    handle_events(now, out);
    sleep_.tick(now, out);
    recovery_.ask_after_dialling(now, out);
    duty_.tick(now, out);
    tick_sessions(now, out);
    handle_events(now, out);  // a leaver may have gone
    subscriptions_.tick(now, out);
    introductions_.tick(out);
    queries_.tick(now, out);
    traces_.tick(now, out);
    recovery_.tick(now, out);
    static_cast<void>(stores_.interest.sweep());
    presence_.tick(now, out);
    retained_.tick(now);
    usage_.tick(now, out);
    if (serving_.tick(now, out)) {
        duty_.duties().begin();
    }
    departure_.tick(now, out);
    promised_ = stores_.interest.sweeping() ? now : std::max(earliest(), now);
}

void MeshNode::tick_sessions(Instant now, Effects& out) {
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
    if (interest_.has_news()) {
        // versions were given since the sessions were looked at: they are told in the next turn, which comes at once
        return Instant{};
    }
    Instant next = sessions_.earliest([this](const Session& session) { return deadline(session); });
    for (const std::optional<Instant>& at :
         {serving_.next_deadline(), queries_.next_deadline(), traces_.next_deadline(), recovery_.next_deadline(),
          stores_.ring.next_deadline(), presence_.next_deadline(), retained_.next_deadline(), usage_.next_deadline(),
          duties().next_deadline(), departure_.next_deadline()}) {
        next = std::min(next, at.value_or(next));
    }
    next = std::min(next, membership_.next_deadline(next));
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
