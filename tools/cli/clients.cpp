#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "client/wire/server_url.hpp"
#include "tools/cli/admin.hpp"
#include "tools/cli/clients_table.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/reload_text.hpp"

namespace tulle::cli {
namespace {

/// The query string of a request.
class Query {
public:
    explicit Query(const ClientsOptions& options) {
        add("timeout_ms", std::to_string(options.admin.timeout.count()));
        add("app", options.app_id);
        add("node", options.node);
    }
    /// Adds a parameter, unless the value is empty.
    void add(std::string_view name, const std::string& value) {
        if (!value.empty()) {
            text_.append(text_.empty() ? "?" : "&").append(name).append("=").append(client::percent_encoded(value));
        }
    }
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    std::string text_;
};

Admin admin_for(const ClientsOptions& options) {
    return Admin(options.admin.server, options.admin.timeout + kAdminPatience,
                 read_admin_token(options.admin.token_file));
}

/// Says why there is no answer to show, and returns the exit code.
int say_why(const ClientsOptions& options, const Admin& admin, const client::Exchange& exchange) {
    const int status = exchange.outcome == client::ExchangeOutcome::kAnswered ? exchange.status : 0;
    // A node of an older version answers 404 without JSON.
    if ((status == 400 || status == 404) && exchange.body.starts_with('{')) {
        std::cerr << "tulle: " << error_in(exchange.body) << "\n";
        return status == 400 ? kUsage : kFailed;
    }
    if (status == 503) {
        std::cerr << "tulle: the node at " << options.admin.server << " cannot answer now: " << error_in(exchange.body)
                  << "\n";
    } else {
        std::cerr << "tulle: " << admin.why_useless(exchange) << "\n";
    }
    return kUnreachable;
}

/// Shows an answer. `text`: the answer for people; nothing when the node answered something else. Returns the exit
/// code.
int show(const ClientsOptions& options, const client::Exchange& exchange, const std::optional<ClientsText>& text) {
    if (!text) {
        std::cerr << "tulle: " << options.admin.server << " answered something else than was asked for\n";
        return kUnreachable;
    }
    std::cout << (options.admin.json ? exchange.body + "\n" : text->text) << std::flush;
    return say_missing(text->missing);
}

[[nodiscard]] bool is_answer(const client::Exchange& exchange) {
    return exchange.outcome == client::ExchangeOutcome::kAnswered && exchange.status == 200;
}

/// Asks for `target`, and shows the answer as `read` reads it. Returns the exit code.
template <class Read>
int ask_and_show(const ClientsOptions& options, const std::string& target, const Read& read) {
    Admin admin = admin_for(options);
    const client::Exchange exchange = admin.get(target);
    return is_answer(exchange) ? show(options, exchange, read(exchange.body)) : say_why(options, admin, exchange);
}

}  // namespace

int run_channels(const ChannelsOptions& options) {
    Query query(options.common);
    query.add("prefix", options.prefix);
    query.add("sort", options.sort);
    query.add("limit", std::to_string(options.limit));
    return ask_and_show(options.common, "/v1/channels" + query.text(), channels_text);
}

int run_presence(const PresenceOptions& options) {
    Query query(options.common);
    query.add("channel", options.channel);
    query.add("limit", std::to_string(options.limit));
    return ask_and_show(options.common, "/v1/presence" + query.text(), presence_text);
}

int run_conns_list(const ConnsOptions& options) {
    Query query(options.common);
    query.add("channel", options.channel);
    query.add("user", options.user);
    query.add("address", options.address);
    query.add("sort", options.sort);
    query.add("limit", std::to_string(options.limit));
    query.add("offset", std::to_string(options.offset));
    return ask_and_show(options.common, "/v1/conns" + query.text(),
                        [&options](std::string_view body) { return connections_text(body, options.offset); });
}

int run_conns_show(const ConnsOptions& options) {
    const Query query(options.common);
    return ask_and_show(options.common, "/v1/conns/" + client::percent_encoded(options.socket) + query.text(),
                        connection_text);
}

int run_conns_kick(const ConnsOptions& options) {
    Query query(options.common);
    query.add("socket", options.socket);
    query.add("user", options.user);
    query.add("address", options.address);
    query.add("reconnect", options.reconnects ? "yes" : "no");
    Admin admin = admin_for(options.common);
    const client::Exchange exchange = admin.post("/v1/conns/kick" + query.text());
    if (!is_answer(exchange)) {
        return say_why(options.common, admin, exchange);
    }
    const std::optional<ClientsText> text = kick_text(exchange.body);
    const int code = show(options.common, exchange, text);
    return code == kOk && text->rows == 0 ? kFailed : code;
}

}  // namespace tulle::cli
