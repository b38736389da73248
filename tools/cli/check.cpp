#include "tools/cli/check.hpp"

#include <chrono>
#include <iostream>
#include <string>

#include "tools/cli/admin.hpp"
#include "tools/cli/mesh_question.hpp"

namespace tulle::cli {
namespace {

bool is_answered(const client::Exchange& exchange) {
    return exchange.outcome == client::ExchangeOutcome::kAnswered;
}

/// Prints the report and returns the exit code.
int told(const CheckReport& report, const AdminOptions& admin, const std::string& format) {
    std::cout << check_text(report, admin.json ? "json" : format) << std::flush;
    return static_cast<int>(worst_of(report));
}

/// Asks a node, or says in a report why the node cannot be judged.
CheckReport judged_node(const CheckNodeOptions& options) {
    Admin admin(options.admin.server, options.admin.timeout, read_admin_token(options.admin.token_file));
    const client::Exchange live = admin.get("/live");
    if (!is_answered(live)) {
        return failed_report("node", CheckState::kCritical, admin.why_useless(live));
    }
    const client::Exchange ready = admin.get("/ready");
    const client::Exchange metrics = admin.get("/metrics");
    if (!is_answered(metrics) || metrics.status != 200) {
        return failed_report("node", is_answered(metrics) ? CheckState::kUnknown : CheckState::kCritical,
                             admin.why_useless(metrics));
    }
    NodeAnswers answers;
    answers.is_live = live.status == 200;
    answers.is_ready = is_answered(ready) && ready.status == 200;
    answers.metrics = parse_metrics(metrics.body);
    answers.now_s = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    return judge_node_answers(answers, options.limits);
}

/// Asks a mesh, or says in a report why the mesh cannot be judged.
CheckReport judged_mesh(const CheckMeshOptions& options) {
    const std::string token = read_admin_token(options.admin.token_file);
    MeshLook look = sample_mesh({options.admin.server}, token, options.admin.timeout);
    if (look.samples.empty()) {
        Admin admin(options.admin.server, options.admin.timeout);
        const CheckState state = is_answered(admin.get("/live")) ? CheckState::kUnknown : CheckState::kCritical;
        return failed_report("mesh", state, look.errors.front());
    }
    return judge_mesh(look.samples.back(), diagnose(look.samples, options.limits.expect), options.limits);
}

}  // namespace

int run_check_node(const CheckNodeOptions& options) {
    return told(judged_node(options), options.admin, options.format);
}

int run_check_mesh(const CheckMeshOptions& options) {
    return told(judged_mesh(options), options.admin, options.format);
}

}  // namespace tulle::cli
