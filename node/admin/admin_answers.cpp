#include "node/admin/admin_answers.hpp"

#include <utility>

#include <boost/json/serialize.hpp>
#include <boost/json/string_view.hpp>

namespace tulle::node {
namespace {

std::string quoted(std::string_view text) {
    return boost::json::serialize(boost::json::string_view(text.data(), text.size()));
}

}  // namespace

HttpResponse admin_answer(unsigned status, std::string_view content_type, std::string body) {
    HttpResponse response;
    response.status = status;
    response.content_type = std::string(content_type);
    response.body = std::move(body);
    response.headers.emplace_back("Cache-Control", "no-store");
    return response;
}

HttpResponse admin_refusal(unsigned status, std::string_view reason) {
    return admin_answer(status, kAdminJson,
                        R"({"error":)" + quoted(reason) + R"(,"code":)" + std::to_string(status) + "}");
}

HttpResponse admin_reload_answer(const ReloadOutcome& outcome, std::size_t apps) {
    const std::string certificates =
        outcome.certificates_error.empty() ? "" : "the certificates stay as they were: " + outcome.certificates_error;
    if (!outcome.error.empty()) {
        return admin_refusal(422, outcome.error + (certificates.empty() ? "" : "; " + certificates));
    }
    const std::string error = certificates.empty() ? "" : R"("error":)" + quoted(certificates) + R"(,"code":422,)";
    const std::string waits =
        outcome.after_restart.empty() ? "" : R"(,"after_restart":)" + quoted(outcome.after_restart);
    return admin_answer(certificates.empty() ? 200 : 422, kAdminJson,
                        "{" + error + R"("apps":)" + std::to_string(apps) + waits + "}");
}

}  // namespace tulle::node
