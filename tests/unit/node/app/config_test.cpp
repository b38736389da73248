#include "node/app/config.hpp"

#include <gtest/gtest.h>

#include "node/app/command_line.hpp"
#include "node/app/config_environment.hpp"
#include "node/app/config_file.hpp"

namespace tulle::node::config_test {
namespace {

const Machine kMachine{"host_1!", 4};

CommandLine parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "tulled");
    return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

Config configure(const std::vector<const char*>& arguments, const std::vector<std::string>& environment = {},
                 std::string_view file_text = "") {
    ConfigFile file = parse_config_file(file_text, "node.toml");
    const Environment given = read_environment(environment);
    const std::vector<Settings> sources = {parse(arguments).flags, given.settings, file.settings};
    std::vector<App> apps = with_app_of(given, std::move(file.apps), !apps_dir_of(sources).empty());
    return make_config(sources, std::move(apps), kMachine);
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

TEST(Config, ComparesWhatHoldsAndNotHowItIsWritten) {
    const Config usual = configure({});
    for (const char* same :
         {"shards = 4", "name = 'host_1-'", "activity_timeout = 30", "permessage_deflate = false", "hub = 'auto'",
          "listen = 'localhost:6001'", "mesh_data = '127.0.0.1:7002'", "peers = []", "memory_limit = 0"}) {
        EXPECT_TRUE(changed_keys(usual, configure({}, {}, same)).empty()) << same;
        EXPECT_TRUE(changed_keys(configure({}, {}, same), usual).empty()) << same;
    }
    EXPECT_EQ(changed_keys(usual, configure({"--shards", "2", "--mesh", "127.0.0.1:7003"})),
              (std::vector<std::string_view>{"mesh", "shards"}))
        << "other defaults depend on these";
}

TEST(Config, ComparesEveryKeyThatAReloadDoesNotApply) {
    const std::map<std::string_view, std::string_view> values{{"name", "x"},
                                                              {"cluster", "x"},
                                                              {"listen", "127.0.0.1:1"},
                                                              {"tls_listen", "127.0.0.1:1"},
                                                              {"redis_listen", "127.0.0.1:1"},
                                                              {"redis_store_bytes", "1048576"},
                                                              {"mesh", "127.0.0.1:1"},
                                                              {"mesh_data", "127.0.0.1:1"},
                                                              {"advertise", "x"},
                                                              {"peers", "a:1"},
                                                              {"admin", "127.0.0.1:1"},
                                                              {"admin_hosts", "x"},
                                                              {"ports_file", "x"},
                                                              {"shards", "1"},
                                                              {"hub", "thread"},
                                                              {"trusted_proxies", "::1"},
                                                              {"forwarded_header", "forwarded"},
                                                              {"flush", "send"},
                                                              {"max_connections", "1000"},
                                                              {"drain_ready_status", "404"},
                                                              {"memory_limit", "1000000000"},
                                                              {"outbox_bytes", "2000000"},
                                                              {"history_bytes", "2000000"},
                                                              {"otlp_endpoint", "http://x"}};
    for (const Key& key : keys()) {
        const bool is_certificate = key.placeholder == "PEM" || key.name == "tls_dir";
        if (key.name == "apps_dir" || key.name == "log_level" || key.name == "admin_token_file" || is_certificate) {
            continue;
        }
        const auto known = values.find(key.name);
        const std::string value(known != values.end() ? known->second : key.placeholder.empty() ? "true" : "7");
        // Some of the keys need others: trusted proxies, the address for TLS, and its files.
        Settings base;
        if (key.name != "trusted_proxies") {
            base["trusted_proxies"] = {"::2", "a test"};
        }
        if (key.name == "tls_proxy_protocol") {
            base["tls_listen"] = {"127.0.0.1:2", "a test"};
        }
        if (key.name == "redis_store_bytes") {
            base["redis_listen"] = {"127.0.0.1:1", "a test"};
        }
        Settings one{{std::string(key.name), {value, "a test"}}};
        if (key.name.starts_with("tls_")) {
            (key.name == "tls_listen" ? one : base)["tls_cert_file"] = {"x", "a test"};
            (key.name == "tls_listen" ? one : base)["tls_key_file"] = {"x", "a test"};
        }
        EXPECT_EQ(changed_keys(make_config({base}, {}, kMachine), make_config({one, base}, {}, kMachine)),
                  std::vector<std::string_view>{key.name});
    }
}

TEST(Config, RefusesAnEmptyListOfOrigins) {
    EXPECT_EQ(error_of({}, {}, "[[apps]]\nid = 'a'\nkey = 'k'\nsecret = 's'\nallowed_origins = []\n"),
              "node.toml:5: apps.allowed_origins: an empty list could mean every origin or none: for every one, leave"
              " allowed_origins out or write [\"*\"]; for none, write [\"https://none.invalid\"]");
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
    EXPECT_EQ(configure({"--peers", "127.0.0.1:1,dns:n2:2"}).peers, peers);
    EXPECT_EQ(configure({"--peers", "dns:7001"}).peers, std::vector<std::string>{"dns:7001"}) << "a host of this name";
    EXPECT_EQ(error_of({"--peers", "dns:n2:x"}), "flag --peers: 'dns:n2:x' is not a peer of the form HOST:PORT");
    EXPECT_EQ(configure({}, {}, "peers = ['127.0.0.1:1', 'n2:2']").peers, peers);
    const std::vector<std::string> hosts{"tulle-1", "tulle.internal"};
    EXPECT_EQ(configure({"--admin-hosts", "tulle-1, tulle.internal"}).admin_hosts, hosts);
    EXPECT_EQ(configure({}, {}, "admin_hosts = ['tulle-1', 'tulle.internal']").admin_hosts, hosts);
    EXPECT_EQ(error_of({"--admin-hosts", "a,b:1"}),
              "flag --admin-hosts: 'b:1' is not the name of a host, without a port");
    EXPECT_EQ(error_of({"--peers", "n2"}), "flag --peers: 'n2' is not a peer of the form HOST:PORT");
}

TEST(Config, NamesTheUnknownKeyWithFileAndLine) {
    EXPECT_EQ(error_of({}, {}, "name = 'x'\n\nlissten = '127.0.0.1:1'\n"),
              "node.toml:3: lissten: unknown key: is listen meant?");
    EXPECT_EQ(error_of({}, {}, "[[apps]]\nid = 'a'\nkey = 'k'\nsecret = 's'\ncolour = 1\n"),
              "node.toml:5: apps.colour: unknown key");
    EXPECT_EQ(error_of({}, {}, "insecure_mehs = true\n"),
              "node.toml:1: insecure_mehs: unknown key: is insecure_mesh meant?");
    EXPECT_EQ(error_of({}, {}, "[[app]]\nid = 'a'\n"), "node.toml:1: app: unknown key: is apps meant?");
    EXPECT_EQ(error_of({}, {}, "[[apps]]\nid = 'a'\nmax_conections = 1\n"),
              "node.toml:3: apps.max_conections: unknown key: is max_connections meant?");
    EXPECT_EQ(error_of({}, {}, "[[apps]]\nclient_event = true\n"),
              "node.toml:2: apps.client_event: unknown key: is client_events meant?");
    EXPECT_EQ(error_of({}, {"TULLE_NAMES=x"}), "unknown environment variable TULLE_NAMES: is TULLE_NAME meant?");
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
    EXPECT_EQ(error_of({"--name", "a b"}),
              "flag --name: 'a b' is not a name: 1 to 64 of the characters A-Z a-z 0-9 - _ .");
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
              "node.toml:4: apps.secret_file: no/such/file cannot be read: No such file or directory");
}

TEST(Config, RefusesLimitsOfAnAppThatMakeNoSense) {
    const auto error_of_app = [](const std::string& line) {
        return error_of({}, {}, "[[apps]]\nid = 'a'\nkey = 'k'\nsecret = 's'\n" + line + "\n");
    };
    EXPECT_EQ(error_of_app("max_presence_members = 0"),
              "node.toml:5: apps.max_presence_members: must be a number from 1 to 10000");
    EXPECT_EQ(error_of_app("cache_ttl = 86401"),
              "node.toml:5: apps.cache_ttl: must be a number of seconds from 0 to 86400 (0: nothing is kept), without "
              "quotes and unit");
    EXPECT_EQ(error_of_app("cache_ttl = '30m'"), error_of_app("cache_ttl = 86401"));
    EXPECT_EQ(error_of_app("authorization_timeout = -1"),
              "node.toml:5: apps.authorization_timeout: must be a number of seconds from 0 to 86400 (0: never), "
              "without quotes and unit");
    EXPECT_EQ(error_of_app("max_presence_member_bytes = 20000"),
              "node.toml:5: apps.max_presence_member_bytes: must be a number from 1 to 14336");
    EXPECT_EQ(error_of_app("client_events_per_second = -1"),
              "node.toml:5: apps.client_events_per_second: must be a number from 0 to 100000 (0: no limit)");
    EXPECT_EQ(error_of_app("max_connections = -1"),
              "node.toml:5: apps.max_connections: must be a number from 0 to 1000000000 (0: no limit)");
    EXPECT_EQ(error_of_app("max_channel_name_length = 201"),
              "node.toml:5: apps.max_channel_name_length: must be a number from 1 to 200");
    EXPECT_EQ(error_of_app("max_event_channels_at_once = 0"),
              "node.toml:5: apps.max_event_channels_at_once: must be a number from 1 to 100");
    EXPECT_EQ(error_of_app("allowed_origins = 'https://a'"),
              "node.toml:5: apps.allowed_origins: must be an array of strings");
    for (const char* origin :
         {"example.com", "https://example.com/page", "https://m\xc3\xbcnchen.example", "https://example.*", ""}) {
        EXPECT_NE(error_of_app("allowed_origins = ['" + std::string(origin) + "']").find("is no origin of the form"),
                  std::string::npos)
            << origin;
    }
    EXPECT_NE(error_of_app("max_presence_members = 1000").find("5120000 bytes, more than outbox_bytes (1048576)"),
              std::string::npos);
    EXPECT_EQ(error_of({"--outbox-bytes", "131072"}), "no error") << "the usual limits are let be";
}

TEST(Config, RefusesAnOutboxThatCannotHoldOneEvent) {
    EXPECT_EQ(
        error_of({"--outbox-bytes", "65536"}),
        "the app 'app-id': an event may take 110592 bytes (max_event_bytes and 8192 for what is around it), more than"
        " outbox_bytes (65536): raise that, or lower max_event_bytes");
    const std::string app = "[[apps]]\nid = 'a'\nkey = 'k'\nsecret = 's'\n";
    EXPECT_TRUE(error_of({"--outbox-bytes", "1000000"}, {}, app + "max_event_bytes = 1000000\n")
                    .starts_with("node.toml:1: the app 'a': an event may take 1008192 bytes"));
    EXPECT_EQ(error_of({}, {}, app + "max_event_bytes = 1024000\n"), "no error")
        << "the largest event fits into the default";
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
        EXPECT_STREQ(
            error.what(),
            "flag --max-connections: 5000 connections need 5448 descriptors, and this process may have 4096: raise its"
            " limit (ulimit -n, LimitNOFILE=), or allow 3648 connections");
    }
    EXPECT_EQ(error_of({"--max-connections", "15"}),
              "flag --max-connections: '15' is not a number from 16 to 10000000");
    EXPECT_EQ(error_of({"--memory-limit", "1000"}),
              "flag --memory-limit: '1000' is not a number from 134217728 to 1125899906842624 (or 0: no limit)");
}

