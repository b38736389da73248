#include <memory>

#include "tools/cli/command_groups.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/common_options.hpp"

namespace tulle::cli {
namespace {

void add_reload(CommandList& commands) {
    const auto options = std::make_shared<ReloadOptions>();
    CLI::App& reload = commands.add(kMakeNodes, "reload",
                                    "Have a node read its configuration again, as SIGHUP does, and say what came of it",
                                    [options] { return run_reload(*options); });
    add_admin_options(reload, options->admin, "The node's answer as it is");
}

}  // namespace

void add_operations(CommandList& commands) {
    add_reload(commands);
}

}  // namespace tulle::cli
