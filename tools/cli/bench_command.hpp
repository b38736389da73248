#pragma once

#include <CLI/CLI.hpp>

#include "tools/cli/bench_options.hpp"

namespace tulle::cli {

/// Adds `tulle bench` with its subcommands to `app`. `options` must live until the command line has been parsed.
void add_bench(CLI::App& app, BenchOptions& options);

}  // namespace tulle::cli
