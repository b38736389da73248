#include "tools/cli/completion_words.hpp"

#include <utility>

namespace tulle::cli {
namespace {

/// The values in a type such as "TEXT:{bash,zsh}"; empty for a type without a list.
std::vector<std::string> listed_values(const std::string& type) {
    const std::size_t open = type.find('{');
    const std::size_t close = type.find('}', open == std::string::npos ? 0 : open);
    if (open == std::string::npos || close == std::string::npos) {
        return {};
    }
    return CLI::detail::split(type.substr(open + 1, close - open - 1), ',');
}

/// The kind of the value of `option`, by the name of the type in the help.
ValueKind kind_of(const CLI::Option& option) {
    // Behind --watch, which may have a number, further options are likelier.
    if (option.get_items_expected_max() == 0 || option.get_items_expected_min() == 0) {
        return ValueKind::kNone;
    }
    const std::string type = option.get_type_name();
    if (!listed_values(type).empty()) {
        return ValueKind::kWord;
    }
    if (type.starts_with("FILE") || type.starts_with("PEM")) {
        return ValueKind::kFile;
    }
    return type.starts_with("DIR") ? ValueKind::kDirectory : ValueKind::kOther;
}

/// Adds an option or an argument of a command.
void take(const CLI::Option& option, CommandWords& command) {
    OptionWords words;
    words.about = option.get_description();
    words.kind = kind_of(option);
    words.values = listed_values(option.get_type_name());
    for (const std::string& name : option.get_lnames()) {
        words.names.push_back("--" + name);
    }
    for (const std::string& name : option.get_snames()) {
        words.names.push_back("-" + name);
    }
    if (!words.names.empty()) {
        command.options.push_back(std::move(words));
        return;
    }
    command.values.insert(command.values.end(), words.values.begin(), words.values.end());
    command.takes_file = command.takes_file || words.kind == ValueKind::kFile;
}

/// Appends `app` and its subcommands. `path`: the names before the name of `app`, with a blank behind; or empty.
void append(const CLI::App& app, const std::string& path, std::vector<CommandWords>& out) {
    CommandWords command;
    command.name = app.get_name();
    command.path = path + command.name;
    command.about = app.get_description();
    for (const CLI::Option* option : app.get_options()) {
        take(*option, command);
    }
    const std::vector<const CLI::App*> subcommands = app.get_subcommands([](const CLI::App*) { return true; });
    for (const CLI::App* subcommand : subcommands) {
        command.subcommands.push_back(command.path + " " + subcommand->get_name());
    }
    const std::string prefix = command.path + " ";
    out.push_back(std::move(command));
    for (const CLI::App* subcommand : subcommands) {
        append(*subcommand, prefix, out);
    }
}

}  // namespace

std::vector<CommandWords> words_of(const CLI::App& app) {
    std::vector<CommandWords> out;
    append(app, "", out);
    return out;
}

}  // namespace tulle::cli
