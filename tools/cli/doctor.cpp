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

constexpr int kBetweenSamplesMs = 300;  // interest that is not known everywhere by then is stuck
constexpr std::size_t kMaxSamples = 3;

struct Look {
    MeshSample sample;
    std::vector<std::string> errors;  ///< one for each admin address that brought nothing
    bool any = false;
};

std::string error_of(const client::Exchange& exchange, const std::string& server) {
    if (exchange.outcome != client::ExchangeOutcome::kAnswered) {
        return "cannot reach a node at " + server + ": " + exchange.error;
    }
    if (exchange.status != 200) {
        return server + " answered HTTP " + std::to_string(exchange.status) + ": is it the admin listener of a node?";
    }
    return server + " answered something that is no report";
}

Look look(std::deque<Admin>& admins, const DoctorOptions& options) {
    Look result;
    const std::string target = "/v1/doctor?timeout_ms=" + std::to_string(options.timeout.count());
    for (std::size_t i = 0; i < admins.size(); ++i) {
        const client::Exchange exchange = admins[i].get(target);
        const bool is_answer = exchange.outcome == client::ExchangeOutcome::kAnswered && exchange.status == 200;
        auto sample = is_answer ? parse_sample(exchange.body) : Result<MeshSample, DoctorErrc>(DoctorErrc::kNotReport);
        if (sample.has_error()) {
            result.errors.push_back(error_of(exchange, options.servers[i]));
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
    for (const std::string& server : options.servers) {
        admins.emplace_back(server, options.timeout + kAdminPatience);
    }
    std::vector<MeshSample> samples;
    std::vector<std::string> errors;
    do {
        if (!samples.empty()) {
            ::poll(nullptr, 0, kBetweenSamplesMs);  // other machines go on meanwhile; there is nothing to be woken by
        }
        Look now = look(admins, options);
        errors = std::move(now.errors);
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
