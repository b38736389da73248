#include "tools/cli/completion.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "tools/cli/completion_words.hpp"

namespace tulle::cli {
namespace {

using Words = std::vector<std::string>;

/// `words` with `between` between each two.
std::string with_between(const Words& words, std::string_view between) {
    std::string out;
    for (const std::string& word : words) {
        out.append(out.empty() ? "" : between).append(word);
    }
    return out;
}

/// `text` as a word in single quotes of bash and zsh.
std::string shell_quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        out += c == '\'' ? "'\\''" : std::string(1, c);
    }
    return out + "'";
}

/// `text` as a word in single quotes of fish.
std::string fish_quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        out += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    }
    return out + "'";
}

/// The paths of all subcommands, each quoted.
Words subcommand_paths(const std::vector<CommandWords>& commands) {
    Words paths;
    for (const CommandWords& command : commands) {
        for (const std::string& path : command.subcommands) {
            paths.push_back(shell_quoted(path));
        }
    }
    return paths;
}

/// The pattern of a case for an option of a command, by each name.
std::string pattern_of(const CommandWords& command, const OptionWords& option) {
    Words patterns;
    for (const std::string& name : option.names) {
        patterns.push_back(shell_quoted(command.path + " " + name));
    }
    return with_between(patterns, " | ");
}

std::string last_name(const std::string& path) {
    return path.substr(path.rfind(' ') + 1);
}

/// What bash offers as the value of an option.
std::string bash_value(const OptionWords& option) {
    switch (option.kind) {
        case ValueKind::kWord:
            return "COMPREPLY=($(compgen -W " + shell_quoted(with_between(option.values, " ")) +
                   " -- \"$current\")); return";
        case ValueKind::kFile:
            return "_tulle_paths -f; return";
        case ValueKind::kDirectory:
            return "_tulle_paths -d; return";
        case ValueKind::kNone:
        case ValueKind::kOther:
            break;
    }
    return "return";
}

std::string bash_script(const std::vector<CommandWords>& commands) {
    std::string values;
    std::string words;
    for (const CommandWords& command : commands) {
        Words all;
        std::transform(command.subcommands.begin(), command.subcommands.end(), std::back_inserter(all), last_name);
        all.insert(all.end(), command.values.begin(), command.values.end());
        for (const OptionWords& option : command.options) {
            all.insert(all.end(), option.names.begin(), option.names.end());
            if (option.kind != ValueKind::kNone) {
                values += "        " + pattern_of(command, option) + ") " + bash_value(option) + " ;;\n";
            }
        }
        words += "        " + shell_quoted(command.path) + ") words=" + shell_quoted(with_between(all, " ")) +
                 (command.takes_file ? "; _tulle_paths -f" : "") + " ;;\n";
    }
    return R"(# Completion of tulle for bash, made by: tulle completion bash
_tulle_paths() {
    local IFS=$'\n'
    COMPREPLY=($(compgen "$1" -- "$current"))
    compopt -o filenames 2>/dev/null
}
_tulle() {
    local current=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD-1]} at=tulle words='' i
    COMPREPLY=()
    # An option with "=" comes as three words.
    if [[ $current == = ]]; then
        current=''
    elif [[ $option == = ]]; then
        option=${COMP_WORDS[COMP_CWORD-2]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$at ${COMP_WORDS[i]}" in
            )" +
           with_between(subcommand_paths(commands), " | ") +
           ") at=\"$at ${COMP_WORDS[i]}\" ;;\n        esac\n    done\n    case \"$at $option\" in\n" + values +
           "    esac\n    case \"$at\" in\n" + words + R"(    esac
    COMPREPLY+=($(compgen -W "$words" -- "$current"))
}
complete -F _tulle tulle
)";
}

/// What zsh offers as the value of an option.
std::string zsh_value(const OptionWords& option) {
    switch (option.kind) {
        case ValueKind::kWord:
            return "compadd -- " + with_between(option.values, " ") + "; return";
        case ValueKind::kFile:
            return "_files; return";
        case ValueKind::kDirectory:
            return "_files -/; return";
        case ValueKind::kNone:
        case ValueKind::kOther:
            break;
    }
    return "return";
}

