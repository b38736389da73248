#include "tools/cli/mesh_question.hpp"

#include <poll.h>

#include <deque>
#include <utility>

#include "tools/cli/doctor_judge.hpp"

namespace tulle::cli {
namespace {

// Interest that is not known everywhere after this time is stuck.
constexpr int kBetweenSamplesMs = 300;
// Three samples tell moving values from stuck values; a settled mesh needs a single sample.
constexpr std::size_t kMaxSamples = 3;

}  // namespace

Result<MeshSample, std::string> ask_mesh(Admin& admin, const std::string& server, std::chrono::milliseconds timeout) {
    const client::Exchange exchange = admin.get("/v1/doctor?timeout_ms=" + std::to_string(timeout.count()));
    if (exchange.outcome != client::ExchangeOutcome::kAnswered || exchange.status != 200) {
        return admin.why_useless(exchange);
    }
    auto sample = parse_sample(exchange.body);
    if (sample.has_error()) {
        return server + " answered something that is no report";
    }
    return std::move(*sample);
}

MeshLook sample_mesh(const std::vector<std::string>& servers, const std::string& token,
                     std::chrono::milliseconds timeout) {
    std::deque<Admin> admins;
    for (const std::string& server : servers) {
        admins.emplace_back(server, timeout + kAdminPatience, token);
    }
    MeshLook look;
    do {
        if (!look.samples.empty()) {
            // A plain pause: the state of other machines sends no wake-up.
            ::poll(nullptr, 0, kBetweenSamplesMs);
        }
        // The asked nodes collect the reports of the other nodes.
        MeshSample merged;
        bool is_any = false;
        look.errors.clear();
        for (std::size_t i = 0; i < admins.size(); ++i) {
            auto sample = ask_mesh(admins[i], servers[i], timeout);
            if (sample.has_error()) {
                look.errors.push_back(sample.error());
                continue;
            }
            is_any = true;
            merge(merged, std::move(*sample));
        }
        // Without any answer, further samples would only add waiting.
        if (!is_any) {
            break;
        }
        look.samples.push_back(std::move(merged));
    } while (look.samples.size() < kMaxSamples && !is_settled(look.samples));
    return look;
}

}  // namespace tulle::cli
