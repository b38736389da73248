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

/// A count of the mesh's that is not what was dealt with last: of a channel's subscribers, or of a user's connections.
struct DutyChange {
    std::uint64_t token = 0;
    std::string key;   ///< of the channel
    std::string user;  ///< empty: the channel itself
    SharedBytes card;  ///< of the user; may be null
    std::uint64_t told = 0;
    std::uint64_t count = 0;
    /// Null: all endpoints were told `told`. Else nobody knows what those of SettleDuty::behind were told last; empty:
    /// any of them.
    SharedBytes behind = {};
};

/// What happened, for an endpoint.
struct Happening {
    WebhookEvent event = WebhookEvent::kChannelOccupied;
    std::string channel;  ///< bare name
    std::string user;
    SharedBytes card;         ///< of the user; may be null
    std::uint64_t count = 0;  ///< of subscription_count
    SharedBytes json;         ///< of a client event and a cache miss: the whole event as its node wrote it
    friend bool operator==(const Happening&, const Happening&) = default;
};

/// Tell the endpoints; on_settled follows for each of the ids.
struct TellEndpoints {
    std::vector<std::pair<std::uint64_t, EndpointId>> endpoints;
    Happening what;
    friend bool operator==(const TellEndpoints&, const TellEndpoints&) = default;
};

/// Another node tells these events: drop them (WebhookQueue::drop); on_settled follows for each of the ids.
struct DropEvents {
    std::vector<std::pair<std::uint64_t, EndpointId>> endpoints;
    friend bool operator==(const DropEvents&, const DropEvents&) = default;
};

/// What became of a change that was revoked, or was not.
enum class DutyEnd : std::uint8_t {
    kTold,
    kDropped,  ///< no endpoint has heard of it
    kPartly,   ///< all endpoints know `told` but those of `behind`
    kUnknown,  ///< nobody knows of any endpoint what it has heard
};

/// The duty is done: every endpoint that wants an event of it has taken the last one, or that was given up, or none
/// wants any. Or the duty was revoked.
struct SettleDuty {
    std::uint64_t token = 0;
    std::uint64_t told = 0;
    DutyEnd end = DutyEnd::kTold;
    std::string behind = {};  ///< endpoints, 8 bytes each: the same on every node
    friend bool operator==(const SettleDuty&, const SettleDuty&) = default;
};

using WebhookEffect = std::variant<TellEndpoints, DropEvents, SettleDuty>;
using WebhookEffects = std::vector<WebhookEffect>;

/// Turns the duties that the mesh gives to this node into events for the endpoints of the apps, and keeps book of which
/// duty is done.
///
/// Each endpoint of a duty has a life of its own: it is told what differs from what it has taken last, as soon as it
/// has taken that. So an endpoint that fails keeps nothing from the others; and when it is back it is told what is true
/// then, by two changes at most (the one that it had refused, and what has come of it since). The mesh is answered when
/// all of them know the present count. Until then the whole duty counts as under way, so that no endpoint is forgotten
/// when this node dies.
///
/// A channel that is vacated and a user that is gone are held, and dropped if they come back meanwhile. An endpoint
/// that takes its events more slowly than a number of subscribers moves sees fewer steps.
///
/// Thread: confined to its owner.
/// Time:   `now` is an argument and must not go backwards.
/// Order:  run the appended effects in order; `out` is only appended to.
/// Limits: holds what the mesh has given and not been answered, which the mesh bounds; of each, one change for each
///         endpoint. Of tasks kMaxWebhookTasks, and kMaxWebhookTaskBytes, beside what has come within
///         kWebhookTaskPatience.
/// Errors: none. Settlements that nobody waits for do nothing; duties of unknown apps are done at once.
class WebhookDesk {
public:
    WebhookDesk(AppTable apps, Duration vacated_hold, Duration removed_hold);

