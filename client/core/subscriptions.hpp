#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tulle::client {

/// How far a wanted channel has come on the present connection.
enum class SubscriptionState : std::uint8_t {
    kIdle,          ///< not asked for: no connection
    kAuthorizing,   ///< waiting for the application's auth string
    kAwaitingUser,  ///< waiting for the sign-in under way
    kPending,       ///< asked for
    kSubscribed,
    kRefused,  ///< until the next connection
};

/// The channels that the application wants, whatever becomes of the connection. In order of name.
class SubscriptionBook {
public:
    /// True for the first holder of the channel.
    bool add(std::string_view channel);
    /// True when the last holder has gone; `was` is then the state that the channel had.
    bool remove(std::string_view channel, SubscriptionState& was);

    /// Nothing for a channel that nobody wants.
    [[nodiscard]] std::optional<SubscriptionState> state(std::string_view channel) const;
    /// No effect for a channel that nobody wants.
    void set_state(std::string_view channel, SubscriptionState state);
    /// The connection has gone, and every subscription with it.
    void reset();

    [[nodiscard]] std::vector<std::string> channels() const;

private:
    struct Entry {
        std::size_t holders = 0;
        SubscriptionState state = SubscriptionState::kIdle;
    };

    std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace tulle::client
