#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/core/node/port.hpp"
#include "node/edge/hub_port.hpp"
#include "node/edge/reactor.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/edge/pusher_clients.hpp"
#include "node/pusher/wire/http_api.hpp"
#include "node/web/http_room.hpp"
#include "node/web/http_service.hpp"

namespace tulle::node {

/// What the demo mode serves beside the API; an empty page means that it is off.
struct DemoContent {
    std::string page;
    std::string app_key;  ///< of the default loopback app alone, whose credentials are public
    std::string app_secret;
};

/// The public listener's HTTP: the Pusher API, /up and /ready, the demo, and the door to the WebSockets.
///
/// Thread: the shard's.
/// Limits: at most one waiting request per connection. Every question to the hub is answered, or answered by 503 when
///         the hub is full; what follows the first question of a request waits for room, so that a batch is not torn.
class PublicHttp final : public HttpService {
public:
    struct Context {
        Reactor& reactor;
        HubPort& hub;
        HttpRoom& room;
        PusherClients& clients;
        const AppTable& apps;
        const WsLimits& ws_limits;
        NodeLimits& limits;
        AppRations& rations;
        const DemoContent& demo;
    };
    explicit PublicHttp(const Context& context);

    /// Refuses what is not signed before its body is read.
    [[nodiscard]] std::size_t max_body(std::string_view target) const override;
    [[nodiscard]] bool on_head(const HttpRequest& head, HttpResponse& refusal) override;
    void on_request(HttpTicket ticket, HttpRequest request) override;
    [[nodiscard]] bool on_upgrade(Socket& socket, Peer& peer, UpgradeRequest& request, HttpResponse& refusal) override;

    void set_ready(bool ready) { is_ready_ = ready; }
    /// The node is going away: no new client is let in, and /ready says so. Requests are served as before.
    void begin_drain() { is_draining_ = true; }
    /// The answer to an HTTP publish of ours; others are ignored.
    void on_published(const mesh::Published& answer);
    void on_query_result(const mesh::QueryResult& result);
    void on_status(const mesh::StatusReply& reply);

private:
    /// A request that waits for the hub: for its events to be numbered, then for what the nodes answer.
    struct Job {
        HttpTicket ticket;
        std::vector<std::string> queries;
        pusher::AnswerPlan plan;
        bool has_events = false;
        std::size_t awaited = 0;  ///< answers of the hub
        mesh::PublishOutcome outcome = mesh::PublishOutcome::kAccepted;
        std::vector<std::string> parts;
        std::vector<std::string> missing;
        std::vector<std::string> asked_retained;      ///< keys of channels
        std::optional<mesh::RetainedEvent> retained;  ///< the last event of the one asked for
    };
    /// By the id that all it asks the hub bears.
    using Jobs = std::map<std::uint64_t, Job>;

    [[nodiscard]] bool is_origin_allowed(const UpgradeRequest& request) const;
    void respond(HttpTicket ticket, HttpResponse response);
    void respond_api(HttpTicket ticket, HttpResponse response);
    [[nodiscard]] bool is_up_of_app(std::string_view path) const;
    /// Why the request is answered without looking at what is served; nothing when it is for a page that there is.
    [[nodiscard]] std::optional<HttpResponse> refuse_page(const HttpRequest& request) const;
    [[nodiscard]] bool takes_clients() const;
    [[nodiscard]] HttpResponse options_of(std::string_view path) const;
    /// Counts a wrong signature, if the response tells of one, and makes a 429 of it when its address has sent too
    /// many.
    void throttle_failure(const PeerAddress& peer, HttpResponse& response);
    void serve_page(HttpTicket ticket, const HttpRequest& request);
    void serve_api(HttpTicket ticket, const HttpRequest& request);
    /// Nothing when the app's allowance has room for the work, which is taken; else the answer.
    [[nodiscard]] std::optional<HttpResponse> ration(const HttpRequest& request, const pusher::ApiWork& work);
    /// Otherwise each subscriber would be closed as too slow.
    [[nodiscard]] bool fits_into_outbox(const pusher::ApiWork& work) const;
    void begin(HttpTicket ticket, pusher::ApiWork work);
    /// Its events are numbered, or it has none.
    void ask_nodes(Jobs::iterator job);
    void finish(Jobs::iterator job, HttpResponse response);
    [[nodiscard]] HttpResponse answer_of(const Job& job) const;
    /// The job of this id, one answer to which has come; none when nobody waits for it.
    [[nodiscard]] Jobs::iterator take_answer(std::uint64_t id);

    Reactor& reactor_;
    HubPort& hub_;
    HttpRoom& room_;
    PusherClients& clients_;
    const AppTable& apps_;
    const WsLimits& ws_limits_;
    NodeLimits& limits_;
    AppRations& rations_;
    const DemoContent& demo_;
    bool is_ready_ = false;
    bool is_draining_ = false;
    std::uint64_t last_id_ = 0;
    Jobs jobs_;
    std::map<std::uint64_t, HttpTicket> status_requests_;
};

}  // namespace tulle::node
