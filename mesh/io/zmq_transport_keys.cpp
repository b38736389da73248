#include <spdlog/spdlog.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "mesh/io/zmq_transport.hpp"

// The keys of connections. libzmq says only that a handshake failed, never which key the other side has. So an outward
// connection tries the keys of the ring in turn. libzmq goes on dialling after some failures and gives up for good
// after others (an unknown key, another mechanism); the transport therefore always takes the attempt back and dials
// itself.
namespace tulle::mesh {
namespace {

/// Pauses after a round in which every key has failed, doubling. An operator has to change a configuration first, and a
/// handshake costs the other side 0.4 ms of CPU time.
constexpr Duration kKeyRetryMin = 250ms;
constexpr Duration kKeyRetryMax = 2s;
/// A broken handshake without a reason may be a peer that is just ending. From this round on the key, or the lack of
/// keys on one side, is taken for the reason.
constexpr std::size_t kRoundsBeforeVerdict = 2;
/// An attempt without success and without a failure for the key is made again after so long. libzmq dials again by
/// itself, unless it takes a broken handshake for a breach of the protocol; the core gives new connections up earlier.
constexpr Duration kAttemptPatience = 3s;
/// Between two tries to bind a port again, doubling: libzmq's thread needs a fraction of a millisecond to close the
/// port. A port that another process has taken, and a lack of descriptors, last longer.
constexpr Duration kBindRetryMin = 1ms;
constexpr Duration kBindRetryMax = 256ms;
/// The first failure told in the log, after half a second: 1 + 2 + 4 + … + 256 ms.
constexpr std::uint32_t kBindFailuresTold = 9;
/// Between two lines in the log about refused strangers.
constexpr Duration kStrangerNotice = 60s;

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

bool ZmqTransport::is_key_failure(int kind) {
    // A refusal often comes without a reason: the other side closes while bytes of ours wait there, so that the kernel
    // resets the connection and throws the other side's last words away.
    return (kind & ZmqSockets::kKeyEvents) != 0;
}

bool ZmqTransport::note_key_failure(Instant now, KeyChoice& keys, int kind) {
    ++counters_.keys_refused;
    ++keys.failures;
    const std::size_t ring = std::max<std::size_t>(1, sockets_.ring.keys().size());
    keys.place = (keys.place + 1) % ring;
    if (keys.failures % ring != 0) {
        return false;
    }
    const std::size_t rounds = keys.failures / ring;
    const Duration pause = std::min(kKeyRetryMax, kKeyRetryMin * (1 << std::min<std::size_t>(rounds - 1, 3)));
    keys.retry_at = now + pause;
    keys.give_up_at.reset();
    retry_at_ = std::min(retry_at_.value_or(*keys.retry_at), *keys.retry_at);
    return kind != ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL || rounds >= kRoundsBeforeVerdict;
}

void ZmqTransport::aim(zmq::socket_t& socket, KeyChoice& keys) const {
    sockets_.aim(socket, keys.place);
    if (!sockets_.ring.is_empty()) {
        keys.server = sockets_.ring.keys().at(keys.place % sockets_.ring.keys().size()).id();
        keys.client = sockets_.ring.used().id();
    }
}

void ZmqTransport::note_attempt(KeyChoice& keys) {
    keys.give_up_at = Instant{std::chrono::steady_clock::now().time_since_epoch()} + kAttemptPatience;
    retry_at_ = std::min(retry_at_.value_or(*keys.give_up_at), *keys.give_up_at);
}

void ZmqTransport::note_key_success(KeyChoice& keys) {
    keys.failures = 0;
    keys.give_up_at.reset();
    keys.stands = true;
}

void ZmqTransport::retry_keys(Instant now) {
    if (!retry_at_ || *retry_at_ > now) {
        return;
    }
    retry_at_.reset();
    const auto is_due = [&](const KeyChoice& keys) {
        // A pause and an attempt exclude each other.
        const std::optional<Instant> at = keys.retry_at ? keys.retry_at : keys.give_up_at;
        if (at && *at > now) {
            retry_at_ = std::min(retry_at_.value_or(*at), *at);
        }
        return at && *at <= now;
    };
    for (auto& [id, connection] : connections_) {
        if (is_due(connection->keys)) {
            dial_again(id, *connection);
        }
    }
    for (auto& [endpoint, data] : data_connections_) {
        if (is_due(data.keys)) {
            disconnect_subscriber(endpoint, data);
            connect_subscriber(endpoint, data, data.address);
        }
    }
}

void ZmqTransport::collect_subscriber_monitor(Instant now) {
    while (const auto event = sockets_.subscriber.next()) {
        const std::string address = without_mapping(event->endpoint);
        // Several endpoints may resolve to one address; libzmq connects to the address once for each.
        for (auto& [endpoint, data] : data_connections_) {
            if (data.address != address) {
                continue;
            }
            if (event->kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
                note_key_success(data.keys);
            } else if (event->kind == ZMQ_EVENT_DISCONNECTED) {
                data.keys.stands = false;
                if (!data.keys.retry_at) {
                    note_attempt(data.keys);
                }
            } else if (is_key_failure(event->kind) && !data.keys.retry_at) {
                disconnect_subscriber(endpoint, data);
                // The control connection tells the core; the data connection only tries again.
                static_cast<void>(note_key_failure(now, data.keys, event->kind));
                if (!data.keys.retry_at) {
                    connect_subscriber(endpoint, data, data.address);
                }
            }
        }
    }
}

void ZmqTransport::accept_keys(const KeyRing& keys) {
    const std::string before = sockets_.ring.used().id();
    sockets_.accept(keys);
    // A place of the former ring means nothing now. Who waits for a key is tried at once.
    const auto restart = [](KeyChoice& choice) {
        choice.place = 0;
        choice.failures = 0;
        if (choice.retry_at) {
            choice.retry_at = Instant{};
        }
        return choice.retry_at.has_value();
    };
    bool is_waiting = false;
    for (auto& [id, connection] : connections_) {
        is_waiting = restart(connection->keys) || is_waiting;
    }
    for (auto& [endpoint, data] : data_connections_) {
        is_waiting = restart(data.keys) || is_waiting;
    }
    if (is_waiting) {
        retry_at_ = Instant{};
    }
    if (before != keys.used().id()) {
        spdlog::info("mesh key {} is in use instead of {} for new connections", keys.used().id(), before);
    }
}

void ZmqTransport::rebind() {
    spdlog::info("binding the mesh ports again, with mesh key {}", sockets_.ring.used().id());
    sockets_.unbind();
    bind_at_ = Instant{};
    bind_failures_ = 0;
    for (auto& [id, connection] : connections_) {
        connection->keys = {};
        dial_again(id, *connection);
    }
    for (auto& [endpoint, data] : data_connections_) {
        if (!data.address.empty()) {
            disconnect_subscriber(endpoint, data);
            data.keys = {};
            connect_subscriber(endpoint, data, data.address);
        }
    }
}

void ZmqTransport::bind_ports(Instant now) {
    if (!bind_at_ || *bind_at_ > now) {
        return;
    }
    bind_at_.reset();
    if (const int error = sockets_.bind_again(); error != 0) {
        bind_at_ = now + std::min(kBindRetryMax, kBindRetryMin * (1 << std::min(bind_failures_, 8U)));
        ++bind_failures_;
        if (bind_failures_ == kBindFailuresTold || (bind_failures_ > 16 && std::has_single_bit(bind_failures_))) {
            spdlog::error("cannot bind the mesh ports {} and {} again: {}; trying again, {} times so far",
                          sockets_.bound_control, sockets_.bound_data, std::strerror(error), bind_failures_);
        }
    } else if (std::exchange(bind_failures_, 0) >= kBindFailuresTold) {
        spdlog::info("the mesh ports are bound again");
    }
    // A bind may take in messages without a signal on the descriptor.
    router_.touch();
    publisher_.touch();
}

std::size_t ZmqTransport::note_word(InboundWatch& watch, int fd, const zmq::message_t& message) const {
    const std::size_t words = watch.spoke(fd);
    // libzmq looks a property up in a map, so a connection is asked once.
    if (words == 1 && sockets_.zap) {
        const char* key = zmq_msg_gets(message.handle(), "User-Id");
        watch.note_key(fd, key == nullptr ? "" : key);
    }
    return words;
}

KeyStatus ZmqTransport::key_status() const {
    KeyStatus status{.ids = sockets_.ring.ids(), .bound = sockets_.bound_key, .uses = {}};
    std::vector<KeyUse>& uses = status.uses;
    const auto use = [&uses](const std::string& server, const std::string& client) -> KeyUse& {
        const auto known = std::find_if(
            uses.begin(), uses.end(), [&](const KeyUse& one) { return one.server == server && one.client == client; });
        return known == uses.end() ? uses.emplace_back(KeyUse{server, client, 0, 0}) : *known;
    };
    const auto count_outbound = [&](const KeyChoice& keys) {
        if (keys.stands && !keys.server.empty()) {
            ++use(keys.server, keys.client).outbound;
        }
    };
    for (const auto& [id, connection] : connections_) {
        count_outbound(connection->keys);
    }
    for (const auto& [endpoint, data] : data_connections_) {
        count_outbound(data.keys);
    }
    for (const InboundWatch* watch : {&control_watch_, &data_watch_}) {
        for (const auto& [client, count] : watch->keys()) {
            use(sockets_.bound_key, client).inbound += count;
        }
    }
    return status;
}

void ZmqTransport::note_strangers(Instant now) {
    const std::uint64_t refused = control_watch_.counters().refused + data_watch_.counters().refused;
    if (refused == strangers_logged_ || (strangers_logged_ > 0 && now < stranger_logged_at_ + kStrangerNotice)) {
        return;
    }
    strangers_logged_ = refused;
    stranger_logged_at_ = now;
    const std::string& control = control_watch_.counters().last_refused;
    const std::string& from = control.empty() ? data_watch_.counters().last_refused : control;
    const std::string ids = sockets_.ring.text_of_ids();
    // A connection that ended at once has no address any more.
    spdlog::warn("refused {} connections to the mesh ports so far, one of the last from {}: {}", refused,
                 from.empty() ? "an unknown address" : from,
                 ids.empty() ? "who connects speaks another protocol, or has mesh keys and this node has none"
                             : "who connects has none of this node's mesh keys (" + ids + ")");
}

}  // namespace tulle::mesh
