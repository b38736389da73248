#pragma once

#include <string_view>

namespace tulle::node {

/// The HTML of the demo mode. The text is demo_page.html, compiled in.
[[nodiscard]] std::string_view demo_page();

}  // namespace tulle::node
