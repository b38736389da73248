#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/time.hpp"
#include "mesh/core/node/port.hpp"
#include "node/admin/admin_counters.hpp"
#include "node/admin/app_labels.hpp"
#include "node/admin/apps_view.hpp"
#include "node/admin/drain_order.hpp"
#include "node/admin/rebalance.hpp"
#include "node/admin/redis_view.hpp"
#include "node/admin/reload_counters.hpp"
#include "node/admin/status_json.hpp"
#include "node/edge/event_log.hpp"
#include "node/edge/hub_port.hpp"
#include "node/edge/node_limits.hpp"
#include "node/edge/reactor.hpp"
#include "node/edge/shard_counters.hpp"
#include "node/pusher/core/app_sums.hpp"
#include "node/web/http_room.hpp"

namespace tulle::node {

/// Requests that wait for other nodes (doctor, trace). A further request gets 503.
inline constexpr std::size_t kMaxAdminQuestions = 32;
/// Requests that wait for the hub or for other nodes. A further request for metrics gets the metrics without the mesh's
/// part, and any other request gets 503. A hub that lives answers within a turn, so that many requests wait only for a
/// hub in trouble.
inline constexpr std::size_t kMaxAdminWaiting = 48;
static_assert(kMaxAdminQuestions < kMaxAdminWaiting, "a scrape waits beside as many questions as allowed");

/// The questions of the admin listener to the hub, and the requests that wait for the answers.
///
/// How a question goes: a request gets an id, waits in waiting_ under that id, and a message with the id goes to the
/// hub. The hub's answer names the id, and finish() answers every request that waits there. A request without an answer
/// at its deadline is answered by give_up(). Questions for the hub's status are shared (file_status).
///
/// Thread: the listener's.
/// Ownership: all arguments of the constructor outlive the object.
/// Limits: kMaxAdminQuestions, kMaxAdminWaiting. The hub has a second on top of the time that a request gives other
///         nodes.
class AdminQuestions {
public:
    /// The parts of the node that answers tell of. All outlive the object.
    struct Sources {
        const std::vector<const ShardCounters*>& shards;
        const ReloadCounters& reloads;
        const std::optional<RedisView>& redis;
        /// Adds the sums of all apps.
        const std::function<void(AppSumsById&)>& app_sums;
        const AppsView& apps;
        AdminCounters& counters;
        const NodeLimits& limits;
        /// Closes `count` clients of this node within `duration`; must not wait.
        std::function<void(std::uint64_t count, Duration duration)> move_some;
        /// The name of this node.
        std::string name{};
        /// Has this node move its clients away (true), or keep them; must not wait.
        std::function<void(bool)> ask_drain{};
        /// The flight recorder of this node.
        const EventLog& events;
    };
    AdminQuestions(Reactor& reactor, HttpRoom& room, mesh::HubMailbox& hub, mesh::ShardIndex index, Sources sources)
        : reactor_(reactor), room_(room), hub_(hub, index), sources_(std::move(sources)) {}

    // Each ask_… answers the request of `ticket`, at once or later.
    void ask_metrics(HttpTicket ticket) { ask_status({Wanted::kMetrics, ticket, due_in({})}); }
    void ask_status(HttpTicket ticket) { ask_status({Wanted::kStatus, ticket, due_in({})}); }
    /// Asks all nodes for their reports, without their apps if `is_brief`, and waits for `timeout` at most.
    void ask_doctor(HttpTicket ticket, Duration timeout, bool is_brief);
    /// Sends a marked message to a channel of an app, and waits for `timeout` at most.
    void ask_trace(HttpTicket ticket, const std::string& app, const std::string& channel, Duration timeout);

    /// Has the node of the order's name carry the order out; without a name, this node. Answers 404 when there is no
    /// node of this name, and 503 when the node has not answered: it may still carry the order out.
    void ask_drain(HttpTicket ticket, const DrainOrder& order);
    /// Has each node with too many clients close some, `rate` a second at most. Answers 503, and moves nobody, when a
    /// node does not tell its load: the mean of the others would be no mean.
    void ask_rebalance(HttpTicket ticket, std::uint64_t rate);

    /// Makes an answer from the answers of the edges.
    using Render = std::function<HttpResponse(const mesh::QueryResult&)>;
    /// Puts `question` to all edges and admin listeners of all nodes, and waits for `timeout` at most.
    void ask_edges(HttpTicket ticket, std::string question, Duration timeout, Render render);

