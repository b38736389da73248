#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tulle::node::http {

/// The parameters of permessage-deflate (RFC 7692) that are agreed with a single client.
struct DeflateAgreement {
    /// The value of the field Sec-WebSocket-Extensions in our answer.
    std::string text;
    /// True when the client inflates with a window of 32 KiB. A client with a smaller window gets its messages plain,
    /// because the node compresses a message once for all clients, with the largest window.
    bool has_full_window = true;
    friend bool operator==(const DeflateAgreement&, const DeflateAgreement&) = default;
};

/// Accepts the first acceptable offer in `offers`, and returns the parameters to answer with. `offers` holds the values
/// of all Sec-WebSocket-Extensions fields, joined by commas. Returns nothing when no offer is acceptable; the
/// connection then works without compression.
///
/// Every agreement excludes context takeover in both directions, so that the window of neither side outlives a message.
/// Any window that the client wants is agreed to, also a window of 8 bits.
[[nodiscard]] std::optional<DeflateAgreement> agree_on_deflate(std::string_view offers);

}  // namespace tulle::node::http
