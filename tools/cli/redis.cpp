#include <unistd.h>

#include <iostream>
#include <string>

#include "tools/cli/admin.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/mesh_question.hpp"
#include "tools/cli/redis_table.hpp"
#include "tools/cli/terminal.hpp"
#include "tools/cli/watch.hpp"

namespace tulle::cli {

namespace {

/// Asks, prints and judges.
int look_at_redis(const RedisOptions& options) {
    Admin admin(options.admin.server, options.admin.timeout + kAdminPatience,
                read_admin_token(options.admin.token_file));
    const auto sample = ask_mesh(admin, options.admin.server, options.admin.timeout);
    if (sample.has_error()) {
        std::cerr << "tulle: " << sample.error() << "\n";
        return kUnreachable;
    }
    std::cout << (options.admin.json ? redis_json(*sample) + "\n" : redis_text(*sample, terminal_width(STDOUT_FILENO)))
              << std::flush;
    const std::set<std::string> absent = absent_nodes(*sample);
    for (const std::string& name : absent) {
        std::cerr << "tulle: " << name << " does not answer\n";
    }
    return absent.empty() ? kOk : kFailed;
}

}  // namespace

int run_redis(const RedisOptions& options) {
    return watched(options.watch, options.admin.json, [&options] { return look_at_redis(options); });
}

}  // namespace tulle::cli
