#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tulle::chaos {

struct ChaosOptions {
    std::uint32_t nodes = 5;
    std::uint32_t seconds = 60;
    std::uint64_t seed = 1;
    std::uint32_t rate = 800;         ///< messages a second, over all nodes
    std::uint32_t clients = 2;        ///< for each node
    std::vector<std::string> faults;  ///< names of kinds; empty: all
    std::string history;              ///< a file to write; empty: none
    std::string logs;                 ///< a directory; empty: none
    std::string tulled;               ///< empty: beside this program
    std::vector<std::string> peers;   ///< admin addresses of all nodes of a mesh that runs already; empty: start one
    std::string app_id = "app-id";
    std::string app_key = "app-key";
    std::string app_secret = "app-secret";
    std::string check;  ///< a history to judge instead of a run
    bool json = false;
};

/// `tulle chaos`. Returns an exit code (tools/cli/exit_code.hpp); throws std::exception for what cannot be done at all.
[[nodiscard]] int run_chaos(const ChaosOptions& options);

}  // namespace tulle::chaos
