#include "node/app/admin_server.hpp"

#include <exception>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>

#include <spdlog/spdlog.h>

#include "node/app/metrics.hpp"
#include "node/core/limits.hpp"
#include "node/io/http_connection.hpp"
#include "node/io/http_service.hpp"
#include "node/io/hub_link.hpp"
#include "node/io/listener.hpp"
#include "node/io/reactor.hpp"
#include "node/io/wakeup.hpp"

namespace tulle::node {
namespace {

constexpr Duration kHubPatience = 1s;
constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kMetricsText = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view kJson = "application/json";

HttpResponse answer(unsigned status, std::string_view content_type, std::string body) {
    HttpResponse response;
    response.status = status;
    response.content_type = std::string(content_type);
    response.body = std::move(body);
    response.headers.emplace_back("Cache-Control", "no-store");
    return response;
}

}  // namespace

/// What runs on the admin thread. The order of the members is that of their dependence.
class AdminServer::Loop final : public HttpService {
public:
    Loop(mesh::ShardIndex index, mesh::HubMailbox& hub, std::vector<const ShardCounters*> shards)
        : shards_(std::move(shards)),
          wakeup_(reactor_, [this] { take_mail(); }),
          mailbox_(kShardMailboxItems, [this] { wakeup_.notify(); }),
          hub_(hub, index),
          listener_(reactor_, [this](Socket socket) {
              std::make_shared<HttpConnection>(reactor_, *this, std::move(socket))->start();
          }) {}

    ~Loop() override {
        stop();
        reactor_.release();
    }

    void stop() {
        reactor_.stop();
        if (thread_.joinable()) {
            thread_.join();
        }
    }

    void start() {
        wakeup_.start();
        listener_.start();
        thread_ = std::thread([this] { run(); });
    }

    Listener& listener() { return listener_; }
    mesh::ShardMailbox& mailbox() { return mailbox_; }

    void on_request(HttpTicket ticket, HttpRequest request) override {
        const std::string_view path = request.path();
        if (path != "/up" && path != "/ready" && path != "/metrics" && path != "/v1/status") {
            respond(ticket, answer(404, kText, "not found\n"));
        } else if (request.method != "GET") {
            HttpResponse response = answer(405, kText, "wrong method\n");
            response.headers.emplace_back("Allow", "GET");
            respond(ticket, std::move(response));
        } else if (path == "/up") {
            respond(ticket, answer(200, kText, "OK\n"));
        } else if (path == "/ready") {
            respond(ticket, is_ready_ ? answer(200, kText, "ready\n") : answer(503, kText, "not ready\n"));
        } else {
            ask_hub(ticket, path == "/metrics");
        }
    }

    bool on_upgrade(Socket&, UpgradeRequest&, HttpResponse& refusal) override {
        refusal = answer(404, kText, "no WebSocket here\n");
        return false;
    }

private:
    struct Waiting {
        HttpTicket ticket;
        bool wants_metrics;
        Instant deadline;
    };

    void run() {
        try {
            reactor_.run([this] { end_turn(); });
        } catch (const std::exception& error) {
            spdlog::critical("the admin listener has failed: {}", error.what());
            std::terminate();
        }
    }

    void respond(HttpTicket ticket, HttpResponse response) {
        if (Connection* connection = reactor_.find(ticket.slot)) {
            connection->respond(ticket.serial, std::move(response));
        }
    }

    void ask_hub(HttpTicket ticket, bool wants_metrics) {
        const std::uint64_t id = ++last_id_;
        const Waiting waiting{ticket, wants_metrics, reactor_.now() + kHubPatience};
        if (hub_.offer(mesh::StatusRequest{id}) == Push::kAccepted) {
            waiting_.emplace(id, waiting);
        } else {
            finish(waiting, nullptr);
        }
    }

    void finish(const Waiting& waiting, const mesh::NodeStatus* status) {
        if (waiting.wants_metrics) {
            respond(waiting.ticket, answer(200, kMetricsText, render_metrics(shards_, status)));
        } else if (status != nullptr) {
            respond(waiting.ticket, answer(200, kJson, render_status(*status, shards_)));
        } else {
            respond(waiting.ticket, answer(503, kJson, R"({"error":"the mesh does not answer","code":503})"));
        }
    }

    void take_mail() {
        mailbox_.take_all(mail_);
        for (const mesh::ToShard& message : mail_) {
            if (const auto* reply = std::get_if<mesh::StatusReply>(&message)) {
                const auto found = waiting_.find(reply->id);
                if (found != waiting_.end()) {
                    finish(found->second, &reply->status);
                    waiting_.erase(found);
                }
            } else if (const auto* readiness = std::get_if<mesh::Readiness>(&message)) {
                is_ready_ = readiness->ready;
            } else if (const auto* query = std::get_if<mesh::LocalQuery>(&message)) {
                hub_.send(mesh::LocalAnswer{query->token, {}, true});
            }
        }
        mail_.clear();
    }

    void end_turn() {
        // Ids grow with time, so that the first is the oldest.
        while (!waiting_.empty() && waiting_.begin()->second.deadline <= reactor_.now()) {
            finish(waiting_.begin()->second, nullptr);
            waiting_.erase(waiting_.begin());
        }
        if (!waiting_.empty()) {
            reactor_.wake_at(waiting_.begin()->second.deadline);
        }
        if (hub_.is_backed_up() && !hub_.retry()) {
            reactor_.wake_at(reactor_.now() + kHubRetryInterval);
        }
    }

    const std::vector<const ShardCounters*> shards_;
    Reactor reactor_;
    Wakeup wakeup_;
    mesh::ShardMailbox mailbox_;
    HubLink hub_;
    Listener listener_;
    std::vector<mesh::ToShard> mail_;
    std::map<std::uint64_t, Waiting> waiting_;
    std::uint64_t last_id_ = 0;
    bool is_ready_ = false;
    std::thread thread_;
};

AdminServer::AdminServer(mesh::ShardIndex index, mesh::HubMailbox& hub, std::vector<const ShardCounters*> shards)
    : loop_(std::make_unique<Loop>(index, hub, std::move(shards))) {}

AdminServer::~AdminServer() = default;

Address AdminServer::bind(const Address& address) { return loop_->listener().bind(address, Sharing::kAlone); }

mesh::ShardMailbox& AdminServer::mailbox() { return loop_->mailbox(); }

void AdminServer::start() { loop_->start(); }

void AdminServer::stop() { loop_->stop(); }

}  // namespace tulle::node
