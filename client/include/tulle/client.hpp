#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tulle/auth.hpp>
#include <tulle/errors.hpp>
#include <tulle/event.hpp>

namespace tulle {

namespace client {
class ClientRunner;
struct HandlerSlot;
}  // namespace client

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
    std::optional<int> code;               ///< by which the server has ended the connection: error_code(), action_on()
    std::chrono::milliseconds retry_in{};  ///< when waiting
};

using StateHandler = std::function<void(const StateChange&)>;
using ErrorHandler = std::function<void(const ClientError&)>;

struct ClientOptions {
    /// Nodes of one cluster, "ws://HOST[:PORT][/PREFIX]". The first is tried first; when a connection is lost the next
    /// one on the list is tried, round and round. TLS (wss) is not supported yet.
    std::vector<std::string> servers;
    std::string app_key;
    /// Both run on the client's thread and hold it up, so they should be quick. Without one the answer is no.
    Authorizer authorizer = {};
    UserAuthenticator user_authenticator = {};

    std::chrono::milliseconds connect_timeout = std::chrono::seconds(10);
    /// Silence after which the server is pinged; the server's own value is taken when it is shorter.
    std::chrono::milliseconds activity_timeout = std::chrono::seconds(120);
    std::chrono::milliseconds pong_timeout = std::chrono::seconds(30);
    std::chrono::milliseconds retry_delay_min = std::chrono::milliseconds(250);
    std::chrono::milliseconds retry_delay_max = std::chrono::seconds(15);
    /// A longer message ends the connection. The list of a presence channel comes in one message.
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
    kInvalid,  ///< the name must begin with "client-", the channel with "private-" or "presence-"; not encrypted ones
    kNotConnected,  ///< nothing is kept for a later connection
    kQueueFull,     ///< more than max_queue_bytes, or 1,024 events, wait to be sent
};

/// A connection to a cluster that comes back by itself.
///
/// Threads:   the client owns one thread. All its functions may be called from any thread, also from its own callbacks,
///            except the destructor, which must not run on the client's thread. Callbacks and the authorizer run on the
///            client's thread, one at a time; they must not throw (std::terminate) and should not block.
/// Connecting: begins at once. A lost connection is made again, elsewhere where there are several servers, after a
///            random delay that grows (errors.hpp has the exceptions). The user is signed in again, then every
///            subscription is renewed, authorized for the new connection. What was published meanwhile is not received.
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

    /// Throws std::invalid_argument for a name that no channel can have and when there is no handler, std::length_error
    /// beyond 16,384 subscriptions at a time. Several subscriptions may be to the same channel; one that comes when the
    /// channel is already subscribed hears of no Subscribed before the next connection.
    [[nodiscard]] Subscription subscribe(const std::string& channel, ChannelHandlers handlers);
    /// With on_any alone.
    [[nodiscard]] Subscription subscribe(const std::string& channel, EventHandler handler);

    /// Signs the user in by the user authenticator, now and on every connection, before the private and presence
    /// channels. Presence channels for which the authorizer names no user need it: call this before subscribe(). A
    /// second time it replaces the handlers, and tries again where the sign-in was refused.
    void sign_in(UserHandlers handlers);

    /// A client event for the other subscribers of a private or presence channel. `data` arrives as it is, text. Queued
    /// means: will be sent if the connection holds and the channel is subscribed; otherwise on_error tells. What the
    /// server rejects (kClientEventRejected) it tells to on_error and to the channel's on_error.
    [[nodiscard]] TriggerResult trigger(const std::string& channel, const std::string& event, const std::string& data);

    /// Writes what is queued, for a second at most, closes the connection and ends the client's thread. No callback
    /// runs when it has returned, unless it was called on the client's thread: then the callback in progress is the
    /// last but for the one that tells the state kClosed. A second time it does nothing.
    void close();

private:
    std::shared_ptr<client::ClientRunner> runner_;
};

}  // namespace tulle
