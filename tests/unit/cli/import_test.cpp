#include "tools/cli/import_config.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "node/app/config.hpp"
#include "node/app/config_file.hpp"
#include "tools/cli/import_php.hpp"
#include "tools/cli/import_source.hpp"

namespace tulle::cli::import_test {
namespace {

/// The new file, or the error.
std::string imported(std::string_view text, std::string_view server) {
    auto tree = parse_import(text, server);
    if (tree.has_error()) {
        return "unreadable: " + tree.error();
    }
    const auto file = import_config(std::move(*tree), server);
    return file.has_error() ? "impossible: " + std::to_string(file.error().app) + " " + file.error().text : *file;
}

/// The configuration that tulled makes of the new file.
node::Config loaded(std::string_view text, std::string_view server, const node::Variables& variables = {}) {
    node::ConfigFile file = node::parse_config_file(imported(text, server), "node.toml", variables);
    return node::make_config({file.settings}, std::move(file.apps), {"n1"});
}

bool has(const std::string& text, std::string_view line) {
    return text.find("\n" + std::string(line) + "\n") != std::string::npos;
}

TEST(CliImport, TakesTheAppsOfSoketi) {
    constexpr std::string_view kText = R"({
      "port": 6002, "adapter": {"driver": "redis"}, "database": {"redis": {"password": "hunter2"}},
      "eventLimits": {"maxPayloadInKb": 10}, "userAuthenticationTimeout": 5000,
      "appManager.driver": "array",
      "appManager.array.apps": [
        {"id": 7, "key": "k\"7", "secret": "p$${x}", "maxConnections": "-1", "enableClientMessages": true,
         "maxClientEventsPerSecond": 5, "enableUserAuthentication": true,
         "webhooks": [{"url": "https://example.com/h", "event_types": ["channel_occupied", "subscription"],
                       "headers": {"X-A": "b"}, "filter": {"channel_name_starts_with": "presence-"}},
                      {"lambda_function": "f", "event_types": ["client_event"]}]},
        {"id": "8", "key": "k8", "secret": "s8", "enabled": false, "maxBackendEventsPerSecond": 100}]})";
    const node::Config config = loaded(kText, "soketi");
    EXPECT_EQ(config.listen, (node::Address{"0.0.0.0", 6002}));
    ASSERT_EQ(config.apps.size(), 2u);
    const node::App& first = config.apps[0];
    EXPECT_EQ(first.id, "7");
    EXPECT_EQ(first.key, "k\"7");
    EXPECT_EQ(first.secret, "p$${x}");
    EXPECT_TRUE(first.client_events);
    EXPECT_EQ(first.client_events_per_second, 5u);
    EXPECT_EQ(first.max_connections, 0u);
    EXPECT_EQ(first.max_event_bytes, 10'240u);
    EXPECT_EQ(first.authorization_timeout, 5s);
    ASSERT_EQ(first.webhooks.size(), 1u);
    EXPECT_EQ(first.webhooks[0].url, "https://example.com/h");
    EXPECT_EQ(first.webhooks[0].channel_name_starts_with, "presence-");
    EXPECT_TRUE(first.webhooks[0].keep_types);
    EXPECT_FALSE(first.webhooks[0].batch);
    EXPECT_FALSE(config.apps[1].enabled);
    EXPECT_FALSE(config.apps[1].client_events);
    EXPECT_EQ(config.apps[1].client_events_per_second, 0u);
    EXPECT_EQ(config.apps[1].max_backend_events_per_second, 100u);
}

TEST(CliImport, SaysWhatHasNoCounterpartAndKeepsPasswordsBack) {
    const std::string text = imported(R"({"adapter": {"driver": "redis", "nats": {"servers": ["x"]}},
        "database": {"redis": {"password": "hunter2"}}, "futureSetting": 1,
        "appManager": {"array": {"apps": [{"id": "1", "key": "k", "secret": "s", "futureFlag": true,
          "webhooks": [{"lambda_function": "f"}]}]}}})",
                                      "soketi");
    EXPECT_TRUE(has(text,
                    "# adapter (driver, nats.servers): no counterpart; the nodes form a mesh without a broker: name "
                    "other nodes in peers, and a key in mesh_keys"))
        << text;
    EXPECT_TRUE(has(text, "# database (redis.password): no counterpart; a node needs no database")) << text;
    EXPECT_TRUE(has(text, "# future_setting: no counterpart")) << text;
    EXPECT_TRUE(has(text, "# future_flag: no counterpart")) << text;
    EXPECT_TRUE(has(text, "# a webhook without a URL, such as a function of Lambda, has no counterpart")) << text;
    EXPECT_EQ(text.find("hunter2"), std::string::npos);
}

