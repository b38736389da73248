#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/core/node/port.hpp"
#include "node/edge/hub_port.hpp"
#include "node/edge/reactor.hpp"
#include "node/edge/span_queue.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/edge/demo_pages.hpp"
#include "node/pusher/edge/publish_answer.hpp"
#include "node/pusher/edge/pusher_clients.hpp"
#include "node/pusher/wire/http_api.hpp"
#include "node/web/http_room.hpp"
#include "node/web/http_service.hpp"

namespace tulle::node {

/// The HTTP side of the public listener: the Pusher API, /up and /ready, the demo, and the door to the WebSockets.
///
/// Thread: the shard's.
/// Limits: at most a single waiting request per connection. A request starts only if the hub has room for its first
///         question; otherwise the answer is 503. Further questions of the request wait for room, so that a batch is
///         not torn.
/// Errors: every request is answered. An answer of the hub that nobody waits for is ignored.
class PublicHttp final : public HttpService {
public:
    /// The parts of the shard and of the edge. All of them outlive this object.
    struct Context {
        Reactor& reactor;
        HubPort& hub;
        HttpRoom& room;
        PusherClients& clients;
        const AppTable& apps;
        const WsLimits& ws_limits;
        NodeLimits& limits;
        AppRations& rations;
        AppBook& book;
        const DemoContent& demo;
        /// The status of /ready while the node drains.
        unsigned drain_ready_status = 503;
        /// For the spans of traced publishes; null: nothing is traced.
        SpanQueue* spans = nullptr;
    };
    explicit PublicHttp(const Context& context);

    /// Refuses what the demonstration refuses by the place that a request comes from.
    [[nodiscard]] bool admit(const UpgradeRequest& head, const Peer& peer, HttpResponse& refusal) override;
    /// A body outside the API is never used, and only a small body is read.
    [[nodiscard]] std::size_t max_body(std::string_view target) const override;
    /// Refuses an API request without a right signature before the body is read.
    [[nodiscard]] bool on_head(const HttpRequest& head, HttpResponse& refusal) override;
    /// A whole request. The answer may come later, through HttpRoom.
    void on_request(HttpTicket ticket, HttpRequest request) override;
    [[nodiscard]] bool wants_traceparent() const override { return spans_ != nullptr; }
    /// Hands the socket to a new WsConnection, or fills `refusal` and returns false. Wrong keys and versions are
    /// refused later, with the codes of the protocol, on the open WebSocket.
    [[nodiscard]] bool on_upgrade(Socket& socket, Peer& peer, UpgradeRequest& request, HttpResponse& refusal) override;

    /// The hub says whether the node is a part of the mesh and may serve.
    void set_ready(bool ready) { is_ready_ = ready; }
    /// The node is about to leave the mesh: no new client is let in, and /ready says so. Requests are still served.
    void begin_drain() { is_draining_ = true; }
    /// The answer to an HTTP publish of this object; other answers are ignored.
    void on_published(const mesh::Published& answer);
    /// The answers of all nodes to a query of this object; other answers are ignored.
    void on_query_result(const mesh::QueryResult& result);
    /// The answer to a question of the demo page.
    void on_status(const mesh::StatusReply& reply);

private:
    // More fields than 15: nine are what the shard and the edge have given.

    /// A request that waits for the hub: first for its events to be numbered, then for the answers of the nodes.
    struct Job {
        HttpTicket ticket;
        std::vector<std::string> queries;
        pusher::AnswerPlan plan;
        /// When the whole request was there.
        Instant begun;
        /// Of a traced request with events; null for others.
        std::unique_ptr<Span> span = {};
        bool has_events = false;
        /// Answers of the hub still to come.
        std::size_t awaited = 0;
        PublishAnswer published = {};
        std::vector<std::string> parts;
        std::vector<std::string> missing;
        /// Keys of channels: the first query also asks for their last events.
        std::vector<std::string> asked_retained;
        /// The last event found for the channel asked for.
        std::optional<mesh::RetainedEvent> retained;
        /// The query also asks for the history of a channel.
        std::optional<pusher::HistoryRead> asked_history;
        std::optional<pusher::HistoryFindings> history;
    };
    /// By an id. All questions of a job to the hub bear the id.
    using Jobs = std::map<std::uint64_t, Job>;

