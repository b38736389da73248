#include <spdlog/spdlog.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "mesh/io/zmq_transport.hpp"

// The keys in force, the binding of the ports with them, and what is known of the keys of inbound connections.
namespace tulle::mesh {
namespace {

/// Between two tries to bind a port again, doubling: libzmq's thread needs a fraction of a millisecond to close the
/// port. A port that another process has taken, and a lack of descriptors, last longer.
constexpr Duration kBindRetryMin = 1ms;
constexpr Duration kBindRetryMax = 256ms;
/// The first failure told in the log, after half a second: 1 + 2 + 4 + … + 256 ms.
constexpr std::uint32_t kBindFailuresTold = 9;
/// Between two lines in the log about refused strangers.
constexpr Duration kStrangerNotice = 60s;

}  // namespace

void ZmqTransport::accept_keys(const KeyRing& keys) {
    const std::string before = sockets_.ring.used().id();
    sockets_.accept(keys);
    control_dialer_.restart_keys();
    data_dialer_.restart_keys();
    if (before != keys.used().id()) {
        spdlog::info("mesh key {} is in use instead of {} for new connections", keys.used().id(), before);
    }
}

void ZmqTransport::rebind() {
    spdlog::info("binding the mesh ports again, with mesh key {}", sockets_.ring.used().id());
    sockets_.unbind();
    bind_at_ = Instant{};
    bind_failures_ = 0;
    control_dialer_.dial_all_again();
    data_dialer_.dial_all_again();
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
        if (!keys.server().empty()) {
            ++use(keys.server(), keys.client()).outbound;
        }
    };
    control_dialer_.each_standing(count_outbound);
    data_dialer_.each_standing(count_outbound);
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
