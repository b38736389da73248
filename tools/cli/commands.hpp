#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The commands of `tulle`. Each command returns an exit code (exit_code.hpp). A command throws std::exception when the
/// command cannot be carried out at all, and main prints the text.
namespace tulle::cli {

/// `tulle up`: start nodes on this machine.
struct UpOptions {
    int nodes = 3;
    /// The first of the ports (planned_endpoints). Nothing: the system chooses free ports.
    std::optional<std::uint16_t> base_port;
    bool demo = false;
    bool json = false;
    std::string cluster = "tulle";
    std::string log_level;
    /// The key file of the mesh. Empty: a key of this run alone, in a temporary directory.
    std::string mesh_key;
    /// The node program; empty for tulled beside this program.
    std::string tulled;
    /// Time until all nodes must be up.
    std::chrono::milliseconds timeout{30'000};
};

/// `tulle keygen`: make the key of a cluster.
struct KeygenOptions {
    /// The file to write; "-" for standard output.
    std::string output;
};

/// The admin listener that a command asks, and the form of the answer.
struct AdminOptions {
    /// HOST:PORT or unix:/PATH.
    std::string server;
    /// The file with the token for the listener; empty for none.
    std::string token_file;
    bool json = false;
    /// Time for a single answer. A node that asks other nodes gets this time for their reports.
    std::chrono::milliseconds timeout{2'000};
};

/// How often a command looks again (watch.hpp). Nothing: it looks once.
using WatchInterval = std::optional<std::chrono::milliseconds>;

/// `tulle status`: show the members of a mesh.
struct StatusOptions {
    AdminOptions admin;
    WatchInterval watch;
    /// Nodes that must be alive for exit code 0, the asked node included.
    std::optional<std::size_t> expect;
    /// How long to ask again until `expect` is met. 0: ask once.
    std::chrono::milliseconds wait{0};
};

/// `tulle doctor`: judge a mesh.
struct DoctorOptions {
    /// Admin listeners. A single listener leads to all nodes in its part of the mesh.
    std::vector<std::string> servers;
    /// All listeners get the same token.
    std::string token_file;
    bool json = false;
    WatchInterval watch;
    /// Nodes that must answer and serve. With enough nodes, dead nodes are no error.
    std::optional<std::size_t> expect;
    /// How long a node waits for the reports of the others.
    std::chrono::milliseconds timeout{2'000};
};

/// `tulle trace`: follow a marked message.
struct TraceOptions {
    AdminOptions admin;
    std::string app_id;
    std::string channel;
};

/// `tulle keys`: show the mesh keys of all nodes, and whether a change of the key is over.
struct KeysOptions {
    AdminOptions admin;
    WatchInterval watch;
    /// As in KeyGoal (keys_report.hpp).
    std::string accepted;
    std::string used;
    /// Nodes that must answer. Nothing: any number.
    std::optional<std::size_t> expect;
    /// How long to ask again until the goal is reached. 0: ask once.
    std::chrono::milliseconds wait{0};
};

/// `tulle redis`: show the clients of Redis at all nodes.
struct RedisOptions {
    AdminOptions admin;
    WatchInterval watch;
};

/// `tulle events`: show what has happened at a node.
struct EventsOptions {
    AdminOptions admin;
    /// Events of this kind alone; empty for all.
    std::string kind;
    /// The latest events that are shown.
    std::size_t last = 100;
    /// Go on with each event that comes.
    bool follows = false;
    /// The latest events of all nodes; without `follows`.
    bool is_of_mesh = false;
};

/// `tulle log`: have a node tell which clients it refuses, and why.
struct LogOptions {
    AdminOptions admin;
    /// Refusals of this app alone; empty for all.
    std::string app_id;
    /// Refusals of this IP address alone; empty for all.
    std::string address;
    std::chrono::milliseconds time{300'000};
};

/// `tulle reload`: have a node read its configuration again.
struct ReloadOptions {
    /// The answer comes after the reload, so it gets more time than others.
    AdminOptions admin{.timeout = std::chrono::milliseconds(5'000)};
};

/// `tulle drain` and `tulle undrain`: have a node move its clients to other nodes, or keep them.
struct DrainOptions {
    AdminOptions admin;
    /// The name of the node; empty for the node that is asked.
    std::string node;
    bool undrains = false;
    /// Wait until no client is left.
    bool waits = false;
    /// The longest wait.
    std::chrono::milliseconds patience{120'000};
};

/// `tulle rebalance`: have the nodes with more clients than others close some.
struct RebalanceOptions {
    /// The node waits 2 s for the others.
    AdminOptions admin{.timeout = std::chrono::milliseconds(5'000)};
    /// Clients that each node closes in a second at most.
    std::uint64_t most_per_second = 100;
};

/// What the commands about clients have in common.
struct ClientsOptions {
    AdminOptions admin;
    /// The id of an app; empty for all apps.
    std::string app_id;
    /// The name of the only node to look at; empty for all nodes.
    std::string node;
};

/// `tulle channels`: show the channels that have subscribers.
struct ChannelsOptions {
    ClientsOptions common;
    /// The beginning of the names.
    std::string prefix;
    /// name or subscribers.
    std::string sort = "name";
    std::size_t limit = 100;
};

/// `tulle presence`: show the users on a presence channel.
struct PresenceOptions {
    ClientsOptions common;
    std::string channel;
    std::size_t limit = 100;
};

/// `tulle conns ls`, `show` and `kick`: show connections, or close some. Empty texts set no condition.
struct ConnsOptions {
    ClientsOptions common;
    std::string channel;
    std::string user;
    std::string address;
    /// The id of a connection.
    std::string socket;
    /// outbox, subscriptions, received, oldest or newest.
    std::string sort = "outbox";
    std::size_t limit = 100;
    std::size_t offset = 0;
    /// Clients that are closed are told to connect again.
    bool reconnects = true;
};

/// `tulle top`: show the nodes and their busiest connections, again and again.
struct TopOptions {
    AdminOptions admin;
    /// Time between two looks.
    std::chrono::milliseconds delay{1'000};
    /// Rows of connections.
    std::size_t connections = 10;
    /// As in ConnsOptions.
    std::string sort = "outbox";
    /// Print one table, for scripts.
    bool once = false;
};

/// The nodes and the app for commands that act as client or backend.
struct AppOptions {
    /// URLs of nodes of a single cluster.
    std::vector<std::string> urls;
    std::string id;
    std::string key;
    std::string secret;
    /// Certificates to trust over TLS; empty: those that the system trusts.
    std::string ca_file;
    /// The key from which the keys of encrypted channels are made, in base64; empty for none.
    std::string encryption_key;
};

/// `tulle sub`: print the events of channels.
struct SubOptions {
    AppOptions app;
    std::vector<std::string> channels;
    /// All channels whose names begin so are subscribed to, too, also those that come later. Empty: none.
    std::string prefix;
    /// Who this program is in presence channels: an id, and JSON about the user, or an empty text.
    std::string user_id;
    std::string user_info;
    /// Events after which the command ends. 0: never.
    std::uint64_t count = 0;
    bool json = false;
    /// Time until the first connection must stand.
    std::chrono::milliseconds timeout{10'000};
};

/// `tulle pub`: publish events.
struct PubOptions {
    AppOptions app;
    /// "-": each line of standard input is a JSON object with channel, event and data.
    std::string channel;
    std::string event;
    /// "-": each line of standard input is the data of an event. In any other text {{n}} becomes the number of the
    /// event.
    std::optional<std::string> data;
    /// The connection that does not get the event; empty for none.
    std::string socket_id;
    std::uint64_t count = 1;
    bool json = false;
    /// Time for a request to a single node.
    std::chrono::milliseconds timeout{5'000};
};

[[nodiscard]] int run_up(const UpOptions& options);
[[nodiscard]] int run_keygen(const KeygenOptions& options);
[[nodiscard]] int run_status(const StatusOptions& options);
[[nodiscard]] int run_doctor(const DoctorOptions& options);
[[nodiscard]] int run_trace(const TraceOptions& options);
[[nodiscard]] int run_keys(const KeysOptions& options);
[[nodiscard]] int run_redis(const RedisOptions& options);
[[nodiscard]] int run_events(const EventsOptions& options);
[[nodiscard]] int run_log(const LogOptions& options);
[[nodiscard]] int run_reload(const ReloadOptions& options);
[[nodiscard]] int run_drain(const DrainOptions& options);
[[nodiscard]] int run_rebalance(const RebalanceOptions& options);
[[nodiscard]] int run_channels(const ChannelsOptions& options);
[[nodiscard]] int run_presence(const PresenceOptions& options);
[[nodiscard]] int run_conns_list(const ConnsOptions& options);
[[nodiscard]] int run_conns_show(const ConnsOptions& options);
[[nodiscard]] int run_conns_kick(const ConnsOptions& options);
[[nodiscard]] int run_top(const TopOptions& options);
[[nodiscard]] int run_sub(const SubOptions& options);
[[nodiscard]] int run_pub(const PubOptions& options);

}  // namespace tulle::cli
