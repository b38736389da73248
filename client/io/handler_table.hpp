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
/// Thread: `channel` and `handlers` do not change after construction; `active` may be read and written on any thread.
struct HandlerSlot {
    std::string channel;
    ChannelHandlers handlers;
    /// Cleared by unsubscribe(). No call of a handler begins afterwards.
    std::atomic<bool> active{true};
};

/// The application's handlers. Translates effects of the core into public types and calls the handlers.
///
/// Thread: the client's own. A running handler cannot change the table, because the handler's requests arrive later,
///         through the mailbox.
/// Errors: an exception from a handler passes through and ends the program, as documented for Client.
class HandlerTable {
public:
    /// Adds a slot. Slots of a channel are called in the order of their addition.
    void add(std::shared_ptr<HandlerSlot> slot);
    /// Removes a slot. Returns false for a slot not in the table.
    [[nodiscard]] bool remove(const std::shared_ptr<HandlerSlot>& slot);
    void set_user(UserHandlers handlers);
    void set_error(ErrorHandler handler);
    /// Replaces the handler and calls the new handler with the present state.
    void set_state(StateHandler handler, const StateChange& state);

    /// Calls the handlers concerned. Without a handler the effect is dropped.
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
