#include <iostream>
#include <string>

#include "tools/cli/admin.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/reload_text.hpp"

namespace tulle::cli {

int run_reload(const ReloadOptions& options) {
    Admin admin(options.admin.server, options.admin.timeout, read_admin_token(options.admin.token_file));
    const client::Exchange exchange = admin.post("/v1/reload");
    const int status = exchange.outcome == client::ExchangeOutcome::kAnswered ? exchange.status : 0;
    if (status == 200) {
        std::cout << (options.admin.json ? exchange.body + "\n" : reload_text(exchange.body)) << std::flush;
        return kOk;
    }
    // 422: the node has read its files, and found an error there.
    if (status == 422) {
        std::cerr << "tulle: " << reload_failure_text(exchange.body) << "\n";
        return kFailed;
    }
    if (status == 503) {
        std::cerr << "tulle: the node at " << options.admin.server << " cannot do it now: " << error_in(exchange.body)
                  << "\n";
    } else {
        std::cerr << "tulle: " << admin.why_useless(exchange) << "\n";
    }
    return kUnreachable;
}

}  // namespace tulle::cli
