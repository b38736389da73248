#include "node/pusher/edge/demo_pages.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"
#include "node/core/address.hpp"
#include "node/pusher/wire/http_answer.hpp"
#include "node/pusher/wire/raw_json.hpp"

namespace tulle::node {
namespace {

constexpr std::string_view kKillPath = "/demo/kill";
constexpr std::string_view kStartPath = "/demo/start";
constexpr std::string_view kQuery = "node=";
// More than any name that `tulle up` gives to a node.
constexpr std::size_t kMaxNameBytes = 16;

/// A node, as the demo page reads nodes.
std::string member_json(const mesh::MemberStatus& member) {
    return "{\"name\":" + pusher::quoted(member.name) + ",\"listen\":" + pusher::quoted(member.listen) +
           ",\"state\":" + pusher::quoted(member.state) + "}";
}

/// True when the text is HOST:PORT or HOST of loopback.
bool is_here(std::string_view authority) {
    const std::optional<Address> address = parse_address(authority);
    const std::optional<Address> without_port = parse_address(std::string(authority) + ":80");
    return (address && address->is_loopback()) || (without_port && without_port->is_loopback());
}

/// True when every line of the field, if there is any, names loopback behind `prefix`.
bool is_field_here(const UpgradeRequest& request, boost::beast::http::field name, std::string_view prefix) {
    const auto [begin, end] = request.equal_range(name);
    return std::all_of(begin, end, [&](const auto& line) {
        const std::string_view value(line.value().data(), line.value().size());
        return value.starts_with(prefix) && is_here(value.substr(prefix.size()));
    });
}

}  // namespace

bool DemoPages::asks_members(std::string_view path) const {
    return is_on() && path == "/demo/nodes.json";
}

bool DemoPages::is_order(std::string_view path) const {
    return is_on() && content_.order && (path == kKillPath || path == kStartPath);
}

std::optional<HttpResponse> DemoPages::refuse(const UpgradeRequest& request) const {
    const std::string_view target(request.target().data(), request.target().size());
    if (!is_on() || !content_.order || !target.starts_with("/demo/")) {
        return std::nullopt;
    }
    using Field = boost::beast::http::field;
    // Host is the name of a foreign page if that name resolves to loopback (DNS rebinding). Origin and Sec-Fetch-Site
    // are foreign if the page sends the request to loopback. The last four fields are a proxy's, whose clients may be
    // anybody.
    const bool is_foreign = request["Sec-Fetch-Site"] == "cross-site" || request.find(Field::via) != request.end() ||
                            request.find(Field::forwarded) != request.end() ||
                            request.find("X-Forwarded-For") != request.end() ||
                            request.find("X-Real-IP") != request.end();
    if (!is_foreign && is_field_here(request, Field::host, "") && is_field_here(request, Field::origin, "http://")) {
        return std::nullopt;
    }
    return pusher::api_error(403, "the demonstration answers pages of this machine's loopback alone");
}

HttpResponse DemoPages::page() const {
    HttpResponse response;
    response.content_type = "text/html; charset=utf-8";
    response.body = content_.page;
    return response;
}

void DemoPages::open(HttpResponse& response) const {
    response.headers.emplace_back("Cache-Control", "no-store");
    if (content_.order) {
        // refuse() has let nobody pass but pages of loopback.
        response.headers.emplace_back("Access-Control-Allow-Origin", "*");
    }
}

HttpResponse DemoPages::members(const mesh::StatusReply& reply) const {
    HttpResponse response;
    open(response);
    response.body = "{\"nodes\":[" + member_json(reply.status.self);
    for (const mesh::MemberStatus& member : reply.status.members) {
        if (!member.listen.empty()) {
            response.body.append(",").append(member_json(member));
        }
    }
    response.body.append("],\"takes_orders\":").append(content_.order ? "true" : "false");
    // The credentials are shown only as long as the app is configured.
    if (apps_.find_by_key(content_.app_key) != nullptr) {
        response.body.append(",\"app_key\":").append(pusher::quoted(content_.app_key));
        response.body.append(",\"app_secret\":").append(pusher::quoted(content_.app_secret));
    }
    response.body.append("}");
    return response;
}

HttpResponse DemoPages::obey(const HttpRequest& request) const {
    TULLE_ASSERT(is_order(request.path()));
    const std::string_view query = request.query();
    const std::string_view name = query.starts_with(kQuery) ? query.substr(kQuery.size()) : "";
    const bool is_name =
        !name.empty() && name.size() <= kMaxNameBytes &&
        std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
    HttpResponse response;
    if (!is_name) {
        response = pusher::api_error(400, "node must be the name of a node, as n1");
    } else if (!content_.order(request.path() == kKillPath ? DemoOrder::kKill : DemoOrder::kStart, name)) {
        response = pusher::unavailable("the program that has started the nodes takes no order now");
    } else {
        response.status = 202;
        response.body = "{}";
    }
    open(response);
    return response;
}

}  // namespace tulle::node
