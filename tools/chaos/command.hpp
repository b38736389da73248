#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tulle::chaos {

/// The options of `tulle chaos`, as the command line gives them.
struct ChaosOptions {
    std::uint32_t nodes = 5;
    /// The wished length of the whole run, with start, rest and drain. run_chaos() plans faults for the rest of the
    /// time.
    std::uint32_t seconds = 60;
    /// Draws the plan of faults. An equal seed draws an equal plan.
    std::uint64_t seed = 1;
    /// Messages a second, summed over all nodes.
    std::uint32_t rate = 800;
    /// Subscribing clients for each node, beside the client that moves.
    std::uint32_t clients = 2;
    /// Names of kinds (fault_names()). Empty: all kinds.
    std::vector<std::string> faults;
    /// A file to write the history to. Empty: no file.
    std::string history;
    /// A directory for the output of the nodes. Empty: the output is dropped.
    std::string logs;
    /// Path of the node program. Empty: the program beside this program.
    std::string tulled;
    /// Admin addresses of all nodes of a mesh that runs already. Empty: the command starts a mesh.
    std::vector<std::string> peers;
    /// The file with the token for the admin listeners of `peers`; empty for none.
    std::string admin_token_file;
    std::string app_id = "app-id";
    std::string app_key = "app-key";
    std::string app_secret = "app-secret";
    /// A history to judge. Empty: a run takes place.
    std::string check;
    bool json = false;
};

/// `tulle chaos`. Prints the report to standard output and returns an exit code (tools/cli/exit_code.hpp): kOk when
/// every promise was kept in a run without interruption, otherwise kFailed. Throws std::exception for a run that cannot
/// take place at all, for instance with an unknown fault or an unreadable history.
///
/// Thread: the main thread, and the only thread at the call: a private network needs a process without other threads.
[[nodiscard]] int run_chaos(const ChaosOptions& options);

}  // namespace tulle::chaos
