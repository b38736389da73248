#include "node/app/config_redis.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "node/app/command_line.hpp"
#include "node/app/config_environment.hpp"
#include "node/app/config_source.hpp"
#include "node/app/ports_file.hpp"

namespace tulle::node::config_redis_test {
namespace {

const std::string kListen = "redis_listen = '127.0.0.1:6379'\n";
const std::string kSecret = "secret = '0123456789abcdef'\n";

/// A table of a realm: three lines with a secret.
std::string realm(const std::string& name, const std::string& more = kSecret) {
    return "[[redis_realms]]\nname = '" + name + "'\n" + more;
}

Config configure(std::vector<const char*> arguments, std::string_view file_text = "", std::size_t cores = 4) {
    arguments.insert(arguments.begin(), "tulled");
    ConfigFile file = parse_config_file(file_text, "node.toml");
    const Settings flags = parse_command_line(static_cast<int>(arguments.size()), arguments.data()).flags;
    return make_config({flags, file.settings}, std::move(file.apps), Machine{"host", cores},
                       std::move(file.redis_realms));
}

Config of_file(std::string_view text) {
    return configure({}, text);
}

std::string error_of(const std::vector<const char*>& arguments, std::string_view file_text = "") {
    try {
        configure(arguments, file_text);
    } catch (const ConfigError& error) {
        return error.what();
    }
    return "no error";
}

std::string error_in(std::string_view text) {
    return error_of({}, text);
}

using Users = std::vector<std::string>;

TEST(RedisSettings, AreOffUnlessAnAddressIsNamed) {
    EXPECT_FALSE(configure({}).redis_listen.has_value());
    EXPECT_TRUE(configure({}).redis_realms.empty());
}

TEST(RedisSettings, TakeTheAddressFromEachSource) {
    const Address address{"127.0.0.1", 6379};
    EXPECT_EQ(configure({"--redis-listen", "127.0.0.1:6379"}).redis_listen, address);
    EXPECT_EQ(configure({"--redis-listen", "localhost:6379"}).redis_listen, address);
    EXPECT_EQ(of_file(kListen).redis_listen, address);
    const Environment environment =
        read_environment({"TULLE_REDIS_LISTEN=127.0.0.1:6379", "TULLE_REDIS_PORT=tcp://x:1"});
    EXPECT_EQ(make_config({environment.settings}, {}, Machine{"host", 4}).redis_listen, address);
    EXPECT_EQ(error_of({"--redis-listen", "6379"}),
              "flag --redis-listen: '6379' is not an address of the form HOST:PORT");
    EXPECT_EQ(error_of({"--redis-listen", "127.0.0.1:6001"}),
              "listen (127.0.0.1:6001) and redis_listen (127.0.0.1:6001) have the same port: each needs its own");
}

TEST(RedisSettings, HaveOneOpenRealmWithoutAnyConfiguredOne) {
    const std::vector<redis::Realm> expected{{"default", "", {"default"}}};
    EXPECT_EQ(of_file(kListen).redis_realms, expected);
    EXPECT_EQ(of_file(kListen + "redis_realms = []\n").redis_realms, expected);
    EXPECT_EQ(configure({"--redis-listen", "[::1]:0"}).redis_realms, expected);
}

TEST(RedisSettings, ReadRealmsInTheirOrder) {
    const std::vector<redis::Realm> expected{{"shop.1_A-z", "0123456789abcdef", {"shop.1_A-z"}},
                                             {"log", std::string(256, '~'), {"writer", "!reader@x"}},
                                             {"open", "", {"open"}}};
    const std::string text =
        kListen + realm("shop.1_A-z") +
        realm("log", "secret = '" + std::string(256, '~') + "'\nusers = ['writer', '!reader@x']\n") + realm("open", "");
    EXPECT_EQ(of_file(text).redis_realms, expected);
}

TEST(RedisSettings, TheDefaultRealmHasTheDefaultUser) {
    EXPECT_EQ(of_file(kListen + realm("default")).redis_realms[0].users, (Users{"default"}));
    EXPECT_EQ(of_file(kListen + realm("default", kSecret + "users = ['a']\n")).redis_realms[0].users,
              (Users{"a", "default"}));
    EXPECT_EQ(of_file(kListen + realm("default", kSecret + "users = ['default', 'a']\n")).redis_realms[0].users,
              (Users{"default", "a"}));
    EXPECT_EQ(of_file(kListen + realm("shop", kSecret + "users = ['default']\n")).redis_realms[0].users,
              (Users{"default"}))
        << "another realm may be the one of AUTH with a password alone";
}

TEST(RedisSettings, RefuseKeysAndValuesThatNoRealmHas) {
    const auto error_of_realm = [](const std::string& lines) {
        return error_in(kListen + "[[redis_realms]]\n" + lines);
    };
    EXPECT_EQ(error_of_realm(kSecret), "node.toml:2: redis_realms: name is missing");
    EXPECT_EQ(error_of_realm("name = 'a'\nsecert = 'x'\n"),
              "node.toml:4: redis_realms.secert: unknown key: is secret meant?");
    EXPECT_EQ(error_of_realm("name = 'a'\ncolour = 'x'\n"), "node.toml:4: redis_realms.colour: unknown key");
    EXPECT_EQ(error_of_realm("name = 7\n"), "node.toml:3: redis_realms.name: must be a string");
    for (const std::string& name : {std::string(), std::string("a b"), std::string("a/b"), std::string(65, 'a')}) {
        EXPECT_EQ(error_of_realm("name = '" + name + "'\n"),
                  "node.toml:3: redis_realms.name: '" + name +
                      "' is not a name: 1 to 64 of the characters A-Z a-z 0-9 - _ .");
    }
    EXPECT_EQ(error_of_realm("name = '" + std::string(64, 'a') + "'\n"), "no error");
    EXPECT_EQ(error_in(kListen + "[redis_realms]\nname = 'a'\n"),
              "node.toml:2: redis_realms: must be an array of tables: [[redis_realms]]");
    EXPECT_EQ(error_in(kListen + "redis_realms = ['a']\n"), "node.toml:2: redis_realms: must be a table");
    EXPECT_EQ(error_in("[[redis_realm]]\nname = 'a'\n"),
              "node.toml:1: redis_realm: unknown key: is redis_realms meant?");
}

TEST(RedisSettings, RefuseSecretsThatCouldBeGuessedAndDoNotRepeatThem) {
    const std::string form = "must give 16 to 256 visible characters: \"openssl rand -hex 32\" makes a secret";
    for (const std::string& secret :
         {std::string(), std::string("0123456789abcde"), std::string("0123456789 abcdef"), std::string(257, 'x')}) {
        EXPECT_EQ(error_in(kListen + realm("a", "secret = '" + secret + "'\n")),
                  "node.toml:4: redis_realms.secret: " + form);
    }
    EXPECT_EQ(error_in(kListen + realm("a", kSecret + "secret_file = 'x'\n")),
              "node.toml:5: redis_realms.secret_file: secret and secret_file exclude each other");
}

TEST(RedisSettings, RefuseUsersThatCannotBeNamed) {
    const auto error_of_users = [](const std::string& value) {
        return error_in(kListen + realm("a", kSecret + "users = " + value + "\n"));
    };
    EXPECT_EQ(error_of_users("'a'"), "node.toml:5: redis_realms.users: must be an array of strings");
    EXPECT_EQ(error_of_users("[]"),
              "node.toml:5: redis_realms.users: an empty list lets nobody in: leave users out, and"
              " the name of the realm is its user");
    for (const std::string& user : {std::string(), std::string("a b"), std::string(65, 'u'), std::string("\xc3\xbc")}) {
        EXPECT_EQ(error_of_users("['" + user + "']"), "node.toml:5: redis_realms.users: '" + user +
                                                          "' is not the name of a user: 1 to 64 visible characters");
    }
    EXPECT_EQ(error_of_users("['b', 'b']"), "node.toml:5: redis_realms.users: the user 'b' is named twice");
    std::string many;
    for (std::size_t i = 0; i < redis::kMaxRealmUsers; ++i) {
        many += "'u" + std::to_string(i) + "', ";
    }
    EXPECT_EQ(error_of_users("[" + many + "]"), "no error");
    EXPECT_EQ(error_of_users("[" + many + "'one more']"),
              "node.toml:5: redis_realms.users: 'one more' is not the name of a"
              " user: 1 to 64 visible characters");
    EXPECT_EQ(error_of_users("[" + many + "'more']"), "node.toml:5: redis_realms.users: has more than 64 users");
    EXPECT_EQ(error_of_users("['" + std::string(64, 'u') + "']"), "no error");
}

TEST(RedisSettings, RefuseRealmsThatClash) {
    EXPECT_EQ(error_in(kListen + realm("a") + realm("a")),
              "node.toml:5: redis_realms: the realm 'a' is there twice (node.toml:2: redis_realms)");
    EXPECT_EQ(error_in(kListen + realm("a") + realm("b", kSecret + "users = ['c', 'a']\n")),
              "node.toml:5: redis_realms: the realm 'b' has the user 'a', who belongs to the realm 'a' (node.toml:2:"
              " redis_realms): AUTH would not say which realm is meant");
    EXPECT_TRUE(error_in(kListen + realm("a", kSecret + "users = ['default']\n") + realm("default"))
                    .starts_with("node.toml:6: redis_realms: the realm 'default' has the user 'default', who belongs"));
    EXPECT_EQ(error_in(kListen + realm("a", "") + realm("b") + realm("c", "")),
              "node.toml:7: redis_realms: the realm 'c' has no secret, and neither has the realm 'a' (node.toml:2:"
              " redis_realms): one realm alone may go without; give this one secret_file or secret");
    std::string many = kListen;
    for (std::size_t i = 0; i < redis::kMaxRealms; ++i) {
        many += realm("r" + std::to_string(i));
    }
    EXPECT_EQ(error_in(many), "no error");
    EXPECT_EQ(error_in(many + realm("more")), "node.toml:2: redis_realms: has more than 64 realms");
}

TEST(RedisSettings, RefuseRealmsWithoutAnAddress) {
    EXPECT_EQ(error_in(realm("a")),
              "node.toml:1: redis_realms: a realm does nothing without redis_listen: say with redis_listen"
              " (--redis-listen HOST:PORT) where clients of Redis connect to");
}

TEST(RedisSettings, KeepARealmWithoutASecretOnLoopback) {
    EXPECT_EQ(error_of({"--redis-listen", "0.0.0.0:6379", "--insecure-mesh"}),
              "flag --redis-listen: redis_listen (0.0.0.0:6379) is not on loopback, and no realm is configured, so that"
              " nothing protects it: write secret_file or secret in [[redis_realms]] of the --config file, or listen on"
              " loopback");
    EXPECT_EQ(error_of({"--redis-listen", "10.0.0.1:6379"}, realm("a") + realm("b", "")),
              "node.toml:4: redis_realms: the realm 'b' has no secret, and redis_listen (10.0.0.1:6379) is not on"
              " loopback: write secret_file or secret in [[redis_realms]] of the --config file, or listen on loopback");
    EXPECT_NE(error_of({"--redis-listen", "redis.example:6379"}), "no error") << "a name may stand for any address";
    EXPECT_EQ(error_of({"--redis-listen", "0.0.0.0:6379"}, realm("a") + realm("b")), "no error");
    EXPECT_EQ(error_of({"--redis-listen", "127.9.9.9:6379"}, realm("a") + realm("b", "")), "no error");
}

constexpr std::string_view kApp = "[[apps]]\nid = 'shop'\nkey = 'shop-key'\nsecret = 'shop-secret'\n";

TEST(RedisSettings, NameTheAppOfARealm) {
    const std::string text = kListen + realm("a", kSecret + "app = 'shop'\napp_prefix = 'laravel_database_'\n") +
                             realm("b") + std::string(kApp);
    const std::vector<redis::Realm> realms = of_file(text).redis_realms;
    ASSERT_EQ(realms.size(), 2u);
    EXPECT_EQ(realms[0].app, "shop");
    EXPECT_EQ(realms[0].app_prefix, "laravel_database_");
    EXPECT_EQ(realms[1].app, "");
    const auto error_of_lines = [](const std::string& lines) {
        return error_in(kListen + realm("a", kSecret + lines) + std::string(kApp));
    };
    EXPECT_EQ(error_of_lines("app = 'a/b'\n"), "node.toml:5: redis_realms.app: 'a/b' is not the id of an app");
    EXPECT_EQ(error_of_lines("app = ''\n"), "node.toml:5: redis_realms.app: '' is not the id of an app");
    EXPECT_EQ(error_of_lines("app_prefix = 'x'\n"),
              "node.toml:2: redis_realms: app_prefix does nothing without app: name the app whose channels have the"
              " prefix");
    for (const std::string& prefix : {std::string(), std::string("a b"), std::string(257, 'x')}) {
        EXPECT_EQ(
            error_of_lines("app = 'shop'\napp_prefix = '" + prefix + "'\n"),
            "node.toml:6: redis_realms.app_prefix: must give 1 to 256 visible characters; leave app_prefix out for"
            " channels without a prefix");
    }
    EXPECT_EQ(error_of_lines("app = 'shop'\napp_prefix = '" + std::string(256, 'x') + "'\n"), "no error");
    EXPECT_EQ(error_of_lines("app = 'other'\n"),
              "node.toml:2: redis_realms: the realm 'a' names the app 'other', and there is no app with this id");
    EXPECT_EQ(error_in(kListen + "apps_dir = 'apps'\n" + realm("a", kSecret + "app = 'other'\n")), "no error")
        << "the app may come later";
}

TEST(RedisSettings, NameTheMemoryForTheKeysOfARealm) {
    const auto store_bytes = [](const Config& config) {
        std::vector<std::uint64_t> bytes;
        for (const redis::Realm& one : config.redis_realms) {
            bytes.push_back(one.store_bytes);
        }
        return bytes;
    };
    using Bytes = std::vector<std::uint64_t>;
    EXPECT_EQ(store_bytes(of_file(kListen)), Bytes{0});
    EXPECT_EQ(store_bytes(of_file(kListen + "redis_store_bytes = 1048576\n")), Bytes{1048576});
    EXPECT_EQ(store_bytes(of_file(kListen + "redis_store_bytes = 1048576\n" + realm("a") +
                                  realm("b", kSecret + "store_bytes = 2097152\n") +
                                  realm("c", kSecret + "store_bytes = 0\n"))),
              (Bytes{1048576, 2097152, 0}));
    EXPECT_EQ(error_in(kListen + realm("a", kSecret + "store_bytes = 1000\n")),
              "node.toml:5: redis_realms.store_bytes: must be 1048576 to 68719476736 bytes, or 0: the realm keeps no"
              " keys");
    EXPECT_EQ(error_of({"--redis-listen", "127.0.0.1:1", "--redis-store-bytes", "1000"}),
              "flag --redis-store-bytes: '1000' is not a number from 1048576 to 68719476736 (or 0: no keys)");
    EXPECT_EQ(error_of({"--redis-store-bytes", "1048576"}),
              "flag --redis-store-bytes: redis_store_bytes does nothing without redis_listen: say with redis_listen"
              " (--redis-listen HOST:PORT) where clients of Redis connect to");
}

TEST(RedisSettings, WarnOfKeysThatMayLeaveTooLittleMemoryForTheClients) {
    const auto warning_of = [](const std::string& memory_limit, const std::string& store_bytes) {
        return redis_memory_warning(of_file("memory_limit = " + memory_limit + "\n" + kListen +
                                            "redis_store_bytes = " + store_bytes + "\n" + realm("a") +
                                            realm("b", kSecret + "store_bytes = 1048576\n")));
    };
    EXPECT_EQ(warning_of("134217728", "84000000"), "");
    EXPECT_EQ(
        warning_of("134217728", "85899345"),
        "the keys of the realms may take 108684901 bytes, and the node refuses new clients from 80 % of memory_limit"
        " on, which is 134217728 bytes: lower redis_store_bytes or store_bytes, or give the node more memory");
    EXPECT_EQ(warning_of("0", "85899345"), "") << "there is no limit";
    EXPECT_EQ(redis_memory_warning(of_file("memory_limit = 134217728\n")), "");
}

TEST(RedisSettings, LetARealmWithoutASecretSpeakForTheDefaultAppAlone) {
    EXPECT_EQ(error_in(kListen + realm("a", "app = 'shop'\n") + std::string(kApp)),
              "node.toml:2: redis_realms: the realm 'a' has an app and no secret, so that anybody who connects could"
              " publish as the app's backend: write secret_file or secret");
    EXPECT_EQ(error_in(kListen + realm("a", "app = 'app-id'\n")), "no error");
    EXPECT_EQ(error_in(kListen + realm("a", "app = 'shop'\n")),
              "node.toml:2: redis_realms: the realm 'a' names the app 'shop', and there is no app with this id");
    EXPECT_NE(error_in(kListen + "apps_dir = 'apps'\n" + realm("a", "app = 'app-id'\n")), "no error");
    EXPECT_NE(error_of({"--redis-listen", "10.0.0.1:6379"}, realm("a", "app = 'app-id'\n")), "no error");
}

TEST(RedisSettings, LeaveRoomForTheShardsPortsOfTheHub) {
    EXPECT_EQ(configure({"--shards", "62"}).shards, 62u);
    EXPECT_EQ(configure({}, "", 200).shards, 62u);
    EXPECT_EQ(error_of({"--shards", "63"}), "flag --shards: '63' is not a number from 1 to 62");
    EXPECT_EQ(configure({"--shards", "61"}, kListen).shards, 61u);
    EXPECT_EQ(configure({}, kListen, 200).shards, 61u);
    EXPECT_EQ(error_of({}, kListen + "shards = 62\n"),
              "node.toml:2: shards: 62 shards are too many with redis_listen, which takes one of the hub's 64"
              " ports: allow 61, or leave redis_listen out");
}

TEST(RedisSettings, HoldOnlyAfterARestart) {
    using Keys = std::vector<std::string_view>;
    const Config off = configure({});
    const Config open = of_file(kListen);
    const Config shop = of_file(kListen + realm("shop"));
    EXPECT_EQ(changed_keys(off, open), (Keys{"redis_listen"}));
    EXPECT_EQ(changed_keys(shop, off), (Keys{"redis_listen"}));
    EXPECT_EQ(changed_keys(open, shop), (Keys{"[[redis_realms]]"}));
    EXPECT_EQ(changed_keys(shop, of_file(kListen + realm("shop", "secret = '0123456789abcdeF'\n"))),
              (Keys{"[[redis_realms]]"}));
    EXPECT_EQ(changed_keys(shop, of_file(kListen + realm("shop", kSecret + "users = ['cart']\n"))),
              (Keys{"[[redis_realms]]"}));
    EXPECT_EQ(changed_keys(shop, of_file(kListen + realm("shop", kSecret + "app = 'app-id'\n"))),
              (Keys{"[[redis_realms]]"}));
    EXPECT_EQ(changed_keys(open, of_file("redis_listen = '127.0.0.1:6380'\n" + realm("shop"))),
              (Keys{"redis_listen", "[[redis_realms]]"}));
    EXPECT_EQ(changed_keys(shop, of_file(kListen + realm("shop", kSecret + "users = ['shop']\n"))), Keys{})
        << "a default that is written out";
    EXPECT_EQ(changed_keys(open, of_file("redis_listen = 'localhost:6379'\n" + realm("default", ""))), Keys{});
}

class RedisFilesTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "tulle-redis-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
        write("node.toml", kListen + realm("shop", "secret_file = 'secret'\n"));
    }

