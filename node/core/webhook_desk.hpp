#pragma once

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
#include "node/core/apps.hpp"
#include "node/core/webhook_queue.hpp"
#include "node/core/webhooks.hpp"

namespace tulle::node {

/// A count of the mesh's that is not what was dealt with last: of a channel's subscribers, or of a user's connections.
struct DutyChange {
    std::uint64_t token = 0;
    std::string key;        ///< of the channel
    std::string user;       ///< empty: the channel itself
    SharedBytes card;       ///< of the user; may be null
    std::uint64_t told = 0;
    std::uint64_t count = 0;
};

/// What happened, for an endpoint.
struct Happening {
    WebhookEvent event = WebhookEvent::kChannelOccupied;
    std::string channel;     ///< bare name
    std::string user;
    SharedBytes card;        ///< of the user; may be null
    std::uint64_t count = 0; ///< of subscription_count
    SharedBytes json;        ///< of a client event and a cache miss: the whole event as its node wrote it
    friend bool operator==(const Happening&, const Happening&) = default;
};

/// Tell the endpoints; on_settled follows for each of `ids`, which are theirs in order.
struct TellEndpoints {
    std::vector<std::pair<std::uint64_t, EndpointId>> endpoints;
    Happening what;
    friend bool operator==(const TellEndpoints&, const TellEndpoints&) = default;
};

/// Another node tells these events: drop them (WebhookQueue::drop); on_settled follows for each of `ids`.
struct DropEvents {
    std::vector<std::pair<std::uint64_t, EndpointId>> endpoints;
    friend bool operator==(const DropEvents&, const DropEvents&) = default;
};

/// What became of a change that was revoked, or was not.
enum class DutyEnd : std::uint8_t {
    kTold,
    kDropped,  ///< no endpoint has heard of it
    kUnknown,  ///< some endpoint has, or may have: another one has not
};

/// The duty is done: every endpoint that wants the event has taken it, or was given up, or none wants it. Or it was revoked.
struct SettleDuty {
    std::uint64_t token = 0;
    std::uint64_t told = 0;
    DutyEnd end = DutyEnd::kTold;
    friend bool operator==(const SettleDuty&, const SettleDuty&) = default;
};

using WebhookEffect = std::variant<TellEndpoints, DropEvents, SettleDuty>;
using WebhookEffects = std::vector<WebhookEffect>;

/// Turns the duties that the mesh gives to this node into events for the endpoints of the apps, and keeps book of which
/// duty is done.
///
/// A channel that is vacated and a user that is gone are held, and dropped if they come back meanwhile. While the endpoints
/// have not settled a change, further ones wait for it in the mesh: of a channel whose number of subscribers moves
/// faster than its endpoint, the endpoint sees fewer steps.
///
/// Thread: confined to its owner.
/// Time:   `now` is an argument and must not go backwards.
/// Order:  run the appended effects in order; `out` is only appended to.
/// Limits: holds what the mesh has given and not been answered, which the mesh bounds.
/// Errors: none. Settlements that nobody waits for do nothing; duties of unknown apps are done at once.
class WebhookDesk {
public:
    WebhookDesk(AppTable apps, Duration vacated_hold, Duration removed_hold);

    /// For what comes from here on; what is told already stays told.
    void set_apps(AppTable apps) { apps_ = std::move(apps); }
    /// May come again with the same token while it is not settled, and once more thereafter, which is ignored.
    void on_changed(Instant now, DutyChange change, WebhookEffects& out);
    /// Another node tells this change. A token that is not under way is ignored.
    void on_revoked(std::uint64_t token, WebhookEffects& out);
    /// The node is leaving: nothing more is told. What the mesh gives stays unanswered until it is revoked.
    void stop() { is_stopped_ = !is_last_; }
    /// The node is leaving and no other stays: what is held, and what has come since stop(), is told at once, as all that follows.
    void speak_last(Instant now, WebhookEffects& out);
    /// What came of on_changed or on_task cannot be gone on with (no memory): forgets the duty, whose token is settled by the caller.
    /// What its endpoints are told settles nothing any more.
    void abandon(std::uint64_t token);
    /// `json` is the event as its node wrote it.
    void on_task(std::uint64_t token, std::string_view key, WebhookEvent event, SharedBytes json, WebhookEffects& out);
    /// What has become of it.
    void on_settled(const EventSettled& settled, WebhookEffects& out);
    void on_deadline(Instant now, WebhookEffects& out);
    [[nodiscard]] std::optional<Instant> next_deadline() const;

private:
    struct Duty {
        DutyChange change;
        Instant due{};                 ///< of a hold; else in no set
        bool is_held = false;
        Instant gone_since{};          ///< of a count that has become 0
        std::size_t waits_for = 0;     ///< endpoints that have not settled …
        std::uint64_t telling = 0;     ///< … this count
        std::uint64_t first_id = 0;    ///< of what its endpoints are being told; the others follow
        std::size_t taken = 0;         ///< endpoints that have settled it, given up included
        std::size_t dropped = 0;       ///< endpoints that have surely not heard of it, as it was revoked
        std::size_t doubtful = 0;
        [[nodiscard]] DutyEnd end() const;
    };
    /// An event of one endpoint.
    struct Telling {
        std::uint64_t token = 0;
        EndpointId endpoint;
    };

    [[nodiscard]] std::vector<Happening> happenings(const DutyChange& change) const;
    /// When it may be told; nothing: now.
    [[nodiscard]] std::optional<Instant> hold_until(Instant now, const Duty& duty) const;
    void consider(Instant now, std::uint64_t token, Duty& duty, WebhookEffects& out);
    void release(std::uint64_t token, Duty& duty) noexcept;
    /// How many endpoints have been told.
    std::size_t tell(std::uint64_t token, std::string_view key, Happening what, WebhookEffects& out);

    AppTable apps_;
    const Duration vacated_hold_;
    const Duration removed_hold_;
    std::map<std::uint64_t, Duty> duties_;
    std::set<std::pair<Instant, std::uint64_t>> holds_;
    std::uint64_t last_change_ = 0;  ///< the greatest token of a change so far; those of later ones are greater
    std::map<std::uint64_t, Telling> tellings_;  ///< what endpoints are being told, by id
    std::map<std::string, Instant, std::less<>> counted_; ///< when the number of a crowded channel was last told
    std::uint64_t last_id_ = 0;
    bool is_stopped_ = false;
    bool is_last_ = false;
};

}  // namespace tulle::node