TEST(Config, DoesNotServeThePublicSecretOffLoopback) {
    EXPECT_TRUE(error_of({"--listen", "0.0.0.0:6001"}).starts_with("no app is configured"));
    EXPECT_TRUE(error_of({"--listen", "10.0.0.1:6001"}).starts_with("no app is configured"));
}

TEST(Config, KeepsMeshAndAdminOnLoopbackUnlessAllowed) {
    EXPECT_TRUE(error_of({"--mesh", "0.0.0.0:7001"}).starts_with("the mesh address 0.0.0.0:7001 is not on loopback"));
    EXPECT_TRUE(error_of({"--mesh-data", "0.0.0.0:7001"}).starts_with("the mesh data address"));
    EXPECT_TRUE(error_of({"--admin", "0.0.0.0:9601", "--insecure-mesh"})
                    .starts_with("the admin address 0.0.0.0:9601 is not on loopback, and no token protects it"));
    EXPECT_EQ(error_of({"--admin", "0.0.0.0:9601", "--admin-token-file", "/t"}), "no error");
    EXPECT_EQ(configure({"--mesh", "0.0.0.0:7001", "--insecure-mesh", "--advertise", "10.0.0.1"}).mesh.host, "0.0.0.0");
}

TEST(Config, LetsVariablesOfOthersBe) {
    EXPECT_EQ(error_of({}, {"TULLE_URL=ws://x", "TULLE_BIN_DIR=z", "TULLE_CONFIG=f"}), "no error");
    const std::vector<std::string> of_a_service{"TULLE_PORT=tcp://10.0.0.1:6001",
                                                "TULLE_SERVICE_HOST=10.0.0.1",
                                                "TULLE_SERVICE_PORT=6001",
                                                "TULLE_SERVICE_PORT_WS=6001",
                                                "TULLE_PORT_6001_TCP=tcp://10.0.0.1:6001",
                                                "TULLE_PORT_6001_TCP_PROTO=tcp",
                                                "TULLE_PORT_6001_TCP_PORT=6001",
                                                "TULLE_PORT_6001_TCP_ADDR=10.0.0.1",
                                                "TULLE_MESH_SERVICE_HOST=10.0.0.1",
                                                "TULLE_MESH_PORT=tcp://10.0.0.2:7001",
                                                "TULLE_ADMIN_PORT=tcp://10.0.0.3:9601",
                                                "TULLE_ENV_PATH=/bin",
                                                "TULLE_NAME=/web/tulle"};
    EXPECT_EQ(error_of({}, of_a_service), "no error");
    const Environment environment = read_environment(of_a_service);
    EXPECT_EQ(environment.ignored.size(), of_a_service.size());
    EXPECT_EQ(environment.ignored.front(), "TULLE_PORT");
    EXPECT_TRUE(environment.settings.empty());
    EXPECT_TRUE(read_environment({"TULLE_URL=x", "TULLEX=1", "PATH=/"}).ignored.empty());
}

