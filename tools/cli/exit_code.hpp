#pragma once

namespace tulle::cli {

/// The exit codes of every command but `tulle check`, which has those of Nagios (check_report.hpp).
inline constexpr int kOk = 0;
/// The command ran, and the answer is no.
inline constexpr int kFailed = 1;
/// The options are wrong.
inline constexpr int kUsage = 2;
/// No node could be reached, or the node refuses this program.
inline constexpr int kUnreachable = 3;

}  // namespace tulle::cli
