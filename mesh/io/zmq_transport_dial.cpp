#include <spdlog/spdlog.h>

#include <bit>
#include <exception>

#include "mesh/io/zmq_transport.hpp"

// The outward connections. A connection goes through three stages: put off (no DEALER), resolving (no address),
// dialled. Each address of a name has its turn: a refusal leads to the next address, and the last good address is
// remembered for the next dial of the name.
namespace tulle::mesh {
namespace {

/// Host names with a remembered address. Anybody can introduce a node by any name, so the number is bounded; beyond the
/// bound all are forgotten.
constexpr std::size_t kMaxRememberedNames = 2 * kMaxMembers;

}  // namespace

void ZmqTransport::open_connection(ConnectionId connection, const std::string& endpoint) {
    auto made = std::make_unique<Connection>(Connection{.endpoint = endpoint});
    if (!make(connection, *made)) {
        put_off_.insert(connection);
    }
    connections_.emplace(connection, std::move(made));
}

bool ZmqTransport::make(ConnectionId id, Connection& connection) {
    // The difference is the number of connections with a DEALER; the new connection is not among them.
    if (connections_.size() - put_off_.size() >= limits_.connections) {
        note_put_off(connection.endpoint, "as many connections are open as there may be");
        return false;
    }
    if (!make_dealer(id, connection)) {
        return false;
    }
    // A connection put off later in its life has its addresses already.
    if (!connection.addresses.empty()) {
        connect(connection);
        return true;
    }
    const std::optional<HostPort> address = parse_host_port(connection.endpoint);
    // A numeric address needs no look-up.
    if (const auto known = address ? numeric(*address) : std::nullopt) {
        connection.addresses = {*known};
        connect(connection);
    } else {
        connection.is_resolving = true;
        resolver_.ask(connection.endpoint);
    }
    return true;
}

bool ZmqTransport::make_dealer(ConnectionId id, Connection& connection) {
    // A socket needs descriptors and memory. A failure leaves nothing behind and is tried again later.
    try {
        std::unique_ptr<MonitoredSocket> dealer = sockets_.dealer();
        ready_.add(dealer->events().descriptor(), kFirstConnection + id.value);
        connection.dealer = std::move(dealer);
    } catch (const std::exception& error) {
        note_put_off(connection.endpoint, error.what());
        return false;
    }
    // The monitor may have reported before the epoll knew the descriptor.
    heard_.push_back(id);
    return true;
}

void ZmqTransport::make_put_off(Instant now) {
    if (put_off_.empty() || now < make_at_) {
        return;
    }
    make_at_ = now + kRetry;
    // The first failure ends the round, because the next connection would fail for the same reason.
    while (!put_off_.empty() && make(*put_off_.begin(), *connections_.at(*put_off_.begin()))) {
        put_off_.erase(put_off_.begin());
    }
}

void ZmqTransport::note_put_off(const std::string& endpoint, const char* why) {
    ++counters_.connections_put_off;
    if (std::has_single_bit(counters_.connections_put_off)) {
        spdlog::warn("the connection to {} is put off: {} ({} times so far)", endpoint, why,
                     counters_.connections_put_off);
    }
}

void ZmqTransport::connect(Connection& connection) {
    if (connection.addresses.empty() || !connection.dealer) {
        return;
    }
    note_attempt(connection.keys);
    try {
        aim(connection.dealer->socket(), connection.keys);
        connection.dealer->socket().connect(connection.addresses[connection.at].zmq_endpoint());
    } catch (const zmq::error_t& error) {
        spdlog::warn("cannot dial {}: {}", connection.endpoint, error.what());
    }
}

void ZmqTransport::drop_dealer(Connection& connection) {
    connection.keys.stands = false;
    if (!connection.dealer) {
        return;
    }
    // Nothing that waits could still be sent.
    connection.dealer->socket().set(zmq::sockopt::linger, 0);
    // The descriptor must leave the epoll before the socket closes the descriptor.
    ready_.remove(connection.dealer->events().descriptor());
    connection.dealer.reset();
}

// A DEALER is not used for a second address or key. After zmq_disconnect() libzmq's former session goes on dialling by
// the former key and address for as long as a message waits in the session, and its reports cannot be told from the
// others.
void ZmqTransport::dial_again(ConnectionId id, Connection& connection) {
    connection.keys.retry_at.reset();
    if (put_off_.contains(id)) {
        return;
    }
    drop_dealer(connection);
    if (!make_dealer(id, connection)) {
        put_off_.insert(id);
        return;
    }
    connect(connection);
}

bool ZmqTransport::try_next_address(ConnectionId id, Connection& connection) {
    ++connection.refused;
    // An address good before is kept: the process behind the address may start again.
    if (connection.was_up || connection.refused >= connection.addresses.size() || !connection.dealer) {
        return false;
    }
    connection.at = (connection.at + 1) % connection.addresses.size();
    dial_again(id, connection);
    return true;
}

std::size_t ZmqTransport::first_address(const std::string& endpoint, std::size_t count) const {
    const auto known = first_address_.find(parse_host_port(endpoint).value_or(HostPort{}).host);
    // The number of addresses may have changed since.
    return known == first_address_.end() ? 0 : known->second % count;
}

void ZmqTransport::note_address(const Connection& connection, std::size_t at) {
    // With a single address there is nothing to choose.
    if (connection.addresses.size() < 2) {
        return;
    }
    if (first_address_.size() >= kMaxRememberedNames) {
        first_address_.clear();
    }
    first_address_[parse_host_port(connection.endpoint).value_or(HostPort{}).host] = at;
}

void ZmqTransport::close_connection(ConnectionId connection) {
    checks_.cancel(connection);
    put_off_.erase(connection);
    if (const auto found = connections_.find(connection); found != connections_.end()) {
        // Given up without success: the next dial of the name begins with the next address.
        if (!found->second->was_up) {
            note_address(*found->second, found->second->at + 1);
        }
        // The descriptor must leave the epoll before the socket closes the descriptor. The linger of the DEALER holds.
        if (found->second->dealer) {
            ready_.remove(found->second->dealer->events().descriptor());
        }
        connections_.erase(found);
    }
}

void ZmqTransport::check_endpoint(Instant now, ConnectionId connection, const std::string& endpoint) {
    const auto found = connections_.find(connection);
    if (found == connections_.end()) {
        return;
    }
    if (found->second->addresses.empty()) {
        if (found->second->is_resolving) {
            waiting_checks_[endpoint].insert(connection);
        }
        // Without a look-up under way, either the connection is put off or the name has no address.
        return;
    }
    // The core is executing effects at the moment, so the answer waits for the next collect().
    std::vector<Input> at_once;
    checks_.start(now, connection, found->second->addresses[found->second->at], at_once);
    pending_.insert(pending_.end(), at_once.begin(), at_once.end());
}

void ZmqTransport::resolve_name(const std::string& name) {
    asked_names_.insert(name);
    resolver_.ask(name);
}

void ZmqTransport::connect_data(const std::string& endpoint) {
    // The core dials again after Timing::data_deaf.
    if (!data_connections_.contains(endpoint) && data_connections_.size() >= limits_.connections) {
        note_put_off(endpoint, "as many data connections are open as there may be");
        return;
    }
    DataConnection& data = data_connections_[endpoint];
    data = {};
    const std::optional<HostPort> address = parse_host_port(endpoint);
    if (const auto known = address ? numeric(*address) : std::nullopt) {
        connect_subscriber(endpoint, data, known->zmq_endpoint());
    } else {
        resolver_.ask(endpoint);
    }
}

void ZmqTransport::connect_subscriber(const std::string& endpoint, DataConnection& data, const std::string& address) {
    data.keys.retry_at.reset();
    note_attempt(data.keys);
    try {
        aim(sockets_.subscriber.socket(), data.keys);
        sockets_.subscriber.socket().connect(address);
        data.address = address;
    } catch (const zmq::error_t& error) {
        spdlog::warn("cannot dial {} for data: {}", endpoint, error.what());
    }
    // A connect may take in messages without a signal on the descriptor.
    subscriber_.touch();
}

void ZmqTransport::disconnect_subscriber(const std::string& endpoint, DataConnection& data) {
    data.keys.stands = false;
    // Empty means: still resolving, so nothing is connected. During a pause nothing is connected either.
    if (data.address.empty() || data.keys.retry_at) {
        return;
    }
    try {
        subscriber_.touch();
        sockets_.subscriber.socket().disconnect(data.address);
    } catch (const zmq::error_t& error) {
        spdlog::debug("disconnect from {}: {}", endpoint, error.what());
    }
}

void ZmqTransport::disconnect_data(const std::string& endpoint) {
    const auto found = data_connections_.find(endpoint);
    if (found == data_connections_.end()) {
        return;
    }
    disconnect_subscriber(endpoint, found->second);
    data_connections_.erase(found);
}

void ZmqTransport::collect_answers(Instant now, std::vector<Input>& out) {
    for (const Resolver::Answer& answer : resolver_.take_answers()) {
        const std::vector<NumericAddress>& addresses = answer.found.addresses;
        // The name of a seed: the core receives all addresses.
        if (asked_names_.erase(answer.endpoint) > 0) {
            NameResolved resolved{answer.endpoint, {}, answer.found.error};
            for (const NumericAddress& address : addresses) {
                resolved.endpoints.push_back(address.text());
            }
            out.push_back(std::move(resolved));
        }
        // One answer serves every connection to the endpoint.
        for (auto& [id, connection] : connections_) {
            connection->is_resolving = connection->is_resolving && connection->endpoint != answer.endpoint;
        }
        if (addresses.empty()) {
            waiting_checks_.erase(answer.endpoint);
            // The core dials again, and the name is looked up again.
            continue;
        }
        const std::size_t first = first_address(answer.endpoint, addresses.size());
        for (auto& [id, connection] : connections_) {
            if (connection->endpoint == answer.endpoint && connection->dealer && connection->addresses.empty()) {
                connection->addresses = addresses;
                connection->at = first;
                connect(*connection);
            }
        }
        // A data connection still wanted, and waiting for the name.
        if (const auto data = data_connections_.find(answer.endpoint);
            data != data_connections_.end() && data->second.address.empty()) {
            connect_subscriber(data->first, data->second, addresses[first].zmq_endpoint());
        }
        // Checks asked for while the name was being looked up.
        if (const auto checks = waiting_checks_.extract(answer.endpoint)) {
            for (const ConnectionId id : checks.mapped()) {
                if (const auto connection = connections_.find(id);
                    connection != connections_.end() && !connection->second->addresses.empty()) {
                    checks_.start(now, id, connection->second->addresses[connection->second->at], out);
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
        const auto connection = answer != nullptr ? connections_.find(answer->connection) : connections_.end();
        // The core hears of a refusal only when the last address has refused.
        if (connection != connections_.end() && answer->state == EndpointState::kRefused &&
            try_next_address(connection->first, *connection->second)) {
            checks_.start(now, answer->connection, connection->second->addresses[connection->second->at], out);
        } else {
            out.push_back(std::move(input));
        }
    }
}

}  // namespace tulle::mesh
