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

/// A sentence about an answer that is no report.
std::string error_of(const Admin& admin, const client::Exchange& exchange, const std::string& server) {
    const bool is_answer = exchange.outcome == client::ExchangeOutcome::kAnswered && exchange.status == 200;
    return is_answer ? server + " answered something that is no report" : admin.why_useless(exchange);
}

/// Asks all admin listeners, and merges the reports.
Look look(std::deque<Admin>& admins, const DoctorOptions& options) {
    // The asked node collects the reports of the other nodes; `timeout_ms` bounds its wait for them.
    Look result;
    const std::string target = "/v1/doctor?timeout_ms=" + std::to_string(options.timeout.count());
    for (std::size_t i = 0; i < admins.size(); ++i) {
        const client::Exchange exchange = admins[i].get(target);
        const bool is_answer = exchange.outcome == client::ExchangeOutcome::kAnswered && exchange.status == 200;
        auto sample = is_answer ? parse_sample(exchange.body) : Result<MeshSample, DoctorErrc>(DoctorErrc::kNotReport);
        if (sample.has_error()) {
            result.errors.push_back(error_of(admins[i], exchange, options.servers[i]));
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
