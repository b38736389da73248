#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "tools/cli/command_groups.hpp"
#include "tools/cli/completion.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/import.hpp"
#include "tools/cli/import_source.hpp"

namespace tulle::cli {
namespace {

void add_config(CommandList& commands) {
    CLI::App& config = commands.add_parent(kOnThisMachine, "config", "The configuration of a node on this machine");
    const auto options = std::make_shared<ConfigPrintOptions>();
    CLI::App& print = commands.add_to(
        config, "print", "Check it, and print each value with its origin: environment, file and line, or default",
        [options] { return run_config_print(*options); });
    print.add_option("--config", options->config, "The file of tulled")->envname("TULLE_CONFIG")->type_name("FILE");
    print.add_option("--tulled", options->tulled, "The node program (default: beside this one)")->type_name("FILE");
}

void add_import(CommandList& commands) {
    const auto options = std::make_shared<ImportOptions>();
    CLI::App& import =
        commands.add(kOnThisMachine, "import", "Print the configuration of another server as a file of tulled",
                     [options] { return run_import(*options); });
    const std::vector<std::string> servers(std::begin(kImportedServers), std::end(kImportedServers));
    import.add_option("SERVER", options->server, "Whose configuration it is")
        ->required()
        ->check(CLI::IsMember(servers));
    import
        .add_option("FILE", options->file,
                    "soketi: JSON, or lines SOKETI_...=; sockudo: TOML or JSON; reverb: config/reverb.php, or lines "
                    "REVERB_...=; - for standard input")
        ->required()
        ->type_name("FILE");
}

void add_completion(CommandList& commands) {
    const auto shell = std::make_shared<std::string>();
    CLI::App& completion =
        commands.add(kOnThisMachine, "completion", "Print a script by which a shell completes the words of tulle",
                     [shell, &commands] {
                         std::cout << completion_script(commands.app(), *shell) << std::flush;
                         return kOk;
                     });
    const std::vector<std::string> shells(std::begin(kShells), std::end(kShells));
    completion.add_option("SHELL", *shell, "The shell; for bash: source <(tulle completion bash)")
        ->required()
        ->check(CLI::IsMember(shells));
}

}  // namespace

void add_config_commands(CommandList& commands) {
    add_config(commands);
    add_import(commands);
    add_completion(commands);
}

}  // namespace tulle::cli
