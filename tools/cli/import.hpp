#pragma once

#include <string>

namespace tulle::cli {

/// `tulle import`: print the configuration of another server as a file of tulled.
struct ImportOptions {
    /// One of kImportedServers.
    std::string server;
    /// The file to read; "-" for standard input.
    std::string file;
};

/// `tulle config print`: print the effective configuration of tulled.
struct ConfigPrintOptions {
    /// The file of tulled; empty for that of TULLE_CONFIG, or none.
    std::string config;
    /// The node program; empty for tulled beside this program.
    std::string tulled;
};

/// Prints the file, which tulled has been seen to accept. Returns kFailed, with the reason on standard error, for a
/// file that cannot be read, is of another form, or has no apps.
[[nodiscard]] int run_import(const ImportOptions& options);

/// Becomes tulled --print-config, so that the same program reads the same sources. Returns only when tulled cannot be
/// started: kFailed.
[[nodiscard]] int run_config_print(const ConfigPrintOptions& options);

}  // namespace tulle::cli
