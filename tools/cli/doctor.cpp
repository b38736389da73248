#include <unistd.h>

#include <iostream>
#include <string>

#include "tools/cli/admin.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/doctor_judge.hpp"
#include "tools/cli/doctor_text.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/mesh_question.hpp"
#include "tools/cli/terminal.hpp"
#include "tools/cli/watch.hpp"

namespace tulle::cli {
namespace {

/// Asks, prints and judges.
int look_at_mesh(const DoctorOptions& options) {
    const MeshLook look = sample_mesh(options.servers, read_admin_token(options.token_file), options.timeout);
    for (const std::string& error : look.errors) {
        std::cerr << "tulle: " << error << "\n";
    }
    if (look.samples.empty()) {
        return kUnreachable;
    }
    const Diagnosis diagnosis = diagnose(look.samples, options.expect);
    std::cout << (options.json ? doctor_json(diagnosis) + "\n" : doctor_text(diagnosis, terminal_width(STDOUT_FILENO)))
              << std::flush;
    return diagnosis.healthy() && look.errors.empty() ? kOk : kFailed;
}

}  // namespace

int run_doctor(const DoctorOptions& options) {
    return watched(options.watch, options.json, [&options] { return look_at_mesh(options); });
}

}  // namespace tulle::cli
