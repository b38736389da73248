// The library parses the command line; wrong_word() replaces the library's message where the order of words is
// wrong or a word is misspelt. command_list.hpp says how to add a command.

#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "node/app/standard_descriptors.hpp"
#include "tools/cli/command_groups.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/wrong_words.hpp"

namespace tulle::cli {
namespace {

/// The exit code for wrong use. A monitoring system takes 2 for a critical state, so `tulle check` has another.
int usage_code(const CLI::App& app) {
    const std::vector<CLI::App*> chosen = app.get_subcommands();
    return !chosen.empty() && chosen.front()->get_name() == "check" ? kUnreachable : kUsage;
}

/// The whole program: parses the command line and runs the command. Returns the exit code.
int run(int argc, char** argv) {
    CLI::App app{"Tulle: a real-time message broker with no centre", "tulle"};
    app.require_subcommand(1);
    app.set_version_flag("--version", "tulle " TULLE_VERSION);
    app.footer(
        "Exit codes: 0 ok, 1 failed or unhealthy, 2 wrong use, 3 no node reached or refused by it. tulle check has "
        "those "
        "of Nagios: 0 ok, 1 warning, 2 critical, 3 unknown or wrong use.");
    CommandList commands(app);
    add_questions(commands);
    add_operations(commands);
    add_client_commands(commands);
    add_app_commands(commands);
    add_local_commands(commands);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (const std::string wrong = wrong_word(app, argc, argv); error.get_exit_code() != 0 && !wrong.empty()) {
            std::cerr << "tulle: " << wrong << "\n";
            return usage_code(app);
        }
        // The library throws for --help and --version too, and prints the text in exit().
        return app.exit(error) == 0 ? kOk : usage_code(app);
    }
    try {
        return commands.run();
        // Commands throw std::invalid_argument for options that only the command itself can check.
    } catch (const std::invalid_argument& error) {
        std::cerr << "tulle: " << error.what() << "\n";
        return usage_code(app);
    } catch (const std::exception& error) {
        std::cerr << "tulle: " << error.what() << "\n";
        return kFailed;
    }
}

}  // namespace
}  // namespace tulle::cli

int main(int argc, char** argv) {
    tulle::node::keep_standard_descriptors();
    return tulle::cli::run(argc, argv);
}
