#include <tulle/client.hpp>

#include <stdexcept>
#include <utility>

#include "client/core/channel_name.hpp"
#include "client/io/client_runner.hpp"
#include "mesh/base/assert.hpp"

namespace tulle {
namespace {

/// True when at least one handler is set.
bool hears_anything(const ChannelHandlers& handlers) {
    return handlers.on_event || handlers.on_subscribed || handlers.on_member_added || handlers.on_member_removed ||
           handlers.on_subscription_count || handlers.on_cache_miss || handlers.on_gap || handlers.on_error ||
           handlers.on_any;
}

}  // namespace

std::string_view to_string(ConnectionState state) {
    switch (state) {
        case ConnectionState::kConnecting:
            return "connecting";
        case ConnectionState::kConnected:
            return "connected";
        case ConnectionState::kWaiting:
            return "waiting";
        case ConnectionState::kClosed:
            return "closed";
        case ConnectionState::kFailed:
            break;
    }
    return "failed";
}

Subscription::Subscription(std::weak_ptr<client::ClientRunner> runner, std::shared_ptr<client::HandlerSlot> slot)
    : runner_(std::move(runner)), slot_(std::move(slot)) {}

Subscription& Subscription::operator=(Subscription&& other) noexcept {
    if (this != &other) {
        // The channel held so far would otherwise stay subscribed without a holder.
        unsubscribe();
        runner_ = std::move(other.runner_);
        slot_ = std::move(other.slot_);
    }
    return *this;
}

Subscription::~Subscription() {
    unsubscribe();
}

void Subscription::unsubscribe() {
    // The exchange makes a second call, on any thread, a no-op. Cleared first, `active` stops further handler calls.
    if (!slot_ || !slot_->active.exchange(false)) {
        return;
    }
    // After the end of the client nobody needs to be told.
    if (const std::shared_ptr<client::ClientRunner> runner = runner_.lock()) {
        runner->remove(slot_);
    }
}

Client::Client(ClientOptions options) : runner_(std::make_shared<client::ClientRunner>(std::move(options))) {
    runner_->start();
}

Client::~Client() {
    // The client's thread cannot join itself.
    TULLE_ASSERT(!runner_->on_own_thread());
    runner_->close();
}

void Client::on_state(StateHandler handler) {
    runner_->set_state_handler(std::move(handler));
}

void Client::on_error(ErrorHandler handler) {
    runner_->set_error_handler(std::move(handler));
}

Subscription Client::subscribe(const std::string& channel, ChannelHandlers handlers) {
    if (!client::is_valid_channel_name(channel)) {
        throw std::invalid_argument("tulle::Client: not a channel name: 1 to 200 of A-Z a-z 0-9 _ - = @ , . ; :");
    }
    // A subscription without handlers is a mistake of the caller, and would cost the server for nothing.
    if (!hears_anything(handlers)) {
        throw std::invalid_argument("tulle::Client: no handler");
    }
    auto slot = std::make_shared<client::HandlerSlot>();
    slot->channel = channel;
    slot->handlers = std::move(handlers);
    runner_->add(slot);
    return Subscription(runner_, std::move(slot));
}

Subscription Client::subscribe(const std::string& channel, EventHandler handler) {
    ChannelHandlers handlers;
    handlers.on_any = std::move(handler);
    return subscribe(channel, std::move(handlers));
}

void Client::sign_in(UserHandlers handlers) {
    runner_->sign_in(std::move(handlers));
}

TriggerResult Client::trigger(const std::string& channel, const std::string& event, const std::string& data) {
    // The server would reject such an event. The caller learns of the mistake at once.
    if (!client::is_valid_channel_name(channel) || !client::allows_client_events(channel) ||
        !client::is_client_event(event)) {
        return TriggerResult::kInvalid;
    }
    return runner_->trigger(client::ClientEvent{channel, event, data});
}

void Client::close() {
    runner_->close();
}

}  // namespace tulle
