#include "tests/sim/network.hpp"

#include <algorithm>
#include <utility>

#include "mesh/wire/codec.hpp"

namespace tulle::sim {
namespace {

/// A tail comes each second.
constexpr Duration kLongPause = 1500ms;
/// Four heartbeats. After a longer lack of answers a steady run is over.
constexpr Duration kBreak = 1s;
/// Answers for this long, and both sides know of the life of the other: a heartbeat there, and a heartbeat back.
constexpr Duration kEchoed = 1s;
/// The end of an old pipe is told at most this much later.
constexpr std::uint64_t kOldPipeMs = 400;
/// A second copy comes at most this much later, behind newer messages.
constexpr std::uint64_t kBelatedUs = 400'000;

/// The message after writing and reading.
Result<mesh::Control, mesh::CodecError> read(const mesh::Control& message) {
    return mesh::decode_control(encode(message));
}
Result<mesh::Data, mesh::CodecError> read(const mesh::Data& message) {
    return mesh::decode_data(encode(message));
}

/// Nodes of the version before began without `echo`, and the Hello of such a node answers a Knock all the same.
void forget_echo(mesh::Control& message) {
    if (auto* hello = std::get_if<mesh::Hello>(&message.body);
        hello != nullptr && hello->who.newest_protocol < mesh::kProtocolVersion) {
        hello->echo = 0;
    }
}
void forget_echo(mesh::Data&) {}

}  // namespace

Network::Network(Scheduler& scheduler, Prng& prng, std::size_t hosts, std::size_t high_water, Receiver receiver)
    : scheduler_(scheduler),
      prng_(prng),
      hosts_(hosts),
      high_water_(high_water),
      receiver_(std::move(receiver)),
      paths_(hosts * hosts),
      touched_(hosts * hosts),
      cut_at_(hosts * hosts),
      unmuted_at_(hosts * hosts),
      streams_(2 * hosts * hosts),
      connections_(hosts),
      incarnations_(hosts),
      subscriptions_(hosts) {}

HostId Network::host_of(const std::string& endpoint) {
    return std::stoul(endpoint.substr(4, endpoint.find(':') - 4));
}

Duration Network::one_way(HostId from, HostId to) {
    const Path& p = path(from, to);
    return p.delay +
           Duration{static_cast<Duration::rep>(prng_.below(static_cast<std::uint64_t>(p.jitter.count()) + 1))};
}

Network::Connection* Network::find(HostId host, mesh::ConnectionId connection) {
    std::vector<Connection>& connections = connections_[host];
    return connection.value < connections.size() && connections[connection.value].open ? &connections[connection.value]
                                                                                       : nullptr;
}

void Network::open_connection(HostId host, mesh::ConnectionId connection, const std::string& endpoint) {
    if (connections_[host].size() <= connection.value) {
        connections_[host].resize(connection.value + 1);
    }
    connections_[host][connection.value] = Connection{.open = true, .to = host_of(endpoint)};
    try_connect(host, connection, incarnations_[host]);
}

void Network::close_connection(HostId host, mesh::ConnectionId connection) {
    if (Connection* found = find(host, connection)) {
        found->open = false;
    }
}

void Network::try_connect(HostId host, mesh::ConnectionId connection, std::uint64_t incarnation) {
    const Connection* found = incarnations_[host] == incarnation ? find(host, connection) : nullptr;
    if (found == nullptr || found->up) {
        return;
    }
    const HostId to = found->to;
    const Duration round_trip = one_way(host, to) + one_way(to, host);
    // A frozen process accepts nothing, so the dialler tries again later.
    if (!reachable(host, to) || !receiver_.running(to)) {
        scheduler_.after(kReconnect,
                         [this, host, connection, incarnation] { try_connect(host, connection, incarnation); });
        return;
    }
    scheduler_.after(round_trip, [this, host, connection, to, incarnation] {
        Connection* now = incarnations_[host] == incarnation ? find(host, connection) : nullptr;
        // The process or the connection has ended during the round trip.
        if (now == nullptr || now->up) {
            return;
        }
        if (!receiver_.running(to) || !reachable(host, to)) {
            scheduler_.after(kReconnect,
                             [this, host, connection, incarnation] { try_connect(host, connection, incarnation); });
            return;
        }
        now->up = true;
        now->attempt = ++last_connection_;
        receiver_.input(host, mesh::ConnectionUp{connection});
    });
}

void Network::check_endpoint(HostId host, mesh::ConnectionId connection, const std::string& endpoint) {
    const HostId to = host_of(endpoint);
    // Without an answer the process learns nothing.
    if (!reachable(host, to)) {
        return;
    }
    scheduler_.after(
        one_way(host, to) + one_way(to, host), [this, host, connection, to, incarnation = incarnations_[host]] {
            if (incarnations_[host] == incarnation && find(host, connection) != nullptr && reachable(host, to)) {
                const auto state = listens(to) ? mesh::EndpointState::kOpen : mesh::EndpointState::kRefused;
                receiver_.input(host, mesh::EndpointChecked{connection, state});
            }
        });
}

void Network::connect_data(HostId host, const std::string& endpoint) {
    const HostId publisher = host_of(endpoint);
    subscriptions_[publisher][host] = Subscription{.oid = receiver_.oid(host)};
    try_subscribe(host, publisher);
}

void Network::disconnect_data(HostId host, const std::string& endpoint) {
    const HostId publisher = host_of(endpoint);
    if (const auto found = subscriptions_[publisher].find(host); found != subscriptions_[publisher].end()) {
        if (found->second.subscribed) {
            old_pipe_ends(host, publisher, found->second.oid);
        }
        subscriptions_[publisher].erase(found);
    }
}

void Network::try_subscribe(HostId subscriber, HostId publisher) {
    const auto found = subscriptions_[publisher].find(subscriber);
    if (found == subscriptions_[publisher].end() || found->second.subscribed) {
        return;
    }
    // The subscriber has been replaced by another process.
    if (receiver_.oid(subscriber) != found->second.oid) {
        subscriptions_[publisher].erase(found);
        return;
    }
    const bool up = reachable(subscriber, publisher) && receiver_.running(publisher) && receiver_.running(subscriber);
    const Duration extra = path(subscriber, publisher).subscribe_delay;
    tally_.slow_subscriptions += up && extra > 0ms ? 1u : 0u;
    // Connect, handshake and subscription take three ways.
    subscribe_later(subscriber, publisher, up ? 3 * one_way(subscriber, publisher) + extra : kReconnect, up);
}

void Network::subscribe_later(HostId subscriber, HostId publisher, Duration wait, bool up) {
    const OriginId oid = receiver_.oid(subscriber);
    scheduler_.after(wait, [this, subscriber, publisher, oid, up] {
        const auto it = subscriptions_[publisher].find(subscriber);
        if (it == subscriptions_[publisher].end() || it->second.oid != oid || it->second.subscribed) {
            return;
        }
        if (!up || !receiver_.running(publisher) || !reachable(subscriber, publisher)) {
            try_subscribe(subscriber, publisher);
            return;
        }
        it->second.subscribed = true;
        it->second.since = scheduler_.now();
        it->second.attempt = ++last_connection_;
        receiver_.input(publisher, mesh::SubscriberSeen{oid});
    });
}

/// The publisher learns late of the end of an old pipe, perhaps when a new pipe stands.
void Network::old_pipe_ends(HostId subscriber, HostId publisher, OriginId oid) {
    const Duration later = std::chrono::milliseconds{prng_.below(kOldPipeMs)} + one_way(subscriber, publisher);
    scheduler_.after(later, [this, subscriber, publisher, oid, incarnation = incarnations_[publisher]] {
        if (incarnations_[publisher] != incarnation) {
            return;
        }
        const auto it = subscriptions_[publisher].find(subscriber);
        tally_.old_pipes +=
            it != subscriptions_[publisher].end() && it->second.oid == oid && it->second.subscribed ? 1u : 0u;
        receiver_.input(publisher, mesh::SubscriberGone{oid});
    });
}

template <class Message>
Message Network::as_read(HostId to, Message message) {
    if (!receiver_.newest || !receiver_.listening(to)) {
        return message;
    }
    // A handshake has nothing that differs by version.
    const bool is_handshake = message.tag == mesh::SessionTag{};
    if (!is_handshake && message.dst == receiver_.oid(to)) {
        ++tally_.written;
        tally_.written_old += message.protocol < mesh::kProtocolVersion ? 1u : 0u;
        if (message.protocol > receiver_.newest(to)) {
            receiver_.misread("host " + std::to_string(to) + " is sent protocol " + std::to_string(message.protocol) +
                              ", and speaks " + std::to_string(receiver_.newest(to)));
        }
    }
    forget_echo(message);
    auto back = read(message);
    if (!back) {
        receiver_.misread("host " + std::to_string(to) + " can't read what it is sent: " + to_text(back.error()));
        return message;
    }
    return std::move(*back);
}

void Network::transmit(HostId from, HostId to, bool data, const std::function<void()>& deliver) {
    const Path& p = path(from, to);
    Stream& s = stream(from, to, data);
    // As PUB does: a full pipe drops the newest message.
    if (data && s.in_pipe >= high_water_) {
        ++tally_.dropped_at_high_water;
        return;
    }
    if (prng_.chance(p.loss_percent) || (!data && p.control_loss_percent > 0 && prng_.chance(p.control_loss_percent))) {
        ++(data ? tally_.lost_data : tally_.lost_control);
        return;
    }
    ++s.in_pipe;
    // The copy takes a way of its own and may come behind newer messages.
    if (prng_.chance(p.duplicate_percent)) {
        ++tally_.duplicated;
        const Duration belated = one_way(from, to) + std::chrono::microseconds{prng_.below(kBelatedUs)};
        scheduler_.after(belated, [this, from, to, data, deliver] {
            if (!path(from, to).cut) {
                deliver();
            }
        });
    }
    // TCP would send again, so the message waits for the heal.
    if (p.cut) {
        s.stuck.push_back({scheduler_.now(), deliver});
    } else {
        schedule(from, to, data, scheduler_.now(), deliver);
    }
}

void Network::schedule(HostId from, HostId to, bool data, Instant sent, Scheduler::Action deliver) {
    Stream& s = stream(from, to, data);
    // A stream keeps the order: no message arrives before an earlier message.
    s.last_arrival = std::max(s.last_arrival, scheduler_.now() + one_way(from, to));
    scheduler_.at(s.last_arrival, [this, from, to, data, sent, deliver = std::move(deliver)] {
        arrive(from, to, data, sent);
        deliver();
    });
}

void Network::arrive(HostId from, HostId to, bool data, Instant sent) {
    Stream& s = stream(from, to, data);
    const bool frozen = receiver_.listening(to) && !receiver_.running(to);
    // A frozen process takes nothing, so the message stays in the pipe until the thaw.
    if (frozen) {
        ++s.backlog;
    } else {
        --s.in_pipe;
    }
    s.newest_sent = std::max(s.newest_sent, sent);
    tally_.overtaken += stream(from, to, !data).newest_sent > sent ? 1u : 0u;
}

void Network::note_arrival(Stream& s) {
    if (scheduler_.now() - s.arrived > kLongPause) {
        s.paused = scheduler_.now();
    }
    s.arrived = scheduler_.now();
}

void Network::note_answer(Answers& a, Instant sent, Instant answered) {
    a.newest_got = std::max(a.newest_got, sent);
    // The message answers nothing new.
    if (answered <= a.answered) {
        return;
    }
    // A new run begins.
    if (answered - a.answered > kBreak) {
        a.run_since = answered;
        a.run_began = scheduler_.now();
    }
    a.answered = answered;
    if (answered - a.run_since >= kEchoed && scheduler_.now() - a.run_began >= kEchoed) {
        a.steady = answered;
    }
}

void Network::send_control(HostId host, mesh::ConnectionId connection, mesh::Control message) {
    const Connection* found = find(host, connection);
    if (found == nullptr || !found->up) {
        ++tally_.lost_control;
        return;
    }
    const HostId to = found->to;
    const std::uint64_t attempt = found->attempt;
    const OriginId there = receiver_.oid(to);
    auto shared = std::make_shared<const mesh::Control>(as_read(to, std::move(message)));
    const Instant sent = scheduler_.now();
    const bool is_beat = std::holds_alternative<mesh::Heartbeat>(shared->body);
    // Each control message carries, for the judge, the newest message that the sender had got from the receiver.
    const Instant got = stream(to, host, false).any.newest_got;
    const Instant beat = stream(to, host, false).beats.newest_got;
    transmit(host, to, false, [this, host, connection, to, attempt, there, shared, sent, is_beat, got, beat] {
        const Connection* now = find(host, connection);
        // Messages sent before an orderly close still arrive.
        const bool closed_in_order = now == nullptr;
        if ((closed_in_order || now->attempt == attempt) && receiver_.listening(to) && receiver_.oid(to) == there) {
            // Not counted when swallowed by a reset.
            note_arrival(stream(host, to, false));
            note_answer(stream(host, to, false).any, sent, got);
            if (is_beat) {
                note_answer(stream(host, to, false).beats, sent, beat);
                note_announcement(host, to, std::get<mesh::Heartbeat>(shared->body).rebind_ms);
            }
            receiver_.input(to, *shared);
        }
    });
}

void Network::send_data(HostId host, mesh::Data message) {
    // Data is addressed to a process, so the host is looked up first.
    const auto home = homes_.find(message.dst.value);
    const auto found = home == homes_.end() ? subscriptions_[host].end() : subscriptions_[host].find(home->second);
    if (found == subscriptions_[host].end() || found->second.oid != message.dst || !found->second.subscribed ||
        path(host, found->first).mute) {
        ++tally_.lost_data;
        return;
    }
    const HostId to = found->first;
    const std::uint64_t attempt = found->second.attempt;
    auto shared = std::make_shared<const mesh::Data>(as_read(to, std::move(message)));
    transmit(host, to, true, [this, host, to, attempt, shared] {
        const auto it = subscriptions_[host].find(to);
        if (it != subscriptions_[host].end() && it->second.attempt == attempt && receiver_.oid(to) == shared->dst) {
            note_arrival(stream(host, to, true));
            // Frames are noted apart: a tail alone does not show a node that the data of the peer says anything.
            if (std::holds_alternative<mesh::FramePtr>(shared->body)) {
                stream(host, to, true).framed = scheduler_.now();
            }
            receiver_.input(to, *shared);
        }
    });
}

void Network::break_connection(HostId host, mesh::ConnectionId connection, bool tell) {
    Connection& l = connections_[host][connection.value];
    if (!l.open || !l.up) {
        return;
    }
    l.up = false;
    // Messages in flight belong to the former attempt and are dropped.
    l.attempt = ++last_connection_;
    const std::uint64_t incarnation = incarnations_[host];
    // Nobody tells the process: the connection is just silent until the next attempt.
    if (!tell) {
        scheduler_.after(kReconnect,
                         [this, host, connection, incarnation] { try_connect(host, connection, incarnation); });
        return;
    }
    scheduler_.after(one_way(l.to, host), [this, host, connection, incarnation] {
        if (incarnations_[host] == incarnation && find(host, connection) != nullptr) {
            receiver_.input(host, mesh::ConnectionDown{connection});
            scheduler_.after(kReconnect,
                             [this, host, connection, incarnation] { try_connect(host, connection, incarnation); });
        }
    });
}

}  // namespace tulle::sim
