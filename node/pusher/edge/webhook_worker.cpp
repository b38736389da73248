#include "node/pusher/edge/webhook_worker.hpp"

#include <algorithm>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <spdlog/spdlog.h>

#include "mesh/base/overloaded.hpp"
#include "node/core/limits.hpp"
#include "node/edge/clock.hpp"
#include "node/edge/hub_port.hpp"
#include "node/pusher/core/app_webhooks.hpp"
#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/core/count_teller.hpp"
#include "node/pusher/core/duty_report.hpp"
#include "node/pusher/core/webhook_desk.hpp"
#include "node/pusher/core/webhook_queue.hpp"
#include "node/pusher/edge/webhook_sender.hpp"
#include "node/pusher/wire/webhook_body.hpp"

namespace tulle::node {
namespace {

/// Between two looks at the clock when nothing is due.
constexpr Duration kIdle = 60s;
constexpr Duration kFailureLogInterval = 1s;

/// The end of a duty in the words of the mesh.
mesh::DutyOutcome outcome_of(DutyEnd end) {
    switch (end) {
        case DutyEnd::kTold:
            return mesh::DutyOutcome::kTold;
        case DutyEnd::kDropped:
            return mesh::DutyOutcome::kDropped;
        case DutyEnd::kPartly:
            return mesh::DutyOutcome::kPartly;
        case DutyEnd::kUnknown:
            break;
    }
    return mesh::DutyOutcome::kUnknown;
}

/// A request without an outcome, and when it began.
struct Attempt {
    EndpointId endpoint;
    Instant begun;
};

/// Orders of other threads to the worker, taken at the next turn.
struct Orders {
    std::optional<AppTable> apps;
    std::function<void()> on_finished;
    bool is_stopped = false;
};

}  // namespace

/// The part on the worker's thread. A member may use the members declared before the member.
class WebhookWorker::Loop {
public:
    Loop(mesh::ShardIndex index, mesh::HubMailbox& hub, AppTable apps, WebhookSettings settings, std::uint64_t seed)
        : apps_(std::move(apps)),
          sender_(std::move(settings.addresses), settings.timeout),
          mailbox_(kShardMailboxItems, [this] { sender_.wake(); }),
          hub_(hub, index),
          desk_(apps_, settings.vacated_hold, settings.removed_hold),
          queue_({settings.retry_for, settings.queue_events, settings.queue_bytes}, seed) {}

    ~Loop() { stop(); }
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    void start() {
        thread_ = std::thread([this] { run(); });
    }

    void stop() {
        order([](Orders& orders) { orders.is_stopped = true; });
        if (thread_.joinable()) {
            thread_.join();
        }
    }

    template <class Change>
    void order(Change&& change) {
        {
            const std::lock_guard lock(orders_mutex_);
            change(orders_);
        }
        sender_.wake();
    }

    mesh::ShardMailbox& mailbox() { return mailbox_; }
    const ShardCounters& counters() const { return counters_; }

private:
    // More fields than 15: the property of a single thread, in the order of dependence.
    void run() {
        try {
            while (turn()) {
                outcomes_.clear();
                sender_.run(patience(), outcomes_);
            }
            give_up_the_rest();
        } catch (const std::exception& error) {
            spdlog::critical("the webhooks have failed: {}", error.what());
            std::terminate();
        }
    }

    /// A turn of the loop. False: the worker is to end.
    bool turn() {
        now_ = monotonic_now();
        for (const WebhookOutcome& outcome : outcomes_) {
            take_outcome(outcome);
        }
        if (!take_orders()) {
            return false;
        }
        mailbox_.take_all(mail_);
        for (const mesh::ToShard& message : mail_) {
            take(message);
        }
        mail_.clear();
        // The time is over: nobody waits for outcomes any more, and the desk must settle its duties.
        if (on_finished_ && now_ >= finish_by_ && !is_last_) {
            queue_.part(queue_effects_);
        }
        step();
        note_last_words();
        counters_.webhook_queue.set(queue_.size());
        // The hub must have every report of a finished duty before the node may leave.
        const bool is_told = hub_.flush();
        if (on_finished_ && ((is_told && queue_.is_done()) || now_ >= finish_by_)) {
            std::exchange(on_finished_, nullptr)();
        }
        return true;
    }