/// A word with its help, as _describe of zsh wants both.
std::string described(const std::string& word, const std::string& about) {
    std::string name;
    for (const char c : word) {
        name += c == ':' ? "\\:" : std::string(1, c);
    }
    return shell_quoted(about.empty() ? name : name + ":" + about);
}

std::string zsh_script(const std::vector<CommandWords>& commands) {
    std::string values;
    std::string words;
    for (const CommandWords& command : commands) {
        Words all;
        for (const CommandWords& other : commands) {
            if (std::count(command.subcommands.begin(), command.subcommands.end(), other.path) > 0) {
                all.push_back(described(other.name, other.about));
            }
        }
        for (const std::string& value : command.values) {
            all.push_back(described(value, ""));
        }
        for (const OptionWords& option : command.options) {
            for (const std::string& name : option.names) {
                all.push_back(described(name, option.about));
            }
            if (option.kind != ValueKind::kNone) {
                values += "        (" + pattern_of(command, option) + ") " + zsh_value(option) + " ;;\n";
            }
        }
        words += "        (" + shell_quoted(command.path) + ") found=(" + with_between(all, " ") + ")" +
                 (command.takes_file ? "; _files" : "") + " ;;\n";
    }
    return R"(#compdef tulle
# Completion of tulle for zsh, made by: tulle completion zsh
_tulle() {
    local at=tulle option=${words[CURRENT-1]} i
    local -a found
    for ((i = 2; i < CURRENT; i++)); do
        case "$at ${words[i]}" in
            ()" +
           with_between(subcommand_paths(commands), " | ") +
           ") at=\"$at ${words[i]}\" ;;\n        esac\n    done\n    case \"$at $option\" in\n" + values +
           "    esac\n    case \"$at\" in\n" + words + R"(    esac
    _describe -t words tulle found
}
if [ "$funcstack[1]" = "_tulle" ]; then
    _tulle "$@"
else
    compdef _tulle tulle
fi
)";
}

/// The words of an option for fish: its names, its help and what may follow.
std::string fish_option(const OptionWords& option) {
    std::string out;
    for (const std::string& name : option.names) {
        out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    }
    if (option.kind == ValueKind::kWord) {
        out += " -x -a " + fish_quoted(with_between(option.values, " "));
    } else if (option.kind == ValueKind::kDirectory) {
        out += " -x -a '(__fish_complete_directories)'";
    } else if (option.kind != ValueKind::kNone) {
        out += option.kind == ValueKind::kFile ? " -r -F" : " -x";
    }
    return out + " -d " + fish_quoted(option.about);
}

std::string fish_script(const std::vector<CommandWords>& commands) {
    std::string lines;
    for (const CommandWords& command : commands) {
        const std::string line = "complete -c tulle -n \"__tulle_at '" + command.path + "'\"";
        for (const CommandWords& other : commands) {
            if (std::count(command.subcommands.begin(), command.subcommands.end(), other.path) > 0) {
                lines += line + " -a " + other.name + " -d " + fish_quoted(other.about) + "\n";
            }
        }
        if (!command.values.empty()) {
            lines += line + " -a " + fish_quoted(with_between(command.values, " ")) + "\n";
        }
        if (command.takes_file) {
            lines += line + " -F\n";
        }
        for (const OptionWords& option : command.options) {
            lines += line + fish_option(option) + "\n";
        }
    }
    return R"(# Completion of tulle for fish, made by: tulle completion fish
function __tulle_at
    set -l at tulle
    for word in (commandline -opc)[2..-1]
        switch "$at $word"
            case )" +
           with_between(subcommand_paths(commands), " ") + R"(
                set at "$at $word"
        end
    end
    test "$at" = "$argv[1]"
end
complete -c tulle -f
)" + lines;
}

}  // namespace

std::string completion_script(const CLI::App& app, std::string_view shell) {
    const std::vector<CommandWords> commands = words_of(app);
    if (shell == "zsh") {
        return zsh_script(commands);
    }
    return shell == "fish" ? fish_script(commands) : bash_script(commands);
}

}  // namespace tulle::cli
