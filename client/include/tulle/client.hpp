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

/// The stages in the life of a Client.
enum class ConnectionState {
    /// Dialling a server, until the server has given the connection a socket id.
    kConnecting,
    /// Ready to subscribe and to send.
    kConnected,
    /// The connection is lost. The next try begins after `retry_in`.
    kWaiting,
    /// Ended by close(), for good.
    kClosed,
    /// Refused by a server, for good (an unknown app key, for instance). The client still needs close() or its
    /// destructor.
    kFailed,
};

/// The state in one lower-case English word.
[[nodiscard]] std::string_view to_string(ConnectionState state);

/// The new state of a Client, and the cause of the change.
struct StateChange {
    ConnectionState state = ConnectionState::kConnecting;
    /// The URL in use. In kWaiting: the URL of the next try.
    std::string server;
    /// Given in kConnected only.
    std::string socket_id;
    /// In words, for kWaiting, kClosed and kFailed; empty otherwise.
    std::string reason;
    /// The server's close code, for kWaiting and kFailed; nothing when the connection ended without a code.
    /// error_code() and action_on() tell the meaning.
    std::optional<int> code;
    /// How long kWaiting lasts, rounded up.
    std::chrono::milliseconds retry_in{};
};

using StateHandler = std::function<void(const StateChange&)>;
using ErrorHandler = std::function<void(const ClientError&)>;

/// How a Client reaches the cluster. The constructor of Client checks the values.
struct ClientOptions {
    /// Nodes of one cluster, "ws://HOST[:PORT][/PREFIX]" or "wss://…" for TLS; the default port is 80, or 443. The
    /// client tries the first URL first. After each lost connection the client tries the next URL of the list, round
    /// and round.
    std::vector<std::string> servers;
    /// The public key of the app. Must not be empty.
    std::string app_key;
    /// Decides about private and presence channels. Without an authorizer every such channel is refused.
    Authorizer authorizer = {};
    /// Decides about the sign-in. Without an authenticator every sign-in is refused.
    UserAuthenticator user_authenticator = {};

    /// From the start of a try until the server has named the connection. Then the client tries the next server.
    std::chrono::milliseconds connect_timeout = std::chrono::seconds(10);
    /// Silence of the server before the client sends a ping. A shorter value from the server wins.
    std::chrono::milliseconds activity_timeout = std::chrono::seconds(120);
    /// Silence after a ping before the client gives the connection up. 30 s is the value of the official clients.
    std::chrono::milliseconds pong_timeout = std::chrono::seconds(30);
    /// The upper bound of the random delay before the first retry. Each full round of failures over all servers doubles
    /// the bound.
    std::chrono::milliseconds retry_delay_min = std::chrono::milliseconds(250);
    /// The largest value of the doubled bound.
    std::chrono::milliseconds retry_delay_max = std::chrono::seconds(15);
    /// A longer message of the server ends the connection. The member list of a presence channel comes in one message,
    /// so a small limit excludes large presence channels.
    std::size_t max_message_bytes = std::size_t{1} << 20;
    /// Bytes of client events and requests still to be written. Beyond the limit trigger() answers kQueueFull.
    std::size_t max_queue_bytes = std::size_t{1} << 20;
    /// The certificates (PEM) of the authorities that are trusted over TLS; empty: those that the system trusts. A
    /// server's certificate must be vouched for by one of them, and name the host of the URL.
    std::string ca_file = {};
};

/// Keeps one set of handlers subscribed to one channel, until the Subscription is destroyed. Movable, not copyable.
///
/// Lifetime: a Subscription may outlive the Client. After the end of the Client a Subscription has no effect.
class Subscription {
public:
    /// An empty Subscription: no channel, no effect.
    Subscription() = default;
    /// For Client::subscribe() only. Applications receive a Subscription from subscribe().
    Subscription(std::weak_ptr<client::ClientRunner> runner, std::shared_ptr<client::HandlerSlot> slot);
    Subscription(Subscription&&) noexcept = default;
    /// Unsubscribes from the present channel before taking over `other`.
    Subscription& operator=(Subscription&& other) noexcept;
    ~Subscription();