TEST(Config, TellsWhichVariableWasMeant) {
    const std::pair<const char*, const char*> mistakes[] = {
        {"TULLE_LISTN", "TULLE_LISTEN"},          {"TULLE_PEER", "TULLE_PEERS"},
        {"TULLE_LOGLEVEL", "TULLE_LOG_LEVEL"},    {"TULLE_MAX_CONECTIONS", "TULLE_MAX_CONNECTIONS"},
        {"TULLE_APP_SECERT", "TULLE_APP_SECRET"}, {"TULLE_APPS_DIRS", "TULLE_APPS_DIR"}};
    for (const auto& [name, meant] : mistakes) {
        EXPECT_EQ(error_of({}, {std::string(name) + "=x"}),
                  "unknown environment variable " + std::string(name) + ": is " + meant + " meant?");
    }
    for (const char* name : {"TULLE_HOME", "TULLE_HOST", "TULLE_USER", "TULLE_VERSION", "TULLE_MODE", "TULLE_DATA"}) {
        EXPECT_EQ(error_of({}, {std::string(name) + "=x"}), "no error") << name;
    }
}

TEST(Config, AnEmptyVariableIsNotSet) {
    const std::vector<std::string> empty{
        "TULLE_LISTEN=", "TULLE_PEERS=", "TULLE_NAMES=", "TULLE_APP_ID=", "TULLE_SHARDS=", "TULLE_CONFIG="};
    EXPECT_EQ(error_of({}, empty), "no error");
    EXPECT_EQ(configure({}, empty).listen, (Address{"127.0.0.1", 6001}));
    EXPECT_EQ(configure({}, {"TULLE_NAME="}, "name = 'file'").name, "file");
    EXPECT_TRUE(read_environment(empty).config_file.empty());
}

