#include "tests/sim/network.hpp"

#include <algorithm>

namespace tulle::sim {
namespace {

constexpr Duration kReconnect = 100ms;
constexpr Duration kStreamPatience = 3s;

}  // namespace

Network::Network(Scheduler& scheduler, Prng& prng, std::size_t hosts, Receiver receiver)
    : scheduler_(scheduler), prng_(prng), hosts_(hosts), receiver_(std::move(receiver)), paths_(hosts * hosts) {}

HostId Network::host_of(const std::string& endpoint) {
    return std::stoul(endpoint.substr(4, endpoint.find(':') - 4));
}

Duration Network::one_way(HostId from, HostId to) {
    const Path& p = path(from, to);
    return p.delay + Duration{static_cast<Duration::rep>(prng_.below(static_cast<std::uint64_t>(p.jitter.count()) + 1))};
}

void Network::open_link(HostId host, mesh::LinkId link, const std::string& endpoint) {
    links_[{host, link}] = Link{.to = host_of(endpoint)};
    try_connect(host, link);
}

void Network::close_link(HostId host, mesh::LinkId link) {
    links_.erase({host, link});
}

void Network::try_connect(HostId host, mesh::LinkId link) {
    const auto found = links_.find({host, link});
    if (found == links_.end() || found->second.up) {
        return;
    }
    const HostId to = found->second.to;
    const OriginId owner = receiver_.oid(host);
    const Duration round_trip = one_way(host, to) + one_way(to, host);
    if (reachable(host, to) && receiver_.running(to)) {
        scheduler_.after(round_trip, [this, host, link, to, owner] {
            const auto it = links_.find({host, link});
            if (it == links_.end() || it->second.up || receiver_.oid(host) != owner) {
                return;
            }
            if (!receiver_.running(to) || !reachable(host, to)) {
                scheduler_.after(kReconnect, [this, host, link] { try_connect(host, link); });
                return;
            }
            it->second.up = true;
            it->second.connection = ++last_connection_;
            receiver_.input(host, mesh::LinkUp{link});
        });
        return;
    }
    scheduler_.after(kReconnect, [this, host, link, owner] {
        if (receiver_.oid(host) == owner) {
            try_connect(host, link);
        }
    });
}

void Network::check_endpoint(HostId host, mesh::LinkId link, const std::string& endpoint) {
    const HostId to = host_of(endpoint);
    if (!reachable(host, to)) {
        return;
    }
    const OriginId owner = receiver_.oid(host);
    scheduler_.after(one_way(host, to) + one_way(to, host), [this, host, link, to, owner] {
        if (links_.contains({host, link}) && reachable(host, to) && receiver_.oid(host) == owner) {
            const auto state = receiver_.listening(to) ? mesh::EndpointState::kOpen : mesh::EndpointState::kRefused;
            receiver_.input(host, mesh::EndpointChecked{link, state});
        }
    });
}

void Network::connect_data(HostId host, const std::string& endpoint) {
    subscriptions_[{host, host_of(endpoint)}] = Subscription{.oid = receiver_.oid(host)};
    try_subscribe(host, host_of(endpoint));
}

void Network::disconnect_data(HostId host, const std::string& endpoint) {
    subscriptions_.erase({host, host_of(endpoint)});
}

void Network::try_subscribe(HostId subscriber, HostId publisher) {
    const auto found = subscriptions_.find({subscriber, publisher});
    if (found == subscriptions_.end() || found->second.subscribed) {
        return;
    }
    const OriginId oid = found->second.oid;
    if (receiver_.oid(subscriber) != oid) {
        subscriptions_.erase(found);
        return;
    }
    const bool up = reachable(subscriber, publisher) && receiver_.running(publisher) && receiver_.running(subscriber);
    const Duration wait = up ? 3 * one_way(subscriber, publisher) : kReconnect;
    scheduler_.after(wait, [this, subscriber, publisher, oid, up] {
        const auto it = subscriptions_.find({subscriber, publisher});
        if (it == subscriptions_.end() || it->second.oid != oid || it->second.subscribed) {
            return;
        }
        if (!up || !receiver_.running(publisher) || !reachable(subscriber, publisher)) {
            try_subscribe(subscriber, publisher);
            return;
        }
        it->second.subscribed = true;
        it->second.connection = ++last_connection_;
        receiver_.input(publisher, mesh::SubscriberSeen{oid});
    });
}

void Network::transmit(HostId from, HostId to, bool data, const std::function<void()>& deliver) {
    const Path& p = path(from, to);
    if (prng_.chance(p.loss_percent)) {
        ++lost_;
        return;
    }
    Stream& stream = streams_[{from * hosts_ + to, data}];
    if (p.cut) {
        stream.stuck.push_back({scheduler_.now(), deliver});
        return;
    }
    const std::uint64_t copies = prng_.chance(p.duplicate_percent) ? 2 : 1;
    for (std::uint64_t i = 0; i < copies; ++i) {
        stream.last_arrival = std::max(stream.last_arrival, scheduler_.now() + one_way(from, to));
        scheduler_.at(stream.last_arrival, deliver);
    }
}

void Network::send_control(HostId host, mesh::LinkId link, mesh::Control message) {
    const auto found = links_.find({host, link});
    if (found == links_.end() || !found->second.up) {
        ++lost_;
        return;
    }
    const HostId to = found->second.to;
    const std::uint64_t connection = found->second.connection;
    const OriginId there = receiver_.oid(to);
    auto shared = std::make_shared<const mesh::Control>(std::move(message));
    transmit(host, to, false, [this, host, link, to, connection, there, shared] {
        const auto it = links_.find({host, link});
        const bool closed_in_order = it == links_.end();  // what was sent before an orderly close still arrives
        const bool same = closed_in_order || it->second.connection == connection;
        if (same && receiver_.listening(to) && receiver_.oid(to) == there) {
            receiver_.input(to, *shared);
        }
    });
}

void Network::send_data(HostId host, mesh::Data message) {
    for (auto& [key, subscription] : subscriptions_) {
        if (key.second != host || subscription.oid != message.dst) {
            continue;
        }
        if (!subscription.subscribed || path(host, key.first).mute) {
            ++lost_;
            return;
        }
        const HostId to = key.first;
        const std::uint64_t connection = subscription.connection;
        auto shared = std::make_shared<const mesh::Data>(std::move(message));
        transmit(host, to, true, [this, host, to, connection, shared] {
            const auto it = subscriptions_.find({to, host});
            if (it != subscriptions_.end() && it->second.connection == connection && receiver_.oid(to) == shared->dst) {
                receiver_.input(to, *shared);
            }
        });
        return;
    }
    ++lost_;
}

void Network::break_link(HostId host, mesh::LinkId link, bool tell) {
    Link& l = links_.at({host, link});
    if (!l.up) {
        return;
    }
    l.up = false;
    l.connection = ++last_connection_;
    const OriginId owner = receiver_.oid(host);
    if (tell) {
        scheduler_.after(one_way(l.to, host), [this, host, link, owner] {
            const auto it = links_.find({host, link});
            if (it != links_.end() && receiver_.oid(host) == owner) {
                receiver_.input(host, mesh::LinkDown{link});
                scheduler_.after(kReconnect, [this, host, link] { try_connect(host, link); });
            }
        });
    } else {
        scheduler_.after(kReconnect, [this, host, link, owner] {
            if (receiver_.oid(host) == owner) {
                try_connect(host, link);
            }
        });
    }
}

void Network::process_died(HostId host) {
    for (auto it = links_.begin(); it != links_.end();) {
        it = it->first.first == host ? links_.erase(it) : std::next(it);
    }
    for (auto it = subscriptions_.begin(); it != subscriptions_.end();) {
        if (it->first.first == host) {
            it = subscriptions_.erase(it);
            continue;
        }
        if (it->first.second == host) {
            it->second.subscribed = false;
            it->second.connection = ++last_connection_;
            const auto [subscriber, publisher] = it->first;
            scheduler_.after(kReconnect, [this, s = subscriber, p = publisher] { try_subscribe(s, p); });
        }
        ++it;
    }
    for (auto& [key, link] : links_) {
        if (link.to == host) {
            break_link(key.first, key.second, reachable(host, key.first));
        }
    }
}

void Network::cut(HostId from, HostId to) {
    if (!path(from, to).cut) {
        path(from, to).cut = true;
        streams_[{from * hosts_ + to, false}].cut_at = scheduler_.now();
        streams_[{from * hosts_ + to, true}].cut_at = scheduler_.now();
    }
}

void Network::heal(HostId from, HostId to) {
    if (!path(from, to).cut) {
        return;
    }
    path(from, to).cut = false;
    const Instant cut_at = streams_[{from * hosts_ + to, false}].cut_at;
    const bool survived = scheduler_.now() - cut_at < kStreamPatience;
    for (const bool data : {false, true}) {
        Stream& stream = streams_[{from * hosts_ + to, data}];
        for (Stuck& stuck : stream.stuck) {
            if (survived) {
                stream.last_arrival = std::max(stream.last_arrival, scheduler_.now() + one_way(from, to));
                scheduler_.at(stream.last_arrival, std::move(stuck.deliver));
            } else {
                ++lost_;
            }
        }
        stream.stuck.clear();
    }
    if (!survived) {
        reset(from, to);
    }
}

void Network::reset(HostId a, HostId b) {
    for (auto& [key, link] : links_) {
        if ((key.first == a && link.to == b) || (key.first == b && link.to == a)) {
            break_link(key.first, key.second, true);
        }
    }
    for (auto& [key, subscription] : subscriptions_) {
        if ((key.first == a && key.second == b) || (key.first == b && key.second == a)) {
            subscription.subscribed = false;
            subscription.connection = ++last_connection_;
            scheduler_.after(kReconnect, [this, s = key.first, p = key.second] { try_subscribe(s, p); });
        }
    }
}

}  // namespace tulle::sim