    /// For what comes from here on; what is told already stays told.
    void set_apps(AppTable apps);
    /// May come again with the same token while it is not settled, and once more thereafter, which is ignored.
    void on_changed(Instant now, DutyChange change, WebhookEffects& out);
    /// Another node tells this change. A token that is not under way is ignored.
    void on_revoked(std::uint64_t token, WebhookEffects& out);
    /// The node is leaving: nothing more is told. What the mesh gives stays unanswered until it is revoked.
    void stop() { is_stopped_ = !is_last_; }
    /// The node is leaving and no other stays: what is held, and what has come since stop(), is told at once, as all
    /// that follows.
    void speak_last(Instant now, WebhookEffects& out);
    /// What came of on_changed or on_task cannot be gone on with (no memory): forgets the duty, whose token is settled
    /// by the caller. What its endpoints are told settles nothing any more.
    void abandon(std::uint64_t token);
    /// `json` is the event as its node wrote it.
    void on_task(Instant now, std::uint64_t token, std::string_view key, WebhookEvent event, SharedBytes json,
                 WebhookEffects& out);
    /// What has become of an event. More may be told to its endpoint at once.
    void on_settled(Instant now, const EventSettled& settled, WebhookEffects& out);
    /// The duty that the event is told for; nothing when nobody waits for it.
    [[nodiscard]] std::optional<std::uint64_t> token_of(std::uint64_t event) const;
    void on_deadline(Instant now, WebhookEffects& out);
    [[nodiscard]] std::optional<Instant> next_deadline() const;
    /// Events that are told though their tasks count as done: of nobody else, and lost with this node.
    [[nodiscard]] std::size_t events_of_its_own() const { return own_events_.size(); }

private:
    using Wants = std::bitset<kWebhookEvents>;
    /// An endpoint that wants something of a duty.
    struct Listener {
        EndpointId endpoint;
        Wants wants;                           ///< of the events that may come of the duty
        std::uint64_t told = 0;                ///< the count that it was told last, or had not to be told
        bool is_known = false;                 ///< that is sure; else the whole truth has to be told
        bool has_heard = false;                ///< it has settled an event of this token, given up included
        bool is_doubtful = false;              ///< nobody knows whether it was told `telling`
        std::uint64_t telling = 0;             ///< the count that it is being told …
        std::vector<std::uint64_t> under_way;  ///< … by these events, in order
        std::size_t taken = 0;                 ///< events of that telling that it has settled, given up included
        std::size_t dropped = 0;               ///< of which it has surely not heard
        std::size_t doubtful = 0;
        void settle(std::uint64_t event, EventEnd end);
        /// Nothing that it wants to hear lies between the two counts.
        [[nodiscard]] bool is_same(std::uint64_t a, std::uint64_t b) const;
    };
    struct Duty {
        DutyChange change;
        bool is_task = false;
        Instant due{};  ///< of a hold; else in no set
        bool is_held = false;
        bool is_ending = false;  ///< another node's, or the mesh is to be asked: nothing more is told
        Instant gone_since{};    ///< of a count that has become 0
        std::vector<Listener> listeners;
        std::uint64_t apps_no = 0;  ///< by which apps those are
        [[nodiscard]] bool is_waiting() const;
        [[nodiscard]] bool is_level() const;
    };

    [[nodiscard]] static std::vector<Happening> happenings(const DutyChange& change, std::uint64_t told);
    /// Until when what has become of `told` is held; nothing: it may be told now.
    [[nodiscard]] std::optional<Instant> hold_until(Instant now, const Duty& duty, std::uint64_t told) const;
    void find_listeners(Duty& duty) const;
    /// Tells each endpoint that waits for nothing what it does not know, or holds that; or settles the duty.
    void consider(Instant now, std::uint64_t token, Duty& duty, WebhookEffects& out);
    void catch_up(Instant now, std::uint64_t token, Duty& duty, WebhookEffects& out);
    void tell(Instant now, std::uint64_t token, Duty& duty, std::uint64_t told, const std::vector<Happening>& all,
              WebhookEffects& out);
    void release(std::uint64_t token, Duty& duty) noexcept;
    /// Tasks that wait for too long, and are too many, count as done.
    void relieve(Instant now, WebhookEffects& out);
    [[nodiscard]] bool has_too_many_tasks() const {
        return tasks_.size() > kMaxWebhookTasks || task_bytes_ > kMaxWebhookTaskBytes;
    }
    void forget_task(std::uint64_t token);
    void end(std::uint64_t token, Duty& duty, WebhookEffects& out);
    /// REQUIRES: nothing of it is under way.
    [[nodiscard]] static SettleDuty last_word(std::uint64_t token, const Duty& duty);
    /// What the mesh says that it was told, as long as nothing newer is known here.
    static void believe(Listener& listener, const DutyChange& change);

    AppTable apps_;
    const Duration vacated_hold_;
    const Duration removed_hold_;
    std::map<std::uint64_t, Duty> duties_;
    std::set<std::pair<Instant, std::uint64_t>> holds_;
    struct Task {
        Instant since{};
        std::size_t bytes = 0;
    };
    std::map<std::uint64_t, Task> tasks_;  ///< that are under way, by token: in the order in which they came
    std::size_t task_bytes_ = 0;
    std::set<std::uint64_t> own_events_;  ///< ids
    std::uint64_t last_change_ = 0;       ///< the greatest token of a change so far; those of later ones are greater
    std::map<std::uint64_t, std::uint64_t> tellings_;  ///< tokens of what endpoints are being told, by id
    std::uint64_t apps_no_ = 1;
    std::map<std::string, Instant, std::less<>> counted_;  ///< when the number of a crowded channel was last told
    std::uint64_t last_id_ = 0;
    bool is_stopped_ = false;
    bool is_last_ = false;
};

}  // namespace tulle::node