TEST(Config, TakesAnAppFromTheEnvironmentInsteadOfThePublicOne) {
    const std::vector<std::string> app{"TULLE_APP_ID=shop", "TULLE_APP_KEY=k1", "TULLE_APP_SECRET=s1"};
    const Config config = configure({"--listen", "0.0.0.0:6001"}, app);
    ASSERT_EQ(config.apps.size(), 1u);
    EXPECT_EQ(config.apps[0].id, "shop");
    EXPECT_EQ(config.apps[0].key, "k1");
    EXPECT_EQ(config.apps[0].secret, "s1");
    EXPECT_FALSE(config.has_default_app);
    EXPECT_EQ(error_of({}, {"TULLE_APP_ID=shop", "TULLE_APP_KEY="}),
              "environment variables TULLE_APP_KEY, TULLE_APP_SECRET are not set: an app is configured by all of "
              "TULLE_APP_ID,"
              " TULLE_APP_KEY and TULLE_APP_SECRET");
    EXPECT_TRUE(error_of({}, {"TULLE_APP_ID=shop", "TULLE_APP_KEY=k"})
                    .starts_with("environment variable TULLE_APP_SECRET is not set: "));
    EXPECT_EQ(
        error_of({}, {"TULLE_APP_ID=a/b", "TULLE_APP_KEY=k", "TULLE_APP_SECRET=s"}),
        "environment variables TULLE_APP_ID, TULLE_APP_KEY and TULLE_APP_SECRET: id must be 1 to 64 of the characters"
        " A-Z a-z 0-9 _ -");
}

