#pragma once

#include <CLI/CLI.hpp>

#include "tools/cli/bench_options.hpp"

namespace tulle::cli {

/// Adds the subcommands to `tulle bench`. `options` must live until the command line has been parsed.
void add_bench_kinds(CLI::App& bench, BenchOptions& options);

}  // namespace tulle::cli
