#include "mesh/io/control_dialer.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "mesh/io/steady_now.hpp"
#include "mesh/wire/codec.hpp"

namespace tulle::mesh {

void ControlDialer::open(ConnectionId id, const std::string& endpoint) {
    auto made = std::make_unique<Connection>(Connection{.endpoint = endpoint});
    if (!make(id, *made)) {
        put_off_.insert(id);
    }
    connections_.emplace(id, std::move(made));
}

bool ControlDialer::make(ConnectionId id, Connection& connection) {
    // The difference is the number of connections with a DEALER; the new connection is not among them.
    if (connections_.size() - put_off_.size() >= limit_) {
        counters_.note_put_off(connection.endpoint, "as many connections are open as there may be");
        return false;
    }
    if (!make_dealer(id, connection)) {
        return false;
    }
    // A connection put off later in its life has its addresses already.
    if (!connection.addresses.empty()) {
        dial(connection);
        return true;
    }
    const std::optional<HostPort> address = parse_host_port(connection.endpoint);
    // A numeric address needs no look-up.
    if (const auto known = address ? numeric(*address) : std::nullopt) {
        connection.addresses = {*known};
        dial(connection);
    } else {
        connection.is_resolving = true;
        addresses_.ask(connection.endpoint);
    }
    return true;
}

bool ControlDialer::make_dealer(ConnectionId id, Connection& connection) {
    // A socket needs descriptors and memory. A failure leaves nothing behind and is tried again later.
    try {
        std::unique_ptr<MonitoredSocket> dealer = sockets_.dealer();
        ready_.add(dealer->events().descriptor(), tokens_.first + id.value);
        connection.dealer = std::move(dealer);
    } catch (const std::exception& error) {
        counters_.note_put_off(connection.endpoint, error.what());
        return false;
    }
    // The monitor may have reported before the epoll knew the descriptor.
    heard_.push_back(id);
    return true;
}

void ControlDialer::make_put_off(Instant now) {
    if (put_off_.empty() || now < make_at_) {
        return;
    }
    make_at_ = now + kRetry;
    // The first failure ends the round, because the next connection would fail for the same reason.
    while (!put_off_.empty() && make(*put_off_.begin(), *connections_.at(*put_off_.begin()))) {
        put_off_.erase(put_off_.begin());
    }
}

void ControlDialer::dial(Connection& connection) {
    if (connection.addresses.empty() || !connection.dealer) {
        return;
    }
    connection.keys.begin(steady_now(), sockets_.ring);
    consider(connection.keys);
    try {
        sockets_.aim(connection.dealer->socket(), connection.keys.place());
        connection.dealer->socket().connect(connection.address().zmq_endpoint());
    } catch (const zmq::error_t& error) {
        counters_.note_not_dialled(connection.endpoint, error.what());
    }
}

void ControlDialer::drop_dealer(Connection& connection) {
    connection.keys.drop();
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
void ControlDialer::dial_again(ConnectionId id, Connection& connection) {
    connection.keys.cancel();
    if (put_off_.contains(id)) {
        return;
    }
    drop_dealer(connection);
    if (!make_dealer(id, connection)) {
        put_off_.insert(id);
        return;
    }
    dial(connection);
}

bool ControlDialer::try_next_address(ConnectionId id, Connection& connection) {
    ++connection.refused;
    // An address good before is kept: the process behind the address may start again.
    if (connection.was_up || connection.refused >= connection.addresses.size() || !connection.dealer) {
        return false;
    }
    connection.at = (connection.at + 1) % connection.addresses.size();
    dial_again(id, connection);
    return true;
}

void ControlDialer::close(ConnectionId id) {
    checks_.cancel(id);
    put_off_.erase(id);
    if (const auto found = connections_.find(id); found != connections_.end()) {
        const Connection& connection = *found->second;
        // Given up without success: the next dial of the name begins with the next address.
        if (!connection.was_up) {
            addresses_.remember(connection.endpoint, connection.at + 1, connection.addresses.size());
        }
        // The descriptor must leave the epoll before the socket closes the descriptor. The linger of the DEALER holds.
        if (connection.dealer) {
            ready_.remove(connection.dealer->events().descriptor());
        }
        connections_.erase(found);
    }
}

void ControlDialer::check(Instant now, ConnectionId id) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) {
        return;
    }
    const Connection& connection = *found->second;
    if (connection.addresses.empty()) {
        if (connection.is_resolving) {
            waiting_checks_[connection.endpoint].insert(id);
        }
        // Without a look-up under way, either the connection is put off or the name has no address.
        return;
    }
    // The core is executing effects at the moment, so an answer known at once waits for the next collect().
    checks_.start(now, id, connection.address(), pending_);
}

void ControlDialer::send(ConnectionId id, const Control& message) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) {
        return;
    }
    // Put off: as silent as a connection to nobody.
    if (!found->second->dealer) {
        ++traffic_.unsent;
        return;
    }
    const std::string bytes = encode(message);
    zmq::socket_t& socket = found->second->dealer->socket();
    bool sent = socket.send(zmq::buffer(bytes), zmq::send_flags::dontwait).has_value();
    if (!sent) {
        // libzmq lets a send look at the I/O thread's news only every millisecond. Just after ConnectionUp a send may
        // therefore miss the new pipe. Asking for the events looks at once.
        static_cast<void>(socket.get(zmq::sockopt::events));
        sent = socket.send(zmq::buffer(bytes), zmq::send_flags::dontwait).has_value();
    }
    if (sent) {
        ++traffic_.sent;
        traffic_.bytes += bytes.size();
    } else {
        ++traffic_.unsent;
    }
}

