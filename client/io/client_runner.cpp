#include "client/io/client_runner.hpp"

#include <algorithm>
#include <random>
#include <stdexcept>
#include <utility>

#include <boost/asio/post.hpp>

#include "client/core/limits.hpp"
#include "client/io/auth_answers.hpp"
#include "client/io/client_config.hpp"
#include "client/io/clock.hpp"
#include "client/io/server_list.hpp"
#include "client/wire/codec.hpp"
#include "mesh/base/assert.hpp"

namespace tulle::client {
namespace {

namespace asio = boost::asio;

/// The seed of the retry delays. Two clients must not draw the same delays, or both would return at the same moment.
std::uint64_t random_seed() {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
}

/// The public name of a phase. An idle connection is about to connect.
ConnectionState public_state(Phase phase) {
    switch (phase) {
        case Phase::kIdle:
        case Phase::kConnecting:
            return ConnectionState::kConnecting;
        case Phase::kConnected:
            return ConnectionState::kConnected;
        case Phase::kWaiting:
            return ConnectionState::kWaiting;
        case Phase::kClosed:
            return ConnectionState::kClosed;
        case Phase::kFailed:
            break;
    }
    return ConnectionState::kFailed;
}

/// Rounds up, so that a short delay is not reported as no delay.
std::chrono::milliseconds rounded_up(Duration time) {
    return std::chrono::ceil<std::chrono::milliseconds>(time);
}

}  // namespace

ClientRunner::ClientRunner(ClientOptions options)
    : options_(checked(std::move(options))),
      servers_(parse_servers(options_.servers, "ws", "tulle::Client")),
      trust_(trust_for(servers_, options_.ca_file, "tulle::Client")),
      work_(asio::make_work_guard(io_)),
      timer_(io_),
      connection_(connection_config(options_, servers_.size()), Prng(random_seed())),
      mailbox_(kMaxQueuedEvents, [this] { asio::post(io_, [this] { drain(); }); }),
      queued_(std::make_shared<QueuedBytes>(0)) {
    state_.server = options_.servers.front();
}

ClientRunner::~ClientRunner() {
    TULLE_ASSERT(!thread_.joinable());
}

// ---- from any thread
// -------------------------------------------------------------------------------------------------

void ClientRunner::start() {
    thread_ = std::thread([this] { run(); });
}

void ClientRunner::tell(Command command) {
    if (!ended_.load()) {
        mailbox_.push_reserved(std::move(command));
    }
}

void ClientRunner::set_state_handler(StateHandler handler) {
    tell(SetStateHandler{std::move(handler)});
}

void ClientRunner::set_error_handler(ErrorHandler handler) {
    tell(SetErrorHandler{std::move(handler)});
}

void ClientRunner::sign_in(UserHandlers handlers) {
    tell(SignInUser{std::move(handlers)});
}

void ClientRunner::add(std::shared_ptr<HandlerSlot> slot) {
    // Counted before the check, so that concurrent callers cannot pass the limit together.
    if (subscriptions_.fetch_add(1) >= kMaxSubscriptions) {
        subscriptions_.fetch_sub(1);
        throw std::length_error("tulle::Client: more than " + std::to_string(kMaxSubscriptions) + " subscriptions");
    }
    tell(AddHandler{std::move(slot)});
}

void ClientRunner::remove(std::shared_ptr<HandlerSlot> slot) {
    subscriptions_.fetch_sub(1);
    tell(RemoveHandler{std::move(slot)});
}

TriggerResult ClientRunner::trigger(ClientEvent event) {
    // No event is kept for a later connection: the event would arrive out of its time.
    if (!connected_.load()) {
        return TriggerResult::kNotConnected;
    }
    // The bytes are reserved before the push, so that concurrent callers cannot pass the limit together.
    const std::size_t bytes = event.data.size() + event.channel.size() + event.name.size();
    if (queued_->fetch_add(bytes) + bytes > options_.max_queue_bytes) {
        queued_->fetch_sub(bytes);
        return TriggerResult::kQueueFull;
    }
    // A full mailbox means a client's thread slower than the callers.
    if (mailbox_.try_push(TriggerEvent{std::move(event), bytes}) == Push::kRefused) {
        queued_->fetch_sub(bytes);
        return TriggerResult::kQueueFull;
    }
    return TriggerResult::kQueued;
}

void ClientRunner::close() {
    tell(CloseNow{});
    // A thread cannot join itself. The owner's destructor joins later, on another thread.
    if (on_own_thread()) {
        return;
    }
    const std::lock_guard lock(join_mutex_);
    if (thread_.joinable()) {
        thread_.join();
    }
}

// ---- on the runner's thread
// ------------------------------------------------------------------------------------------

void ClientRunner::run() {
    // Stored here and not in start(), so that the first callback already finds the id.
    own_id_.store(std::this_thread::get_id());
    step(Start{});
    io_.run();
    ended_.store(true);
}

void ClientRunner::drain() {
    mailbox_.take_all(commands_);
    for (Command& command : commands_) {
        std::visit([this](auto& alternative) { apply(alternative); }, command);
    }
    commands_.clear();
}

void ClientRunner::apply(AddHandler& command) {
    // The handlers must be in the table before the core can deliver anything.
    const std::string channel = command.slot->channel;
    handlers_.add(std::move(command.slot));
    step(Want{channel});
}

void ClientRunner::apply(RemoveHandler& command) {
    if (handlers_.remove(command.slot)) {
        step(Unwant{command.slot->channel});
    }
}

void ClientRunner::apply(TriggerEvent& command) {
    // The socket counts the encoded frame itself.
    queued_->fetch_sub(command.bytes);
    step(Trigger{std::move(command.event)});
}

void ClientRunner::apply(SetStateHandler& command) {
    handlers_.set_state(std::move(command.handler), state_);
}

void ClientRunner::apply(SetErrorHandler& command) {
    handlers_.set_error(std::move(command.handler));
}

void ClientRunner::apply(SignInUser& command) {
    handlers_.set_user(std::move(command.handlers));
    step(SignIn{});
}

void ClientRunner::apply(CloseNow&) {
    step(Close{});
}

void ClientRunner::on_text(DialId dial, std::string_view text) {
    Result<ServerMessage, DecodeErrc> message = decode(text);
    // A bad frame is reported and skipped. The core still receives a sign of life.
    if (message.has_error()) {
        execute(ReportError{std::nullopt, "bad frame from the server: " + std::string(describe(message.error())), {}});
        step(Received{dial, Unknown{}});
        return;
    }
    step(Received{dial, std::move(*message)});
}

void ClientRunner::on_lost(DialId dial, std::optional<int> code, std::string reason) {
    link_.reset();
    step(Lost{dial, code, std::move(reason)});
}

void ClientRunner::step(Input input) {
    inputs_.push_back(std::move(input));
    // A step inside a step only queues its input: the outer step handles the input after its own effects.
    if (!stepping_) {
        stepping_ = true;
        run_queued_inputs();
        stepping_ = false;
        arm_timer();
        finish_if_over();
    }
}

void ClientRunner::run_queued_inputs() {
    // By index, because executing an effect may append to `inputs_` and move the elements.
    for (std::size_t next = 0; next < inputs_.size(); ++next) {
        const Input input = std::move(inputs_[next]);
        Effects effects;
        connection_.step(monotonic_now(), input, effects);
        for (const Effect& effect : effects) {
            std::visit([this](const auto& alternative) { execute(alternative); }, effect);
        }
    }
    inputs_.clear();
}

void ClientRunner::arm_timer() {
    const std::optional<Instant> deadline = connection_.next_deadline();
    if (!deadline) {
        timer_.cancel();
        return;
    }
    // A new expiry cancels the wait before, so there is one wait at most.
    timer_.expires_at(std::chrono::steady_clock::time_point(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(deadline->time_since_epoch())));
    timer_.async_wait([this](boost::system::error_code error) {
        if (!error) {
            step(Tick{});
        }
    });
}

void ClientRunner::finish_if_over() {
    if (connection_.phase() == Phase::kClosed && !link_) {
        // The io_context runs out of work, and the thread ends.
        work_.reset();
    }
}

void ClientRunner::execute(const Dial& effect) {
    const ServerUrl& server = servers_[effect.server];
    WsTransportConfig config{effect.dial,
                             server,
                             trust_,
                             websocket_target(server, options_.app_key, TULLE_VERSION),
                             options_.connect_timeout,
                             options_.max_message_bytes,
                             queued_};
    link_ = std::make_shared<WsTransport>(io_, std::move(config), *this);
    link_->open();
}

void ClientRunner::execute(const Drop&) {
    if (link_) {
        link_->drop();
        link_.reset();
    }
}

void ClientRunner::execute(const Farewell&) {
    if (link_) {
        link_->close();
    }
}

void ClientRunner::execute(const Send& effect) {
    if (link_) {
        link_->send(encode(effect.message));
    }
}

void ClientRunner::execute(const Authorize& effect) {
    // The application answers at once, on this thread. The answer waits behind the remaining effects.
    step(ask(options_.authorizer, effect));
}

void ClientRunner::execute(const Authenticate& effect) {
    step(ask(options_.user_authenticator, effect));
}

void ClientRunner::execute(const ReportState& effect) {
    // Stored before the handler runs, so that a handler can trigger events right away.
    connected_.store(effect.phase == Phase::kConnected);
    state_ = StateChange{.state = public_state(effect.phase),
                         .server = options_.servers[effect.server],
                         .socket_id = effect.socket_id,
                         .reason = effect.reason,
                         .code = effect.code,
                         .retry_in = rounded_up(effect.retry_in)};
    handlers_.call(state_);
}

}  // namespace tulle::client