TEST(CliImport, TakesTheVariablesOfSoketi) {
    const node::Config config = loaded(
        "# mine\nexport SOKETI_PORT=6005\nSOKETI_DEFAULT_APP_ID='a'\nOTHER=1\n"
        "SOKETI_DEFAULT_APP_KEY=b # a comment\nSOKETI_DEFAULT_APP_SECRET=\"c#e\"\n"
        "SOKETI_DEFAULT_APP_ENABLE_CLIENT_MESSAGES=1\n"
        "SOKETI_DEFAULT_APP_WEBHOOKS=[{\"url\":\"http://h/\",\"event_types\":[\"client_event\"]}]\n"
        "SOKETI_METRICS_SERVER_PORT=9700\nSOKETI_DEBUG=1\n",
        "soketi");
    EXPECT_EQ(config.listen.port, 6005);
    EXPECT_EQ(config.admin, (node::Address{"127.0.0.1", 9700}));
    ASSERT_EQ(config.apps.size(), 1u);
    EXPECT_EQ(config.apps[0].key, "b");
    EXPECT_TRUE(config.apps[0].client_events);
    EXPECT_EQ(config.apps[0].webhooks.at(0).url, "http://h/");
}

TEST(CliImport, TakesBothFormsOfSockudo) {
    constexpr std::string_view kToml = R"(
host = "::1"
activity_timeout = 120
[ssl]
enabled = true
cert_path = "/c.pem"
key_path = "/k.pem"
[event_limits]
max_payload_in_kb = 5000
[presence]
max_members_per_channel = 1000
[[app_manager.array.apps]]
id = "app-1"
key = "key-1"
secret = "secret-1"
[app_manager.array.apps.policy.limits]
max_connections = 100000
max_client_events_per_second = 0
[app_manager.array.apps.policy.features]
enable_client_messages = true
[app_manager.array.apps.policy.channels]
allowed_origins = ["https://a.example", "*.b.example", "no good"]
)";
    const node::Config config = loaded(kToml, "sockudo");
    EXPECT_EQ(config.listen, (node::Address{"::1", 6001}));
    EXPECT_EQ(config.timeouts.activity, 120s);
    EXPECT_FALSE(config.tls_listen);
    ASSERT_EQ(config.apps.size(), 1u);
    EXPECT_EQ(config.apps[0].max_connections, 100'000u);
    EXPECT_EQ(config.apps[0].client_events_per_second, 0u);
    EXPECT_TRUE(config.apps[0].client_events);
    EXPECT_EQ(config.apps[0].max_event_bytes, 1'024'000u);
    EXPECT_EQ(config.apps[0].allowed_origins,
              (std::vector<std::string>{"https://a.example", "https://*.b.example:*", "http://*.b.example:*"}));
    // Lists of a thousand users need more room than the default.
    EXPECT_EQ(config.outbox.max_bytes, 1000u * (2 * 2048 + 4 * 256));
    const std::string text = imported(kToml, "sockudo");
    EXPECT_TRUE(has(text, "# tls_cert_file = \"/c.pem\"")) << text;
    EXPECT_TRUE(has(text, "# max_event_payload_in_kb: Tulle allows 1024000 at most")) << text;
    const node::Config json = loaded(
        R"({"port": 6003, "app_manager": {"array": {"apps": [{"id": "i", "key": "k", "secret": "s", "allowed_origins": ["*"],
            "max_event_batch_size": "20"}]}}})",
        "sockudo");
    EXPECT_EQ(json.listen.port, 6003);
    EXPECT_EQ(json.apps.at(0).max_event_batch_size, 20u);
    EXPECT_TRUE(json.apps.at(0).allowed_origins.empty());
}

