#pragma once

#include <bitset>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "mesh/base/bytes.hpp"
#include "mesh/base/time.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/core/webhook_queue.hpp"
#include "node/pusher/core/webhooks.hpp"

namespace tulle::node {

/// A count in the mesh differs from the count last told to endpoints. The count is the number of subscribers of a
/// channel, or the number of connections of a user on a presence channel.
struct DutyChange {
    /// Names the change; the answer is a SettleDuty with the same token.
    std::uint64_t token = 0;
    /// Of the channel.
    std::string key;
    /// Empty: the change is about the channel itself.
    std::string user;
    /// Of the user; may be null.
    SharedBytes card;
    /// The count last told to endpoints, as far as the mesh knows.
    std::uint64_t told = 0;
    /// The present count.
    std::uint64_t count = 0;
    /// Null: all endpoints were told `told`. Else a list of endpoints as in SettleDuty::behind: nobody knows the count
    /// last told to the listed endpoints. An empty list means every endpoint.
    SharedBytes behind = {};
};

/// An event in the words of an endpoint.
struct Happening {
    WebhookEvent event = WebhookEvent::kChannelOccupied;
    /// The bare name, without the app id.
    std::string channel;
    /// Of member_added and member_removed; else empty.
    std::string user;
    /// Of the user; may be null.
    SharedBytes card;
    /// Of subscription_count.
    std::uint64_t count = 0;
    /// Of a client event and a cache miss: the whole event as written by the node of the client. Else null.
    SharedBytes json;
    friend bool operator==(const Happening&, const Happening&) = default;
};

/// Effect: tell `what` to the endpoints, each under the id of an event. on_settled() follows for each id.
struct TellEndpoints {
    std::vector<std::pair<std::uint64_t, EndpointId>> endpoints;
    Happening what;
    friend bool operator==(const TellEndpoints&, const TellEndpoints&) = default;
};

/// Effect: another node tells these events; drop the events from the queue (WebhookQueue::drop). on_settled() follows
/// for each id.
struct DropEvents {
    std::vector<std::pair<std::uint64_t, EndpointId>> endpoints;
    friend bool operator==(const DropEvents&, const DropEvents&) = default;
};

/// How much the endpoints know at the end of a duty.
enum class DutyEnd : std::uint8_t {
    /// All endpoints know the count `told`.
    kTold,
    /// No endpoint has heard of the change.
    kDropped,
    /// All endpoints except the endpoints in `behind` know `told`.
    kPartly,
    /// The knowledge of every endpoint is uncertain.
    kUnknown,
};

/// Effect: report to the mesh that the duty is done. Each endpoint with an interest in the duty has taken the last
/// event, or the event was given up, or no endpoint has an interest. Or the duty was revoked.
struct SettleDuty {
    std::uint64_t token = 0;
    std::uint64_t told = 0;
    DutyEnd end = DutyEnd::kTold;
    /// Marks of endpoints, 8 bytes each. A mark is a hash of the endpoint, the same on every node.
    std::string behind = {};
    friend bool operator==(const SettleDuty&, const SettleDuty&) = default;
};

using WebhookEffect = std::variant<TellEndpoints, DropEvents, SettleDuty>;
using WebhookEffects = std::vector<WebhookEffect>;

/// Turns the mesh's duties for this node into events for the endpoints of the apps, and keeps account of finished
/// duties.
///
/// Each endpoint of a duty advances by itself. As soon as an endpoint has taken the last event, the desk tells the
/// endpoint how the present count differs from the count taken before. So a failing endpoint does not delay the others.
/// A failing endpoint that is back hears the present state in at most two changes: the failed change, and everything
/// since. The mesh gets an answer when all endpoints know the present count. Until then the whole duty counts as under
/// way, so that no endpoint is forgotten when this node dies.
///
/// A vacated channel and a gone user are held for a while, and nothing is told if the channel is occupied or the user
/// is back meanwhile. A slow endpoint sees fewer steps of a fast-moving number of subscribers.
///
/// Thread: confined to its owner.
/// Time:   `now` is an argument and must not go backwards.
/// Order:  run the appended effects in order; `out` is only appended to.
/// Limits: holds the unanswered duties of the mesh; the mesh bounds their number. Of each duty, a single change for
///         each endpoint. Of tasks kMaxWebhookTasks and kMaxWebhookTaskBytes, and besides all tasks of the last
///         kWebhookTaskPatience.
/// Errors: none. A settlement without a waiting duty does nothing; a duty of an unknown app is done at once.
class WebhookDesk {
public:
    /// `vacated_hold`: how long a vacated channel is held before channel_vacated is told. `removed_hold`: how long a
    /// gone user is held before member_removed is told.
    WebhookDesk(AppTable apps, Duration vacated_hold, Duration removed_hold);

