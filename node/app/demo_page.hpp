#pragma once

#include <string_view>

namespace tulle::node {

/// The page of the demo mode (demo_page.html, compiled in).
[[nodiscard]] std::string_view demo_page();

}  // namespace tulle::node
