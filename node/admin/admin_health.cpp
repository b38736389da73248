#include "node/admin/admin_health.hpp"

#include "node/admin/admin_answers.hpp"

namespace tulle::node {

HttpResponse AdminHealth::ready() {
    return takes_clients() ? admin_answer(200, kAdminText, "ready\n") : not_ready();
}

HttpResponse AdminHealth::options_of(const AdminRoute& route) {
    const bool is_check =
        route.page == AdminPage::kChecksOnly || route.page == AdminPage::kPage || route.page == AdminPage::kReady;
    HttpResponse response = takes_clients() || !is_check ? admin_answer(200, kAdminText, "") : not_ready();
    response.headers.emplace_back("Allow", route.allowed());
    return response;
}

HttpResponse AdminHealth::not_ready() {
    // A node whose last moments have begun says "draining" as well.
    if (limits_.drain() == DrainState::kServing && !is_draining_) {
        return admin_answer(503, kAdminText, "not ready: " + limits_.why_not_ready(is_ready_) + "\n");
    }
    limits_.note_told_check();
    return admin_answer(drain_status_, kAdminText, "draining\n");
}

}  // namespace tulle::node
