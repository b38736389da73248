#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "client/core/step.hpp"
#include "mesh/base/result.hpp"

namespace tulle::client {

/// The reasons for an event not to open.
enum class SealErrc : std::uint8_t {
    /// The data lacks the form of an encrypted event.
    kMalformed,
    /// Encrypted with another key, or changed on the way.
    kWrongKey,
};

/// Decrypts an event's data with the key of its channel. Pure. The wire layer has the implementation (encryption.hpp).
using OpenSealed = Result<std::string, SealErrc> (*)(std::string_view key, std::string_view data);

/// The events of encrypted channels on the present connection, delivered in plain text and in order.
///
/// Thread: confined to its owner.
/// Keys:   an event that does not open is kept, because the channel's key may have changed. The application is asked
///         once for the channel's key. An event that stays closed under the new key becomes an error. Later events of
///         the channel wait meanwhile.
/// Limits: kMaxSealedWaiting events of a channel wait. Each further event becomes an error.
/// Order:  run the appended effects in order; `out` is only appended to.
class SealedChannels {
public:
    explicit SealedChannels(OpenSealed open) : open_(open) {}

    /// Sets the key before the channel's subscription is sent. Waiting events of an older subscription are forgotten.
    void set_key(const std::string& channel, std::string key);
    /// Delivers, keeps or fails an event. Returns true when the caller must ask the application for a new key.
    /// REQUIRES: a key has been set.
    [[nodiscard]] bool on_event(const ChannelEvent& event, Effects& out);
    /// Handles the waiting events with the new key. Returns true when the caller must ask again, for a later event.
    /// Without a pending question the call has no effect.
    [[nodiscard]] bool on_new_key(const std::string& channel, std::string key, Effects& out);
    /// The application has no new key. Every waiting event becomes an error with `reason`.
    void on_no_key(const std::string& channel, const std::string& reason, Effects& out);

    /// The channel is no longer wanted.
    void forget(const std::string& channel) { entries_.erase(channel); }
    /// The connection has ended. Waiting events are forgotten without an error.
    void reset() { entries_.clear(); }

private:
    struct Entry {
        std::string key;
        /// True while the application is asked for a new key.
        bool asking = false;
        /// Filled while `asking`. The first event is the reason for the question.
        std::deque<ChannelEvent> waiting;
    };

    /// Delivers the event, or fails a malformed event. Returns false when the key is wrong; the event is then still
    /// unhandled.
    [[nodiscard]] bool try_open(Entry& entry, const ChannelEvent& event, Effects& out);

    OpenSealed open_;
    std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace tulle::client
