#include <algorithm>

#include "tests/sim/network.hpp"

namespace tulle::sim {
namespace {

/// A TCP stream survives a cut shorter than this.
constexpr Duration kStreamPatience = 3s;
/// A tail comes each second; a longer pause on data is suspicious.
constexpr Duration kTailPause = 1500ms;

}  // namespace

Path& Network::alter(HostId from, HostId to) {
    touched_[from * hosts_ + to] = scheduler_.now();
    return paths_[from * hosts_ + to];
}

void Network::process_started(HostId host) {
    homes_[receiver_.oid(host).value] = host;
}

void Network::process_thawed(HostId host) {
    for (HostId from = 0; from < hosts_; ++from) {
        for (const bool data : {false, true}) {
            Stream& s = stream(from, host, data);
            // The thawed process takes the whole backlog at once.
            s.in_pipe -= std::exchange(s.backlog, 0);
        }
    }
}

void Network::process_died(HostId host) {
    // The backlog of a dead process is gone.
    process_thawed(host);
    ++incarnations_[host];
    connections_[host].clear();
    // Subscribers of the dead publisher try again, to reach the successor.
    for (auto& [subscriber, subscription] : subscriptions_[host]) {
        subscription.subscribed = false;
        subscription.attempt = ++last_connection_;
        scheduler_.after(kReconnect, [this, from = subscriber, host] { try_subscribe(from, host); });
    }
    // The dead process's own subscriptions end, and connections of others to the process break.
    for (HostId other = 0; other < hosts_; ++other) {
        if (const auto found = subscriptions_[other].find(host); found != subscriptions_[other].end()) {
            if (found->second.subscribed) {
                old_pipe_ends(host, other, found->second.oid);
            }
            subscriptions_[other].erase(found);
        }
        for (std::uint32_t connection = 0; connection < connections_[other].size(); ++connection) {
            if (connections_[other][connection].to == host) {
                break_connection(other, mesh::ConnectionId{connection}, reachable(host, other));
            }
        }
    }
}

void Network::cut(HostId from, HostId to) {
    // A second cut does not move the begin of the first.
    if (!path(from, to).cut) {
        alter(from, to).cut = true;
        cut_at_[from * hosts_ + to] = scheduler_.now();
    }
}

void Network::mute(HostId from, HostId to, bool on) {
    alter(from, to).mute = on;
    if (!on) {
        unmuted_at_[from * hosts_ + to] = scheduler_.now();
    }
}

void Network::heal(HostId from, HostId to) {
    if (!path(from, to).cut) {
        return;
    }
    alter(from, to).cut = false;
    // TCP sends delayed messages again, in order, as long as the stream lives.
    const bool survived = scheduler_.now() - cut_at_[from * hosts_ + to] < kStreamPatience;
    for (const bool data : {false, true}) {
        Stream& s = stream(from, to, data);
        std::vector<Stuck> stuck;
        stuck.swap(s.stuck);
        for (Stuck& one : stuck) {
            if (survived) {
                schedule(from, to, data, one.sent, std::move(one.deliver));
            } else {
                --s.in_pipe;
                ++(data ? tally_.lost_data : tally_.lost_control);
            }
        }
    }
    if (!survived) {
        reset(from, to);
    }
}

void Network::reset(HostId a, HostId b) {
    touched_[a * hosts_ + b] = scheduler_.now();
    touched_[b * hosts_ + a] = scheduler_.now();
    break_both_ways(a, b);
}

void Network::break_both_ways(HostId a, HostId b) {
    // Both sides lose their connections, and both their subscriptions.
    for (const auto& [host, to] : {std::pair{a, b}, std::pair{b, a}}) {
        for (std::uint32_t connection = 0; connection < connections_[host].size(); ++connection) {
            if (connections_[host][connection].to == to) {
                break_connection(host, mesh::ConnectionId{connection}, true);
            }
        }
        const auto found = subscriptions_[host].find(to);
        if (found == subscriptions_[host].end()) {
            continue;
        }
        if (found->second.subscribed) {
            old_pipe_ends(to, host, found->second.oid);
        }
        found->second.subscribed = false;
        found->second.attempt = ++last_connection_;
        scheduler_.after(kReconnect,
                         [this, subscriber = to, publisher = host] { try_subscribe(subscriber, publisher); });
    }
}

void Network::rebind(HostId host) {
    ++tally_.rebinds;
    closed_until_[host] = scheduler_.now() + kPortsClosed;
    for (HostId other = 0; other < hosts_; ++other) {
        if (other != host) {
            break_both_ways(host, other);
        }
    }
}

void Network::note_announcement(HostId from, HostId to, std::uint32_t ms) {
    if (ms > 0) {
        announced_[{from, to}] = {receiver_.oid(to), scheduler_.now() + std::chrono::milliseconds(ms)};
    }
}

Instant Network::announced_until(HostId from, HostId to) const {
    const auto found = announced_.find({from, to});
    // What a former process of the host has heard says nothing about the present one.
    return found == announced_.end() || found->second.first != receiver_.oid(to) ? Instant{} : found->second.second;
}

bool Network::has_just_rebound(HostId host) const {
    const auto closed = closed_until_.find(host);
    return closed != closed_until_.end() && scheduler_.now() < closed->second + kReconnect;
}

bool Network::listens(HostId host) {
    const auto closed = closed_until_.find(host);
    const bool is_closed = closed != closed_until_.end() && scheduler_.now() < closed->second;
    tally_.refused_by_rebinds += is_closed ? 1u : 0u;
    return receiver_.listening(host) && !is_closed;
}

Instant Network::last_arrival(HostId from, HostId to, bool data) const {
    return streams_[2 * (from * hosts_ + to) + (data ? 1 : 0)].arrived;
}

Instant Network::last_frame(HostId from, HostId to) const {
    return streams_[2 * (from * hosts_ + to) + 1].framed;
}

Instant Network::last_arrival(HostId from, HostId to) const {
    return std::max(last_arrival(from, to, false), last_arrival(from, to, true));
}

bool Network::undisturbed(HostId a, HostId b, Instant since) const {
    return path(a, b) == Path{} && path(b, a) == Path{} && touched_[a * hosts_ + b] < since &&
           touched_[b * hosts_ + a] < since;
}

bool Network::unanswered_on_control(HostId asker, HostId by, Duration time) const {
    return scheduler_.now() - streams_[2 * (by * hosts_ + asker)].any.steady >= time;
}

bool Network::unanswered_beats(HostId asker, HostId by, Duration time) const {
    return scheduler_.now() - streams_[2 * (by * hosts_ + asker)].beats.steady >= time;
}

bool Network::data_passes_since(HostId publisher, HostId subscriber, Instant since) const {
    const auto found = subscriptions_[publisher].find(subscriber);
    return found != subscriptions_[publisher].end() && found->second.subscribed && found->second.since <= since &&
           !path(publisher, subscriber).mute && unmuted_at_[publisher * hosts_ + subscriber] <= since;
}

bool Network::deaf_since(HostId from, HostId to, Instant since) const {
    // Exactly deaf, and nothing else wrong.
    Path deaf;
    deaf.control_loss_percent = 100;
    return path(from, to) == deaf && touched_[from * hosts_ + to] <= since;
}

bool Network::heard_steadily(HostId from, HostId to, Instant since, Instant until) const {
    const Stream& s = streams_[2 * (from * hosts_ + to) + 1];
    return s.paused < since && until - s.arrived <= kTailPause;
}

bool Network::cut_since(HostId from, HostId to, Instant since) const {
    return path(from, to).cut && cut_at_[from * hosts_ + to] <= since;
}

}  // namespace tulle::sim
