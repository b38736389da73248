#include <poll.h>

#include <chrono>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

#include "client/wire/server_url.hpp"
#include "tools/cli/admin.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/drain_text.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/reload_text.hpp"

namespace tulle::cli {
namespace {

using Clock = std::chrono::steady_clock;
/// For an order to another node the node that is asked waits two seconds, and its hub one; for a rebalance twice. This
/// program waits longer, so that the node can say who has not answered.
constexpr std::chrono::milliseconds kOrderPatience{3'000};
/// Between two looks at a node that drains.
constexpr int kBetweenProgressMs = 250;
/// Looks without an answer after which the node counts as gone.
constexpr int kMostMisses = 3;

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
std::optional<DrainProgress> look(Admin& admin, const std::string& node) {
    const client::Exchange exchange = admin.get(node.empty() ? "/v1/status" : "/v1/doctor?timeout_ms=1000");
    if (!is_taken(exchange)) {
        return std::nullopt;
    }
    return node.empty() ? parse_drain_progress(exchange.body) : find_drain_progress(exchange.body, node);
}

/// The name of the node in a message.
std::string name_of(const DrainOptions& options) {
    return options.node.empty() ? "the node at " + options.admin.server : options.node;
}

/// True when the node is where the order leads to.
bool is_done(const DrainProgress& progress, const DrainOptions& options) {
    // The clients of a node that does not stop may outlive its patience for a moment.
    return options.undrains ? progress.state == "serving" : progress.state == "drained" && progress.clients == 0;
}

/// Waits until the node has carried the order out, and tells of the progress. Returns the exit code.
int wait_for(Admin& admin, const DrainOptions& options) {
    const Clock::time_point deadline = Clock::now() + options.patience;
    std::string told;
    bool has_begun = false;
    int misses = 0;
    for (;;) {
        const std::optional<DrainProgress> progress = look(admin, options.node);
        if (progress) {
            misses = 0;
            if (const std::string line = progress_line(*progress);
                line != told && !options.admin.json && !options.undrains) {
                std::cout << line << std::flush;
                told = line;
            }
        } else if (++misses >= kMostMisses) {
            // A node that is stopped by a signal as well ends when it has drained.
            std::cerr << "tulle: " << name_of(options) << " answers no longer\n";
            return kUnreachable;
        }
        const bool is_there = progress && is_done(*progress, options);
        const bool is_called_off = progress && !options.undrains && has_begun && progress->state == "serving";
        has_begun = has_begun || (progress && progress->state != "serving");
        if (is_there || is_called_off || Clock::now() >= deadline) {
            if (options.admin.json && progress) {
                std::cout << progress_json(*progress) << "\n" << std::flush;
            }
            if (!is_there) {
                std::cerr << "tulle: "
                          << (is_called_off
                                  ? "somebody has called the drain off"
                                  : name_of(options) + (options.undrains ? " takes no clients; its log says why"
                                                                         : " has not drained in time"))
                          << "\n";
            }
            return is_there ? kOk : kFailed;
        }
        // A plain pause: a node sends no word when its state changes.
        ::poll(nullptr, 0, kBetweenProgressMs);
    }
}

}  // namespace

int run_drain(const DrainOptions& options) {
    const auto patience = options.node.empty() ? std::chrono::milliseconds{} : kOrderPatience;
    Admin admin(options.admin.server, options.admin.timeout + patience, read_admin_token(options.admin.token_file));
    const client::Exchange exchange =
        admin.post((options.undrains ? "/v1/undrain" : "/v1/drain") +
                   (options.node.empty() ? std::string() : "?node=" + client::percent_encoded(options.node)));
    if (exchange.outcome == client::ExchangeOutcome::kAnswered && exchange.status == 404) {
        std::cerr << "tulle: " << error_in(exchange.body) << ": " << options.node << "\n";
        return kFailed;
    }
    if (!is_taken(exchange)) {
        return say_refusal(admin, exchange, options.admin.server);
    }
    if (options.undrains || options.waits) {
        const int code = wait_for(admin, options);
        if (code == kOk && options.undrains && !options.admin.json) {
            std::cout << name_of(options) << " takes clients again\n";
        }
        return code;
    }
    std::cout << (options.admin.json ? exchange.body + "\n"
                                     : name_of(options) + " drains; `tulle undrain` calls the drain off\n");
    return kOk;
}

int run_rebalance(const RebalanceOptions& options) {
    Admin admin(options.admin.server, options.admin.timeout + 2 * kOrderPatience,
                read_admin_token(options.admin.token_file));
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
    return say_missing(report->missing);
}

}  // namespace tulle::cli
