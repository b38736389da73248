#include "tools/cli/commands.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <string>

#include "tools/cli/admin.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/redis_table.hpp"
#include "tools/cli/status_table.hpp"
#include "tools/cli/terminal.hpp"
#include "tools/cli/watch.hpp"

namespace tulle::cli {
namespace {

using Clock = std::chrono::steady_clock;
// Short enough for scripts that wait for a mesh, and no burden for a node.
constexpr std::chrono::milliseconds kBetweenAsks{50};

/// The result of asking once: the node's answer, and the exit code with its reason.
struct Answer {
    int exit_code = kUnreachable;
    std::string json;
    std::vector<MemberRow> rows;
    std::string error;
};

/// Asks the node once, and compares the answer with `expect`.
Answer ask(Admin& admin, const StatusOptions& options) {
    client::Exchange exchange = admin.get("/v1/status");
    const bool is_answer = exchange.outcome == client::ExchangeOutcome::kAnswered;
    // The admin listener answers 503 when the hub does not answer the listener in time.
    if (is_answer && exchange.status == 503) {
        return {kUnreachable, {}, {}, "the node at " + options.admin.server + " could not answer in time; try again"};
    }
    if (!is_answer || exchange.status != 200) {
        return {kUnreachable, {}, {}, admin.why_useless(exchange)};
    }
    auto rows = parse_status(exchange.body);
    if (rows.has_error()) {
        return {kUnreachable, {}, {}, options.admin.server + " answered something that is no status"};
    }
    Answer answer{kOk, std::move(exchange.body), std::move(*rows), {}};
    const std::size_t alive = count_alive(answer.rows);
    if (options.expect && alive < *options.expect) {
        answer.exit_code = kFailed;
        answer.error = std::to_string(alive) + " alive, expected " + std::to_string(*options.expect);
    }
    return answer;
}

/// Waits before the node is asked again. A plain pause: the state of other machines sends no wake-up.
void pause_before_next_ask(Clock::time_point deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    ::poll(nullptr, 0, static_cast<int>(std::clamp(left, std::chrono::milliseconds(0), kBetweenAsks).count()));
}

/// Asks, prints and judges.
int look_at_members(const StatusOptions& options) {
    Admin admin(options.admin.server, options.admin.timeout, read_admin_token(options.admin.token_file));
    const Clock::time_point deadline = Clock::now() + options.wait;
    Answer answer = ask(admin, options);
    // Without --wait the deadline has passed already, and the node is asked only once.
    while (answer.exit_code != kOk && Clock::now() < deadline) {
        pause_before_next_ask(deadline);
        answer = ask(admin, options);
    }
    if (options.admin.json && !answer.json.empty()) {
        std::cout << answer.json << (answer.json.ends_with('\n') ? "" : "\n");
    } else if (!answer.rows.empty()) {
        std::cout << status_table(answer.rows, terminal_width(STDOUT_FILENO)) << counters_line(answer.json)
                  << redis_line(answer.json);
    }
    std::cout.flush();
    if (!answer.error.empty()) {
        std::cerr << "tulle: " << answer.error << "\n";
    }
    return answer.exit_code;
}

}  // namespace

int run_status(const StatusOptions& options) {
    return watched(options.watch, options.admin.json, [&options] { return look_at_members(options); });
}

}  // namespace tulle::cli