void ControlDialer::begin_turn(Instant now) {
    make_put_off(now);
    retry(now);
}

void ControlDialer::retry(Instant now) {
    if (!retry_at_ || *retry_at_ > now) {
        return;
    }
    retry_at_.reset();
    for (auto& [id, connection] : connections_) {
        if (connection->keys.deadline().value_or(Instant::max()) <= now) {
            dial_again(id, *connection);
        }
        consider(connection->keys);
    }
}

void ControlDialer::consider(const KeyChoice& keys) {
    if (const auto at = keys.deadline()) {
        retry_at_ = std::min(retry_at_.value_or(*at), *at);
    }
}

std::optional<Instant> ControlDialer::next_deadline() const {
    if (put_off_.empty()) {
        return retry_at_;
    }
    return std::min(make_at_, retry_at_.value_or(make_at_));
}

void ControlDialer::on_answer(Instant now, const Resolver::Answer& answer, std::vector<Input>& out) {
    const std::vector<NumericAddress>& addresses = answer.found.addresses;
    // Without an address the core dials again, and the name is looked up again.
    const std::size_t first = addresses.empty() ? 0 : addresses_.first(answer.endpoint, addresses.size());
    // One answer serves every connection to the endpoint.
    for (auto& [id, connection] : connections_) {
        if (connection->endpoint != answer.endpoint) {
            continue;
        }
        connection->is_resolving = false;
        if (connection->dealer && connection->addresses.empty() && !addresses.empty()) {
            connection->addresses = addresses;
            connection->at = first;
            dial(*connection);
        }
    }
    // Checks asked for while the name was being looked up.
    if (const auto checks = waiting_checks_.extract(answer.endpoint)) {
        for (const ConnectionId id : checks.mapped()) {
            if (const auto found = connections_.find(id);
                found != connections_.end() && !found->second->addresses.empty()) {
                checks_.start(now, id, found->second->address(), out);
            }
        }
    }
}

void ControlDialer::collect(Instant now, std::vector<Input>& out) {
    out.insert(out.end(), pending_.begin(), pending_.end());
    pending_.clear();
    collect_monitors(now, out);
    collect_checks(now, out);
}

void ControlDialer::collect_monitors(Instant now, std::vector<Input>& out) {
    // In order of the id, so that equal events give equal inputs.
    std::vector<ConnectionId> heard = std::exchange(heard_, {});
    std::sort(heard.begin(), heard.end());
    for (const ConnectionId id : heard) {
        const auto connection = connections_.find(id);
        if (connection == connections_.end() || !connection->second->dealer) {
            // The connection was closed or put off meanwhile.
            continue;
        }
        connection->second->dealer->events().touch();
        // A report may lead to another DEALER, or to none.
        while (connection->second->dealer) {
            const auto event = connection->second->dealer->next();
            if (!event) {
                break;
            }
            on_report(now, id, *connection->second, event->kind, out);
        }
    }
}

void ControlDialer::on_report(Instant now, ConnectionId id, Connection& connection, int kind, std::vector<Input>& out) {
    if (kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
        connection.was_up = true;
        connection.keys.succeed();
        addresses_.remember(connection.endpoint, connection.at, connection.addresses.size());
        out.push_back(ConnectionUp{id});
    } else if (kind == ZMQ_EVENT_DISCONNECTED) {
        connection.keys.end(now);
        out.push_back(ConnectionDown{id});
    } else if (KeyChoice::is_failure(kind)) {
        ++counters_.keys_refused;
        if (connection.keys.fail(now, sockets_.ring, kind)) {
            out.push_back(ConnectionRefused{id});
        }
        if (connection.keys.is_paused()) {
            drop_dealer(connection);
        } else {
            dial_again(id, connection);
        }
    }
    consider(connection.keys);
}

void ControlDialer::collect_checks(Instant now, std::vector<Input>& out) {
    std::vector<Input> checked;
    checks_.collect(now, checked);
    for (Input& input : checked) {
        const auto* answer = std::get_if<EndpointChecked>(&input);
        const auto connection = answer != nullptr ? connections_.find(answer->connection) : connections_.end();
        // The core hears of a refusal only when the last address has refused.
        if (connection != connections_.end() && answer->state == EndpointState::kRefused &&
            try_next_address(connection->first, *connection->second)) {
            checks_.start(now, answer->connection, connection->second->address(), out);
        } else {
            out.push_back(std::move(input));
        }
    }
}

void ControlDialer::restart_keys() {
    for (auto& [id, connection] : connections_) {
        connection->keys.restart();
        consider(connection->keys);
    }
}

void ControlDialer::dial_all_again() {
    for (auto& [id, connection] : connections_) {
        connection->keys = {};
        dial_again(id, *connection);
    }
}

void ControlDialer::each_standing(const std::function<void(const KeyChoice&)>& visit) const {
    for (const auto& [id, connection] : connections_) {
        if (connection->keys.stands()) {
            visit(connection->keys);
        }
    }
}

}  // namespace tulle::mesh
