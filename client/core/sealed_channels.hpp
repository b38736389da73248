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

enum class SealErrc : std::uint8_t {
    kMalformed,  ///< not what the encryption of this protocol makes
    kWrongKey,   ///< encrypted with another key, or changed on its way
};

/// The plain text of an event's data, by the key of its channel. Pure; the wire layer has the real one.
using OpenSealed = Result<std::string, SealErrc> (*)(std::string_view key, std::string_view data);

/// The events of encrypted channels on the present connection: delivered in plain text, in their order.
///
/// Keys:   an event that does not open is kept, and the application asked once for the channel's key, which may have
///         changed; if it does not open with that one either, an error takes its place. Those that follow wait
///         meanwhile.
/// Limits: kMaxSealedWaiting events of a channel wait; an error takes the place of any more.
class SealedChannels {
public:
    explicit SealedChannels(OpenSealed open) : open_(open) {}

    /// The key of a subscription that is about to be made.
    void set_key(const std::string& channel, std::string key);
    /// True when the application must be asked for a new key.
    [[nodiscard]] bool on_event(const ChannelEvent& event, Effects& out);
    /// True when it must be asked again, for a later event. No effect when no key was asked for.
    [[nodiscard]] bool on_new_key(const std::string& channel, std::string key, Effects& out);
    /// The application has none.
    void on_no_key(const std::string& channel, const std::string& reason, Effects& out);

    void forget(const std::string& channel) { entries_.erase(channel); }
    void reset() { entries_.clear(); }

private:
    struct Entry {
        std::string key;
        bool asking = false;
        std::deque<ChannelEvent> waiting;  ///< while asking; the first is the one that did not open
    };

    [[nodiscard]] bool try_open(Entry& entry, const ChannelEvent& event, Effects& out);

    OpenSealed open_;
    std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace tulle::client
