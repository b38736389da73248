#include "node/app/config_variables.hpp"

#include <gtest/gtest.h>

#include "node/app/command_line.hpp"
#include "node/app/config_file.hpp"
#include "node/app/config_print.hpp"
#include "node/app/config_source.hpp"

namespace tulle::node::config_variables_test {
namespace {

const Variables kVariables{{"HOST", "10.0.0.1"}, {"EMPTY", ""}, {"SECRET", "s3cret${HOST}$$"}, {"_1", "one"}};

std::string text_of(std::string_view text) {
    return expanded(text, kVariables).text;
}

std::string error_of(std::string_view text) {
    const Expansion expansion = expanded(text, kVariables);
    EXPECT_TRUE(expansion.error.empty() || expansion.text.empty());
    return expansion.error;
}

TEST(ConfigVariables, TakeThePlaceOfTheirNames) {
    EXPECT_EQ(text_of("${HOST}:6001"), "10.0.0.1:6001");
    EXPECT_EQ(text_of("a${HOST}b${_1}c"), "a10.0.0.1bonec");
    EXPECT_EQ(text_of("${EMPTY}"), "");
    EXPECT_EQ(text_of(""), "");
}

TEST(ConfigVariables, HaveDefaultsAsInDockerCompose) {
    EXPECT_EQ(text_of("${NONE:-x y}"), "x y");
    EXPECT_EQ(text_of("${NONE-x}"), "x");
    EXPECT_EQ(text_of("${NONE:-}"), "");
    EXPECT_EQ(text_of("${EMPTY:-x}"), "x");
    EXPECT_EQ(text_of("${EMPTY-x}"), "");
    EXPECT_EQ(text_of("${HOST:-x}"), "10.0.0.1");
    EXPECT_EQ(text_of("${HOST:?needed}"), "10.0.0.1");
}

TEST(ConfigVariables, LeaveOtherDollarSignsAlone) {
    EXPECT_EQ(text_of("a$b$1"), "a$b$1");
    EXPECT_EQ(text_of("a$"), "a$");
    EXPECT_EQ(text_of("$$"), "$");
    EXPECT_EQ(text_of("$${HOST}"), "${HOST}");
    EXPECT_EQ(text_of("$$$${HOST}"), "$${HOST}");
    // The value of a variable is no text with variables.
    EXPECT_EQ(text_of("${SECRET}"), "s3cret${HOST}$$");
}

TEST(ConfigVariables, SayWhichVariableIsMissing) {
    EXPECT_EQ(
        error_of("${NONE}"),
        "the environment variable NONE is not set: set it, or write ${NONE:-a default}; $$ stands for a dollar sign");
    EXPECT_EQ(error_of("${NONE:?name the node}"), "the environment variable NONE is not set: name the node");
    EXPECT_EQ(error_of("${EMPTY:?name the node}"), "the environment variable EMPTY is empty: name the node");
    EXPECT_EQ(error_of("${EMPTY?name the node}"), "");
}

TEST(ConfigVariables, AreRefusedInAnotherForm) {
    for (const char* text : {"${", "${}", "${1A}", "${A B}", "${HOST", "${HOST+x}", "${HOST:x}", "${HOST:"}) {
        EXPECT_TRUE(error_of(text).starts_with("after ${ the name of an environment variable and } must follow"))
            << text;
    }
}

TEST(ConfigVariables, CountInEveryTextOfTheFile) {
    const ConfigFile file = parse_config_file(
        "listen = '${HOST}:6001'\npeers = ['${HOST}:7001', 'b:1']\n[[apps]]\nid = '${_1}'\nkey = 'k'\nsecret = "
        "'${SECRET}'\n"
        "allowed_origins = ['https://${_1}.example']\n",
        "node.toml", kVariables);
    EXPECT_EQ(file.settings.at("listen").value, "10.0.0.1:6001");
    EXPECT_EQ(file.settings.at("listen").origin, "node.toml:1: listen");
    EXPECT_EQ(file.settings.at("peers").value, "10.0.0.1:7001,b:1");
    EXPECT_EQ(file.apps.at(0).id, "one");
    EXPECT_EQ(file.apps.at(0).secret, "s3cret${HOST}$$");
    EXPECT_EQ(file.apps.at(0).allowed_origins, std::vector<std::string>{"https://one.example"});
    EXPECT_EQ(parse_app_file("id = '${_1}'\nkey = 'k'\nsecret = 's'\n", "a.toml", kVariables).id, "one");
}

TEST(ConfigVariables, AreAnErrorWithFileLineAndKeyWhenNotSet) {
    const auto error = [](std::string_view text) -> std::string {
        try {
            static_cast<void>(parse_config_file(text, "node.toml", kVariables));
        } catch (const ConfigError& wrong) {
            return wrong.what();
        }
        return "no error";
    };
    EXPECT_TRUE(error("demo = true\nlisten = '${NONE}:1'\n")
                    .starts_with("node.toml:2: listen: the environment variable NONE is not set"));
    EXPECT_TRUE(error("[[apps]]\nid = 'a'\nsecret = '${NONE}'\n").starts_with("node.toml:3: apps.secret: "));
    // A wrong value is told by its place and its form, as any other value of the file is.
    EXPECT_EQ(error("shards = '${_1}'\n"), "node.toml:1: shards: must be a number");
}

TEST(ConfigPrint, ShowsEachKeyWithItsOrigin) {
    const std::vector<const char*> words{"tulled", "--shards", "2", "--demo"};
    const CommandLine line = parse_command_line(static_cast<int>(words.size()), words.data());
    const Environment environment = read_environment({"TULLE_CLUSTER=c-1"});
    ConfigFile file = parse_config_file(
        "peers = ['a:1', 'b:2']\n\n[[apps]]\nid = 'a'\nkey = 'k$x'\nsecret = 'hidden'\n", "node.toml");
    const Config config =
        make_config({line.flags, environment.settings, file.settings}, std::move(file.apps), {"host", 4});
    const std::string text = printed_config(config);
    const auto has = [&text](std::string_view wanted) {
        return ("\n" + text).find("\n" + std::string(wanted) + "\n") != std::string::npos;
    };
    EXPECT_TRUE(has("name = \"host\"  # default")) << text;
    EXPECT_TRUE(has("cluster = \"c-1\"  # environment variable TULLE_CLUSTER"));
    EXPECT_TRUE(has("peers = [\"a:1\", \"b:2\"]  # node.toml:1"));
    EXPECT_TRUE(has("shards = 2  # flag --shards"));
    EXPECT_TRUE(has("demo = true  # flag --demo"));
    EXPECT_TRUE(has("mesh_data = \"127.0.0.1:7002\"  # default"));
    EXPECT_TRUE(has("# tls_listen is not set"));
    EXPECT_TRUE(has("[[apps]]  # node.toml:3"));
    EXPECT_TRUE(has("key = \"k$$x\""));
    EXPECT_TRUE(has("# secret is left out"));
    EXPECT_EQ(text.find("hidden"), std::string::npos);
}

TEST(ConfigPrint, ShowsEveryKeyAndPrintsAFileThatMeansTheSame) {
    const Config config = make_config({}, {}, {"host", 4});
    const std::string text = printed_config(config);
    for (const Key& key : keys()) {
        const std::string name(key.name);
        EXPECT_TRUE(text.find(name + " = ") != std::string::npos ||
                    text.find("# " + name + " is not set") != std::string::npos)
            << name;
    }
    // Only the secrets are missing in what is printed.
    std::string whole = text;
    const std::string left_out = "# secret is left out";
    whole.replace(whole.find(left_out), left_out.size(), "secret = 'app-secret'");
    ConfigFile file = parse_config_file(whole, "printed.toml");
    EXPECT_TRUE(changed_keys(config, make_config({file.settings}, std::move(file.apps), {"host", 4})).empty());
}

TEST(ConfigPrint, LeavesOutTextsOfKeys) {
    const Config config = make_config(
        std::vector<Settings>{
            Settings{{"mesh_keys", {"tulle-mesh-abc,/etc/k", "environment variable TULLE_MESH_KEYS"}}}},
        {}, {"h", 1});
    EXPECT_NE(printed_config(config).find("mesh_keys = [\"(a key, left out)\", \"/etc/k\"]"), std::string::npos);
}

}  // namespace
}  // namespace tulle::node::config_variables_test