    /// A new configuration, for events from now on. Events already queued stay queued.
    void set_apps(AppTable apps);
    /// The mesh gives a duty to this node, or repeats an unsettled duty with the same token and newer counts. A
    /// repetition after the settlement has crossed the answer, and is ignored.
    void on_changed(Instant now, DutyChange change, WebhookEffects& out);
    /// Another node tells this change. A token without a duty here is ignored.
    void on_revoked(std::uint64_t token, WebhookEffects& out);
    /// The node is leaving and other nodes stay: no further event is told. Duties of the mesh stay unanswered until
    /// revoked. Does nothing after speak_last().
    void stop() { is_stopped_ = !is_last_; }
    /// The node is leaving and no other node stays: held changes, changes since stop(), and all later changes are told
    /// at once.
    void speak_last(Instant now, WebhookEffects& out);
    /// The effects of on_changed() or on_task() could not be carried out (no memory): forgets the duty. The caller
    /// settles the token. Events of the duty still under way settle nothing any more.
    void abandon(std::uint64_t token);
    /// The mesh gives a client event or a cache miss to this node. `json` is the event as written by the client's node.
    /// A known token is ignored.
    void on_task(Instant now, std::uint64_t token, std::string_view key, WebhookEvent event, SharedBytes json,
                 WebhookEffects& out);
    /// The queue has settled an event. The next event for the same endpoint may follow at once in `out`.
    void on_settled(Instant now, const EventSettled& settled, WebhookEffects& out);
    /// The token of the duty behind the event; nothing when no duty waits for the event.
    [[nodiscard]] std::optional<std::uint64_t> token_of(std::uint64_t event) const;
    /// Tells the changes that were held long enough, and relieves the desk of tasks past kWebhookTaskPatience.
    void on_deadline(Instant now, WebhookEffects& out);
    /// When on_deadline() is due next; nothing when no change is held and the tasks are within their limits.
    [[nodiscard]] std::optional<Instant> next_deadline() const;
    /// Number of events still waiting for an endpoint although the task counts as done. No other node has these events:
    /// the death of this node loses them.
    [[nodiscard]] std::size_t events_of_its_own() const { return own_events_.size(); }

private:
    using Wants = std::bitset<kWebhookEvents>;
    /// An endpoint with an interest in a duty, and the endpoint's knowledge.
    struct Listener {
        EndpointId endpoint;
        /// Of the possible events of the duty.
        Wants wants;
        /// The count known to the endpoint: told last, or not worth an event for the endpoint.
        std::uint64_t told = 0;
        /// False: `told` is a guess, and the whole truth has to be told.
        bool is_known = false;
        /// The endpoint has settled a telling of this token, given up included.
        bool has_heard = false;
        /// Nobody knows whether the endpoint was told `telling`.
        bool is_doubtful = false;
        /// The count told to the endpoint at present …
        std::uint64_t telling = 0;
        /// … by the events with these ids, in order.
        std::vector<std::uint64_t> under_way;
        /// Events of the telling: taken, or given up.
        std::size_t taken = 0;
        /// Events of the telling: surely not heard by the endpoint.
        std::size_t dropped = 0;
        /// Events of the telling: perhaps heard by the endpoint.
        std::size_t doubtful = 0;
        /// Counts an event of the telling; with the last event, decides the endpoint's knowledge.
        void settle(std::uint64_t event, EventEnd end);
        /// True when the endpoint wants no event between the two counts.
        [[nodiscard]] bool is_same(std::uint64_t a, std::uint64_t b) const;
    };
    /// A duty under way: a change or a task.
    struct Duty {
        DutyChange change;
        /// A client event or a cache miss; `change` is then empty.
        bool is_task = false;
        /// When the hold ends; meaningful only when `is_held`.
        Instant due{};
        /// The duty has an entry in `holds_`.
        bool is_held = false;
        /// The duty was revoked, or an endpoint is in doubt and the mesh is to be asked: no further event is told.
        bool is_ending = false;
        /// Since when the count is 0.
        Instant gone_since{};
        std::vector<Listener> listeners;
        /// The value of `apps_no_` for `listeners`.
        std::uint64_t apps_no = 0;
        /// True when an event of the duty is under way.
        [[nodiscard]] bool is_waiting() const;
        /// True when every endpoint knows the present count.
        [[nodiscard]] bool is_level() const;
    };

