#include <poll.h>

#include <chrono>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

#include "tools/cli/admin.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/drain_text.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/reload_text.hpp"

namespace tulle::cli {
namespace {

using Clock = std::chrono::steady_clock;
/// Between two looks at a node that drains.
constexpr int kBetweenProgressMs = 250;

/// Says why an order was not taken. Returns the exit code.
int say_refusal(const Admin& admin, const client::Exchange& exchange, const std::string& server) {
    if (exchange.outcome == client::ExchangeOutcome::kAnswered && exchange.status == 503) {
        std::cerr << "tulle: the node at " << server << " cannot do it now: " << error_in(exchange.body) << "\n";
    } else {
        std::cerr << "tulle: " << admin.why_useless(exchange) << "\n";
    }
    return kUnreachable;
}

[[nodiscard]] bool is_taken(const client::Exchange& exchange) {
    return exchange.outcome == client::ExchangeOutcome::kAnswered && (exchange.status == 202 || exchange.status == 200);
}

/// How far the node is. Nothing: the node does not answer.
std::optional<DrainProgress> look(Admin& admin) {
    const client::Exchange exchange = admin.get("/v1/status");
    return is_taken(exchange) ? parse_drain_progress(exchange.body) : std::nullopt;
}

/// Waits until the node has the state `wanted`, and tells of the progress. Returns the exit code.
int wait_for(Admin& admin, const DrainOptions& options, std::string_view wanted) {
    const Clock::time_point deadline = Clock::now() + options.patience;
    std::string told;
    for (;;) {
        const std::optional<DrainProgress> progress = look(admin);
        if (!progress) {
            // A node that is stopped by a signal as well ends when it has drained.
            std::cerr << "tulle: the node at " << options.admin.server << " answers no longer\n";
            return kUnreachable;
        }
        if (const std::string line = progress_line(*progress); line != told && !options.admin.json) {
            std::cout << line << std::flush;
            told = line;
        }
        const bool is_there = progress->state == wanted;
        if (is_there || Clock::now() >= deadline) {
            if (options.admin.json) {
                std::cout << progress_json(*progress) << "\n" << std::flush;
            }
            if (!is_there) {
                std::cerr << "tulle: the node has not drained in time\n";
            }
            return is_there && progress->clients == 0 ? kOk : kFailed;
        }
        // A plain pause: a node sends no word when its state changes.
        ::poll(nullptr, 0, kBetweenProgressMs);
    }
}

}  // namespace

int run_drain(const DrainOptions& options) {
    Admin admin(options.admin.server, options.admin.timeout, read_admin_token(options.admin.token_file));
    const client::Exchange exchange = admin.post(options.undrains ? "/v1/undrain" : "/v1/drain");
    if (!is_taken(exchange)) {
        return say_refusal(admin, exchange, options.admin.server);
    }
    if (options.waits) {
        return wait_for(admin, options, "drained");
    }
    if (options.admin.json) {
        std::cout << "{}\n";
    } else {
        std::cout << (options.undrains ? "the node takes clients again\n"
                                       : "the node drains; `tulle undrain` calls the drain off\n");
    }
    return kOk;
}

int run_rebalance(const RebalanceOptions& options) {
    Admin admin(options.admin.server, options.admin.timeout, read_admin_token(options.admin.token_file));
    const client::Exchange exchange = admin.post("/v1/rebalance?max=" + std::to_string(options.most_per_second));
    if (!is_taken(exchange)) {
        return say_refusal(admin, exchange, options.admin.server);
    }
    const std::optional<RebalanceReport> report = parse_rebalance(exchange.body);
    if (!report) {
        std::cerr << "tulle: " << options.admin.server << " answered something that is no answer to a rebalance\n";
        return kUnreachable;
    }
    std::cout << (options.admin.json ? exchange.body + "\n" : rebalance_table(*report)) << std::flush;
    for (const std::string& name : report->missing) {
        std::cerr << "tulle: " << name << " has not answered\n";
    }
    return report->missing.empty() ? kOk : kFailed;
}

}  // namespace tulle::cli
