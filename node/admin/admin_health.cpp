#include "node/admin/admin_health.hpp"

#include <utility>

#include "node/admin/admin_answers.hpp"

namespace tulle::node {

HttpResponse AdminHealth::ready() {
    NodeLimits::CheckAnswer answer = limits_.answer_check(is_ready_, is_draining_, drain_status_);
    return admin_answer(answer.status, kAdminText, std::move(answer.text));
}

HttpResponse AdminHealth::options_of(const AdminRoute& route) {
    const bool is_check =
        route.page == AdminPage::kChecksOnly || route.page == AdminPage::kPage || route.page == AdminPage::kReady;
    HttpResponse response = is_check ? ready() : admin_answer(200, kAdminText, "");
    if (response.status == 200) {
        response.body.clear();
    }
    response.headers.emplace_back("Allow", route.allowed());
    return response;
}

}  // namespace tulle::node