    bool take_orders() {
        Orders orders;
        {
            const std::lock_guard lock(orders_mutex_);
            orders = std::exchange(orders_, {});
        }
        if (orders.apps) {
            apps_ = std::move(*orders.apps);
            desk_.set_apps(apps_);
            queue_.keep_only([this](const EndpointId& endpoint) { return webhook_of(endpoint) != nullptr; },
                             queue_effects_);
        }
        if (orders.on_finished) {
            on_finished_ = std::move(orders.on_finished);
            finish_by_ = now_ + kWebhookDrainTimeout;
            is_leaving_ = !is_last_;
            desk_.stop();
            queue_.hurry();
        }
        return !orders.is_stopped;
    }

    [[nodiscard]] const Webhook* webhook_of(const EndpointId& endpoint) const {
        const auto app = apps_.find_by_id(endpoint.app_id);
        return app == nullptr ? nullptr : find_webhook(*app, endpoint);
    }

    void take(const mesh::ToShard& message) {
        if (const auto* query = std::get_if<mesh::LocalQuery>(&message)) {
            hub_.send(mesh::LocalAnswer{query->token, {}, true});
        } else if (const auto* change = std::get_if<mesh::DutyChanged>(&message)) {
            guard([&] { take_change(*change); }, [&] { abandon(change->token, mesh::DutyOutcome::kUnknown); });
        } else if (const auto* revoked = std::get_if<mesh::DutyRevoked>(&message)) {
            desk_.on_revoked(revoked->token, desk_effects_);
        } else if (const auto* task = std::get_if<mesh::DutyPerform>(&message); task != nullptr && is_leaving_) {
            left_to_others_.push_back(*task);
        } else if (task != nullptr) {
            guard_task(*task);
        } else if (std::holds_alternative<mesh::DutyLast>(message)) {
            speak_last();
        }
    }

    void speak_last() {
        is_last_ = true;
        is_leaving_ = false;
        desk_.speak_last(now_, desk_effects_);
        queue_.speak_last(now_);
        for (const mesh::DutyPerform& task : std::exchange(left_to_others_, {})) {
            guard_task(task);
        }
    }

    /// Logs once, and only if there is something to tell.
    void note_last_words() {
        if (is_last_ && queue_.size() > 0 && !std::exchange(last_words_noted_, true)) {
            spdlog::info("no other node stays: what webhooks have still to be told is told now");
        }
    }

    /// Does a piece of work. An exception, as a rule for want of memory, ends the piece alone: `otherwise` then settles
    /// the piece.
    template <class Work, class Otherwise>
    void guard(Work&& work, Otherwise&& otherwise) {
        try {
            work();
        } catch (const std::exception& error) {
            counters_.failures_total.add();
            if (now_ - failure_told_at_ >= kFailureLogInterval) {
                failure_told_at_ = now_;
                spdlog::error("something could not be told to a webhook now: {}", error.what());
            }
            otherwise();
        }
    }

    /// Forgets a duty. Of a count with the outcome kUnknown the mesh asks again; a task counts as done.
    void abandon(std::uint64_t token, mesh::DutyOutcome outcome) {
        desk_.abandon(token);
        hub_.send(mesh::DutyDone{token, 0, outcome});
    }

    void guard_task(const mesh::DutyPerform& task) {
        guard([&] { take_task(task); },
              [&] {
                  counters_.webhook_given_up_total.add();
                  abandon(task.token, mesh::DutyOutcome::kTold);
              });
    }

    /// Counts and logs the events lost with this node. A node that is not the last loses only client events and cache
    /// misses: the tasks relieved by the desk.
    void give_up_the_rest() {
        if (const std::size_t own = desk_.events_of_its_own(); !is_last_ && own > 0) {
            counters_.webhook_given_up_total.add(own);
            spdlog::warn(
                "{} client events and cache misses were given up, as their webhooks had not taken them when this node "
                "left",
                own);
        }
        if (is_last_ && queue_.size() > 0) {
            counters_.webhook_given_up_total.add(queue_.size());
            spdlog::warn(
                "{} events were given up, as their webhooks had not taken them when this node left, the last one",
                queue_.size());
        }
    }

    void take_change(const mesh::DutyChanged& change) {
        const std::string_view user = user_of_duty_item(change.item);
        const auto app = apps_.find_by_id(app_of_key(change.key));
        if (!is_leaving_ && user.empty() && app != nullptr && tells_subscriptions(*app, channel_of_key(change.key))) {
            teller_.on_count(now_, change.key, change.count, counts_);
        }
        desk_.on_changed(
            now_, {change.token, change.key, std::string(user), change.info, change.told, change.count, change.behind},
            desk_effects_);
    }

