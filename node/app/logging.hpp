#pragma once

#include <string>

namespace tulle::node {

/// Sends the process's log to stderr: for people on a terminal, otherwise one JSON object per line with ts, level, msg and
/// node. Control characters in messages are escaped either way. Call once, before other threads log.
void set_up_logging(const std::string& node, const std::string& level);

}  // namespace tulle::node
