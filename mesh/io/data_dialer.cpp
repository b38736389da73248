#include "mesh/io/data_dialer.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <string_view>

#include "mesh/io/steady_now.hpp"

namespace tulle::mesh {
namespace {

/// The endpoint as it was dialled. Of a connection that has stood, libzmq reports the address of the kernel, which is
/// an IPv4 address within IPv6.
std::string without_mapping(const std::string& endpoint) {
    constexpr std::string_view kMapped = "tcp://[::ffff:";
    const std::size_t end = endpoint.find(']');
    if (!endpoint.starts_with(kMapped) || end == std::string::npos) {
        return endpoint;
    }
    return "tcp://" + endpoint.substr(kMapped.size(), end - kMapped.size()) + endpoint.substr(end + 1);
}

}  // namespace

void DataDialer::connect(const std::string& endpoint) {
    if (!connections_.contains(endpoint) && connections_.size() >= limit_) {
        counters_.note_put_off(endpoint, "as many data connections are open as there may be");
        return;
    }
    Connection& connection = connections_[endpoint];
    connection = {};
    const std::optional<HostPort> address = parse_host_port(endpoint);
    if (const auto known = address ? numeric(*address) : std::nullopt) {
        connection.address = known->zmq_endpoint();
        open(endpoint, connection);
    } else {
        addresses_.ask(endpoint);
    }
}

void DataDialer::disconnect(const std::string& endpoint) {
    const auto found = connections_.find(endpoint);
    if (found == connections_.end()) {
        return;
    }
    close(endpoint, found->second);
    connections_.erase(found);
}

void DataDialer::on_answer(const Resolver::Answer& answer) {
    const auto found = connections_.find(answer.endpoint);
    // The connection may have been given up meanwhile. Without an address the core dials again, and the name is looked
    // up again.
    if (found == connections_.end() || !found->second.address.empty() || answer.found.addresses.empty()) {
        return;
    }
    const std::size_t first = addresses_.first(answer.endpoint, answer.found.addresses.size());
    found->second.address = answer.found.addresses[first].zmq_endpoint();
    open(found->first, found->second);
}

void DataDialer::open(const std::string& endpoint, Connection& connection) {
    connection.keys.begin(steady_now(), sockets_.ring);
    consider(connection.keys);
    try {
        sockets_.aim(sockets_.subscriber.socket(), connection.keys.place());
        sockets_.subscriber.socket().connect(connection.address);
    } catch (const zmq::error_t& error) {
        counters_.note_not_dialled(endpoint, error.what());
    }
    // A connect may take in messages without a signal on the descriptor.
    subscriber_.touch();
}

void DataDialer::close(const std::string& endpoint, Connection& connection) {
    connection.keys.drop();
    // Empty means: still resolving, so nothing is connected. During a pause nothing is connected either.
    if (connection.address.empty() || connection.keys.is_paused()) {
        return;
    }
    try {
        subscriber_.touch();
        sockets_.subscriber.socket().disconnect(connection.address);
    } catch (const zmq::error_t& error) {
        spdlog::debug("disconnect from {}: {}", endpoint, error.what());
    }
}

void DataDialer::collect(Instant now) {
    retry(now);
    while (const auto event = sockets_.subscriber.next()) {
        const std::string address = without_mapping(event->endpoint);
        // Several endpoints may resolve to one address; libzmq connects to the address once for each.
        for (auto& [endpoint, connection] : connections_) {
            if (connection.address == address) {
                on_report(now, endpoint, connection, event->kind);
            }
        }
    }
}

void DataDialer::on_report(Instant now, const std::string& endpoint, Connection& connection, int kind) {
    if (kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
        connection.keys.succeed();
    } else if (kind == ZMQ_EVENT_DISCONNECTED) {
        connection.keys.end(now);
    } else if (KeyChoice::is_failure(kind) && !connection.keys.is_paused()) {
        close(endpoint, connection);
        ++counters_.keys_refused;
        // The control connection tells the core; the data connection only tries again.
        static_cast<void>(connection.keys.fail(now, sockets_.ring, kind));
        if (!connection.keys.is_paused()) {
            open(endpoint, connection);
        }
    }
    consider(connection.keys);
}

void DataDialer::retry(Instant now) {
    if (!retry_at_ || *retry_at_ > now) {
        return;
    }
    retry_at_.reset();
    for (auto& [endpoint, connection] : connections_) {
        if (connection.keys.deadline().value_or(Instant::max()) <= now) {
            close(endpoint, connection);
            open(endpoint, connection);
        }
        consider(connection.keys);
    }
}

void DataDialer::consider(const KeyChoice& keys) {
    if (const auto at = keys.deadline()) {
        retry_at_ = std::min(retry_at_.value_or(*at), *at);
    }
}

void DataDialer::restart_keys() {
    for (auto& [endpoint, connection] : connections_) {
        connection.keys.restart();
        consider(connection.keys);
    }
}

void DataDialer::dial_all_again() {
    for (auto& [endpoint, connection] : connections_) {
        if (!connection.address.empty()) {
            close(endpoint, connection);
            connection.keys = {};
            open(endpoint, connection);
        }
    }
}

void DataDialer::each_standing(const std::function<void(const KeyChoice&)>& visit) const {
    for (const auto& [endpoint, connection] : connections_) {
        if (connection.keys.stands()) {
            visit(connection.keys);
        }
    }
}

}  // namespace tulle::mesh
