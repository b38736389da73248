#include <poll.h>

#include <chrono>
#include <iostream>
#include <string>

#include "tools/cli/admin.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/keys_report.hpp"

namespace tulle::cli {
namespace {

using Clock = std::chrono::steady_clock;
// A node binds its ports again some seconds after a change, so more frequent looks would gain nothing.
constexpr int kBetweenLooksMs = 250;

}  // namespace

int run_keys(const KeysOptions& options) {
    Admin admin(options.server, options.timeout + kAdminPatience, read_admin_token(options.token_file));
    const std::string target = "/v1/doctor?timeout_ms=" + std::to_string(options.timeout.count());
    const Clock::time_point deadline = Clock::now() + options.wait;
    for (;;) {
        const client::Exchange exchange = admin.get(target);
        const bool is_answer = exchange.outcome == client::ExchangeOutcome::kAnswered && exchange.status == 200;
        const auto sample =
            is_answer ? parse_sample(exchange.body) : Result<MeshSample, DoctorErrc>(DoctorErrc::kNotReport);
        if (sample.has_error()) {
            std::cerr << "tulle: "
                      << (is_answer ? options.server + " answered something that is no report"
                                    : admin.why_useless(exchange))
                      << "\n";
            return kUnreachable;
        }
        const KeyVerdict verdict = judge_keys(*sample, {options.accepted, options.used}, options.expect);
        if (!verdict.missing.empty() && Clock::now() < deadline) {
            // A plain pause: the state of other machines sends no wake-up.
            ::poll(nullptr, 0, kBetweenLooksMs);
            continue;
        }
        std::cout << (options.json ? keys_json(*sample, verdict) + "\n" : keys_text(*sample)) << std::flush;
        if (verdict.is_open) {
            std::cerr << "tulle: the mesh has no keys: whoever reaches its ports is a member\n";
        }
        for (const std::string& missing : verdict.missing) {
            std::cerr << "tulle: " << missing << "\n";
        }
        return verdict.missing.empty() ? kOk : kFailed;
    }
}

}  // namespace tulle::cli
