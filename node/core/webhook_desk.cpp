#include "node/core/webhook_desk.hpp"

#include <algorithm>

#include "node/core/app_webhooks.hpp"
#include "node/core/channel_name.hpp"

namespace tulle::node {

WebhookDesk::WebhookDesk(AppTable apps, Duration vacated_hold, Duration removed_hold)
    : apps_(std::move(apps)), vacated_hold_(vacated_hold), removed_hold_(removed_hold) {}

void WebhookDesk::on_changed(Instant now, DutyChange change, WebhookEffects& out) {
    const std::uint64_t token = change.token;
    if (token <= last_change_ && !duties_.contains(token)) {
        return;  // it has crossed our answer; the mesh comes again with another token if something differs
    }
    last_change_ = std::max(last_change_, token);
    const auto [found, is_new] = duties_.try_emplace(token);
    Duty& duty = found->second;
    if (change.count == 0 && (is_new || duty.change.count > 0)) {
        duty.gone_since = now;
    }
    if (!change.card && !is_new) {
        change.card = duty.change.card;
    }
    duty.change = std::move(change);
    consider(now, token, duty, out);
}

std::vector<Happening> WebhookDesk::happenings(const DutyChange& change) const {
    const std::string channel(channel_of_key(change.key));
    const bool is_there = change.count > 0;
    const bool was_there = change.told > 0;
    std::vector<Happening> all;
    if (!change.user.empty()) {
        if (is_there != was_there) {
            all.push_back({is_there ? WebhookEvent::kMemberAdded : WebhookEvent::kMemberRemoved, channel, change.user,
                           change.card, 0, nullptr});
        }
        return all;
    }
    if (is_there && !was_there) {
        all.push_back({WebhookEvent::kChannelOccupied, channel, {}, nullptr, 0, nullptr});
    }
    if (change.count != change.told && classify(channel).type != ChannelType::kPresence) {
        all.push_back({WebhookEvent::kSubscriptionCount, channel, {}, nullptr, change.count, nullptr});
    }
    if (!is_there && was_there) {
        all.push_back({WebhookEvent::kChannelVacated, channel, {}, nullptr, 0, nullptr});
    }
    return all;
}

std::optional<Instant> WebhookDesk::hold_until(Instant now, const Duty& duty) const {
    if (is_last_) {
        return std::nullopt;
    }
    const DutyChange& change = duty.change;
    std::optional<Instant> until;
    if (change.told > 0 && change.count == 0) {
        until = duty.gone_since + (change.user.empty() ? vacated_hold_ : removed_hold_);
    } else if (change.told > 0 && change.count > kEagerSubscribers) {
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

void WebhookDesk::consider(Instant now, std::uint64_t token, Duty& duty, WebhookEffects& out) {
    if (duty.waits_for > 0 || is_stopped_) {
        return;  // the mesh comes again when this one is settled, or has it revoked
    }
    release(token, duty);
    const std::vector<Happening> all = happenings(duty.change);
    const auto app = apps_.find_by_id(app_of_key(duty.change.key));
    const bool is_wanted = app != nullptr && std::any_of(all.begin(), all.end(), [&app](const Happening& what) {
        return has_webhook_for(*app, what.event, what.channel);
    });
    if (const std::optional<Instant> until = is_wanted ? hold_until(now, duty) : std::nullopt) {
        duty.due = *until;
        duty.is_held = true;
        holds_.emplace(*until, token);
        return;
    }
    duty.telling = duty.change.count;
    duty.first_id = last_id_ + 1;
    for (const Happening& what : all) {
        const std::size_t told = tell(token, duty.change.key, what, out);
        duty.waits_for += told;
        if (told > 0 && what.event == WebhookEvent::kSubscriptionCount && what.count > kEagerSubscribers) {
            counted_[duty.change.key] = now;
        }
    }
    if (duty.waits_for == 0) {
        out.push_back(SettleDuty{token, duty.telling});
        duties_.erase(token);
    }
}

void WebhookDesk::speak_last(Instant now, WebhookEffects& out) {
    is_stopped_ = false;
    is_last_ = true;
    for (auto it = duties_.begin(); it != duties_.end();) {
        const auto duty = it++;  // which may be done at once
        consider(now, duty->first, duty->second, out);
    }
}

std::size_t WebhookDesk::tell(std::uint64_t token, std::string_view key, Happening what, WebhookEffects& out) {
    const auto app = apps_.find_by_id(app_of_key(key));
    if (app == nullptr) {
        return 0;
    }
    TellEndpoints telling{{}, std::move(what)};
    for (EndpointId& endpoint : endpoints_for(*app, telling.what.event, telling.what.channel)) {
        tellings_.emplace(++last_id_, Telling{token, endpoint});
        telling.endpoints.emplace_back(last_id_, std::move(endpoint));
    }
    const std::size_t told = telling.endpoints.size();
    if (told > 0) {
        out.push_back(std::move(telling));
    }
    return told;
}

void WebhookDesk::on_task(std::uint64_t token, std::string_view key, WebhookEvent event, SharedBytes json,
                          WebhookEffects& out) {
    const auto [found, is_new] = duties_.try_emplace(token);
    if (!is_new) {
        return;
    }
    Happening what{event, std::string(channel_of_key(key)), {}, nullptr, 0, std::move(json)};
    found->second.waits_for = tell(token, key, std::move(what), out);
    if (found->second.waits_for == 0) {
        out.push_back(SettleDuty{token, 0});
        duties_.erase(found);
    }
}

DutyEnd WebhookDesk::Duty::end() const {
    if (dropped + doubtful == 0) {
        return DutyEnd::kTold;
    }
    return taken + doubtful == 0 ? DutyEnd::kDropped : DutyEnd::kUnknown;
}

void WebhookDesk::on_settled(const EventSettled& settled, WebhookEffects& out) {
    const auto telling = tellings_.find(settled.id);
    if (telling == tellings_.end()) {
        return;
    }
    const auto found = duties_.find(telling->second.token);
    tellings_.erase(telling);
    Duty& duty = found->second;
    ++(settled.end == EventEnd::kDropped ? duty.dropped : settled.end == EventEnd::kDoubtful ? duty.doubtful : duty.taken);
    if (--duty.waits_for == 0) {
        out.push_back(SettleDuty{found->first, duty.telling, duty.end()});
        duties_.erase(found);
    }
}

void WebhookDesk::on_revoked(std::uint64_t token, WebhookEffects& out) {
    const auto found = duties_.find(token);
    if (found == duties_.end()) {
        return;
    }
    Duty& duty = found->second;
    release(token, duty);
    if (duty.waits_for == 0) {
        out.push_back(SettleDuty{token, 0, DutyEnd::kDropped});
        duties_.erase(found);
        return;
    }
    DropEvents drop;
    for (auto it = tellings_.lower_bound(duty.first_id); it != tellings_.end() && it->second.token == token; ++it) {
        drop.endpoints.emplace_back(it->first, it->second.endpoint);
    }
    out.push_back(std::move(drop));
}

void WebhookDesk::abandon(std::uint64_t token) {
    const auto found = duties_.find(token);
    if (found == duties_.end()) {
        return;
    }
    release(token, found->second);
    std::erase_if(tellings_, [token](const auto& telling) { return telling.second.token == token; });
    duties_.erase(found);
}

void WebhookDesk::on_deadline(Instant now, WebhookEffects& out) {
    while (!is_stopped_ && !holds_.empty() && holds_.begin()->first <= now) {
        const std::uint64_t token = holds_.begin()->second;
        consider(now, token, duties_.find(token)->second, out);
    }
    std::erase_if(counted_, [now](const auto& entry) { return entry.second + kCountInterval <= now; });
}

std::optional<Instant> WebhookDesk::next_deadline() const {
    return holds_.empty() || is_stopped_ ? std::nullopt : std::optional(holds_.begin()->first);
}

}  // namespace tulle::node
