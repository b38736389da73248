#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tulle {

namespace client {
class ClientRunner;
struct HandlerSlot;
}  // namespace client

/// What a subscriber receives.
///
/// Besides the events that others publish, a subscriber sees those of the protocol on its channel, under the names that
/// pusher-js gives them: "pusher:subscription_succeeded", "pusher:subscription_error", "pusher:cache_miss",
/// "pusher:member_added" and so on; and "tulle:gap" when a node has had to give up messages.
struct Event {
    std::string channel;
    std::string name;
    std::string data;     ///< the text of a JSON string; the JSON source of any other value
    std::string user_id;  ///< of client events in presence channels; otherwise empty
};

enum class ConnectionState {
    kConnecting,
    kConnected,
    kWaiting,  ///< the connection is lost; the next try is at hand
    kClosed,   ///< by close()
    kFailed,   ///< for good: the server has refused this client (an unknown app key, for instance)
};

[[nodiscard]] std::string_view to_string(ConnectionState state);

struct StateChange {
    ConnectionState state = ConnectionState::kConnecting;
    std::string server;                    ///< the URL in use; while waiting: the one to be tried next
    std::string socket_id;                 ///< when connected
    std::string reason;                    ///< when waiting, closed or failed
    std::chrono::milliseconds retry_in{};  ///< when waiting
};

/// An error that does not end the connection: what the server reports, a frame that makes no sense, a client event that
/// could not be sent.
struct ClientError {
    std::optional<int> code;  ///< of the protocol, when the server gave one
    std::string message;
    std::string channel;  ///< empty when it is about none
};

/// The answer of an authorizer. An empty `auth` means no.
struct ChannelAuth {
    ChannelAuth() = default;
    ChannelAuth(std::string auth_string, std::string data = {})
        : auth(std::move(auth_string)), channel_data(std::move(data)) {}
    ChannelAuth(const char* auth_string) : auth(auth_string) {}

    std::string auth;
    std::string channel_data;  ///< presence channels: the JSON that was signed, byte for byte
};

using EventHandler = std::function<void(const Event&)>;
using StateHandler = std::function<void(const StateChange&)>;
using ErrorHandler = std::function<void(const ClientError&)>;
using Authorizer = std::function<ChannelAuth(const std::string& socket_id, const std::string& channel)>;

struct ClientOptions {
    /// Nodes of one cluster, "ws://HOST[:PORT][/PREFIX]". The first is tried first; when a connection is lost the next
    /// one on the list is tried, round and round. TLS (wss) is not supported yet.
    std::vector<std::string> servers;
    std::string app_key;
    /// Asked for private and presence channels, on every connection. Runs on the client's thread and holds it up, so it
    /// should be quick. An exception counts as a refusal.
    Authorizer authorizer = {};

    std::chrono::milliseconds connect_timeout = std::chrono::seconds(10);
    /// Silence after which the server is pinged; the server's own value is taken when it is shorter.
    std::chrono::milliseconds activity_timeout = std::chrono::seconds(120);
    std::chrono::milliseconds pong_timeout = std::chrono::seconds(30);
    std::chrono::milliseconds retry_delay_min = std::chrono::milliseconds(250);
    std::chrono::milliseconds retry_delay_max = std::chrono::seconds(15);
    /// A longer message ends the connection.
    std::size_t max_message_bytes = std::size_t{1} << 20;
    /// Client events not yet written; beyond it trigger() refuses.
    std::size_t max_queue_bytes = std::size_t{1} << 20;
};

/// Keeps one handler subscribed to one channel until it is destroyed. Movable, not copyable; may outlive the client.
class Subscription {
public:
    Subscription() = default;
    Subscription(std::weak_ptr<client::ClientRunner> runner, std::shared_ptr<client::HandlerSlot> slot);
    Subscription(Subscription&&) noexcept = default;
    Subscription& operator=(Subscription&& other) noexcept;
    ~Subscription();

    /// Any thread; a second time it does nothing. The server is told when the channel's last handler goes. Called on
    /// the client's thread, no call of the handler follows; elsewhere, one that is under way may still finish.
    void unsubscribe();

private:
    std::weak_ptr<client::ClientRunner> runner_;
    std::shared_ptr<client::HandlerSlot> slot_;
};

enum class TriggerResult {
    kQueued,
    kInvalid,       ///< not a client event: the name begins with "client-", the channel with "private-" or "presence-"
    kNotConnected,  ///< nothing is kept for a later connection
    kQueueFull,     ///< more than max_queue_bytes, or 1,024 events, wait to be sent
};

/// A connection to a cluster that comes back by itself.
///
/// Threads:   the client owns one thread. All its functions may be called from any thread, also from its own callbacks,
///            except the destructor, which must not run on the client's thread. Callbacks and the authorizer run on the
///            client's thread, one at a time; they must not throw (std::terminate) and should not block.
/// Connecting: begins at once. A lost connection is made again, elsewhere where there are several servers, after a
/// random
///            delay that grows; every subscription is renewed. What was published meanwhile is not received.
/// Order:     the events of a connection are delivered in the order in which the server sent them.
class Client {
public:
    /// Throws std::invalid_argument for options that cannot work: no server, a URL that is none, wss, an empty app key.
    explicit Client(ClientOptions options);
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    /// Closes.
    ~Client();

    /// The handler gets the present state first, then each change. There is one handler; a new one replaces it.
    void on_state(StateHandler handler);
    /// There is one handler; a new one replaces it.
    void on_error(ErrorHandler handler);

    /// Throws std::invalid_argument for a name that no channel can have. Several handlers may have the same channel;
    /// one that comes when the channel is already subscribed sees no "pusher:subscription_succeeded" before the next
    /// connection.
    [[nodiscard]] Subscription subscribe(const std::string& channel, EventHandler handler);

    /// A client event for the other subscribers of a private or presence channel. `data` arrives as it is, text. Queued
    /// means: will be sent if the connection holds and the channel is subscribed; otherwise on_error tells.
    [[nodiscard]] TriggerResult trigger(const std::string& channel, const std::string& event, const std::string& data);

    /// Writes what is queued, for a second at most, closes the connection and ends the client's thread. No callback
    /// runs when it has returned, unless it was called on the client's thread: then the callback in progress is the
    /// last but for the one that tells the state kClosed. A second time it does nothing.
    void close();

private:
    std::shared_ptr<client::ClientRunner> runner_;
};

}  // namespace tulle
