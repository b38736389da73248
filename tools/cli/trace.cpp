#include <unistd.h>

#include <iostream>
#include <stdexcept>
#include <string>

#include "client/core/channel_name.hpp"
#include "client/wire/publish.hpp"
#include "tools/cli/admin.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/terminal.hpp"
#include "tools/cli/trace_table.hpp"

namespace tulle::cli {
namespace {

/// `channel`, escaped for a query string. "=" and ";" are the only characters of channel names with a meaning there.
std::string escaped(const std::string& channel) {
    std::string out;
    for (const char c : channel) {
        if (c == '=') {
            out += "%3D";
        } else if (c == ';') {
            out += "%3B";
        } else {
            out += c;
        }
    }
    return out;
}

/// Reports an answer without a trace, and returns the exit code.
int refused(const TraceOptions& options, const Admin& admin, const client::Exchange& exchange) {
    const int status = exchange.outcome == client::ExchangeOutcome::kAnswered ? exchange.status : 0;
    // A node without the app answers 404 with a text about the app. Another 404 comes from another program.
    if (status == 404 && exchange.body.find("app") != std::string::npos) {
        std::cerr << "tulle: the node at " << options.admin.server << " has no app \"" << options.app_id << "\"\n";
        return kFailed;
    }
    // 429 is also the answer to one wrong token too many.
    if (status == 503 || (status == 429 && exchange.body.find("token") == std::string::npos)) {
        std::cerr << "tulle: the node at " << options.admin.server << " cannot send it now: " << exchange.body << "\n";
    } else {
        std::cerr << "tulle: " << admin.why_useless(exchange) << "\n";
    }
    return kUnreachable;
}

}  // namespace

int run_trace(const TraceOptions& options) {
    // Wrong names are found here, before they could change the meaning of the URL.
    if (!client::is_valid_channel_name(options.channel)) {
        throw std::invalid_argument("a channel name is 1 to 200 of A-Z a-z 0-9 _ - = @ , . ;");
    }
    if (!client::is_valid_app_id(options.app_id)) {
        throw std::invalid_argument("\"" + options.app_id + "\" is not the id of an app");
    }
    Admin admin(options.admin.server, options.admin.timeout + kAdminPatience,
                read_admin_token(options.admin.token_file));
    const client::Exchange exchange =
        admin.post("/v1/trace?app=" + options.app_id + "&channel=" + escaped(options.channel) +
                   "&timeout_ms=" + std::to_string(options.admin.timeout.count()));
    if (exchange.outcome != client::ExchangeOutcome::kAnswered || exchange.status != 200) {
        return refused(options, admin, exchange);
    }
    const auto rows = parse_trace(exchange.body);
    if (rows.has_error()) {
        std::cerr << "tulle: " << options.admin.server << " answered something that is no trace\n";
        return kUnreachable;
    }
    std::cout << (options.admin.json ? exchange.body + "\n" : trace_table(*rows, terminal_width(STDOUT_FILENO)))
              << std::flush;
    return is_complete(*rows) ? kOk : kFailed;
}

}  // namespace tulle::cli