    void TearDown() override { std::filesystem::remove_all(directory_); }

    std::string at(const std::string& name) const { return (directory_ / name).string(); }

    void write(const std::string& name, const std::string& text, unsigned mode = 0600) const {
        std::ofstream(at(name)) << text;
        std::filesystem::permissions(at(name), std::filesystem::perms(mode));
    }

    /// The secret of the realm as the node would have it.
    std::string secret() const {
        CommandLine line;
        line.config_file = at("node.toml");
        return ConfigSource(line, {}, Machine{"host", 1}).load().redis_realms.at(0).secret;
    }

    /// What is wrong with the file of the secret, behind its path.
    std::string error() const {
        const std::string begin = at("node.toml") + ":4: redis_realms.secret_file: ";
        try {
            (void)secret();
        } catch (const ConfigError& error) {
            const std::string text = error.what();
            EXPECT_TRUE(text.starts_with(begin)) << text;
            const std::string rest = text.substr(std::min(begin.size(), text.size()));
            return rest.starts_with(at("secret")) ? rest.substr(at("secret").size() + 1) : rest;
        }
        return "no error";
    }

    std::filesystem::path directory_;
};

TEST_F(RedisFilesTest, TheSecretMayStandInAFileBesideTheConfiguration) {
    write("secret", "0123456789abcdef\r\n\n");
    EXPECT_EQ(secret(), "0123456789abcdef");
    write("secret", std::string(256, 'x'), 0640);
    EXPECT_EQ(secret(), std::string(256, 'x'));
}

