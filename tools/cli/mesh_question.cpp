#include "tools/cli/mesh_question.hpp"

#include <utility>

namespace tulle::cli {

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

}  // namespace tulle::cli
