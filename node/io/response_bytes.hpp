#pragma once

#include <string>

#include "node/core/http_message.hpp"

namespace tulle::node {

/// What follows the head of an answer.
enum class Shown { kBody, kNothing };  ///< nothing: the request was HEAD, which is told the length alone

/// An answer as it goes out, head and body in one text. A 204 has neither a body nor a length.
[[nodiscard]] std::string response_bytes(const HttpResponse& response, Shown shown, bool keeps_alive);

}  // namespace tulle::node
