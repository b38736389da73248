#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "mesh/base/result.hpp"

namespace tulle::cli {

/// Reads the array that a PHP file of Laravel's configuration returns, without running the file: arrays, texts,
/// numbers, true, false, null, and env('NAME', default), which becomes {"$env": "NAME", "default": …}. Any other
/// expression becomes null. Pure. Limits: arrays lie at most 32 deep in each other. Errors: a sentence with the line.
[[nodiscard]] Result<boost::json::object, std::string> parse_php_return(std::string_view text);

}  // namespace tulle::cli
