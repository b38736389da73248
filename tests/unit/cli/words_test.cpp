#include "tools/cli/wrong_words.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tools/cli/command_list.hpp"
#include "tools/cli/common_options.hpp"
#include "tools/cli/completion.hpp"
#include "tools/cli/completion_words.hpp"
#include "tools/cli/pub_line.hpp"
#include "tools/cli/text_table.hpp"

namespace tulle::cli::words_test {
namespace {

/// A program with three commands, one of which has subcommands.
struct Program {
    Program() : app("A program", "tulle"), commands(app) {
        CLI::App& status = commands.add("Ask", "status", "Show the members", [this] { return ran = 1; });
        add_admin_options(status, admin, "The answer");
        add_watch(status, watch);
        CLI::App& bench = commands.add_parent("Use", "bench", "Measure");
        CLI::App& fanout = commands.add_to(bench, "fanout", "Many: it's all", [this] { return ran = 2; });
        fanout.add_option("--via", via, "How")->check(CLI::IsMember({"client-events", "http"}));
        CLI::App& keygen = commands.add("Use", "keygen", "Make a key", [this] { return ran = 3; });
        keygen.add_option("-o,--output", file, "The file")->type_name("FILE");
        keygen.add_option("KIND", kind, "Which")->check(CLI::IsMember({"new", "old"}));
    }

    std::string wrong(std::vector<const char*> words) const {
        words.insert(words.begin(), "tulle");
        return wrong_word(app, static_cast<int>(words.size()), words.data());
    }
    int run(std::vector<const char*> words) {
        words.insert(words.begin(), "tulle");
        app.parse(static_cast<int>(words.size()), words.data());
        return commands.run();
    }

