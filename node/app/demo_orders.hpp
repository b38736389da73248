#pragma once

#include <functional>
#include <string_view>

#include "node/app/config.hpp"
#include "node/pusher/edge/demo_pages.hpp"

namespace tulle::node {

/// The demonstration as configured. The page learns key and secret only of the default app, whose secret is public
/// anyway. Throws std::runtime_error as demo_orders_to does.
[[nodiscard]] DemoContent demo_content(const Config& config);

/// The way of the demonstration's orders to the program that has started this node (`tulle up --demo`): a line for each
/// order into a pipe, "kill NAME" or "start NAME". `descriptor`: the pipe's end for writing, inherited from that
/// program, which has made it non-blocking.
/// Thread: the returned function may be called on any thread, because a line of at most PIPE_BUF bytes is written whole
///         or not at all (pipe(7)).
/// Errors: throws std::runtime_error when the descriptor is no pipe. The returned function returns false when the pipe
///         is full or closed.
[[nodiscard]] std::function<bool(DemoOrder, std::string_view)> demo_orders_to(int descriptor);

}  // namespace tulle::node
