#include "node/app/config.hpp"

#include <gtest/gtest.h>

#include "node/app/command_line.hpp"
#include "node/app/config_file.hpp"

namespace tulle::node {
namespace {

const Machine kMachine{"host_1!", 4};

CommandLine parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "tulled");
    return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

Config configure(const std::vector<const char*>& arguments, const std::vector<std::string>& environment = {},
                 std::string_view file_text = "") {
    ConfigFile file = parse_config_file(file_text, "node.toml");
    return make_config({parse(arguments).flags, settings_from_environment(environment), file.settings},
                       std::move(file.apps), kMachine);
}

std::string error_of(const std::vector<const char*>& arguments, const std::vector<std::string>& environment = {},
                     std::string_view file_text = "") {
    try {
        configure(arguments, environment, file_text);
    } catch (const ConfigError& error) {
        return error.what();
    }
    return "no error";
}

TEST(Config, HasDefaultsForEverything) {
    const Config config = configure({});
    EXPECT_EQ(config.name, "host_1-");
    EXPECT_EQ(config.cluster, "tulle");
    EXPECT_EQ(config.listen, (Address{"127.0.0.1", 6001}));
    EXPECT_EQ(config.mesh, (Address{"127.0.0.1", 7001}));
    EXPECT_EQ(config.mesh_data, (Address{"127.0.0.1", 7002}));
    EXPECT_EQ(config.admin, (Address{"127.0.0.1", 9601}));
    EXPECT_EQ(config.shards, 4u);
    EXPECT_EQ(config.timeouts.activity, 30s);
    EXPECT_EQ(config.http_idle_timeout, 920s);
    EXPECT_EQ(configure({"--http-idle-timeout", "75"}).http_idle_timeout, 75s);
    EXPECT_EQ(config.presence_grace, 2s);
    EXPECT_EQ(config.flush, FlushMode::kUring);
    EXPECT_EQ(config.hub, HubPlace::kAuto);
    EXPECT_EQ(configure({"--hub", "shard"}).hub, HubPlace::kShard);
    EXPECT_EQ(configure({"--hub", "thread"}).hub, HubPlace::kThread);
    EXPECT_EQ(configure({"--flush", "send"}).flush, FlushMode::kSend);
    ASSERT_EQ(config.apps.size(), 1u);
    EXPECT_EQ(config.apps[0].id, "app-id");
    EXPECT_TRUE(config.apps[0].client_events);
    EXPECT_TRUE(config.has_default_app);
}

TEST(Config, PrefersFlagToEnvironmentToFile) {
    constexpr std::string_view kFile = "name = 'file'\ncluster = 'file'\nlisten = '127.0.0.1:3'\n";
    const std::vector<std::string> environment{"TULLE_NAME=env", "TULLE_CLUSTER=env", "PATH=/"};
    const Config config = configure({"--name", "flag"}, environment, kFile);
    EXPECT_EQ(config.name, "flag");
    EXPECT_EQ(config.cluster, "env");
    EXPECT_EQ(config.listen.port, 3);
}

TEST(Config, TakesTheDataPortAfterTheMeshPortOrAnyWhenThatIsAny) {
    EXPECT_EQ(configure({"--mesh", "127.0.0.1:8100"}).mesh_data.port, 8101);
    EXPECT_EQ(configure({"--mesh", "127.0.0.1:0"}).mesh_data.port, 0);
    EXPECT_EQ(configure({"--mesh", "127.0.0.1:0", "--mesh-data", "127.0.0.1:9"}).mesh_data.port, 9);
    EXPECT_EQ(error_of({"--mesh", "127.0.0.1:65535"}), "mesh_data: there is no port after 65535; name one");
}

TEST(Config, TakesPeersFromAListInAnySource) {
    const std::vector<std::string> peers{"127.0.0.1:1", "n2:2"};
    EXPECT_EQ(configure({"--peers", "127.0.0.1:1, n2:2"}).peers, peers);
    EXPECT_EQ(configure({}, {"TULLE_PEERS=127.0.0.1:1,n2:2"}).peers, peers);
    EXPECT_EQ(configure({}, {}, "peers = ['127.0.0.1:1', 'n2:2']").peers, peers);
    const std::vector<std::string> hosts{"tulle-1", "tulle.internal"};
    EXPECT_EQ(configure({"--admin-hosts", "tulle-1, tulle.internal"}).admin_hosts, hosts);
    EXPECT_EQ(configure({}, {}, "admin_hosts = ['tulle-1', 'tulle.internal']").admin_hosts, hosts);
    EXPECT_EQ(error_of({"--admin-hosts", "a,b:1"}), "flag --admin-hosts: 'b:1' is not the name of a host, without a port");
    EXPECT_EQ(error_of({"--peers", "n2"}), "flag --peers: 'n2' is not a peer of the form HOST:PORT");
}

TEST(Config, NamesTheUnknownKeyWithFileAndLine) {
    EXPECT_EQ(error_of({}, {}, "name = 'x'\n\nlissten = '127.0.0.1:1'\n"), "node.toml:3: lissten: unknown key");
    EXPECT_EQ(error_of({}, {}, "[[apps]]\nid = 'a'\nkey = 'k'\nsecret = 's'\ncolour = 1\n"),
              "node.toml:5: apps.colour: unknown key");
    EXPECT_EQ(error_of({}, {"TULLE_NAMES=x"}), "unknown environment variable TULLE_NAMES");
    EXPECT_THROW(parse({"--unknown"}), ConfigError);
}

TEST(Config, NamesTheMalformedValueWithItsSource) {
    EXPECT_EQ(error_of({"--listen", "6001"}), "flag --listen: '6001' is not an address of the form HOST:PORT");
    EXPECT_EQ(error_of({}, {"TULLE_SHARDS=0"}), "environment variable TULLE_SHARDS: '0' is not a number from 1 to 62");
    EXPECT_EQ(error_of({}, {}, "\nlog_level = 'loud'"),
              "node.toml:2: log_level: 'loud' is not one of trace, debug, info, warn, error, off");
    EXPECT_EQ(error_of({"--flush", "no"}), "flag --flush: 'no' is not io_uring or send");
    EXPECT_EQ(error_of({"--hub", "no"}), "flag --hub: 'no' is not auto, thread or shard");
    EXPECT_EQ(error_of({}, {}, "shards = 'two'"), "node.toml:1: shards: must be a number");
    EXPECT_EQ(error_of({}, {}, "demo = 1"), "node.toml:1: demo: must be true or false");
    EXPECT_EQ(error_of({"--name", "a b"}), "flag --name: 'a b' is not a name: 1 to 64 of the characters A-Z a-z 0-9 - _ .");
    EXPECT_TRUE(error_of({}, {}, "name = \n").starts_with("node.toml:1: ")) << error_of({}, {}, "name = \n");
}

TEST(Config, ReadsAppsWithTheirLimits) {
    const Config config = configure({"--listen", "0.0.0.0:6001"}, {}, R"(
[[apps]]
id = "one"
key = "k1"
secret = "s1"
client_events = true
max_event_bytes = 2048
on_gap = "close"
max_presence_members = 50
max_presence_member_bytes = 4096
client_events_per_second = 0
authorization_timeout = 30
user_authentication = false
watchlist_events = true
cache_ttl = 0
allowed_origins = ["https://example.com", "http://*.example.net:8080", "null"]

[[apps]]
id = "two"
key = "k2"
secret = "s2"
enabled = false
)");
    ASSERT_EQ(config.apps.size(), 2u);
    EXPECT_FALSE(config.has_default_app);
    EXPECT_EQ(config.apps[0].max_event_bytes, 2048u);
    EXPECT_TRUE(config.apps[0].client_events);
    EXPECT_EQ(config.apps[0].on_gap, GapPolicy::kClose);
    EXPECT_EQ(config.apps[0].max_presence_members, 50u);
    EXPECT_EQ(config.apps[0].max_presence_member_bytes, 4096u);
    EXPECT_EQ(config.apps[0].client_events_per_second, 0u);
    EXPECT_EQ(config.apps[0].authorization_timeout, 30s);
    EXPECT_EQ(config.apps[0].allowed_origins.size(), 3u);
    EXPECT_FALSE(config.apps[0].user_authentication);
    EXPECT_TRUE(config.apps[0].watchlist_events);
    EXPECT_EQ(config.apps[0].cache_ttl, 0s);
    EXPECT_TRUE(config.apps[1].user_authentication);
    EXPECT_FALSE(config.apps[1].watchlist_events);
    EXPECT_EQ(config.apps[1].cache_ttl, 30min);
    EXPECT_EQ(config.apps[1].on_gap, GapPolicy::kEvent);
    EXPECT_EQ(config.apps[1].max_presence_members, kDefaultMaxPresenceMembers);
    EXPECT_EQ(config.apps[1].client_events_per_second, kDefaultClientEventsPerSecond);
    EXPECT_EQ(config.apps[1].authorization_timeout, Duration{});
    EXPECT_FALSE(config.apps[1].client_events);
    EXPECT_FALSE(config.apps[1].enabled);
}

TEST(Config, RefusesAppsThatAreIncompleteOrClash) {
    EXPECT_EQ(error_of({}, {}, "[[apps]]\nid = 'a'\nkey = 'k'\n"),
              "node.toml:1: apps: secret or secret_file must give 1 to 256 visible characters");
    EXPECT_EQ(error_of({}, {}, "[[apps]]\nid = 'a/b'\nkey = 'k'\nsecret = 's'\n"),
              "node.toml:1: apps: id must be 1 to 64 of the characters A-Z a-z 0-9 _ -");
    constexpr std::string_view kTwice =
        "[[apps]]\nid = 'a'\nkey = 'k'\nsecret = 's'\n[[apps]]\nid = 'b'\nkey = 'k'\nsecret = 's'\n";
    EXPECT_EQ(error_of({}, {}, kTwice),
              "node.toml:5: the app 'b' has an id or a key that another app has too (node.toml:1)");
    EXPECT_EQ(error_of({}, {}, "[[apps]]\nid = 'a'\nkey = 'k'\nsecret = 's'\non_gap = 'ignore'\n"),
              "node.toml:5: apps.on_gap: must be \"event\" or \"close\"");
    EXPECT_EQ(error_of({}, {}, "apps = 1"), "node.toml:1: apps: must be an array of tables: [[apps]]");
    EXPECT_EQ(error_of({}, {}, "[[apps]]\nid = 'a'\nkey = 'k'\nsecret_file = 'no/such/file'\n"),
              "node.toml:4: apps.secret_file: cannot be read");
}

TEST(Config, RefusesLimitsOfAnAppThatMakeNoSense) {
    const auto error_of_app = [](const std::string& line) {
        return error_of({}, {}, "[[apps]]\nid = 'a'\nkey = 'k'\nsecret = 's'\n" + line + "\n");
    };
    EXPECT_EQ(error_of_app("max_presence_members = 0"),
              "node.toml:5: apps.max_presence_members: must be a number from 1 to 10000");
    EXPECT_EQ(error_of_app("cache_ttl = 86401"), "node.toml:5: apps.cache_ttl: must be a number from 1 to 86400");
    EXPECT_EQ(error_of_app("max_presence_member_bytes = 20000"),
              "node.toml:5: apps.max_presence_member_bytes: must be a number from 1 to 14336");
    EXPECT_EQ(error_of_app("client_events_per_second = -1"),
              "node.toml:5: apps.client_events_per_second: must be a number from 1 to 100000");
    EXPECT_EQ(error_of_app("max_connections = -1"),
              "node.toml:5: apps.max_connections: must be a number from 1 to 1000000000");
    EXPECT_EQ(error_of_app("max_channel_name_length = 201"),
              "node.toml:5: apps.max_channel_name_length: must be a number from 1 to 200");
    EXPECT_EQ(error_of_app("max_event_channels_at_once = 0"),
              "node.toml:5: apps.max_event_channels_at_once: must be a number from 1 to 100");
    EXPECT_EQ(error_of_app("allowed_origins = 'https://a'"), "node.toml:5: apps.allowed_origins: must be an array of strings");
    for (const char* origin : {"example.com", "https://example.com/", ""}) {
        EXPECT_NE(error_of_app("allowed_origins = ['" + std::string(origin) + "']").find("is no origin of the form"),
                  std::string::npos)
            << origin;
    }
    EXPECT_NE(error_of_app("max_presence_members = 1000").find("5120000 bytes, more than outbox_bytes (1048576)"),
              std::string::npos);
    EXPECT_EQ(error_of({"--outbox-bytes", "131072"}), "no error") << "the usual limits are let be";
}

TEST(Config, RefusesAnOutboxThatCannotHoldOneEvent) {
    EXPECT_EQ(error_of({"--outbox-bytes", "65536"}),
              "the app 'app-id': an event may take 110592 bytes (max_event_bytes and 8192 for what is around it), more than"
              " outbox_bytes (65536): raise that, or lower max_event_bytes");
    const std::string app = "[[apps]]\nid = 'a'\nkey = 'k'\nsecret = 's'\n";
    EXPECT_TRUE(error_of({"--outbox-bytes", "1000000"}, {}, app + "max_event_bytes = 1000000\n")
                    .starts_with("node.toml:1: the app 'a': an event may take 1008192 bytes"));
    EXPECT_EQ(error_of({}, {}, app + "max_event_bytes = 1024000\n"), "no error") << "the largest event fits into the default";
    EXPECT_EQ(error_of({"--outbox-bytes", "65536"}, {}, app + "max_event_bytes = 57344\n"), "no error");
}

TEST(Config, TakesConnectionsAndMemoryFromTheMachineUnlessToldOtherwise) {
    const auto on = [](const std::vector<const char*>& arguments) {
        return make_config({parse(arguments).flags}, {}, Machine{"host", 4, 4096, 1u << 30});
    };
    EXPECT_EQ(on({}).max_connections, 3648u);
    EXPECT_EQ(on({}).memory_limit, 1u << 30);
    EXPECT_EQ(on({"--max-connections", "100"}).max_connections, 100u);
    EXPECT_EQ(on({"--memory-limit", "0"}).memory_limit, 0u);
    EXPECT_EQ(on({"--memory-limit", "200000000"}).memory_limit, 200'000'000u);
    try {
        (void)on({"--max-connections", "5000"});
        FAIL();
    } catch (const ConfigError& error) {
        EXPECT_STREQ(error.what(),
                     "flag --max-connections: 5000 connections need 5448 descriptors, and this process may have 4096: raise its"
                     " limit (ulimit -n, LimitNOFILE=), or allow 3648 connections");
    }
    EXPECT_EQ(error_of({"--max-connections", "15"}), "flag --max-connections: '15' is not a number from 16 to 10000000");
    EXPECT_EQ(error_of({"--memory-limit", "1000"}),
              "flag --memory-limit: '1000' is not a number from 134217728 to 1125899906842624");
}

TEST(Config, DoesNotServeThePublicSecretOffLoopback) {
    EXPECT_TRUE(error_of({"--listen", "0.0.0.0:6001"}).starts_with("no app is configured"));
    EXPECT_TRUE(error_of({"--listen", "10.0.0.1:6001"}).starts_with("no app is configured"));
}

TEST(Config, KeepsMeshAndAdminOnLoopbackUnlessAllowed) {
    EXPECT_TRUE(error_of({"--mesh", "0.0.0.0:7001"}).starts_with("the mesh address 0.0.0.0:7001 is not on loopback"));
    EXPECT_TRUE(error_of({"--mesh-data", "0.0.0.0:7001"}).starts_with("the mesh data address"));
    EXPECT_TRUE(error_of({"--admin", "0.0.0.0:9601"}).starts_with("the admin address"));
    EXPECT_EQ(configure({"--mesh", "0.0.0.0:7001", "--insecure-mesh"}).mesh.host, "0.0.0.0");
}

TEST(Config, LetsVariablesOfTheOtherProgramsBe) {
    EXPECT_EQ(error_of({}, {"TULLE_URL=ws://x", "TULLE_APP_SECRET=y", "TULLE_BIN_DIR=z", "TULLE_CONFIG=f"}), "no error");
}

TEST(CommandLine, PrintsHelpAndVersion) {
    ASSERT_TRUE(parse({"--version"}).print.has_value());
    EXPECT_TRUE(parse({"--version"}).print->starts_with("tulled "));
    ASSERT_TRUE(parse({"--help"}).print.has_value());
    EXPECT_NE(parse({"--help"}).print->find("--mesh-data"), std::string::npos);
    EXPECT_TRUE(parse({"--check-config"}).check_config);
}

}  // namespace
}  // namespace tulle::node
