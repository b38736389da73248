#include "client/io/handler_table.hpp"

#include <utility>
#include <variant>

namespace tulle::client {
namespace {

tulle::Event to_public(const ChannelEvent& event) {
    return {event.channel, event.name, event.data, event.user_id};
}

tulle::Member to_public(const Member& member) {
    return {member.id, member.id_json, member.info};
}

tulle::ChannelFault to_public(FaultKind kind) {
    switch (kind) {
        case FaultKind::kRefused:
            return tulle::ChannelFault::kRefused;
        case FaultKind::kClientEvent:
            return tulle::ChannelFault::kClientEvent;
        case FaultKind::kDecryption:
            return tulle::ChannelFault::kDecryption;
        case FaultKind::kServer:
            break;
    }
    return tulle::ChannelFault::kServer;
}

/// Calls the handler, unless the handler is empty.
template <class... Parameters, class... Arguments>
void tell(const std::function<void(Parameters...)>& handler, Arguments&&... arguments) {
    if (handler) {
        handler(std::forward<Arguments>(arguments)...);
    }
}

/// Calls the single handler for an event, chosen by the meaning of the event.
struct Teller {
    const ChannelHandlers& handlers;
    const tulle::Event& event;

    void operator()(const std::monostate&) const {
        // An unknown event of the protocol is not an event of a publisher; only on_any receives such an event.
        if (!event.name.starts_with("pusher:")) {
            tell(handlers.on_event, event);
        }
    }
    void operator()(const Subscribed& detail) const {
        tulle::Subscribed subscribed{{}, to_public(detail.me)};
        for (const Member& member : detail.members) {
            subscribed.members.push_back(to_public(member));
        }
        tell(handlers.on_subscribed, subscribed);
    }
    void operator()(const MemberAdded& detail) const {
        tell(handlers.on_member_added, MemberChange{to_public(detail.member), detail.count});
    }
    void operator()(const MemberRemoved& detail) const {
        tell(handlers.on_member_removed, MemberChange{to_public(detail.member), detail.count});
    }
    void operator()(const SubscriptionCount& detail) const { tell(handlers.on_subscription_count, detail.count); }
    void operator()(const CacheMiss&) const { tell(handlers.on_cache_miss); }
    void operator()(const Gap& detail) const { tell(handlers.on_gap, tulle::Gap{detail.missing}); }
    void operator()(const Fault& fault) const {
        tell(handlers.on_error, ChannelError{to_public(fault.kind), fault.code, fault.type, fault.message});
    }
};

}  // namespace

void HandlerTable::add(std::shared_ptr<HandlerSlot> slot) {
    slots_[slot->channel].push_back(std::move(slot));
}

bool HandlerTable::remove(const std::shared_ptr<HandlerSlot>& slot) {
    const auto it = slots_.find(slot->channel);
    if (it == slots_.end() || std::erase(it->second, slot) == 0) {
        return false;
    }
    // Empty lists would pile up over the life of a client with changing channels.
    if (it->second.empty()) {
        slots_.erase(it);
    }
    return true;
}

void HandlerTable::set_user(UserHandlers handlers) {
    user_ = std::move(handlers);
}

void HandlerTable::set_error(ErrorHandler handler) {
    error_ = std::move(handler);
}

void HandlerTable::set_state(StateHandler handler, const StateChange& state) {
    state_ = std::move(handler);
    call(state);
}

void HandlerTable::call(const Deliver& effect) const {
    // The slots are not copied: no handler can change the table while the loop runs.
    const auto it = slots_.find(effect.event.channel);
    if (it == slots_.end()) {
        return;
    }
    const tulle::Event event = to_public(effect.event);
    for (const std::shared_ptr<HandlerSlot>& slot : it->second) {
        // Checked before each call, because a handler may end its own or another subscription.
        if (slot->active.load()) {
            tell(slot->handlers.on_any, event);
        }
        if (slot->active.load()) {
            std::visit(Teller{slot->handlers, event}, effect.event.detail);
        }
    }
}

void HandlerTable::call(const ReportSignedIn& effect) const {
    tell(user_.on_signed_in, SignedIn{effect.user.user_id, effect.user.user_data});
}

void HandlerTable::call(const ReportSignInRefused& effect) const {
    tell(user_.on_refused, SignInError{effect.code, effect.reason});
}

void HandlerTable::call(const DeliverToUser& effect) const {
    tell(user_.on_event, to_public(effect.event));
}

void HandlerTable::call(const DeliverWatchlist& effect) const {
    tell(effect.change.online ? user_.on_online : user_.on_offline, effect.change.user_ids);
}

void HandlerTable::call(const ReportError& effect) const {
    tell(error_, ClientError{effect.code, effect.message, effect.channel});
}

void HandlerTable::call(const StateChange& state) const {
    tell(state_, state);
}

}  // namespace tulle::client
