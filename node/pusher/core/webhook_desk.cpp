#include "node/pusher/core/webhook_desk.hpp"

#include <algorithm>
#include <tuple>

#include "mesh/base/assert.hpp"
#include "node/pusher/core/app_webhooks.hpp"
#include "node/pusher/core/channel_name.hpp"

namespace tulle::node {
namespace {

/// The possible events of a duty.
std::vector<WebhookEvent> events_of(const DutyChange& change) {
    if (!change.user.empty()) {
        return {WebhookEvent::kMemberAdded, WebhookEvent::kMemberRemoved};
    }
    std::vector<WebhookEvent> events{WebhookEvent::kChannelOccupied, WebhookEvent::kChannelVacated};
    if (classify(channel_of_key(change.key)).type != ChannelType::kPresence) {
        events.push_back(WebhookEvent::kSubscriptionCount);
    }
    return events;
}

/// True when `wants` holds the event of any of the happenings.
bool wants_any(const std::bitset<kWebhookEvents>& wants, const std::vector<Happening>& all) {
    return std::any_of(all.begin(), all.end(),
                       [&wants](const Happening& what) { return wants.test(static_cast<std::size_t>(what.event)); });
}

/// Names an endpoint in 8 bytes, for the nodes that deal with the duty later.
std::string mark_of(const EndpointId& endpoint) {
    const std::uint64_t hash = stable_hash(endpoint.url + '\n' + std::to_string(endpoint.ordinal));
    std::string mark;
    for (int shift = 56; shift >= 0; shift -= 8) {
        mark += static_cast<char>(hash >> shift & 0xff);
    }
    return mark;
}

/// True when `marks` holds the mark of the endpoint. An empty list names every endpoint.
bool names(std::string_view marks, const EndpointId& endpoint) {
    const std::string mark = mark_of(endpoint);
    bool is_named = marks.empty();
    for (std::size_t at = 0; at < marks.size(); at += mark.size()) {
        is_named = is_named || marks.substr(at, mark.size()) == mark;
    }
    return is_named;
}

}  // namespace

WebhookDesk::WebhookDesk(AppTable apps, Duration vacated_hold, Duration removed_hold)
    : apps_(std::move(apps)), vacated_hold_(vacated_hold), removed_hold_(removed_hold) {}

void WebhookDesk::set_apps(AppTable apps) {
    apps_ = std::move(apps);
    ++apps_no_;
}

void WebhookDesk::on_changed(Instant now, DutyChange change, WebhookEffects& out) {
    const std::uint64_t token = change.token;
    if (token <= last_change_ && !duties_.contains(token)) {
        // The change has crossed the answer of this node. The mesh comes again with another token if a count still
        // differs.
        return;
    }
    last_change_ = std::max(last_change_, token);
    const auto [found, is_new] = duties_.try_emplace(token);
    Duty& duty = found->second;
    if (change.count == 0 && (is_new || duty.change.count > 0)) {
        duty.gone_since = now;
    }
    // A repetition without a card keeps the card of the earlier change.
    if (!change.card && !is_new) {
        change.card = duty.change.card;
    }
    duty.change = std::move(change);
    for (Listener& listener : duty.listeners) {
        believe(listener, duty.change);
    }
    consider(now, token, duty, out);
}

void WebhookDesk::believe(Listener& listener, const DutyChange& change) {
    if (listener.is_known) {
        return;
    }
    listener.is_known = !change.behind || !names(*change.behind, listener.endpoint);
    // For an endpoint of uncertain knowledge, assume the opposite of the present state. The endpoint is then told the
    // whole truth.
    listener.told = listener.is_known ? change.told : change.count > 0 ? 0 : 1;
}

std::vector<Happening> WebhookDesk::happenings(const DutyChange& change, std::uint64_t told) {
    const std::string channel(channel_of_key(change.key));
    const bool is_there = change.count > 0;
    const bool was_there = told > 0;
    std::vector<Happening> all;
    if (!change.user.empty()) {
        if (is_there != was_there) {
            all.push_back({is_there ? WebhookEvent::kMemberAdded : WebhookEvent::kMemberRemoved, channel, change.user,
                           change.card, 0, nullptr});
        }
        return all;
    }
    // Order of telling: channel_occupied comes before the first number, channel_vacated after the last.
    if (is_there && !was_there) {
        all.push_back({WebhookEvent::kChannelOccupied, channel, {}, nullptr, 0, nullptr});
    }
    if (change.count != told && classify(channel).type != ChannelType::kPresence) {
        all.push_back({WebhookEvent::kSubscriptionCount, channel, {}, nullptr, change.count, nullptr});
    }
    if (!is_there && was_there) {
        all.push_back({WebhookEvent::kChannelVacated, channel, {}, nullptr, 0, nullptr});
    }
    return all;
}

std::optional<Instant> WebhookDesk::hold_until(Instant now, const Duty& duty, std::uint64_t told) const {
    // The last node has no time to hold anything.
    if (is_last_) {
        return std::nullopt;
    }
    const DutyChange& change = duty.change;
    std::optional<Instant> until;
    if (told > 0 && change.count == 0) {
        until = duty.gone_since + (change.user.empty() ? vacated_hold_ : removed_hold_);
    } else if (told > 0 && change.count > kEagerSubscribers) {
        const auto counted = counted_.find(change.key);
        if (counted != counted_.end() && change.user.empty()) {
            until = counted->second + kCountInterval;
        }
    }
    return until && *until > now ? until : std::nullopt;
}

void WebhookDesk::release(std::uint64_t token, Duty& duty) noexcept {
    if (std::exchange(duty.is_held, false)) {
        holds_.erase({duty.due, token});
    }
}

void WebhookDesk::Listener::settle(std::uint64_t event, EventEnd end) {
    std::erase(under_way, event);
    ++(end == EventEnd::kDropped ? dropped : end == EventEnd::kDoubtful ? doubtful : taken);
    if (!under_way.empty()) {
        return;
    }
    // Only a telling that was taken as a whole changes the known count. A telling taken in part leaves a doubt; a
    // telling dropped as a whole changes nothing.
    if (dropped + doubtful == 0) {
        told = telling;
        is_known = true;
        has_heard = true;
    } else {
        is_doubtful = taken + doubtful > 0;
    }
    taken = dropped = doubtful = 0;
}

bool WebhookDesk::Listener::is_same(std::uint64_t a, std::uint64_t b) const {
    const bool counts = wants.test(static_cast<std::size_t>(WebhookEvent::kSubscriptionCount));
    return a == b || (!counts && (a > 0) == (b > 0));
}

bool WebhookDesk::Duty::is_waiting() const {
    return std::any_of(listeners.begin(), listeners.end(),
                       [](const Listener& listener) { return !listener.under_way.empty(); });
}

/// True when every endpoint knows the present count.
bool WebhookDesk::Duty::is_level() const {
    return std::all_of(listeners.begin(), listeners.end(), [this](const Listener& listener) {
        return listener.under_way.empty() && listener.told == change.count;
    });
}

/// A listener from the old configuration keeps its state. A listener without a webhook in the new configuration stays
/// until the events under way are settled.
void WebhookDesk::find_listeners(Duty& duty) const {
    if (duty.apps_no == apps_no_) {
        return;
    }
    std::vector<Listener> found;
    const auto app = apps_.find_by_id(app_of_key(duty.change.key));
    const std::string channel(channel_of_key(duty.change.key));
    std::map<EndpointId, Wants> wants;
    for (const WebhookEvent event : events_of(duty.change)) {
        for (EndpointId& endpoint : app ? endpoints_for(*app, event, channel) : std::vector<EndpointId>{}) {
            wants[std::move(endpoint)].set(static_cast<std::size_t>(event));
        }
    }
    for (Listener& known : duty.listeners) {
        const auto still = wants.extract(known.endpoint);
        known.wants = still ? still.mapped() : Wants{};
        if (still || !known.under_way.empty()) {
            found.push_back(std::move(known));
        }
    }
    for (const auto& [endpoint, events] : wants) {
        Listener& listener = found.emplace_back();
        listener.endpoint = endpoint;
        listener.wants = events;
        believe(listener, duty.change);
    }
    duty.listeners = std::move(found);
    duty.apps_no = apps_no_;
}

void WebhookDesk::consider(Instant now, std::uint64_t token, Duty& duty, WebhookEffects& out) {
    if (duty.is_ending) {
        if (!duty.is_waiting()) {
            out.push_back(last_word(token, duty));
            duties_.erase(token);
        }
        return;
    }
    if (!is_stopped_) {
        release(token, duty);
        find_listeners(duty);
        catch_up(now, token, duty, out);
    } else if (duty.listeners.empty()) {
        // Nothing of the duty has been told here; another node will tell the duty.
        return;
    }
    if (duty.is_level()) {
        release(token, duty);
        out.push_back(SettleDuty{token, duty.change.count});
        duties_.erase(token);
    }
}

/// Endpoints with the same last count are told together, as their events are written once.
void WebhookDesk::catch_up(Instant now, std::uint64_t token, Duty& duty, WebhookEffects& out) {
    // By the count told last.
    std::map<std::uint64_t, std::vector<Happening>> behind;
    bool is_wanted = false;
    for (const Listener& listener : duty.listeners) {
        if (listener.under_way.empty() && listener.told != duty.change.count) {
            const auto [group, is_new] = behind.try_emplace(listener.told);
            if (is_new) {
                group->second = happenings(duty.change, listener.told);
            }
            is_wanted = is_wanted || wants_any(listener.wants, group->second);
        }
    }
    std::optional<Instant> due;
    for (const auto& [told, all] : behind) {
        const std::optional<Instant> until = is_wanted ? hold_until(now, duty, told) : std::nullopt;
        if (until) {
            due = std::min(*until, due.value_or(*until));
        } else {
            tell(now, token, duty, told, all, out);
        }
    }
    if (due) {
        holds_.emplace(*due, token);
        duty.due = *due;
        duty.is_held = true;
    }
}

/// `all` goes to the idle endpoints with the last count `told`.
void WebhookDesk::tell(Instant now, std::uint64_t token, Duty& duty, std::uint64_t told,
                       const std::vector<Happening>& all, WebhookEffects& out) {
    std::vector<Listener*> group;
    for (Listener& listener : duty.listeners) {
        if (listener.under_way.empty() && listener.told == told) {
            listener.telling = duty.change.count;
            group.push_back(&listener);
        }
    }
    for (const Happening& what : all) {
        TellEndpoints telling{{}, what};
        for (Listener* listener : group) {
            if (listener->wants.test(static_cast<std::size_t>(what.event))) {
                tellings_.emplace(++last_id_, token);
                listener->under_way.push_back(last_id_);
                telling.endpoints.emplace_back(last_id_, listener->endpoint);
            }
        }
        if (telling.endpoints.empty()) {
            continue;
        }
        if (what.event == WebhookEvent::kSubscriptionCount && what.count > kEagerSubscribers) {
            counted_[duty.change.key] = now;
        }
        out.push_back(std::move(telling));
    }
    for (Listener* listener : group) {
        // The endpoint wants no event of this difference, and so knows the present count without a word.
        if (listener->under_way.empty()) {
            listener->told = duty.change.count;
            listener->is_known = true;
        }
    }
}

void WebhookDesk::speak_last(Instant now, WebhookEffects& out) {
    is_stopped_ = false;
    is_last_ = true;
    for (auto it = duties_.begin(); it != duties_.end();) {
        // consider() may settle the duty at once and erase the entry.
        const auto duty = it++;
        if (!duty->second.is_task) {
            consider(now, duty->first, duty->second, out);
        }
    }
}

void WebhookDesk::on_task(Instant now, std::uint64_t token, std::string_view key, WebhookEvent event, SharedBytes json,
                          WebhookEffects& out) {
    const auto [found, is_new] = duties_.try_emplace(token);
    if (!is_new) {
        return;
    }
    Duty& duty = found->second;
    duty.is_task = true;
    const std::size_t bytes = json ? json->size() : 0;
    TellEndpoints telling{{}, {event, std::string(channel_of_key(key)), {}, nullptr, 0, std::move(json)}};
    if (const auto app = apps_.find_by_id(app_of_key(key))) {
        for (EndpointId& endpoint : endpoints_for(*app, event, telling.what.channel)) {
            tellings_.emplace(++last_id_, token);
            Listener& listener = duty.listeners.emplace_back();
            listener.endpoint = endpoint;
            listener.under_way.push_back(last_id_);
            telling.endpoints.emplace_back(last_id_, std::move(endpoint));
        }
    }
    // Nobody wants the event: the task is done.
    if (telling.endpoints.empty()) {
        out.push_back(SettleDuty{token, 0});
        duties_.erase(found);
    } else {
        tasks_.emplace(token, Task{now, bytes});
        task_bytes_ += bytes;
        out.push_back(std::move(telling));
        relieve(now, out);
    }
}

void WebhookDesk::forget_task(std::uint64_t token) {
    if (const auto task = tasks_.extract(token)) {
        TULLE_ASSERT(task.mapped().bytes <= task_bytes_);
        task_bytes_ -= task.mapped().bytes;
    }
}

void WebhookDesk::relieve(Instant now, WebhookEffects& out) {
    while (!is_stopped_ && has_too_many_tasks() && tasks_.begin()->second.since + kWebhookTaskPatience <= now) {
        const auto duty = duties_.find(tasks_.begin()->first);
        TULLE_ASSERT(duty != duties_.end() && duty->second.is_task);
        for (const Listener& listener : duty->second.listeners) {
            for (const std::uint64_t id : listener.under_way) {
                // The event stays in the queue, but the result no longer concerns the mesh.
                tellings_.erase(id);
                own_events_.insert(id);
            }
        }
        out.push_back(SettleDuty{duty->first, 0});
        forget_task(duty->first);
        duties_.erase(duty);
    }
}

std::optional<std::uint64_t> WebhookDesk::token_of(std::uint64_t event) const {
    const auto telling = tellings_.find(event);
    return telling == tellings_.end() ? std::nullopt : std::optional(telling->second);
}

void WebhookDesk::on_settled(Instant now, const EventSettled& settled, WebhookEffects& out) {
    const auto telling = tellings_.find(settled.id);
    if (telling == tellings_.end()) {
        // Nobody waits for the event: the task was relieved, or the duty abandoned.
        own_events_.erase(settled.id);
        return;
    }
    const auto found = duties_.find(telling->second);
    TULLE_ASSERT(found != duties_.end());
    tellings_.erase(telling);
    Duty& duty = found->second;
    const auto listener = std::find_if(duty.listeners.begin(), duty.listeners.end(), [&settled](const Listener& one) {
        return std::find(one.under_way.begin(), one.under_way.end(), settled.id) != one.under_way.end();
    });
    TULLE_ASSERT(listener != duty.listeners.end());
    listener->settle(settled.id, settled.end);
    if (duty.is_task) {
        if (!duty.is_waiting()) {
            out.push_back(SettleDuty{found->first, 0});
            forget_task(found->first);
            duties_.erase(found);
        }
    } else if (listener->is_doubtful && !duty.is_ending) {
        // A doubt cannot be settled here. The mesh comes again with a new token, and everything is told again.
        end(found->first, duty, out);
    } else if (listener->under_way.empty()) {
        consider(now, found->first, duty, out);
    }
}

void WebhookDesk::on_revoked(std::uint64_t token, WebhookEffects& out) {
    const auto found = duties_.find(token);
    if (found != duties_.end() && !found->second.is_ending) {
        end(token, found->second, out);
    }
}

/// Drops the events under way. The answer follows when the queue has settled them.
void WebhookDesk::end(std::uint64_t token, Duty& duty, WebhookEffects& out) {
    release(token, duty);
    duty.is_ending = true;
    DropEvents drop;
    for (const Listener& listener : duty.listeners) {
        for (const std::uint64_t id : listener.under_way) {
            drop.endpoints.emplace_back(id, listener.endpoint);
        }
    }
    if (drop.endpoints.empty()) {
        out.push_back(last_word(token, duty));
        duties_.erase(token);
    } else {
        out.push_back(std::move(drop));
    }
}

/// If no endpoint has heard anything, the mesh's own count stands. Else the best answer is the count known to most
/// endpoints. Among several such counts, prefer a count heard here, then the present count, so that no endpoint hears
/// anything twice.
SettleDuty WebhookDesk::last_word(std::uint64_t token, const Duty& duty) {
    TULLE_ASSERT(!duty.is_waiting());
    const bool is_news = std::any_of(duty.listeners.begin(), duty.listeners.end(), [](const Listener& listener) {
        return listener.has_heard || listener.is_doubtful;
    });
    if (!is_news) {
        return {token, 0, DutyEnd::kDropped};
    }
    SettleDuty best{token, 0, DutyEnd::kUnknown};
    std::tuple<std::size_t, bool, bool> least;
    for (const Listener& one : duty.listeners) {
        std::string behind;
        std::size_t others = 0;
        for (const Listener& other : duty.listeners) {
            if (!other.is_known || other.is_doubtful || !other.is_same(other.told, one.told)) {
                behind += mark_of(other.endpoint);
                ++others;
            }
        }
        const std::tuple score{others, !one.has_heard, one.told != duty.change.count};
        if (one.is_known && !one.is_doubtful && (best.end == DutyEnd::kUnknown || score < least)) {
            least = score;
            best = {token, one.told, others == 0 ? DutyEnd::kTold : DutyEnd::kPartly, std::move(behind)};
        }
    }
    return best;
}

void WebhookDesk::abandon(std::uint64_t token) {
    const auto found = duties_.find(token);
    if (found == duties_.end()) {
        return;
    }
    release(token, found->second);
    forget_task(token);
    std::erase_if(tellings_, [token](const auto& telling) { return telling.second == token; });
    duties_.erase(found);
}

void WebhookDesk::on_deadline(Instant now, WebhookEffects& out) {
    while (!is_stopped_ && !holds_.empty() && holds_.begin()->first <= now) {
        const std::uint64_t token = holds_.begin()->second;
        consider(now, token, duties_.find(token)->second, out);
    }
    relieve(now, out);
    std::erase_if(counted_, [now](const auto& entry) { return entry.second + kCountInterval <= now; });
}

std::optional<Instant> WebhookDesk::next_deadline() const {
    if (is_stopped_) {
        return std::nullopt;
    }
    std::optional<Instant> next = holds_.empty() ? std::nullopt : std::optional(holds_.begin()->first);
    if (has_too_many_tasks()) {
        const Instant relief = tasks_.begin()->second.since + kWebhookTaskPatience;
        next = std::min(relief, next.value_or(relief));
    }
    return next;
}

}  // namespace tulle::node