    /// Ends the subscription. A second call does nothing. The client unsubscribes from the channel at the server when
    /// the last Subscription of the channel ends.
    /// Thread: any. On the client's thread no call of the handlers follows. On any other thread a handler already
    ///         running may still finish after unsubscribe() has returned.
    void unsubscribe();

private:
    std::weak_ptr<client::ClientRunner> runner_;
    std::shared_ptr<client::HandlerSlot> slot_;
};

/// The answer of Client::trigger().
enum class TriggerResult {
    /// Accepted for sending on the present connection.
    kQueued,
    /// Not sent. The event name must begin with "client-", and the channel name with "private-" or "presence-".
    /// Encrypted channels are excluded.
    kInvalid,
    /// Not sent. The client keeps no event for a later connection.
    kNotConnected,
    /// Not sent. More than `max_queue_bytes` wait to be written, or 1,024 calls wait for the client's thread.
    kQueueFull,
};

/// A connection to a cluster, restored after every loss.
///
/// Threads:    each client owns one thread. Any thread, a callback included, may call any function except the
///             destructor. The destructor must not run on the client's thread (an assertion). Callbacks and the
///             authorizer run on the client's thread, never two at the same time. Callbacks must not throw
///             (std::terminate) and should not block, because a blocked callback delays pings and all other callbacks.
/// Connecting: begins with the constructor. After a loss the client connects to the next server of the list, after a
///             random delay with a growing bound (errors.hpp names the exceptions). The client then signs the user in
///             again and renews every subscription, each with a new authorization. Events published during the loss are
///             not received.
/// Order:      handlers receive the events of a connection in the order of the server.
/// Limits:     16,384 subscriptions at a time; further limits are options.
class Client {
public:
    /// Starts the client's thread, and the first try to connect. Throws std::invalid_argument for unusable options: no
    /// server, a malformed URL, a CA file that cannot be read, an empty app key, a time or size of zero or less,
    /// `retry_delay_max` below `retry_delay_min`.
    explicit Client(ClientOptions options);
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    /// Calls close().
    ~Client();

    /// Replaces the state handler. The new handler receives the present state first, then each change.
    void on_state(StateHandler handler);
    /// Replaces the handler of errors without effect on the connection. A channel's errors go to
    /// ChannelHandlers::on_error as well.
    void on_error(ErrorHandler handler);

    /// Subscribes to a channel, now or as soon as there is a connection, and on every later connection. The
    /// subscription lasts as long as the returned object. Several subscriptions may name the same channel. A
    /// subscription to an already subscribed channel receives its first Subscribed on the next connection.
    ///
    /// Throws std::invalid_argument for an invalid channel name and for an empty set of handlers, std::length_error
    /// beyond 16,384 subscriptions at a time. Refusals by the server arrive at ChannelHandlers::on_error.
    [[nodiscard]] Subscription subscribe(const std::string& channel, ChannelHandlers handlers);
    /// Subscribes with `handler` as ChannelHandlers::on_any, and no other handler.
    [[nodiscard]] Subscription subscribe(const std::string& channel, EventHandler handler);

    /// Signs the user in through the user authenticator, now and on every later connection. The sign-in precedes the
    /// private and presence channels. A presence channel without a user from the authorizer is joined as the signed-in
    /// user, so call sign_in() before subscribe(). A second call replaces the handlers, and repeats a refused sign-in.
    void sign_in(UserHandlers handlers);

    /// Sends a client event to the other subscribers of a private or presence channel. `data` arrives unchanged, as
    /// text; bytes outside UTF-8 arrive as U+FFFD.
    ///
    /// kQueued means: the client sends the event if the connection holds and the channel is subscribed. Otherwise the
    /// handler of on_error() receives a ClientError. A rejection by the server (kClientEventRejected) goes to the
    /// handler of on_error() and to the channel's on_error.
    [[nodiscard]] TriggerResult trigger(const std::string& channel, const std::string& event, const std::string& data);

    /// Writes the queued messages for at most one second, closes the connection and ends the client's thread. A second
    /// call does nothing. No reconnection follows.
    /// Thread: any. Called on another thread, close() waits for the end of the client's thread, and no callback runs
    ///         afterwards. A look-up of a host name under way delays the end. Called in a callback, close() returns at
    ///         once; callbacks for messages already at hand may still run before the callback for kClosed.
    void close();

private:
    std::shared_ptr<client::ClientRunner> runner_;
};

}  // namespace tulle
