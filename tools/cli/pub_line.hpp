#pragma once

#include <string>
#include <string_view>

#include "mesh/base/result.hpp"

namespace tulle::cli {

/// An event to publish.
struct PubLine {
    std::string channel;
    std::string event;
    std::string data;
    /// The connection that does not get the event; empty for none.
    std::string socket_id;
    friend bool operator==(const PubLine&, const PubLine&) = default;
};

/// What is wrong with a line: the end of a sentence about the line.
struct PubLineError {
    std::string text;
};

/// Reads a JSON object with "channel", "event" and "data", and perhaps "socket_id": the form in which `tulle sub
/// --json` prints events. Other members are passed over. A text as data is taken as it is, any other value as its JSON;
/// a missing one is empty. Pure.
[[nodiscard]] Result<PubLine, PubLineError> parse_pub_line(std::string_view line);

}  // namespace tulle::cli
