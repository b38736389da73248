#pragma once

#include <cstdint>
#include <string_view>

#include "node/core/apps.hpp"

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

/// The app that a target names, whatever else is wrong with it; null when there is none.
[[nodiscard]] const App* app_of_target(const AppTable& apps, std::string_view target);

}  // namespace tulle::node::pusher
