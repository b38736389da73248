#include <poll.h>

#include <deque>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "tools/cli/admin.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/doctor_judge.hpp"
#include "tools/cli/doctor_text.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/mesh_question.hpp"

namespace tulle::cli {
namespace {

// Interest that is not known everywhere after this time is stuck.
constexpr int kBetweenSamplesMs = 300;
// Three samples tell moving values from stuck values; a settled mesh needs a single sample.
constexpr std::size_t kMaxSamples = 3;

/// The result of asking all admin listeners once.
struct Look {
    MeshSample sample;
    /// A sentence for each admin listener without an answer.
    std::vector<std::string> errors;
    /// True when at least one listener has answered.
    bool any = false;
};

/// Asks all admin listeners, and merges the reports.
Look look(std::deque<Admin>& admins, const DoctorOptions& options) {
    // The asked node collects the reports of the other nodes; `timeout_ms` bounds its wait for them.
    Look result;
    for (std::size_t i = 0; i < admins.size(); ++i) {
        auto sample = ask_mesh(admins[i], options.servers[i], options.timeout);
        if (sample.has_error()) {
            result.errors.push_back(sample.error());
            continue;
        }
        result.any = true;
        merge(result.sample, std::move(*sample));
    }
    return result;
}

}  // namespace

int run_doctor(const DoctorOptions& options) {
    std::deque<Admin> admins;
    const std::string token = read_admin_token(options.token_file);
    for (const std::string& server : options.servers) {
        admins.emplace_back(server, options.timeout + kAdminPatience, token);
    }
    std::vector<MeshSample> samples;
    std::vector<std::string> errors;
    do {
        if (!samples.empty()) {
            // A plain pause: the state of other machines sends no wake-up.
            ::poll(nullptr, 0, kBetweenSamplesMs);
        }
        Look now = look(admins, options);
        errors = std::move(now.errors);
        // Without any answer, further samples would only add waiting.
        if (!now.any) {
            break;
        }
        samples.push_back(std::move(now.sample));
    } while (samples.size() < kMaxSamples && !is_settled(samples));
    for (const std::string& error : errors) {
        std::cerr << "tulle: " << error << "\n";
    }
    if (samples.empty()) {
        return kUnreachable;
    }
    const Diagnosis diagnosis = diagnose(samples, options.expect);
    std::cout << (options.json ? doctor_json(diagnosis) + "\n" : doctor_text(diagnosis)) << std::flush;
    return diagnosis.healthy() && errors.empty() ? kOk : kFailed;
}

}  // namespace tulle::cli
