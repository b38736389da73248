#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "mesh/core/port.hpp"
#include "node/core/apps.hpp"
#include "node/io/hub_link.hpp"
#include "node/io/http_service.hpp"
#include "node/io/pusher_clients.hpp"
#include "node/io/reactor.hpp"
#include "node/io/shard.hpp"

namespace tulle::node {

/// The public listener's HTTP: the Pusher API, /up and /ready, the demo, and the door to the WebSockets.
///
/// Thread: the shard's.
/// Limits: at most one waiting request per connection. Every question to the hub is answered, or answered by 503 when the
///         hub is full.
class PublicHttp final : public HttpService {
public:
    struct Context {
        Reactor& reactor;
        HubLink& hub;
        PusherClients& clients;
        const AppTable& apps;
        const WsLimits& ws_limits;
        const DemoContent& demo;
    };
    explicit PublicHttp(const Context& context);

    void on_request(HttpTicket ticket, HttpRequest request) override;
    [[nodiscard]] bool on_upgrade(Socket& socket, UpgradeRequest& request, HttpResponse& refusal) override;

    void set_ready(bool ready) { is_ready_ = ready; }
    /// The answer to an HTTP publish of ours; others are ignored.
    void on_published(const mesh::Published& answer);
    void on_query_result(const mesh::QueryResult& result);
    void on_status(const mesh::StatusReply& reply);

private:
    struct WaitingRead {
        HttpTicket ticket;
        std::string channel;  ///< empty: a list
    };

    void respond(HttpTicket ticket, HttpResponse response);
    void serve_page(HttpTicket ticket, const HttpRequest& request);
    void serve_api(HttpTicket ticket, const HttpRequest& request);
    void ask_nodes(HttpTicket ticket, std::string query, std::string channel);
    void publish(HttpTicket ticket, mesh::Publish publish);

    Reactor& reactor_;
    HubLink& hub_;
    PusherClients& clients_;
    const AppTable& apps_;
    const WsLimits& ws_limits_;
    const DemoContent& demo_;
    bool is_ready_ = false;
    std::uint64_t last_id_ = 0;
    std::map<std::uint64_t, HttpTicket> publishes_;
    std::map<std::uint64_t, WaitingRead> reads_;
    std::map<std::uint64_t, HttpTicket> status_requests_;
};

}  // namespace tulle::node
