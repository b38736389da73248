#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/event_kind.hpp"
#include "tools/cli/command_groups.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/common_options.hpp"

namespace tulle::cli {
namespace {

void add_status(CommandList& commands) {
    const auto options = std::make_shared<StatusOptions>();
    CLI::App& status = commands.add(kAskNodes, "status", "Show the members of the mesh as one node sees them",
                                    [options] { return run_status(*options); });
    add_admin_options(status, options->admin, "The node's answer as it is");
    add_expect(status, options->expect, "Exit 1 unless so many nodes are alive, this one counted");
    add_watch(status, options->watch);
    add_seconds(status, "--wait", options->wait, "Ask again until it is so, for so many seconds at most", 0, 86'400);
}

void add_doctor(CommandList& commands) {
    const auto options = std::make_shared<DoctorOptions>();
    CLI::App& doctor =
        commands.add(kAskNodes, "doctor",
                     "Ask all nodes about each other and name what is wrong; A -> B means: B as A sees it", [options] {
                         if (options->servers.empty()) {
                             options->servers = {kDefaultAdmin};
                         }
                         return run_doctor(*options);
                     });
    doctor
        .add_option("-s,--admin,--server", options->servers,
                    "HOST:PORT or unix:/PATH of a node's admin listener; one finds all, several find a split mesh too")
        ->envname("TULLE_ADMIN")
        ->type_name("ADDRESS")
        ->default_str(kDefaultAdmin)
        ->delimiter(',')
        ->allow_extra_args(false);
    add_token_file(doctor, options->token_file);
    add_seconds(doctor, "--timeout", options->timeout, "Seconds for the nodes to answer", 0.01, kMaxMeshSeconds);
    add_json(doctor, options->json, "The diagnosis as one JSON object");
    add_watch(doctor, options->watch);
    add_expect(doctor, options->expect, "So many nodes must answer and serve; then the dead are not missed");
}

void add_trace(CommandList& commands) {
    const auto options = std::make_shared<TraceOptions>();
    CLI::App& trace =
        commands.add(kAskNodes, "trace",
                     "Send a marked message, which no client sees, and show which nodes got it, when and by which path",
                     [options] { return run_trace(*options); });
    trace.add_option("CHANNEL", options->channel)->required();
    options->app_id = "app-id";
    trace.add_option("--app,--app-id", options->app_id, "Id of the app")
        ->envname("TULLE_APP_ID")
        ->capture_default_str();
    add_admin_options(trace, options->admin, "The node's answer as it is", kMaxMeshSeconds);
}

/// Why `word` can be no id of a key; empty for an id as tulle keygen shows it. No node would ever accept such a key, so
/// the command does not wait for it.
std::string wrong_key_id(const std::string& word) {
    const bool is_id = word.size() == 8 && word.find_first_not_of("0123456789abcdef") == std::string::npos;
    return is_id ? "" : "'" + word + "' is no id of a key: 8 digits of 0-9 and a-f, as tulle keygen shows";
}

void add_keys(CommandList& commands) {
    const auto options = std::make_shared<KeysOptions>();
    CLI::App& keys =
        commands.add(kAskNodes, "keys", "Show the mesh keys of all nodes; exit 1 while a change of the key is not over",
                     [options] { return run_keys(*options); });
    add_admin_options(keys, options->admin, "The keys as one JSON object", kMaxMeshSeconds);
    keys.add_option("--accepted", options->accepted, "Exit 1 unless every node accepts this key")
        ->type_name("ID")
        ->check(wrong_key_id);
    keys.add_option("--used", options->used,
                    "Exit 1 unless every node uses this key, and every connection bears this key alone")
        ->type_name("ID")
        ->check(wrong_key_id);
    add_watch(keys, options->watch);
    add_expect(keys, options->expect, "Number of nodes that must answer");
    add_seconds(keys, "--wait", options->wait, "Seconds to ask again while something is missing", 0, 86'400);
}

void add_redis(CommandList& commands) {
    const auto options = std::make_shared<RedisOptions>();
    CLI::App& redis = commands.add(kAskNodes, "redis", "Show the clients of Redis at all nodes, by realm",
                                   [options] { return run_redis(*options); });
    add_admin_options(redis, options->admin, "The numbers as one JSON object", kMaxMeshSeconds);
    add_watch(redis, options->watch);
}

void add_events(CommandList& commands) {
    const auto options = std::make_shared<EventsOptions>();
    CLI::App& events = commands.add(kAskNodes, "events", "Show what has happened at a node: the latest 4,096 events",
                                    [options] { return run_events(*options); });
    add_admin_options(events, options->admin, "Each event as a JSON object in a line of its own");
    std::vector<std::string> kinds(kEventKindNames.begin(), kEventKindNames.end());
    events.add_option("--kind", options->kind, "Events of this kind alone")
        ->type_name("KIND")
        ->check(CLI::IsMember(std::move(kinds)));
    events.add_option("--last", options->last, "Number of the latest events to show")
        ->type_name("N")
        ->check(CLI::Range(0, 4096))
        ->capture_default_str();
    CLI::Option* follow = events.add_flag("-f,--follow", options->follows, "Go on with each event that comes");
    events.add_flag("--all", options->is_of_mesh, "The latest events of all nodes, 200 at most")->excludes(follow);
}

void add_log(CommandList& commands) {
    const auto options = std::make_shared<LogOptions>();
    CLI::App& log =
        commands.add(kAskNodes, "log", "Have a node tell for a while which clients and backends it refuses, and why",
                     [options] { return run_log(*options); });
    add_admin_options(log, options->admin, "Each refusal as a JSON object in a line of its own");
    log.add_option("--app,--app-id", options->app_id, "Refusals of this app alone")->type_name("ID");
    log.add_option("--address", options->address, "Refusals of this address alone")->type_name("IP");
    add_seconds(log, "--for", options->time, "Seconds to tell of refusals", 1, 3'600);
}

}  // namespace

void add_questions(CommandList& commands) {
    add_status(commands);
    add_doctor(commands);
    add_trace(commands);
    add_keys(commands);
    add_redis(commands);
    add_checks(commands);
    add_events(commands);
    add_log(commands);
}

}  // namespace tulle::cli