    CLI::App app;
    CommandList commands;
    AdminOptions admin;
    WatchInterval watch;
    std::string via;
    std::string file;
    std::string kind;
    int ran = 0;
};

TEST(CliWords, NamesTheSubcommandThatWasMeant) {
    const Program program;
    EXPECT_EQ(program.wrong({"stauts"}), "there is no subcommand stauts: is status meant? (see --help)");
    EXPECT_EQ(program.wrong({"bench", "fanuot"}),
              "there is no subcommand fanuot: is fanout meant? (see tulle bench --help)");
    EXPECT_EQ(program.wrong({"frobnicate"}), "there is no subcommand frobnicate (see --help)");
    EXPECT_EQ(program.wrong({"--admin", "h:1", "status"}),
              "--admin is an option of a subcommand and stands behind it: tulle status --admin");
}

TEST(CliWords, NamesTheOptionThatWasMeant) {
    const Program program;
    EXPECT_EQ(program.wrong({"status", "--jsno"}),
              "there is no option --jsno: is --json meant? (see tulle status --help)");
    EXPECT_EQ(program.wrong({"status", "--timeuot=3"}),
              "there is no option --timeuot: is --timeout meant? (see tulle status --help)");
    EXPECT_EQ(program.wrong({"status", "--tok", "f"}),
              "there is no option --tok: is --token-file meant? (see tulle status --help)");
    EXPECT_EQ(program.wrong({"bench", "fanout", "--vai", "http"}),
              "there is no option --vai: is --via meant? (see tulle bench fanout --help)");
    EXPECT_EQ(program.wrong({"status", "--frobnicate"}), "there is no option --frobnicate (see tulle status --help)");
    EXPECT_EQ(program.wrong({"status", "-x"}), "there is no option -x (see tulle status --help)");
}

TEST(CliWords, TakesNoValueForAWrongWord) {
    const Program program;
    for (const std::vector<const char*>& right : {std::vector<const char*>{"status", "--admin", "stauts", "-j"},
                                                  {"status", "-sh:1"},
                                                  {"status", "--watch", "-j"},
                                                  {"status", "--watch", "5", "--json"},
                                                  {"keygen", "new", "-o", "--file"},
                                                  {"keygen", "--", "--new"},
                                                  {"keygen", "-1"}}) {
        EXPECT_EQ(program.wrong(right), "") << right[1];
    }
}

TEST(CliCommands, RunTheInnermostCommand) {
    EXPECT_EQ(Program().run({"status"}), 1);
    EXPECT_EQ(Program().run({"bench", "fanout"}), 2);
    EXPECT_EQ(Program().run({"keygen", "new"}), 3);
    EXPECT_THROW(Program().run({"bench"}), CLI::ParseError);
}

TEST(CliCommands, HaveOneFormForTimesAndForTheAdminListener) {
    Program program;
    program.run({"status", "-s", "h:1", "--token-file", "t", "--timeout", "0.5", "-j"});
    EXPECT_EQ(program.admin.server, "h:1");
    EXPECT_EQ(program.admin.token_file, "t");
    EXPECT_EQ(program.admin.timeout, std::chrono::milliseconds(500));
    EXPECT_TRUE(program.admin.json);
    EXPECT_FALSE(program.watch);
    EXPECT_THROW(Program().run({"status", "--timeout", "0"}), CLI::ParseError);
}

TEST(CliCommands, LookAgainEveryTwoSecondsUnlessToldOtherwise) {
    Program usual;
    usual.run({"status", "--watch"});
    EXPECT_EQ(usual.watch, std::chrono::milliseconds(2'000));
    Program given;
    given.run({"status", "--watch", "0.5", "-j"});
    EXPECT_EQ(given.watch, std::chrono::milliseconds(500));
    EXPECT_TRUE(given.admin.json);
    EXPECT_THROW(Program().run({"status", "--watch", "0"}), CLI::ParseError);
    EXPECT_THROW(Program().run({"status", "--watch", "soon"}), CLI::ParseError);
}

TEST(CliCompletion, KnowsWhatMayFollowEachCommand) {
    const Program program;
    const std::vector<CommandWords> words = words_of(program.app);
    ASSERT_EQ(words.size(), 5u);
    EXPECT_EQ(words[0].path, "tulle");
    EXPECT_EQ(words[0].subcommands, (std::vector<std::string>{"tulle status", "tulle bench", "tulle keygen"}));
    EXPECT_EQ(words[3].path, "tulle bench fanout");
    const OptionWords& via = words[3].options.back();
    EXPECT_EQ(via.names, std::vector<std::string>{"--via"});
    EXPECT_EQ(via.kind, ValueKind::kWord);
    EXPECT_EQ(via.values, (std::vector<std::string>{"client-events", "http"}));
    EXPECT_EQ(words[4].values, (std::vector<std::string>{"new", "old"}));
    EXPECT_EQ(words[4].options.back().kind, ValueKind::kFile);
}

TEST(CliCompletion, WritesAScriptForEachShell) {
    const Program program;
    const std::string bash = completion_script(program.app, "bash");
    EXPECT_NE(
        bash.find(
            "'tulle bench fanout --via') COMPREPLY=($(compgen -W 'client-events http' -- \"$current\")); return ;;"),
        std::string::npos)
        << bash;
    EXPECT_NE(bash.find("complete -F _tulle tulle\n"), std::string::npos);
    const std::string zsh = completion_script(program.app, "zsh");
    EXPECT_TRUE(zsh.starts_with("#compdef tulle\n"));
    EXPECT_NE(zsh.find("'fanout:Many: it'\\''s all'"), std::string::npos) << zsh;
    const std::string fish = completion_script(program.app, "fish");
    EXPECT_NE(
        fish.find(
            "complete -c tulle -n \"__tulle_at 'tulle bench fanout'\" -l via -x -a 'client-events http' -d 'How'\n"),
        std::string::npos)
        << fish;
    EXPECT_NE(fish.find("-a fanout -d 'Many: it\\'s all'\n"), std::string::npos) << fish;
}

TEST(CliTable, CutsTheWidestColumnToTheWidthOfTheTerminal) {
    const std::vector<std::vector<std::string>> rows{{"NAME", "ADDRESS", "STATE"},
                                                     {"n1", "über.example.com:7001", "alive"}};
    EXPECT_EQ(aligned(rows), "NAME  ADDRESS                STATE\nn1    über.example.com:7001  alive\n");
    EXPECT_EQ(aligned(rows, 80), aligned(rows));
    EXPECT_EQ(aligned(rows, 24), "NAME  ADDRESS      STATE\nn1    über.examp…  alive\n");
    // Columns of six characters stay, whatever the terminal can show.
    EXPECT_EQ(aligned(rows, 5), "NAME  ADDRE…  STATE\nn1    über.…  alive\n");
}

TEST(CliPub, ReadsTheLinesThatSubPrints) {
    const auto line = parse_pub_line(R"({"time":"2026-01-01T00:00:00Z","channel":"c","event":"e","data":"{\"a\":1}"})");
    ASSERT_TRUE(line.has_value());
    EXPECT_EQ(*line, (PubLine{"c", "e", "{\"a\":1}", ""}));
    EXPECT_EQ(*parse_pub_line(R"({"channel":"c","event":"e","data":{"a":1},"socket_id":"1.2"})"),
              (PubLine{"c", "e", "{\"a\":1}", "1.2"}));
    EXPECT_EQ(*parse_pub_line(R"({"channel":"c","event":"e"})"), (PubLine{"c", "e", "", ""}));
}

TEST(CliPub, SaysWhatIsWrongWithALine) {
    EXPECT_EQ(parse_pub_line("[]").error().text, "is no JSON object");
    EXPECT_TRUE(parse_pub_line("{").error().text.starts_with("is no JSON object: "));
    EXPECT_EQ(parse_pub_line(R"({"event":"e"})").error().text, "names no \"channel\"");
    EXPECT_EQ(parse_pub_line(R"({"channel":"c","event":1})").error().text, "names no \"event\"");
}

}  // namespace
}  // namespace tulle::cli::words_test