constexpr std::string_view kPhp = R"(<?php
// return [1];
return [
    'default' => env('REVERB_SERVER', 'reverb'),
    'servers' => ['reverb' => ['host' => env('REVERB_SERVER_HOST', '0.0.0.0'), 'port' => env('REVERB_SERVER_PORT', 8080),
        'max_request_size' => env('REVERB_MAX_REQUEST_SIZE', 10_000)]],
    'apps' => [ 'provider' => 'config', /* the apps */ 'apps' => [[
        'key' => env('REVERB_APP_KEY'), 'secret' => env('REVERB_APP_SECRET', "it's"), 'app_id' => env('REVERB_APP_ID'),
        'options' => ['useTLS' => env('REVERB_SCHEME', 'https') === 'https', 'f' => fn () => [1, 2]],
        'allowed_origins' => ['laravel.com'],
        'ping_interval' => env('REVERB_APP_PING_INTERVAL', 60), 'max_message_size' => (int) 20_000,
    ], array('key' => 'k2', 'secret' => 's2', 'app_id' => 2, 'accept_client_events_from' => 'none')]],
];
)";

TEST(CliImport, TakesThePhpOfReverb) {
    const node::Config config = loaded(kPhp, "reverb", {{"REVERB_APP_KEY", "key"}, {"REVERB_APP_ID", "id"}});
    EXPECT_EQ(config.listen, (node::Address{"0.0.0.0", 8080}));
    EXPECT_EQ(config.timeouts.activity, 60s);
    ASSERT_EQ(config.apps.size(), 2u);
    EXPECT_EQ(config.apps[0].id, "id");
    EXPECT_EQ(config.apps[0].key, "key");
    EXPECT_EQ(config.apps[0].secret, "it's");
    EXPECT_TRUE(config.apps[0].client_events);
    EXPECT_EQ(config.apps[0].max_event_bytes, 20'000u);
    EXPECT_EQ(config.apps[0].allowed_origins,
              (std::vector<std::string>{"https://laravel.com:*", "http://laravel.com:*"}));
    EXPECT_EQ(config.apps[1].id, "2");
    EXPECT_FALSE(config.apps[1].client_events);
}

TEST(CliImport, TakesTheVariablesOfReverb) {
    const node::Config config = loaded(
        "APP_KEY=base64:x\nREVERB_APP_ID=\"${ID}\"\nREVERB_APP_KEY=${KEY:-k}\nREVERB_APP_SECRET=s\nID=1\n"
        "REVERB_SERVER_PORT=8081\n",
        "reverb", {{"KEY", "given"}});
    EXPECT_EQ(config.listen.port, 8081);
    EXPECT_EQ(config.apps.at(0).id, "1");
    EXPECT_EQ(config.apps.at(0).key, "given");
    EXPECT_EQ(config.apps.at(0).secret, "s");
}

TEST(CliImport, RefusesWhatHasNoApps) {
    EXPECT_EQ(imported("{", "soketi").substr(0, 29), "unreadable: it is no JSON obj");
    EXPECT_EQ(imported("{}", "soketi"), "impossible: 0 no apps are configured there");
    EXPECT_EQ(imported(R"({"appManager": {"driver": "mysql"}})", "soketi"),
              "impossible: 0 the apps are not in this file but in mysql: write each into a table [[apps]]");
    EXPECT_EQ(imported("X=1\n", "soketi"), "unreadable: it has no line SOKETI_NAME=value");
    EXPECT_EQ(imported("a = \n", "sockudo").substr(0, 19), "unreadable: line 1:");
    EXPECT_EQ(imported("REVERB_APP_ID=1\n", "reverb"), "impossible: 1 has no key");
}

TEST(CliImport, FindsTheLineOfAFaultInPhp) {
    EXPECT_EQ(parse_php_return("<?php\nreturn [\n'a' => 'b\n").error(), "line 4: a text in quotes has no end");
    EXPECT_EQ(parse_php_return("<?php return ['a' => 1").error(), "line 1: an array has no end");
    EXPECT_EQ(parse_php_return("<?php\nreturn env();").error(),
              "line 2: env() is not called with a name and a default");
    EXPECT_EQ(parse_php_return("<?php return 1;").error(), "it returns no array of names and values");
    EXPECT_EQ(parse_php_return("<?php").error(), "it returns no array of names and values");
    const std::string deep(100, '[');
    EXPECT_EQ(parse_php_return("<?php return " + deep).error(), "line 1: arrays lie too deep in each other");
}

}  // namespace
}  // namespace tulle::cli::import_test
