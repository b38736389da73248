#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <tulle/client.hpp>

#include "client/core/connection.hpp"
#include "client/io/handler_table.hpp"
#include "client/io/ws_transport.hpp"
#include "client/wire/server_url.hpp"
#include "mesh/base/mailbox.hpp"

namespace tulle::client {

/// The shell of a Connection: owns the thread, the socket, the timer, and the application's handlers. The runner
/// decides nothing.
///
/// Thread:    public functions from any thread, all other functions on the runner's own thread. Commands reach the
///            thread through a bounded mailbox. Commands to make or end a subscription are always accepted, because
///            kMaxSubscriptions bounds their number.
/// Ownership: a Client owns the runner; each Subscription has a weak reference. close() must have joined the thread
///            before the destructor runs (an assertion).
/// Limits:    trigger() refuses beyond kMaxQueuedEvents commands in the mailbox, and beyond `max_queue_bytes` unwritten
///            bytes.
class ClientRunner final : public std::enable_shared_from_this<ClientRunner>, public WsTransport::Owner {
public:
    /// Throws std::invalid_argument for unusable options or servers. The thread does not run yet.
    explicit ClientRunner(ClientOptions options);
    ClientRunner(const ClientRunner&) = delete;
    ClientRunner& operator=(const ClientRunner&) = delete;
    ~ClientRunner();

    /// Starts the thread and the first dial. Called once, right after construction.
    void start();
    /// The handler receives the present state first, on the runner's thread.
    void set_state_handler(StateHandler handler);
    void set_error_handler(ErrorHandler handler);
    /// Replaces the user's handlers and wants the user signed in.
    void sign_in(UserHandlers handlers);
    /// Subscribes the slot's handlers to the slot's channel. Throws std::length_error beyond kMaxSubscriptions.
    void add(std::shared_ptr<HandlerSlot> slot);
    /// Ends the subscription of a slot. Called once for each added slot.
    void remove(std::shared_ptr<HandlerSlot> slot);
    /// Queues a client event for the present connection. The names must be valid.
    [[nodiscard]] TriggerResult trigger(ClientEvent event);
    /// Ends the connection and the thread, and joins the thread unless called on the runner's own thread. Repeated
    /// calls are allowed.
    void close();
    /// True inside handlers and authorizers.
    [[nodiscard]] bool on_own_thread() const { return std::this_thread::get_id() == own_id_.load(); }

private:
    // More fields than 15: the fields before the mailbox belong to the runner's thread, the others are shared with
    // callers.
    struct AddHandler {
        std::shared_ptr<HandlerSlot> slot;
    };
    struct RemoveHandler {
        std::shared_ptr<HandlerSlot> slot;
    };
    struct TriggerEvent {
        ClientEvent event;
        /// The event's share of `queued_`, given back when the thread takes the command.
        std::size_t bytes = 0;
    };
    struct SetStateHandler {
        StateHandler handler;
    };
    struct SetErrorHandler {
        ErrorHandler handler;
    };
    struct SignInUser {
        UserHandlers handlers;
    };
    struct CloseNow {};
    /// Everything callers can ask of the runner's thread.
    using Command =
        std::variant<AddHandler, RemoveHandler, TriggerEvent, SetStateHandler, SetErrorHandler, SignInUser, CloseNow>;

    /// The thread's function: dials, then serves the io_context until close().
    void run();
    /// Queues a command, from any thread. After the end nobody drains the mailbox, and the command is dropped.
    void tell(Command command);
    /// Applies the queued commands in order.
    void drain();
    void apply(AddHandler& command);
    void apply(RemoveHandler& command);
    void apply(TriggerEvent& command);
    void apply(SetStateHandler& command);
    void apply(SetErrorHandler& command);
    void apply(SignInUser& command);
    void apply(CloseNow& command);

    void on_text(DialId dial, std::string_view text) override;
    void on_lost(DialId dial, std::optional<int> code, std::string reason) override;

    /// Gives an input to the core and executes the effects. An input raised by an effect waits for the remaining
    /// effects, so the order of effects is kept.
    void step(Input input);
    /// Handles `inputs_` in order, including the inputs added meanwhile.
    void run_queued_inputs();
    /// Sets the timer to the core's next deadline.
    void arm_timer();
    /// Lets the thread end after close(), once no socket is left.
    void finish_if_over();
    void execute(const Dial& effect);
    void execute(const Drop& effect);
    void execute(const Farewell& effect);
    void execute(const Send& effect);
    void execute(const Authorize& effect);
    void execute(const Authenticate& effect);
    void execute(const ReportState& effect);
    /// All other effects concern the application's handlers.
    template <class Told>
    void execute(const Told& effect) {
        handlers_.call(effect);
    }

    ClientOptions options_;
    std::vector<ServerUrl> servers_;
    /// What is trusted over TLS; null when no server is reached over TLS.
    const std::shared_ptr<ServerTrust> trust_;
    boost::asio::io_context io_{1};
    /// Keeps the io_context running without a socket or a timer, until close().
    std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
    boost::asio::steady_timer timer_;
    Connection connection_;
    /// Inputs raised by effects, waiting for the effects before.
    std::vector<Input> inputs_;
    /// True while run_queued_inputs() runs.
    bool stepping_ = false;
    /// The socket of the present dial; null between two dials.
    std::shared_ptr<WsTransport> link_;
    HandlerTable handlers_;
    /// The last reported state, for a handler set later.
    StateChange state_;
    /// The commands being applied. Kept as a member so that drain() reuses the memory.
    std::vector<Command> commands_;

    Mailbox<Command> mailbox_;
    /// Unwritten bytes in the mailbox and in the sockets. A socket may outlive its dial, so the counter is shared.
    std::shared_ptr<QueuedBytes> queued_;
    /// A copy of the phase, so that trigger() can answer on any thread.
    std::atomic<bool> connected_{false};
    /// The number of live subscriptions, counted by the callers.
    std::atomic<std::size_t> subscriptions_{0};
    /// The thread's function has returned.
    std::atomic<bool> ended_{false};
    /// The id of `thread_`. After start() only close() may touch `thread_` itself.
    std::atomic<std::thread::id> own_id_;
    /// Makes two concurrent calls of close() join one after the other.
    std::mutex join_mutex_;
    std::thread thread_;
};

}  // namespace tulle::client
