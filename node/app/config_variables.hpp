#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

namespace tulle::node {

/// The variables of the environment, by name.
using Variables = std::map<std::string, std::string, std::less<>>;

/// The variables in a list of "NAME=value" texts.
[[nodiscard]] Variables variables_of(const std::vector<std::string>& environment);

/// The outcome of expanded().
struct Expansion {
    std::string text;
    /// What is wrong, for a message; empty for a good text. The message names variables, never their values.
    std::string error;
};

/// `text` with the values of variables in place of their names, as Docker Compose reads its files: ${NAME};
/// ${NAME:-default} for a variable that is not set or empty; ${NAME-default} for one that is not set;
/// ${NAME:?message} and ${NAME?message} for an error with a message of the user's; $$ for a dollar sign. Any other
/// dollar sign stays, because passwords have such. Values are not searched for variables again. Pure.
[[nodiscard]] Expansion expanded(std::string_view text, const Variables& variables);

/// Expands all strings of a file in place. Keys and comments stay as they are. `path`: the file, for messages.
/// Errors: throws ConfigError with file, line and key for a variable that is not set and for a malformed one.
void expand_all(toml::table& root, const std::string& path, const Variables& variables);

}  // namespace tulle::node