    void take_task(const mesh::DutyPerform& task) {
        std::optional<pusher::WebhookTask> read = task.body ? pusher::decode_webhook_task(*task.body) : std::nullopt;
        if (read) {
            desk_.on_task(now_, task.token, task.key, read->event, share(std::move(read->json)), desk_effects_);
        } else {
            spdlog::warn("an event for the webhooks of {} could not be read", task.key);
            hub_.send(mesh::DutyDone{task.token, 0});
        }
    }

    void take_outcome(const WebhookOutcome& outcome) {
        const auto found = attempts_.extract(outcome.id);
        const EndpointId& endpoint = found.mapped().endpoint;
        counters_.webhook_attempts_total.add();
        counters_.webhook_seconds.observe(now_ - found.mapped().begun);
        if (!outcome.is_taken()) {
            counters_.webhook_failures_total.add();
            counters_.webhook_refused_addresses_total.add(outcome.is_address_refused ? 1 : 0);
            guard(
                [&] {
                    spdlog::warn("the webhook of app {} at {} has failed: {}", endpoint.app_id,
                                 // The query of a URL may hold a secret.
                                 endpoint.url.substr(0, endpoint.url.find('?')),
                                 outcome.error.empty() ? "status " + std::to_string(outcome.status) : outcome.error);
                },
                [] {});
        }
        queue_.on_outcome(now_, endpoint, outcome.is_taken(), queue_effects_);
    }

    /// Runs the effects of the cores until no core wants anything more.
    void step() {
        desk_.on_deadline(now_, desk_effects_);
        teller_.on_deadline(now_, counts_);
        run_effects();
        queue_.on_deadline(now_, queue_effects_);
        // An attempt that cannot be made has failed, which causes further effects.
        run_effects();
        for (const TellCount& told : std::exchange(counts_, {})) {
            mesh::Publish publish;
            publish.channels.push_back(told.key);
            publish.body = share(pusher::subscription_count_body(told.count));
            hub_.send(std::move(publish));
        }
    }

    void run_effects() {
        while (!desk_effects_.empty() || !queue_effects_.empty()) {
            for (const WebhookEffect& effect : std::exchange(desk_effects_, {})) {
                std::visit(Overloaded{[this](const TellEndpoints& telling) { tell(telling); },
                                      [this](const DropEvents& drop) { this->drop(drop); },
                                      [this](const SettleDuty& done) {
                                          hub_.send(mesh::DutyDone{done.token, done.told, outcome_of(done.end),
                                                                   done.behind.empty() ? nullptr : share(done.behind)});
                                      }},
                           effect);
            }
            run_queue_effects();
        }
    }

    void run_queue_effects() {
        for (const QueueEffect& effect : std::exchange(queue_effects_, {})) {
            std::visit(Overloaded{[this](const StartAttempt& attempt) { guard_attempt(attempt); },
                                  [this](const EventSettled& settled) {
                                      count(settled.end);
                                      guard_settled(settled);
                                  }},
                       effect);
        }
    }

    /// The settled event may make the desk tell more.
    void guard_settled(const EventSettled& settled) {
        const std::optional<std::uint64_t> token = desk_.token_of(settled.id);
        guard([&] { desk_.on_settled(now_, settled, desk_effects_); },
              [&] {
                  if (token) {
                      abandon(*token, mesh::DutyOutcome::kUnknown);
                  }
              });
    }

    void tell(const TellEndpoints& telling) {
        // Only a client event and a cache miss bear their own JSON.
        const Worth worth = telling.what.json == nullptr ? Worth::kTruth : Worth::kPassing;
        std::size_t told = 0;
        guard(
            [&] {
                const std::string event = pusher::webhook_event(telling.what);
                const SharedBytes strings = share(pusher::for_strict_readers(pusher::with_strings(event)));
                const SharedBytes written = share(pusher::for_strict_readers(pusher::with_readable_types(event)));
                for (; told < telling.endpoints.size(); ++told) {
                    const auto& [id, endpoint] = telling.endpoints[told];
                    const Webhook* webhook = webhook_of(endpoint);
                    if (webhook == nullptr ||
                        queue_.add(now_, endpoint, webhook->batch, id, webhook->keep_types ? written : strings,
                                   worth) == Push::kRefused) {
                        queue_effects_.push_back(EventSettled{id, EventEnd::kGivenUp});
                    }
                }
            },
            [&] {
                for (; told < telling.endpoints.size(); ++told) {
                    const EventEnd end = worth == Worth::kTruth ? EventEnd::kDoubtful : EventEnd::kGivenUp;
                    queue_effects_.push_back(EventSettled{telling.endpoints[told].first, end});
                }
            });
    }