    /// Takes a message of the hub in: an answer, or a query of another node's doctor.
    void take(const mesh::ToShard& message);
    /// Gives up requests past their deadline, and hands the messages of the turn over to the hub.
    void end_turn();

private:
    /// The result that a waiting request asks for.
    enum class Wanted : std::uint8_t {
        kMetrics,
        kStatus,
        /// Our status, for another node's doctor.
        kReport,
        kDoctor,
        kTrace,
        /// The answers of all nodes to an order to rebalance.
        kRebalance,
        /// The answer of the node that an order to drain was for.
        kDrain,
        /// The loads of all nodes, from which an order to rebalance follows.
        kCount,
        /// The answers of all edges to a question.
        kEdges,
    };
    /// A request that waits for the hub.
    struct Waiting {
        Wanted wanted;
        HttpTicket ticket;
        /// The request is given up at this time.
        Instant deadline;
        /// The token of the mesh's query, for kReport.
        std::uint64_t token = 0;
        /// Clients a second, for kCount.
        std::uint64_t rate = 0;
        /// App and channel, for kTrace.
        std::string app{};
        std::string channel{};
        /// The node that an order is for, for kDrain.
        std::string node{};
        /// For kReport: without the apps.
        bool is_brief = false;
        /// For kEdges.
        Render render{};
    };

    /// True for our answers to questions of other nodes, which hold no connection.
    [[nodiscard]] static bool is_for_mesh(Wanted wanted) { return wanted == Wanted::kReport; }
    /// What the node tells of itself beside the hub's status.
    [[nodiscard]] NodeFacts facts(const mesh::NodeStatus& status) const;
    /// Answers a request; nothing happens when the peer has gone.
    void respond(HttpTicket ticket, HttpResponse response) { room_.respond(ticket, std::move(response)); }
    /// The deadline of a request: the hub's patience on top of the time for other nodes.
    [[nodiscard]] Instant due_in(Duration timeout);
    /// The number of waiting requests for which `counts` is true.
    template <class Counts>
    [[nodiscard]] std::size_t count_waiting(Counts counts) const;
    /// True when as many requests wait as allowed. Reports for other nodes hold no connection, and do not count.
    [[nodiscard]] bool is_full() const;
    /// True when another question to the mesh may wait. False: the request of `ticket` has been refused.
    [[nodiscard]] bool may_ask_mesh(HttpTicket ticket);
    /// Sends a question, and files the request under `id`. A full mailbox of the hub gives the request up at once.
    void ask_hub(std::uint64_t id, Waiting waiting, mesh::ToHub question);
    /// Asks for the status, unless as many requests as allowed wait for the status.
    void ask_status(Waiting waiting);
    /// Files a request for the status, and asks the hub unless the hub owes a status.
    void file_status(Waiting waiting);
    /// The hub has answered: asks for the requests that have come meanwhile.
    void ask_next_status();
    /// The metrics, for a node whose hub does not answer (null) or has told `status`.
    [[nodiscard]] std::string metrics(const mesh::NodeStatus* status);
    /// Answers a request without the hub: metrics without the mesh's part, an empty report, or 503.
    void give_up(const Waiting& waiting);
    /// As give_up, at the end of a turn, where an exception would end the process. A failure ends the connection of the
    /// request.
    void give_up_guarded(const Waiting& waiting);
    /// Answers a query of the mesh: a report for the doctor, an empty last part for any other protocol's query.
    void answer_query(const mesh::LocalQuery& query);
    /// Gives the hub an answer of this node to a query, with the last part marked. REQUIRES: there is a part.
    void send_parts(std::uint64_t token, std::vector<std::string> parts);
    /// Gives the hub's answer to every request that waits under `id`.
    template <class Reply>
    void answer_with(std::uint64_t id, const Reply& reply);
    /// Has this node carry an order out, unless a node in its state takes none. The answer of the node.
    [[nodiscard]] DrainAnswer carry_out(const DrainOrder& order) const;
    void take_rebalance(std::uint64_t token, const RebalanceOrder& order);
    /// The loads of all nodes have come: gives the order.
    void order_rebalance(const Waiting& waiting, const mesh::QueryResult& result);
    /// The load of this node.
    [[nodiscard]] NodeLoad load() const;
    void finish(const Waiting& waiting, const mesh::NodeStatus& status);
    void finish(const Waiting& waiting, const mesh::QueryResult& result);
    [[nodiscard]] static HttpResponse drain_response(const Waiting& waiting, const mesh::QueryResult& result);
    [[nodiscard]] static HttpResponse drain_response(const DrainAnswer& answer);
    void finish(const Waiting& waiting, const mesh::TraceResult& result);

    Reactor& reactor_;
    HttpRoom& room_;
    HubPort hub_;
    const Sources sources_;
    AppLabels labels_;
    /// By the id of their question. Several requests may share a status.
    std::multimap<std::uint64_t, Waiting> waiting_;
    /// The time until which the hub owes a status; in the past: no status is owed.
    Instant status_due_until_{};
    /// The id of the question for a status after the question under way.
    std::uint64_t next_status_ = 0;
    std::uint64_t last_id_ = 0;
};

}  // namespace tulle::node
