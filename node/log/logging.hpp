#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tulle::node {

/// Sends the process's log to stderr: plain lines on a terminal, otherwise a JSON object per line with ts, level, msg
/// and node. Control characters in messages are escaped either way. Call once, before other threads log.
///
/// `node` is the name of the node. `level` is a name of spdlog's ("debug", "info", "warn", …); an unknown name turns
/// the log off.
///
/// No logging thread waits for the reader of stderr (LogWriter). When the process is aborted, waiting lines still get
/// kLastWords to be written.
void set_up_logging(const std::string& node, const std::string& level);

/// Changes the level from here on. Any thread, after set_up_logging.
void set_log_level(const std::string& level);

/// Waits until all logged lines are written, at most LogWriter::kLastWords.
void flush_logging();
/// The number of lines that were dropped. 0 before set_up_logging.
[[nodiscard]] std::uint64_t dropped_log_lines();

/// Writes a line to stderr beside the log, at the end of the process. The line is dropped when stderr takes nothing for
/// LogWriter::kLastWords, and cut to the PIPE_BUF bytes that a pipe takes at once.
void say_at_end(std::string_view line);

}  // namespace tulle::node
