#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "mesh/base/result.hpp"

/// The configurations of other servers, as trees of one form.
namespace tulle::cli {

/// The servers that `tulle import` reads the configuration of, as the command line names them.
inline constexpr std::string_view kImportedServers[] = {"soketi", "sockudo", "reverb"};

/// The member by which a tree names a variable of the environment in place of a value: {"$env": "NAME"}, with a member
/// "default" where the file gives a default.
inline constexpr std::string_view kEnvMember = "$env";

/// Reads the text of a configuration file: soketi: JSON, or lines of SOKETI_NAME=value; sockudo: JSON or TOML; reverb:
/// config/reverb.php, or lines of REVERB_NAME=value. The form is told by the text. All keys become snake_case, and keys
/// with dots become objects in each other. Pure.
/// Errors: a sentence with the line, where the parser knows the line.
/// REQUIRES: `server` is one of kImportedServers.
[[nodiscard]] Result<boost::json::object, std::string> parse_import(std::string_view text, std::string_view server);

}  // namespace tulle::cli