TEST_F(RedisFilesTest, AFileThatHoldsNoSecretIsRefused) {
    EXPECT_EQ(error(), "cannot be read: No such file or directory");
    const std::string form = "must give 16 to 256 visible characters: \"openssl rand -hex 32\" makes a secret";
    for (const std::string& text : {std::string(), std::string("\n\n"), std::string("0123456789abcde\n"),
                                    std::string("0123456789abcdef\nmore\n"), std::string(257, 'x')}) {
        write("secret", text);
        EXPECT_EQ(error(), form) << text.size();
    }
    write("secret", std::string(4097, 'x'));
    EXPECT_EQ(error(), "has more than 4096 bytes");
    std::filesystem::remove(at("secret"));
    std::filesystem::create_directory(at("secret"));
    EXPECT_EQ(error(), "is no regular file");
}

TEST_F(RedisFilesTest, AFileThatOthersMayReadIsRefused) {
    write("secret", "0123456789abcdef\n", 0644);
    EXPECT_TRUE(error().starts_with("has the mode 0644, so that others can read or change a secret: chmod 0600"));
}

TEST_F(RedisFilesTest, ThePortsFileNamesTheAddressWhenThereIsOne) {
    const auto ports_file = [this](const BoundPorts& ports) {
        write_ports_file(at("ports"), ports);
        std::string text;
        std::getline(std::ifstream(at("ports")), text);
        return text;
    };
    BoundPorts ports;
    ports.listen = "a:1";
    EXPECT_EQ(ports_file(ports), R"({"listen":"a:1","mesh":"","mesh_data":"","admin":""})");
    ports.redis = "b:2";
    EXPECT_EQ(ports_file(ports), R"({"listen":"a:1","mesh":"","mesh_data":"","admin":"","redis":"b:2"})");
}

}  // namespace
}  // namespace tulle::node::config_redis_test
