#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tools/load/runner.hpp"

namespace tulle::bench {

struct Quit {};
struct WatchPids {
    std::vector<pid_t> pids;
};
struct Wrong {
    std::string why;
};
using Command = std::variant<load::RunOptions, WatchPids, Quit, Wrong>;

/// A line that bench_load was given, see README.md.
[[nodiscard]] Command parse_command(std::string_view line);

/// "1,2,3"; empty for none.
[[nodiscard]] bool parse_pids(std::string_view text, std::vector<pid_t>& out);

}  // namespace tulle::bench
