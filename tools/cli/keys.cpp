#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <string>

#include "tools/cli/admin.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/keys_report.hpp"
#include "tools/cli/mesh_question.hpp"
#include "tools/cli/terminal.hpp"
#include "tools/cli/watch.hpp"

namespace tulle::cli {
namespace {

using Clock = std::chrono::steady_clock;
// A node binds its ports again some seconds after a change, so more frequent looks would gain nothing.
constexpr int kBetweenLooksMs = 250;

/// Asks, prints and judges.
int look_at_keys(const KeysOptions& options) {
    Admin admin(options.admin.server, options.admin.timeout + kAdminPatience,
                read_admin_token(options.admin.token_file));
    const Clock::time_point deadline = Clock::now() + options.wait;
    for (;;) {
        const auto sample = ask_mesh(admin, options.admin.server, options.admin.timeout);
        if (sample.has_error()) {
            std::cerr << "tulle: " << sample.error() << "\n";
            return kUnreachable;
        }
        const KeyVerdict verdict = judge_keys(*sample, {options.accepted, options.used}, options.expect.value_or(0));
        if (!verdict.missing.empty() && Clock::now() < deadline) {
            // A plain pause: the state of other machines sends no wake-up.
            ::poll(nullptr, 0, kBetweenLooksMs);
            continue;
        }
        std::cout << (options.admin.json ? keys_json(*sample, verdict) + "\n"
                                         : keys_text(*sample, terminal_width(STDOUT_FILENO)))
                  << std::flush;
        if (verdict.is_open) {
            std::cerr << "tulle: the mesh has no keys: whoever reaches its ports is a member\n";
        }
        for (const std::string& missing : verdict.missing) {
            std::cerr << "tulle: " << missing << "\n";
        }
        return verdict.missing.empty() ? kOk : kFailed;
    }
}

}  // namespace

int run_keys(const KeysOptions& options) {
    return watched(options.watch, options.admin.json, [&options] { return look_at_keys(options); });
}

}  // namespace tulle::cli
