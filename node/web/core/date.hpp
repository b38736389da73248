#pragma once

#include <string>

#include "mesh/base/time.hpp"

namespace tulle::node::http {

/// The text of a Date field for `time` (RFC 9110, 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT". The year has four digits.
[[nodiscard]] std::string date_text(WallSeconds time);

}  // namespace tulle::node::http