    /// The events between the count `told` and the present count, in the order of telling.
    [[nodiscard]] static std::vector<Happening> happenings(const DutyChange& change, std::uint64_t told);
    /// When the change from `told` to the present count may be told; nothing: at once.
    [[nodiscard]] std::optional<Instant> hold_until(Instant now, const Duty& duty, std::uint64_t told) const;
    /// Brings the listeners of the duty in line with the present configuration. The state of a known listener stays. A
    /// listener without a configuration stays until the events under way have settled.
    void find_listeners(Duty& duty) const;
    /// The next step of a duty: tells each idle endpoint how the present count differs, or holds the difference, or
    /// settles the duty.
    void consider(Instant now, std::uint64_t token, Duty& duty, WebhookEffects& out);
    /// Tells or holds the difference for each idle endpoint behind the present count. Endpoints with the same last
    /// count are told together, so that an event is written once.
    void catch_up(Instant now, std::uint64_t token, Duty& duty, WebhookEffects& out);
    /// Tells `all` to the idle endpoints with the last count `told`.
    void tell(Instant now, std::uint64_t token, Duty& duty, std::uint64_t told, const std::vector<Happening>& all,
              WebhookEffects& out);
    /// Ends the hold of a duty, if there is a hold.
    void release(std::uint64_t token, Duty& duty) noexcept;
    /// While the tasks exceed the limits: counts the oldest task as done, if older than kWebhookTaskPatience.
    void relieve(Instant now, WebhookEffects& out);
    /// True when the tasks exceed kMaxWebhookTasks or kMaxWebhookTaskBytes.
    [[nodiscard]] bool has_too_many_tasks() const {
        return tasks_.size() > kMaxWebhookTasks || task_bytes_ > kMaxWebhookTaskBytes;
    }
    /// Takes a task out of the account of tasks. Does nothing for another token.
    void forget_task(std::uint64_t token);
    /// Ends a duty early: drops the waiting events. The answer to the mesh says how much the endpoints know.
    void end(std::uint64_t token, Duty& duty, WebhookEffects& out);
    /// The answer for a duty with an early end. REQUIRES: no event of the duty is under way.
    [[nodiscard]] static SettleDuty last_word(std::uint64_t token, const Duty& duty);
    /// Takes over the mesh's word about the listener's last count, as long as this node knows nothing newer.
    static void believe(Listener& listener, const DutyChange& change);

    AppTable apps_;
    const Duration vacated_hold_;
    const Duration removed_hold_;
    /// By token.
    std::map<std::uint64_t, Duty> duties_;
    /// End of the hold and token, of each held duty.
    std::set<std::pair<Instant, std::uint64_t>> holds_;
    /// The account of a task: time of arrival, and bytes of the event.
    struct Task {
        Instant since{};
        std::size_t bytes = 0;
    };
    /// The tasks under way, by token. Tokens grow, so the first task is the oldest.
    std::map<std::uint64_t, Task> tasks_;
    /// Sum over `tasks_`.
    std::size_t task_bytes_ = 0;
    /// Ids of events still waiting although the task counts as done.
    std::set<std::uint64_t> own_events_;
    /// The greatest token of a change so far. Tokens of later changes are greater.
    std::uint64_t last_change_ = 0;
    /// By the id of each event under way: the token of the duty.
    std::map<std::uint64_t, std::uint64_t> tellings_;
    /// Counts the configurations.
    std::uint64_t apps_no_ = 1;
    /// By key of a crowded channel: time of the last telling of the number.
    std::map<std::string, Instant, std::less<>> counted_;
    /// The id given to the last event.
    std::uint64_t last_id_ = 0;
    /// Set by stop().
    bool is_stopped_ = false;
    /// Set by speak_last().
    bool is_last_ = false;
};

}  // namespace tulle::node