TEST(Config, TheAppOfTheEnvironmentStandsBesideThoseOfFiles) {
    const std::vector<std::string> app{"TULLE_APP_ID=shop", "TULLE_APP_KEY=k1", "TULLE_APP_SECRET=s1"};
    constexpr std::string_view kOther = "[[apps]]\nid = 'a'\nkey = 'k'\nsecret = 's'\n";
    constexpr std::string_view kSame = "[[apps]]\nid = 'shop'\nkey = 'k1'\nsecret = 's1'\nclient_events = true\n";
    constexpr std::string_view kClash = "[[apps]]\nid = 'shop'\nkey = 'k1'\nsecret = 'other'\n";
    EXPECT_EQ(configure({}, app, kOther).apps.size(), 2u);
    ASSERT_EQ(configure({}, app, kSame).apps.size(), 1u);
    EXPECT_TRUE(configure({}, app, kSame).apps[0].client_events) << "the file says more";
    EXPECT_TRUE(error_of({}, app, kClash)
                    .starts_with("environment variables TULLE_APP_ID, TULLE_APP_KEY and TULLE_APP_SECRET: the app"
                                 " 'shop' has an id or a key that another app has too"));
    EXPECT_EQ(error_of({}, {"TULLE_APP_KEY=k1"}, kOther), "no error") << "the other programs need the key alone";
}

TEST(Config, OneValueOfTheAdminAddressServesBothPrograms) {
    EXPECT_EQ(configure({}, {"TULLE_ADMIN=http://127.0.0.1:9700"}).admin, (Address{"127.0.0.1", 9700}));
    EXPECT_EQ(configure({}, {"TULLE_ADMIN=http://127.0.0.1:9700/"}).admin, (Address{"127.0.0.1", 9700}));
    EXPECT_EQ(configure({}, {"TULLE_ADMIN=127.0.0.1:9700"}).admin, (Address{"127.0.0.1", 9700}));
    EXPECT_NE(error_of({}, {"TULLE_ADMIN=https://127.0.0.1:9700"}), "no error");
}

