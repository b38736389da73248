#pragma once

#include <chrono>
#include <functional>
#include <optional>

namespace tulle::cli {

/// Calls `look`, which prints to std::cout and std::cerr and returns an exit code: once, or with `every` again and
/// again until q, Ctrl-C or SIGTERM. On a terminal each look takes the place of the one before; elsewhere the looks
/// follow each other, with a blank line between them. Returns the code of the last look. `is_json`: nothing but what
/// `look` prints goes to standard output.
///
/// Thread: the main thread, before the program has others.
/// Errors: passes exceptions of `look` on, with the terminal as before.
[[nodiscard]] int watched(std::optional<std::chrono::milliseconds> every, bool is_json,
                          const std::function<int()>& look);

}  // namespace tulle::cli
