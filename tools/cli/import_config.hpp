#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "mesh/base/result.hpp"

namespace tulle::cli {

/// Why a configuration cannot be turned into one of Tulle.
struct ImportError {
    /// The app by its place in the list, from 1 on; 0 for the configuration as a whole.
    std::size_t app = 0;
    /// A sentence; for an app its end.
    std::string text;
};

/// Limits that hold for every app of the other server unless the app has its own, by the names of the app's own.
struct ImportDefaults {
    boost::json::object app;
    /// Time until a client must have authorised itself.
    double authentication_seconds = 0;
    /// True when events of webhooks go in groups.
    bool webhooks_in_batches = false;
};

/// Turns the configuration of another server into the text of a file of tulled, with a comment for what has no
/// counterpart. Passwords of what the other server needs and Tulle does not are left out. Pure.
/// Errors: a sentence, when there is no app to be found, or an app without id, key or secret.
/// REQUIRES: `server` is one of kImportedServers, and `tree` comes from parse_import() for that server.
[[nodiscard]] Result<std::string, ImportError> import_config(boost::json::object tree, std::string_view server);

/// Turns an app into a table of [[apps]]. For import_config(). `outbox_bytes` is raised to what the app needs.
/// Errors: a sentence, for an app without id, key or secret.
[[nodiscard]] Result<std::string, ImportError> import_app(boost::json::object app, const ImportDefaults& defaults,
                                                          std::string_view server, std::size_t& outbox_bytes);

}  // namespace tulle::cli
