#include "tools/cli/command_list.hpp"

#include <cstdlib>
#include <utility>

#include "mesh/base/assert.hpp"

namespace tulle::cli {
namespace {

/// Adds --no-color. The environment tells all of the program, and the programs that the command starts.
void add_no_colour(CLI::App& command) {
    command.add_flag_callback(
        "--no-color", [] { ::setenv("NO_COLOR", "1", 1); }, "No colours on a terminal, as with NO_COLOR=1");
}

}  // namespace

CLI::App& CommandList::add(const std::string& group, const std::string& name, const std::string& about, Run run) {
    CLI::App& command = *app_.add_subcommand(name, about);
    command.group(group);
    add_no_colour(command);
    runs_.emplace(&command, std::move(run));
    return command;
}

CLI::App& CommandList::add_parent(const std::string& group, const std::string& name, const std::string& about) {
    CLI::App& command = *app_.add_subcommand(name, about);
    command.group(group);
    command.require_subcommand(1);
    return command;
}

CLI::App& CommandList::add_to(CLI::App& parent, const std::string& name, const std::string& about, Run run) {
    CLI::App& command = *parent.add_subcommand(name, about);
    add_no_colour(command);
    runs_.emplace(&command, std::move(run));
    return command;
}

int CommandList::run() const {
    // The innermost command with a function is meant: subcommands of bench have no function of their own.
    const CLI::App* reached = &app_;
    const Run* run = nullptr;
    while (!reached->get_subcommands().empty()) {
        reached = reached->get_subcommands().front();
        const auto found = runs_.find(reached);
        run = found == runs_.end() ? run : &found->second;
    }
    TULLE_ASSERT(run != nullptr);
    return (*run)();
}

}  // namespace tulle::cli
