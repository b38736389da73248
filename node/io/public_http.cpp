#include "node/io/public_http.hpp"

#include <utility>
#include <variant>

#include "node/core/limits.hpp"
#include "node/io/clock.hpp"
#include "node/protocol/pusher/http_api.hpp"
#include "node/protocol/pusher/raw_json.hpp"

namespace tulle::node {
namespace {

HttpResponse text(unsigned status, std::string_view body) {
    HttpResponse response;
    response.status = status;
    response.content_type = "text/plain; charset=utf-8";
    response.body = std::string(body);
    return response;
}

std::string demo_node(const mesh::MemberStatus& member) {
    return "{\"name\":" + pusher::quoted(member.name) + ",\"listen\":" + pusher::quoted(member.listen) + "}";
}

}  // namespace

PublicHttp::PublicHttp(const Context& context)
    : reactor_(context.reactor),
      hub_(context.hub),
      clients_(context.clients),
      apps_(context.apps),
      ws_limits_(context.ws_limits),
      demo_(context.demo) {}

void PublicHttp::respond(HttpTicket ticket, HttpResponse response) {
    if (Connection* connection = reactor_.find(ticket.slot)) {
        connection->respond(ticket.serial, std::move(response));
    }
}

bool PublicHttp::on_upgrade(Socket& socket, UpgradeRequest& request, HttpResponse& refusal) {
    if (!is_ready_) {
        refusal = pusher::unavailable("the node is not ready for clients");
        return false;
    }
    std::make_shared<WsConnection>(reactor_, clients_, std::move(socket), ws_limits_)->start(request);
    return true;
}

void PublicHttp::on_request(HttpTicket ticket, HttpRequest request) {
    if (pusher::is_api_target(request.path())) {
        serve_api(ticket, request);
    } else {
        serve_page(ticket, request);
    }
}

void PublicHttp::serve_page(HttpTicket ticket, const HttpRequest& request) {
    const std::string_view path = request.path();
    const bool is_demo = !demo_.page.empty();
    const bool is_known = path == "/" || path == "/up" || path == "/ready" || (is_demo && path == "/demo/nodes.json");
    if (!is_known) {
        respond(ticket, pusher::api_error(404, "not found"));
    } else if (request.method != "GET") {
        HttpResponse response = pusher::api_error(405, "wrong method");
        response.headers.emplace_back("Allow", "GET");
        respond(ticket, std::move(response));
    } else if (path == "/ready") {
        respond(ticket, is_ready_ ? text(200, "ready\n") : text(503, "not ready\n"));
    } else if (path == "/demo/nodes.json") {
        const std::uint64_t id = ++last_id_;
        if (hub_.offer(mesh::StatusRequest{id}) == Push::kAccepted) {
            status_requests_.emplace(id, ticket);
        } else {
            respond(ticket, pusher::unavailable("the node is busy"));
        }
    } else if (is_demo && path == "/") {
        HttpResponse response = text(200, demo_.page);
        response.content_type = "text/html; charset=utf-8";
        respond(ticket, std::move(response));
    } else {
        respond(ticket, text(200, "OK\n"));
    }
}

void PublicHttp::serve_api(HttpTicket ticket, const HttpRequest& request) {
    pusher::ApiAction action = pusher::handle(request, apps_, wall_now());
    if (auto* answer = std::get_if<pusher::Respond>(&action)) {
        if (answer->response.status == 401) {
            reactor_.counters().auth_failures_total.add();
        }
        respond(ticket, std::move(answer->response));
    } else if (!is_ready_) {
        respond(ticket, pusher::unavailable("the node is not ready"));
    } else if (auto* event = std::get_if<pusher::PublishEvent>(&action)) {
        publish(ticket, mesh::Publish{0, std::move(event->channels), share(std::move(event->body)),
                                      std::move(event->exclude_socket)});
    } else if (auto* list = std::get_if<pusher::ListChannels>(&action)) {
        ask_nodes(ticket, std::move(list->query), {});
    } else if (auto* one = std::get_if<pusher::DescribeChannel>(&action)) {
        ask_nodes(ticket, std::move(one->query), std::move(one->channel));
    }
}

void PublicHttp::publish(HttpTicket ticket, mesh::Publish publish) {
    const std::uint64_t id = ++last_id_;
    publish.id = id;
    reactor_.counters().http_publishes_total.add();
    if (hub_.offer(std::move(publish)) == Push::kAccepted) {
        publishes_.emplace(id, ticket);
        return;
    }
    reactor_.counters().http_publishes_refused_total.add();
    respond(ticket, pusher::unavailable("the node is overloaded"));
}

void PublicHttp::on_published(const mesh::Published& answer) {
    const auto found = publishes_.find(answer.id);
    if (found == publishes_.end()) {
        return;
    }
    const HttpTicket ticket = found->second;
    publishes_.erase(found);
    switch (answer.outcome) {
        case mesh::PublishOutcome::kAccepted:
            respond(ticket, pusher::published());
            break;
        case mesh::PublishOutcome::kNotReady:
            reactor_.counters().http_publishes_refused_total.add();
            respond(ticket, pusher::unavailable("the node is not ready"));
            break;
        case mesh::PublishOutcome::kTooLarge:
            respond(ticket, pusher::api_error(413, "the event is too large"));
            break;
    }
}

void PublicHttp::ask_nodes(HttpTicket ticket, std::string query, std::string channel) {
    const std::uint64_t id = ++last_id_;
    if (hub_.offer(mesh::Query{id, std::move(query), kClusterReadTimeout}) == Push::kAccepted) {
        reads_.emplace(id, WaitingRead{ticket, std::move(channel)});
    } else {
        respond(ticket, pusher::unavailable("the node is overloaded"));
    }
}

void PublicHttp::on_query_result(const mesh::QueryResult& result) {
    const auto found = reads_.find(result.id);
    if (found == reads_.end()) {
        return;
    }
    const WaitingRead read = std::move(found->second);
    reads_.erase(found);
    respond(read.ticket, read.channel.empty() ? pusher::channel_list(result.parts, result.missing)
                                              : pusher::channel_info(read.channel, result.parts, result.missing));
}

void PublicHttp::on_status(const mesh::StatusReply& reply) {
    const auto found = status_requests_.find(reply.id);
    if (found == status_requests_.end()) {
        return;
    }
    const HttpTicket ticket = found->second;
    status_requests_.erase(found);
    HttpResponse response;
    response.headers.emplace_back("Access-Control-Allow-Origin", "*");
    response.headers.emplace_back("Cache-Control", "no-store");
    response.body = "{\"nodes\":[" + demo_node(reply.status.self);
    for (const mesh::MemberStatus& member : reply.status.members) {
        if (!member.listen.empty()) {
            response.body.append(",").append(demo_node(member));
        }
    }
    response.body.append("]");
    if (!demo_.app_key.empty()) {
        response.body.append(",\"app_key\":").append(pusher::quoted(demo_.app_key));
        response.body.append(",\"app_secret\":").append(pusher::quoted(demo_.app_secret));
    }
    response.body.append("}");
    respond(ticket, std::move(response));
}

}  // namespace tulle::node
