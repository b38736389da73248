#pragma once

namespace tulle::cli {

/// What every command ends with.
inline constexpr int kOk = 0;
inline constexpr int kFailed = 1;       ///< it ran, but the answer is no
inline constexpr int kUsage = 2;        ///< wrong options
inline constexpr int kUnreachable = 3;  ///< no node could be reached, or it will not have us

}  // namespace tulle::cli
