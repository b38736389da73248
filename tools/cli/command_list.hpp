#pragma once

#include <functional>
#include <map>
#include <string>

#include <CLI/CLI.hpp>

namespace tulle::cli {

/// The commands of the program, each with the function that runs the command.
///
/// A command is added in three lines: a struct of its options in commands.hpp, a function in the file of its group
/// (command_groups.hpp) that calls add() and declares the options, and the function that runs the command.
///
/// Thread: one.
class CommandList {
public:
    /// Returns the exit code (exit_code.hpp). The options of the command must live as long as the function, so the
    /// function owns them.
    using Run = std::function<int()>;

    /// `app` must outlive the list.
    explicit CommandList(CLI::App& app) : app_(app) {}

    /// Adds a command. `group`: the heading in the help of the program.
    CLI::App& add(const std::string& group, const std::string& name, const std::string& about, Run run);
    /// Adds a command that has subcommands only. The subcommands are added by add_to().
    CLI::App& add_parent(const std::string& group, const std::string& name, const std::string& about);
    /// Adds a subcommand of `parent`.
    CLI::App& add_to(CLI::App& parent, const std::string& name, const std::string& about, Run run);

    /// Runs the command that the parsed command line names. Returns the exit code. Passes exceptions of the command on.
    [[nodiscard]] int run() const;
    /// All commands.
    [[nodiscard]] const CLI::App& app() const { return app_; }

private:
    CLI::App& app_;
    std::map<const CLI::App*, Run> runs_;
};

}  // namespace tulle::cli