    /// True when the page may connect, or when the client is no browser. A request with several Origin headers is
    /// refused.
    [[nodiscard]] bool is_origin_allowed(const UpgradeRequest& request) const;
    /// Answers the request, if its connection still exists.
    void respond(HttpTicket ticket, HttpResponse response);
    /// Answers a request to the API; pages of other origins may read the answer.
    void respond_api(HttpTicket ticket, HttpResponse response);
    /// True for "/up/ID" of an app served by this node, as with Sockudo.
    [[nodiscard]] bool is_up_of_app(std::string_view path) const;
    /// The answer to a request for a page that does not exist, or with a wrong method; nothing when the page can be
    /// served.
    [[nodiscard]] std::optional<HttpResponse> refuse_page(const HttpRequest& request) const;
    /// True when no new client is let in. A client that comes while others are moved, on a connection that stood
    /// before, is let in and moved with the last: a refusal would cost the client a pause.
    [[nodiscard]] bool is_closed() const { return is_draining_ || limits_.drain() >= DrainState::kDrained; }
    /// Says which request was refused, for those who ask (RefusalWatch).
    void tell_refusal(const HttpRequest& request, const HttpResponse& response);
    /// The body of on_upgrade.
    [[nodiscard]] bool take_upgrade(Socket& socket, Peer& peer, UpgradeRequest& request, HttpResponse& refusal);
    /// The answer to a health check.
    [[nodiscard]] HttpResponse answer_check();
    /// The answer to OPTIONS, in part a health check of load balancers.
    [[nodiscard]] HttpResponse options_of(std::string_view path);
    /// Counts a wrong signature, if the response reports one. After too many wrong signatures of the address, replaces
    /// the response by 429.
    void throttle_failure(const PeerAddress& peer, HttpResponse& response);
    /// Answers a request outside the API.
    void serve_page(HttpTicket ticket, const HttpRequest& request);
    /// Checks a whole request to the API and begins the work.
    void serve_api(HttpTicket ticket, const HttpRequest& request);
    /// Takes the points of the work from the app's allowance. Nothing: granted, or no allowance; else the refusal.
    [[nodiscard]] std::optional<HttpResponse> ration(const HttpRequest& request, const pusher::ApiWork& work);
    /// False when an event is larger than an outbox. Such an event would close every subscriber as too slow.
    [[nodiscard]] bool fits_into_outbox(const pusher::ApiWork& work) const;
    /// Hands the events of the work to the hub, or asks the nodes at once if the work has no events. `traceparent`: of
    /// the request.
    void begin(HttpTicket ticket, pusher::ApiWork work, std::string_view traceparent);
    /// The span of a request with these events; null unless the request is traced.
    [[nodiscard]] std::unique_ptr<Span> span_of(const std::vector<pusher::PublishEvent>& events,
                                                std::string_view traceparent) const;
    /// Sends the queries of a job. REQUIRES: the events of the job are numbered, or there are none.
    void ask_nodes(Jobs::iterator job);
    /// Answers the request and forgets the job.
    void finish(Jobs::iterator job, HttpResponse response);
    /// The answer made of the nodes' answers.
    [[nodiscard]] HttpResponse answer_of(const Job& job) const;
    /// Counts an answer of the hub. Returns the job of this id, or the end when nobody waits for the answer.
    [[nodiscard]] Jobs::iterator take_answer(std::uint64_t id);

    Reactor& reactor_;
    HubPort& hub_;
    HttpRoom& room_;
    PusherClients& clients_;
    const AppTable& apps_;
    const WsLimits& ws_limits_;
    NodeLimits& limits_;
    AppRations& rations_;
    AppBook& book_;
    const DemoPages demo_;
    const unsigned drain_ready_status_;
    SpanQueue* const spans_;
    bool is_ready_ = false;
    bool is_draining_ = false;
    std::uint64_t last_id_ = 0;
    Jobs jobs_;
    /// By id: demo pages that wait for the status of the mesh.
    std::map<std::uint64_t, HttpTicket> status_requests_;
};

}  // namespace tulle::node
