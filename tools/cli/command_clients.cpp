#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tools/cli/command_groups.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/common_options.hpp"

namespace tulle::cli {
namespace {

/// Rows that a node gives at most.
constexpr int kMostRows = 1'000;

void add_limit(CLI::App& command, std::size_t& limit, const std::string& about) {
    command.add_option("--limit", limit, about)->check(CLI::Range(1, kMostRows))->capture_default_str();
}

void add_sort(CLI::App& command, std::string& sort, const std::string& about, std::vector<std::string> orders) {
    command.add_option("--sort", sort, about)->check(CLI::IsMember(std::move(orders)))->capture_default_str();
}

/// The orders of connections.
std::vector<std::string> client_orders() {
    return {"outbox", "subscriptions", "received", "oldest", "newest"};
}

/// Adds the options that all commands about clients have.
void add_common(CLI::App& command, ClientsOptions& options) {
    command.add_option("--node", options.node, "Look at this node alone")->type_name("NAME");
    add_admin_options(command, options.admin, "The node's answer as it is", kMaxMeshSeconds);
}

void add_app(CLI::App& command, std::string& app, const std::string& about) {
    command.add_option("--app,--app-id", app, about)->type_name("ID");
}

void add_channels(CommandList& commands) {
    const auto options = std::make_shared<ChannelsOptions>();
    CLI::App& channels = commands.add(kSeeClients, "channels", "Show the channels of all nodes that have subscribers",
                                      [options] { return run_channels(*options); });
    channels.add_option("--prefix", options->prefix, "Channels whose names begin so")->type_name("TEXT");
    add_app(channels, options->common.app_id, "Channels of this app alone");
    add_sort(channels, options->sort, "The order", {"name", "subscribers"});
    add_limit(channels, options->limit, "Rows at most");
    add_common(channels, options->common);
}

void add_presence(CommandList& commands) {
    const auto options = std::make_shared<PresenceOptions>();
    CLI::App& presence = commands.add(kSeeClients, "presence", "Show the users on a presence channel, and their nodes",
                                      [options] { return run_presence(*options); });
    presence.add_option("CHANNEL", options->channel)->required();
    options->common.app_id = "app-id";
    presence.add_option("--app,--app-id", options->common.app_id, "Id of the app")
        ->envname("TULLE_APP_ID")
        ->capture_default_str();
    add_limit(presence, options->limit, "Rows at most");
    add_common(presence, options->common);
}

/// Adds the conditions that connections may be chosen by, and closed by.
void add_conditions(CLI::App& command, ConnsOptions& options) {
    add_app(command, options.common.app_id, "Connections to this app alone");
    command.add_option("--user", options.user, "Connections of this user")->type_name("ID");
    command.add_option("--address", options.address, "Connections from this IP address, or its IPv6 network (/64)")
        ->type_name("ADDRESS");
}

void add_conns_list(CommandList& commands, CLI::App& conns) {
    const auto options = std::make_shared<ConnsOptions>();
    CLI::App& list = commands.add_to(conns, "ls", "Show connections", [options] { return run_conns_list(*options); });
    add_conditions(list, *options);
    list.add_option("--channel", options->channel, "Subscribers of this channel")->type_name("NAME");
    add_sort(list, options->sort, "The order, the most first", client_orders());
    add_limit(list, options->limit, "Rows at most");
    list.add_option("--offset", options->offset, "Rows to leave out; with --limit 1000 at most")
        ->check(CLI::Range(0, kMostRows))
        ->capture_default_str();
    add_common(list, options->common);
}

void add_conns_show(CommandList& commands, CLI::App& conns) {
    const auto options = std::make_shared<ConnsOptions>();
    CLI::App& show = commands.add_to(conns, "show", "Show one connection with its channels",
                                     [options] { return run_conns_show(*options); });
    show.add_option("ID", options->socket, "The id of the connection, as tulle conns ls shows")->required();
    add_common(show, options->common);
}

void add_conns_kick(CommandList& commands, CLI::App& conns) {
    const auto options = std::make_shared<ConnsOptions>();
    CLI::App& kick = commands.add_to(conns, "kick", "Close connections, by their id, user or address",
                                     [options] { return run_conns_kick(*options); });
    kick.add_option("ID", options->socket, "The id of a connection, as tulle conns ls shows");
    add_conditions(kick, *options);
    kick.add_flag_callback(
        "--no-reconnect", [options] { options->reconnects = false; },
        "Tell the clients not to connect again (4009 in place of 4200)");
    add_common(kick, options->common);
}

void add_conns(CommandList& commands) {
    CLI::App& conns = commands.add_parent(kSeeClients, "conns", "Show or close connections of all nodes");
    add_conns_list(commands, conns);
    add_conns_show(commands, conns);
    add_conns_kick(commands, conns);
}

void add_top(CommandList& commands) {
    const auto options = std::make_shared<TopOptions>();
    CLI::App& top = commands.add(kSeeClients, "top", "Show all nodes and their busiest connections, again and again",
                                 [options] { return run_top(*options); });
    top.add_flag("--once", options->once, "Look twice, a delay apart, print one table and end");
    add_seconds(top, "-d,--delay", options->delay, "Seconds between two looks", 0.2, 3'600);
    top.add_option("-n,--connections", options->connections, "Connections to show")
        ->check(CLI::Range(0, kMostRows))
        ->capture_default_str();
    add_sort(top, options->sort, "The order of the connections, the most first", client_orders());
    add_admin_options(top, options->admin, "With --once: the numbers as one JSON object", kMaxMeshSeconds);
}

}  // namespace

void add_client_commands(CommandList& commands) {
    add_channels(commands);
    add_presence(commands);
    add_conns(commands);
    add_top(commands);
}

}  // namespace tulle::cli
