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

/// The shell of a Connection: its thread, socket, timer, and the application's handlers. Decides nothing.
///
/// Thread: public functions from any thread; everything else on the runner's own. Commands cross in a bounded mailbox;
///         those that make or end a subscription are always taken: kMaxSubscriptions bounds them.
class ClientRunner final : public std::enable_shared_from_this<ClientRunner>, public WsTransport::Owner {
public:
    /// Throws std::invalid_argument.
    explicit ClientRunner(ClientOptions options);
    ClientRunner(const ClientRunner&) = delete;
    ClientRunner& operator=(const ClientRunner&) = delete;
    ~ClientRunner();

    void start();
    void set_state_handler(StateHandler handler);
    void set_error_handler(ErrorHandler handler);
    void sign_in(UserHandlers handlers);
    /// Throws std::length_error beyond kMaxSubscriptions.
    void add(std::shared_ptr<HandlerSlot> slot);
    void remove(std::shared_ptr<HandlerSlot> slot);
    [[nodiscard]] TriggerResult trigger(ClientEvent event);
    void close();
    [[nodiscard]] bool on_own_thread() const { return std::this_thread::get_id() == own_id_.load(); }

private:
    // More fields than 15: those before the mailbox are of the own thread, the others are shared with callers.
    struct AddHandler {
        std::shared_ptr<HandlerSlot> slot;
    };
    struct RemoveHandler {
        std::shared_ptr<HandlerSlot> slot;
    };
    struct TriggerEvent {
        ClientEvent event;
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
    using Command =
        std::variant<AddHandler, RemoveHandler, TriggerEvent, SetStateHandler, SetErrorHandler, SignInUser, CloseNow>;

    void run();
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

    void step(Input input);
    void run_queued_inputs();
    void arm_timer();
    void finish_if_over();
    void execute(const Dial& effect);
    void execute(const Drop& effect);
    void execute(const Farewell& effect);
    void execute(const Send& effect);
    void execute(const Authorize& effect);
    void execute(const Authenticate& effect);
    void execute(const ReportState& effect);
    /// What is left is for the application.
    template <class Told>
    void execute(const Told& effect) {
        handlers_.call(effect);
    }

    ClientOptions options_;
    std::vector<ServerUrl> servers_;
    boost::asio::io_context io_{1};
    std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
    boost::asio::steady_timer timer_;
    Connection connection_;
    std::vector<Input> inputs_;  ///< those that effects gave rise to wait here until the effects before are done
    bool stepping_ = false;
    std::shared_ptr<WsTransport> link_;
    HandlerTable handlers_;
    StateChange state_;
    std::vector<Command> commands_;

    Mailbox<Command> mailbox_;
    std::shared_ptr<QueuedBytes> queued_;
    std::atomic<bool> connected_{false};
    std::atomic<std::size_t> subscriptions_{0};
    std::atomic<std::thread::id> own_id_;  ///< of thread_, which only close() may touch once it runs
    std::mutex join_mutex_;
    std::thread thread_;
};

}  // namespace tulle::client
