#include <spdlog/spdlog.h>

#include <bit>
#include <exception>

#include "mesh/io/zmq_transport.hpp"

/// How connections to other nodes come into being and end: names are looked up, and each address has its turn.
namespace tulle::mesh {
namespace {

/// Names of hosts whose good address is remembered; anybody can introduce himself by any name.
constexpr std::size_t kMaxRememberedNames = 2 * kMaxMembers;

}  // namespace

void ZmqTransport::open_link(LinkId link, const std::string& endpoint) {
    auto made = std::make_unique<Link>(Link{.endpoint = endpoint});
    if (!make(link, *made)) {
        put_off_.insert(link);
    }
    links_.emplace(link, std::move(made));
}

bool ZmqTransport::make(LinkId id, Link& link) {
    if (links_.size() - put_off_.size() >= limits_.links) {
        note_put_off(link.endpoint, "as many links are open as there may be");
        return false;
    }
    try {
        std::unique_ptr<MonitoredSocket> dealer = sockets_.dealer();
        ready_.add(dealer->events().descriptor(), kFirstLink + id.value);
        link.dealer = std::move(dealer);
    } catch (const std::exception& error) {
        note_put_off(link.endpoint, error.what());
        return false;
    }
    const std::optional<HostPort> address = parse_host_port(link.endpoint);
    if (const auto known = address ? numeric(*address) : std::nullopt) {
        link.addresses = {*known};
        connect(link);
    } else {
        link.is_resolving = true;
        resolver_.ask(link.endpoint);
    }
    heard_.push_back(id);  // what it has said by now
    return true;
}

void ZmqTransport::make_put_off(Instant now) {
    if (put_off_.empty() || now < make_at_) {
        return;
    }
    make_at_ = now + kRetry;
    while (!put_off_.empty() && make(*put_off_.begin(), *links_.at(*put_off_.begin()))) {
        put_off_.erase(put_off_.begin());
    }
}

void ZmqTransport::note_put_off(const std::string& endpoint, const char* why) {
    ++counters_.links_put_off;
    if (std::has_single_bit(counters_.links_put_off)) {  // 1, 2, 4, 8…
        spdlog::warn("the connection to {} is put off: {} ({} times so far)", endpoint, why, counters_.links_put_off);
    }
}

void ZmqTransport::connect(Link& link) {
    try {
        link.dealer->socket().connect(link.addresses[link.at].zmq_endpoint());
    } catch (const zmq::error_t& error) {
        spdlog::warn("cannot dial {}: {}", link.endpoint, error.what());
    }
}

bool ZmqTransport::try_next_address(Link& link) {
    ++link.refused;
    if (link.was_up || link.refused >= link.addresses.size() || !link.dealer) {
        return false;
    }
    try {
        link.dealer->socket().disconnect(link.addresses[link.at].zmq_endpoint());
    } catch (const zmq::error_t& error) {
        spdlog::debug("disconnect from {}: {}", link.endpoint, error.what());
    }
    link.at = (link.at + 1) % link.addresses.size();
    connect(link);
    return true;
}

std::size_t ZmqTransport::first_address(const std::string& endpoint, std::size_t count) const {
    const auto known = first_address_.find(parse_host_port(endpoint).value_or(HostPort{}).host);
    return known == first_address_.end() ? 0 : known->second % count;
}

void ZmqTransport::note_address(const Link& link, std::size_t at) {
    if (link.addresses.size() < 2) {
        return;
    }
    if (first_address_.size() >= kMaxRememberedNames) {
        first_address_.clear();
    }
    first_address_[parse_host_port(link.endpoint).value_or(HostPort{}).host] = at;
}

void ZmqTransport::close_link(LinkId link) {
    checks_.cancel(link);
    put_off_.erase(link);
    if (const auto found = links_.find(link); found != links_.end()) {
        if (!found->second->was_up) {
            note_address(*found->second, found->second->at + 1);
        }
        if (found->second->dealer) {
            ready_.remove(found->second->dealer->events().descriptor());
        }
        links_.erase(found);
    }
}

void ZmqTransport::check_endpoint(Instant now, LinkId link, const std::string& endpoint) {
    const auto found = links_.find(link);
    if (found == links_.end()) {
        return;
    }
    if (found->second->addresses.empty()) {
        if (found->second->is_resolving) {
            waiting_checks_[endpoint].insert(link);
        }
        return;  // else its turn has not come, or its name has no address
    }
    std::vector<Input> at_once;
    checks_.start(now, link, found->second->addresses[found->second->at], at_once);
    pending_.insert(pending_.end(), at_once.begin(), at_once.end());
}

void ZmqTransport::resolve_name(const std::string& name) {
    asked_names_.insert(name);
    resolver_.ask(name);
}

void ZmqTransport::connect_data(const std::string& endpoint) {
    if (!data_connections_.contains(endpoint) && data_connections_.size() >= limits_.links) {
        note_put_off(endpoint, "as many data connections are open as there may be");
        return;
    }
    std::string& connected = data_connections_[endpoint];
    connected.clear();
    const std::optional<HostPort> address = parse_host_port(endpoint);
    if (const auto known = address ? numeric(*address) : std::nullopt) {
        connect_subscriber(endpoint, connected, *known);
    } else {
        resolver_.ask(endpoint);
    }
}

void ZmqTransport::connect_subscriber(const std::string& endpoint, std::string& connected,
                                      const NumericAddress& address) {
    try {
        const std::string target = address.zmq_endpoint();
        sockets_.subscriber.connect(target);
        connected = target;
    } catch (const zmq::error_t& error) {
        spdlog::warn("cannot dial {} for data: {}", endpoint, error.what());
    }
    subscriber_.touch();
}

void ZmqTransport::disconnect_data(const std::string& endpoint) {
    const auto found = data_connections_.find(endpoint);
    if (found == data_connections_.end()) {
        return;
    }
    if (!found->second.empty()) {
        try {
            subscriber_.touch();
            sockets_.subscriber.disconnect(found->second);
        } catch (const zmq::error_t& error) {
            spdlog::debug("disconnect from {}: {}", found->second, error.what());
        }
    }
    data_connections_.erase(found);
}

void ZmqTransport::collect_answers(Instant now, std::vector<Input>& out) {
    for (const Resolver::Answer& answer : resolver_.take_answers()) {
        const std::vector<NumericAddress>& addresses = answer.found.addresses;
        if (asked_names_.erase(answer.endpoint) > 0) {
            NameResolved resolved{answer.endpoint, {}, answer.found.error};
            for (const NumericAddress& address : addresses) {
                resolved.endpoints.push_back(address.text());
            }
            out.push_back(std::move(resolved));
        }
        for (auto& [id, link] : links_) {
            link->is_resolving = link->is_resolving && link->endpoint != answer.endpoint;
        }
        if (addresses.empty()) {
            waiting_checks_.erase(answer.endpoint);
            continue;  // the core dials again, and the name is looked up again
        }
        const std::size_t first = first_address(answer.endpoint, addresses.size());
        for (auto& [id, link] : links_) {
            if (link->endpoint == answer.endpoint && link->dealer && link->addresses.empty()) {
                link->addresses = addresses;
                link->at = first;
                connect(*link);
            }
        }
        if (const auto data = data_connections_.find(answer.endpoint);
            data != data_connections_.end() && data->second.empty()) {
            connect_subscriber(data->first, data->second, addresses[first]);
        }
        if (const auto checks = waiting_checks_.extract(answer.endpoint)) {
            for (const LinkId id : checks.mapped()) {
                if (const auto link = links_.find(id); link != links_.end() && !link->second->addresses.empty()) {
                    checks_.start(now, id, link->second->addresses[link->second->at], out);
                }
            }
        }
    }
}

void ZmqTransport::collect_checks(Instant now, std::vector<Input>& out) {
    std::vector<Input> checked;
    checks_.collect(now, checked);
    for (Input& input : checked) {
        const auto* answer = std::get_if<EndpointChecked>(&input);
        const auto link = answer != nullptr ? links_.find(answer->link) : links_.end();
        if (link != links_.end() && answer->state == EndpointState::kRefused && try_next_address(*link->second)) {
            checks_.start(now, answer->link, link->second->addresses[link->second->at], out);
        } else {
            out.push_back(std::move(input));
        }
    }
}

}  // namespace tulle::mesh
