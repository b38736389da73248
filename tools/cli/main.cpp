// The library parses the command line; wrong_subcommand() replaces the library's message where the order of words is
// wrong. command_list.hpp says how to add a command.

#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>

#include <CLI/CLI.hpp>

#include "node/app/standard_descriptors.hpp"
#include "tools/cli/command_groups.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/wrong_words.hpp"

namespace tulle::cli {
namespace {

/// The whole program: parses the command line and runs the command. Returns the exit code.
int run(int argc, char** argv) {
    CLI::App app{"Tulle: a real-time message broker with no centre", "tulle"};
    app.require_subcommand(1);
    app.set_version_flag("--version", "tulle " TULLE_VERSION);
    app.footer("Exit codes: 0 yes, 1 no, 2 wrong use, 3 no node reached or refused by it.");
    CommandList commands(app);
    add_questions(commands);
    add_operations(commands);
    add_app_commands(commands);
    add_local_commands(commands);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (const std::string wrong = wrong_subcommand(app, argc, argv); error.get_exit_code() != 0 && !wrong.empty()) {
            std::cerr << "tulle: " << wrong << "\n";
            return kUsage;
        }
        // The library throws for --help and --version too, and prints the text in exit().
        return app.exit(error) == 0 ? kOk : kUsage;
    }
    try {
        return commands.run();
        // Commands throw std::invalid_argument for options that only the command itself can check.
    } catch (const std::invalid_argument& error) {
        std::cerr << "tulle: " << error.what() << "\n";
        return kUsage;
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