    void drop(const DropEvents& drop) {
        for (const auto& [id, endpoint] : drop.endpoints) {
            queue_.drop(now_, endpoint, id, queue_effects_);
        }
    }

    void count(EventEnd end) {
        switch (end) {
            case EventEnd::kTaken:
                counters_.webhook_events_total.add();
                break;
            case EventEnd::kGivenUp:
                counters_.webhook_given_up_total.add();
                break;
            case EventEnd::kDropped:
            case EventEnd::kDoubtful:
                counters_.webhook_handed_on_total.add();
                break;
        }
    }

    void guard_attempt(const StartAttempt& attempt) {
        guard([&] { start_attempt(attempt); },
              [&] {
                  attempts_.erase(last_attempt_);
                  queue_.on_outcome(now_, attempt.endpoint, false, queue_effects_);
              });
    }

    void start_attempt(const StartAttempt& attempt) {
        WebhookRequest request;
        request.id = ++last_attempt_;
        const auto app = apps_.find_by_id(attempt.endpoint.app_id);
        const Webhook* webhook = webhook_of(attempt.endpoint);
        request.url = attempt.endpoint.url;
        request.body = pusher::webhook_body(wall_ms(), attempt.events);
        for (const auto& [name, value] : pusher::webhook_headers(*app, request.body)) {
            request.headers.push_back(name + ": " + value);
        }
        for (const auto& [name, value] : webhook->headers) {
            request.headers.push_back(name + ": " + value);
        }
        attempts_.emplace(request.id, Attempt{attempt.endpoint, now_});
        sender_.start(std::move(request));
    }

    [[nodiscard]] Duration patience() const {
        Instant until = now_ + (hub_.is_backed_up() ? kHubRetryInterval : kIdle);
        for (const std::optional<Instant>& due :
             {desk_.next_deadline(), teller_.next_deadline(), queue_.next_deadline()}) {
            until = std::min(until, due.value_or(until));
        }
        until = on_finished_ ? std::min(until, finish_by_) : until;
        return std::max(Duration{}, until - monotonic_now());
    }

    AppTable apps_;
    ShardCounters counters_;
    WebhookSender sender_;
    mesh::ShardMailbox mailbox_;
    HubPort hub_;
    WebhookDesk desk_;
    WebhookQueue queue_;
    CountTeller teller_;
    std::vector<mesh::ToShard> mail_;
    std::vector<WebhookOutcome> outcomes_;
    WebhookEffects desk_effects_;
    QueueEffects queue_effects_;
    std::vector<TellCount> counts_;
    /// Requests without an outcome, by id.
    std::map<std::uint64_t, Attempt> attempts_;
    std::uint64_t last_attempt_ = 0;
    Instant now_{};
    bool is_leaving_ = false;
    bool is_last_ = false;
    bool last_words_noted_ = false;
    /// Tasks since the node began to leave, kept in case no other node stays; bounded by the mesh.
    std::vector<mesh::DutyPerform> left_to_others_;
    std::function<void()> on_finished_;
    Instant finish_by_{};
    Instant failure_told_at_{};
    std::mutex orders_mutex_;
    Orders orders_;
    std::thread thread_;
};

WebhookWorker::WebhookWorker(mesh::ShardIndex index, mesh::HubMailbox& hub, AppTable apps, WebhookSettings settings,
                             std::uint64_t seed)
    : loop_(std::make_unique<Loop>(index, hub, std::move(apps), std::move(settings), seed)) {}

WebhookWorker::~WebhookWorker() = default;

mesh::ShardMailbox& WebhookWorker::mailbox() {
    return loop_->mailbox();
}

const ShardCounters& WebhookWorker::counters() const {
    return loop_->counters();
}

void WebhookWorker::start() {
    loop_->start();
}

void WebhookWorker::set_apps(AppTable apps) {
    loop_->order([&apps](Orders& orders) { orders.apps = std::move(apps); });
}

void WebhookWorker::finish(std::function<void()> on_finished) {
    loop_->order([&on_finished](Orders& orders) { orders.on_finished = std::move(on_finished); });
}

void WebhookWorker::stop() {
    loop_->stop();
}

}  // namespace tulle::node