TEST(Config, TheAdminListenerMayBeAUnixSocket) {
    const Config config = configure({"--admin", "unix:/run/tulle/admin.sock"});
    EXPECT_EQ(config.admin_socket, "/run/tulle/admin.sock");
    EXPECT_EQ(configure({}, {"TULLE_ADMIN=unix:///run/admin.sock"}).admin_socket, "/run/admin.sock");
    EXPECT_EQ(configure({}).admin_socket, "");
    EXPECT_EQ(error_of({"--admin", "unix:/run/admin.sock", "--listen", "127.0.0.1:9601"}), "no error")
        << "the port of the default is free then";
    for (const std::string& path :
         {std::string("run/admin.sock"), std::string(), std::string("/run/"), "/" + std::string(107, 'x')}) {
        const std::string value = "unix:" + path;
        EXPECT_EQ(error_of({"--admin", value.c_str()}),
                  "flag --admin: '" + value + "' is not unix:/PATH with a path of at most 107 bytes");
    }
    EXPECT_TRUE(error_of({"--admin", "unix:/run/admin.sock", "--admin-token-file", "/t"})
                    .starts_with("admin_token_file: the admin listener is on a Unix socket, which asks for no tokens"));
}

TEST(Config, TellsOfAdminTokensThatWaitForARestart) {
    const Config with = configure({}, {}, "admin_token_file = 'tokens'");
    const Config other = configure({}, {}, "admin_token_file = 'other'");
    EXPECT_EQ(with.admin_token_file, "tokens") << "beside node.toml";
    EXPECT_TRUE(changed_keys(with, other).empty()) << "a reload applies another file";
    EXPECT_TRUE(changed_keys(configure({}), with).empty()) << "and the first file";
    EXPECT_EQ(changed_keys(with, configure({})), std::vector<std::string_view>{"admin_token_file"});
    const Config socket = configure({"--admin", "unix:/run/admin.sock"});
    EXPECT_EQ(changed_keys(configure({}), socket), std::vector<std::string_view>{"admin"});
}

TEST(Config, RefusesAddressesThatCannotServe) {
    EXPECT_TRUE(
        error_of({"--mesh", "0.0.0.0:7001", "--insecure-mesh"})
            .starts_with("the mesh address 0.0.0.0:7001 stands for every address of this machine: say with advertise"));
    EXPECT_EQ(error_of({"--mesh", "0.0.0.0:7001", "--insecure-mesh", "--advertise", "n1.example"}), "no error");
    EXPECT_EQ(error_of({"--listen", "127.0.0.1:7001"}),
              "listen (127.0.0.1:7001) and mesh (127.0.0.1:7001) have the same port: each needs its own");
    EXPECT_EQ(error_of({"--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"}), "no error");
    EXPECT_EQ(error_of({"--listen", "127.0.0.2:9601"}), "no error");
    for (const char* host : {"n1:7001", "http://n1", "0.0.0.0", "::", "a b"}) {
        EXPECT_EQ(error_of({"--advertise", host}),
                  "flag --advertise: '" + std::string(host) +
                      "' is not a host that others can reach: a name or an address, without a port");
    }
    EXPECT_EQ(configure({"--advertise", "[fd00::1]"}).advertise, "fd00::1");
    EXPECT_EQ(configure({"--advertise", "fd00::1"}).advertise, "fd00::1");
}

TEST(Config, RemembersWhatWasGivenForAComparison) {
    const Config config = configure({"--shards", "2"}, {"TULLE_NAME=n"}, "log_level = 'warn'\nshards = 4\n");
    EXPECT_EQ(config.given,
              (std::map<std::string, std::string, std::less<>>{{"log_level", "warn"}, {"name", "n"}, {"shards", "2"}}));
}

TEST(CommandLine, PrintsHelpAndVersion) {
    ASSERT_TRUE(parse({"--version"}).print.has_value());
    EXPECT_TRUE(parse({"--version"}).print->starts_with("tulled "));
    ASSERT_TRUE(parse({"--help"}).print.has_value());
    EXPECT_NE(parse({"--help"}).print->find("--mesh-data"), std::string::npos);
    EXPECT_TRUE(parse({"--check-config"}).check_config);
}

}  // namespace
}  // namespace tulle::node::config_test
