#pragma once

#include <cstdint>
#include <string_view>

#include "node/pusher/core/apps.hpp"

namespace tulle::node::pusher {

/// What a WebSocket's target ("/app/KEY?protocol=7&…") comes to: an app, or the code to close with.
struct Admission {
    const App* app = nullptr;      ///< null: refused
    std::uint16_t close_code = 0;  ///< of a refusal
    std::string_view reason;       ///< static text
};

inline constexpr std::uint16_t kAppUnknown = 4001;
inline constexpr std::string_view kAppUnknownText = "Application does not exist";
inline constexpr std::uint16_t kAppDisabled = 4003;
inline constexpr std::string_view kAppDisabledText = "Application disabled";
inline constexpr std::uint16_t kAppOverQuota = 4004;
inline constexpr std::string_view kAppOverQuotaText = "Application is over its connection quota";

/// Parameters other than protocol and version are ignored, as the protocol asks. `target` is in origin form.
[[nodiscard]] Admission admit(const AppTable& apps, std::string_view target);

/// Whether a path is one of those at which clients connect.
[[nodiscard]] bool is_client_target(std::string_view path);

/// The app that a target names, whatever else is wrong with it; null when there is none.
[[nodiscard]] const App* app_of_target(const AppTable& apps, std::string_view target);

/// Which of the offered sub-protocols (the values of all Sec-WebSocket-Protocol fields, joined by commas) the answer
/// names: the first "pusher-channels-protocol-N" of a version that is spoken here, else the first of any version, so
/// that the client can be told why it is refused; empty for none. A view into `offered`.
[[nodiscard]] std::string_view choose_subprotocol(std::string_view offered);

}  // namespace tulle::node::pusher
