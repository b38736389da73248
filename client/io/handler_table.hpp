#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <tulle/client.hpp>

#include "client/core/step.hpp"

namespace tulle::client {

/// The handlers of one subscription, shared by the runner and the application's Subscription.
struct HandlerSlot {
    std::string channel;
    ChannelHandlers handlers;
    std::atomic<bool> active{true};
};

/// The application's handlers, and the calls of them. Turns what the core says into the public types.
///
/// Thread: the client's. No handler that runs changes the table: its wishes come later, by the mailbox.
class HandlerTable {
public:
    void add(std::shared_ptr<HandlerSlot> slot);
    /// False for one that is not there.
    [[nodiscard]] bool remove(const std::shared_ptr<HandlerSlot>& slot);
    void set_user(UserHandlers handlers);
    void set_error(ErrorHandler handler);
    /// Tells it the present state.
    void set_state(StateHandler handler, const StateChange& state);

    void call(const Deliver& effect) const;
    void call(const ReportSignedIn& effect) const;
    void call(const ReportSignInRefused& effect) const;
    void call(const DeliverToUser& effect) const;
    void call(const DeliverWatchlist& effect) const;
    void call(const ReportError& effect) const;
    void call(const StateChange& state) const;

private:
    using Slots = std::vector<std::shared_ptr<HandlerSlot>>;

    std::map<std::string, Slots, std::less<>> slots_;
    UserHandlers user_;
    StateHandler state_;
    ErrorHandler error_;
};

}  // namespace tulle::client
