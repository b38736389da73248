#pragma once

#include <cstdint>
#include <string_view>

#include "node/pusher/core/apps.hpp"

namespace tulle::node::pusher {

/// The result for a WebSocket's target ("/app/KEY?protocol=7&…"): an app, or the code of the refusal.
struct Admission {
    /// Null: refused. Valid as long as the AppTable.
    const App* app = nullptr;
    /// Of a refusal.
    std::uint16_t close_code = 0;
    /// Of a refusal. Static text.
    std::string_view reason;
};

/// Close codes of the Pusher protocol about apps, each with the reason told to the client.
inline constexpr std::uint16_t kAppUnknown = 4001;
inline constexpr std::string_view kAppUnknownText = "Application does not exist";
inline constexpr std::uint16_t kAppDisabled = 4003;
inline constexpr std::string_view kAppDisabledText = "Application disabled";
inline constexpr std::uint16_t kAppOverQuota = 4004;
inline constexpr std::string_view kAppOverQuotaText = "Application is over its connection quota";

/// Decides about a new WebSocket connection. `target` is in origin form. Parameters other than protocol and version are
/// ignored, as the protocol asks. Quotas and origins are not checked here.
[[nodiscard]] Admission admit(const AppTable& apps, std::string_view target);

/// True when clients connect at this path ("/app/…").
[[nodiscard]] bool is_client_target(std::string_view path);

/// The app named in a target, whatever else is wrong with the target; null when there is no such app.
[[nodiscard]] const App* app_of_target(const AppTable& apps, std::string_view target);

/// The sub-protocol for the answer. `offered` are the values of all Sec-WebSocket-Protocol fields, joined by commas.
/// The answer names the first "pusher-channels-protocol-N" of a supported version, else the first of any version, so
/// that the client can be told why the connection is refused. Empty for none. A view into `offered`.
[[nodiscard]] std::string_view choose_subprotocol(std::string_view offered);

}  // namespace tulle::node::pusher
