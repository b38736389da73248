#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tulle::node::http {

/// What is agreed of permessage-deflate (RFC 7692) with one client.
struct DeflateAgreement {
    std::string text;             ///< of our Sec-WebSocket-Extensions
    bool has_full_window = true;  ///< what the client inflates may look back 32 KiB; otherwise messages go to it plain
    friend bool operator==(const DeflateAgreement&, const DeflateAgreement&) = default;
};

/// The answer to the first offer in `offers` (the values of all Sec-WebSocket-Extensions fields, joined by commas) that
/// can be accepted; nothing when there is none. Without context takeover in either direction, so that neither side's
/// window outlives a message. Any window that the client wants is agreed to, 8 bits too.
[[nodiscard]] std::optional<DeflateAgreement> agree_on_deflate(std::string_view offers);

}  // namespace tulle::node::http
