#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mesh/core/node/port.hpp"
#include "node/core/address.hpp"
#include "node/edge/edge_port.hpp"
#include "node/edge/shard.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/edge/pusher_edge.hpp"

namespace tulle::node::testing {

/// The hub's side of a shard's mailbox, played by the test: takes what the shard says, one message after the other.
class HubProbe {
public:
    explicit HubProbe(std::size_t capacity) : box_(capacity, [this] { wake(); }) {}

    mesh::HubMailbox& mailbox() { return box_; }

    /// The next message of type T; others before it are dropped. Nothing after five seconds.
    template <class T>
    std::optional<T> next() {
        while (std::optional<mesh::ToHub> message = next_message()) {
            if (T* wanted = std::get_if<T>(&*message)) {
                return std::move(*wanted);
            }
        }
        return std::nullopt;
    }

private:
    std::optional<mesh::ToHub> next_message();
    void wake();

    mesh::HubMailbox box_;
    std::deque<mesh::FromShard> taken_;
    std::mutex mutex_;
    std::condition_variable woken_;
    bool is_woken_ = false;
};

/// A shard with one edge, which speaks Pusher, and whose hub the test is.
class PusherShard {
public:
    PusherShard(PusherOptions options, mesh::HubMailbox& hub, const ShardOptions& of_shard = {});

    Address bind(const Address& address) { return port_->listener().bind(address, Sharing::kShared); }
    [[nodiscard]] mesh::ShardMailbox& mailbox() { return port_->mailbox(); }
    void expect_proxy_header() { port_->expect_proxy_header(); }
    [[nodiscard]] const ShardCounters& counters() const { return shard_.counters(); }
    void start() { shard_.start(); }
    void set_apps(AppTable apps);
    void stop_accepting() { shard_.stop_accepting(); }
    void move_clients(Duration duration) { shard_.move_clients(duration); }
    void keep_clients() { shard_.keep_clients(); }
    void move_some(std::size_t count, Duration duration) { shard_.move_some(count, duration); }
    void drain(std::function<void()> on_drained) { shard_.drain(std::move(on_drained)); }
    void cut(std::function<void()> on_cut) { shard_.cut(std::move(on_cut)); }

private:
    Shard shard_;
    PusherEdge* edge_ = nullptr;
    EdgePort* port_ = nullptr;
};

/// A blocking TCP client that speaks just enough HTTP and WebSocket. Every read gives up after five seconds.
class RawClient {
public:
    explicit RawClient(std::uint16_t port);
    ~RawClient();
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    void write(std::string_view bytes) const;
    /// The status of the next HTTP answer, whose body is skipped; 0 at the end of the connection.
    unsigned read_status();
    /// Upgrades to a WebSocket and reads the greeting. The status, and the socket id when it is 101. `fields`: further
    /// lines of the head, each with its end.
    unsigned upgrade(std::string_view target, std::string_view fields = "");
    void write_text(std::string_view text) const;
    /// The next text frame; at a Close frame "close CODE"; at the end of the connection empty.
    std::string read_text();
    /// The Close frame, whatever comes before it: "close CODE"; at the end of the connection empty.
    std::string read_close();
    /// Of any text: up to the next line feed, which is left out; at the end of the connection empty.
    std::string read_line();
    [[nodiscard]] const std::string& socket_id() const { return socket_id_; }

private:
    bool fill();
    std::string take(std::size_t bytes);
    [[nodiscard]] bool need(std::size_t bytes);

    int socket_ = -1;
    std::string buffer_;
    std::string socket_id_;
};

}  // namespace tulle::node::testing
