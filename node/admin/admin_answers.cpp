#include "node/admin/admin_answers.hpp"

#include <utility>

#include <boost/json/serialize.hpp>
#include <boost/json/string_view.hpp>

namespace tulle::node {

HttpResponse admin_answer(unsigned status, std::string_view content_type, std::string body) {
    HttpResponse response;
    response.status = status;
    response.content_type = std::string(content_type);
    response.body = std::move(body);
    response.headers.emplace_back("Cache-Control", "no-store");
    return response;
}

HttpResponse admin_refusal(unsigned status, std::string_view reason) {
    const std::string text = boost::json::serialize(boost::json::string_view(reason.data(), reason.size()));
    return admin_answer(status, kAdminJson, R"({"error":)" + text + R"(,"code":)" + std::to_string(status) + "}");
}

}  // namespace tulle::node
