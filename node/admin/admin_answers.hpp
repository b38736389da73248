#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "node/admin/reload_outcome.hpp"
#include "node/web/core/http_message.hpp"

/// The forms of the admin listener's answers.
namespace tulle::node {

inline constexpr std::string_view kAdminText = "text/plain; charset=utf-8";
/// The version of Prometheus' text format.
inline constexpr std::string_view kAdminMetrics = "text/plain; version=0.0.4; charset=utf-8";
inline constexpr std::string_view kAdminJson = "application/json";

/// An answer that no cache keeps: every answer is a view of the present.
[[nodiscard]] HttpResponse admin_answer(unsigned status, std::string_view content_type, std::string body);
/// An error in the form of the JSON endpoints: {"error":…,"code":…}. Any text may be the reason.
[[nodiscard]] HttpResponse admin_refusal(unsigned status, std::string_view reason);
/// The answer to a request for a reload. 200: {"apps":N}, and "after_restart" when settings wait for one. 422 when
/// something stays as it was: {"error":…,"code":422}, and "apps" when only the certificates do.
[[nodiscard]] HttpResponse admin_reload_answer(const ReloadOutcome& outcome, std::size_t apps);

}  // namespace tulle::node
