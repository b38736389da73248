#pragma once

#include <string>

#include "mesh/base/time.hpp"
#include "node/web/core/http_message.hpp"

namespace tulle::node {

/// What follows the head of an answer.
enum class Shown { kBody, kNothing };  ///< nothing: the request was HEAD, which is told the length alone

/// Whether the connection is kept after the answer.
enum class Kept {
    kNo,
    kYes,      ///< which HTTP/1.1 takes for granted
    kAsAsked,  ///< the answer says so: the request was of HTTP/1.0
};

/// An answer as it goes out, head and body in one text. A 204 has neither a body nor a length.
[[nodiscard]] std::string response_bytes(const HttpResponse& response, Shown shown, Kept kept, WallSeconds now);

}  // namespace tulle::node
