#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tulle::node {

/// Sends the process's log to stderr: for people on a terminal, otherwise one JSON object per line with ts, level, msg
/// and node. Control characters in messages are escaped either way. Call once, before other threads log.
///
/// Nobody who logs waits for whoever reads stderr (LogWriter). When the process is aborted, lines that wait still get
/// kLastWords to be written.
void set_up_logging(const std::string& node, const std::string& level);

/// From now on. Any thread, after set_up_logging.
void set_log_level(const std::string& level);

/// Until all that was logged is written, at most LogWriter::kLastWords.
void flush_logging();
/// Lines that nobody could be given. 0 before set_up_logging.
[[nodiscard]] std::uint64_t dropped_log_lines();

/// A line for stderr beside the log, at the process's end: dropped when stderr takes nothing for LogWriter::kLastWords.
void say_at_end(std::string_view line);

}  // namespace tulle::node
