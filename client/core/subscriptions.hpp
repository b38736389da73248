#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tulle::client {

/// The progress of a wanted channel on the present connection.
enum class SubscriptionState : std::uint8_t {
    /// No connection, so nobody has been asked.
    kIdle,
    /// Waiting for the application's auth string.
    kAuthorizing,
    /// Waiting for the sign-in under way.
    kAwaitingUser,
    /// Waiting for the server's answer.
    kPending,
    kSubscribed,
    /// Refused until the next connection.
    kRefused,
};

/// The channels wanted by the application, independent of any connection. Iteration is in order of name, so the effects
/// are deterministic.
///
/// Thread: confined to its owner.
/// Limits: none of its own; the owner bounds the number of subscriptions (kMaxSubscriptions).
class SubscriptionBook {
public:
    /// Counts a holder of the channel. Returns true for the first holder.
    bool add(std::string_view channel);
    /// Takes a holder away. Returns true for the last holder; `was` is then the last state of the channel. Without a
    /// holder the call has no effect.
    bool remove(std::string_view channel, SubscriptionState& was);

    /// The state of a wanted channel; nothing for any other channel.
    [[nodiscard]] std::optional<SubscriptionState> state(std::string_view channel) const;
    /// Sets the state of a wanted channel. No effect on any other channel.
    void set_state(std::string_view channel, SubscriptionState state);
    /// The connection has ended, and every subscription with the connection.
    void reset();

    /// All wanted channels, in order of name.
    [[nodiscard]] std::vector<std::string> channels() const;

private:
    struct Entry {
        /// The number of the application's subscriptions to the channel.
        std::size_t holders = 0;
        SubscriptionState state = SubscriptionState::kIdle;
    };

    std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace tulle::client
