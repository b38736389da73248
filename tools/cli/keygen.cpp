#include <iostream>

#include "mesh/keys/key_file.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/exit_code.hpp"

namespace tulle::cli {

// The secret goes to the file, or to standard output when asked for; all other words go to standard error.
int run_keygen(const KeygenOptions& options) {
    const mesh::MeshKey key = mesh::MeshKey::make();
    if (options.output == "-") {
        std::cout << key.text() << std::endl;
    } else {
        mesh::write_key_file(options.output, key);
    }
    std::cerr << "mesh key " << key.id() << (options.output == "-" ? "" : " is in " + options.output) << "\n";
    return kOk;
}

}  // namespace tulle::cli
