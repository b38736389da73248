#pragma once

#include <string>

#include "mesh/base/time.hpp"
#include "node/web/core/gate.hpp"
#include "node/web/core/http_message.hpp"

namespace tulle::node {

/// Whether the body follows the head of an answer. kNothing answers HEAD: the client is told the length alone.
enum class Shown { kBody, kNothing };

/// Whether the connection is kept after the answer, and how the answer says so.
enum class Kept {
    /// "Connection: close".
    kNo,
    /// No field, as HTTP/1.1 keeps connections by default.
    kYes,
    /// "Connection: keep-alive", for a request of HTTP/1.0 that asked to keep the connection.
    kAsAsked,
};

/// The bytes of an answer, head and body in a single text. An answer with 204 has neither a body nor a length. A
/// Connection field among the headers of `response` is joined with the field for `kept`. `now` is the time for Date.
/// REQUIRES: neither names nor values of headers hold line breaks.
[[nodiscard]] std::string response_bytes(const HttpResponse& response, Shown shown, Kept kept, WallSeconds now);

/// The answer for a refusal of the gate: the reason in JSON. The connection ends after the answer.
[[nodiscard]] HttpResponse response_of(const http::Refusal& refusal);

}  // namespace tulle::node
