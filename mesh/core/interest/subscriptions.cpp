#include "mesh/core/interest/subscriptions.hpp"

#include <algorithm>
#include <utility>

namespace tulle::mesh {
namespace {

/// Waiting channels that check() looks at for each peer and heartbeat. The next check() goes on from the last channel.
/// Any channel gives a silent peer away, so a small number is enough.
constexpr std::size_t kUntoldLooked = 256;

}  // namespace

void Subscriptions::on(Instant now, ShardIndex shard, const Subscribe& subscribe, Effects& out) {
    InterestTicket ticket = local_.add(shard, subscribe.channel);
    // Users and retained events are asked for by interest in marked keys. The subscription waits for the latest ticket.
    if (subscribe.presence) {
        ticket = std::max(ticket, local_.add(shard, presence_key(subscribe.channel)));
    }
    if (subscribe.retained) {
        ticket = std::max(ticket, local_.add(shard, retained_key(subscribe.channel)));
        retained_.want(subscribe.channel);
    }
    // Changes wait for a version: see whether the window can move on.
    if (local_.is_backed_up()) {
        move_window(now, out);
    }
    Waiting waiting{shard,
                    {.channel = subscribe.channel, .generation = subscribe.generation, .members = nullptr},
                    subscribe.presence,
                    subscribe.retained};
    // Covered already, for example when another shard has the channel, or without peers.
    if (ticket <= local_.covered(window_.acked_by_all())) {
        confirm(now, std::move(waiting), out);
    } else {
        barrier_.wait(ticket, std::move(waiting));
    }
}

void Subscriptions::on(Instant now, ShardIndex shard, const Unsubscribe& unsubscribe, Effects& out) {
    const std::string& channel = unsubscribe.channel;
    // With the channel ends the shard's interest in the marked keys of the channel.
    presence_.drop(now, shard, channel, out);
    retained_.drop(shard, channel);
    local_.remove(shard, channel);
    barrier_.forget(shard, channel);
    if (const auto untold = untold_.find(channel); untold != untold_.end()) {
        std::erase_if(untold->second, [shard](const Waiting& waiting) { return waiting.shard == shard; });
        if (untold->second.empty()) {
            untold_.erase(untold);
        }
    }
    if (local_.is_backed_up()) {
        move_window(now, out);
    }
}

void Subscriptions::move_window(Instant now, Effects& out) {
    window_.open();
    for (Waiting& waiting : barrier_.release(local_.covered(window_.acked_by_all()))) {
        confirm(now, std::move(waiting), out);
    }
}

void Subscriptions::tick(Instant now, Effects& out) {
    if (local_.is_backed_up() && window_.is_unheard()) {
        move_window(now, out);
    }
}

bool Subscriptions::is_told(const Waiting& waiting) const {
    return (!waiting.presence || presence_.all_listed(waiting.answer.channel)) &&
           (!waiting.retained || retained_.all_answered(waiting.answer.channel));
}

void Subscriptions::confirm(Instant now, Waiting waiting, Effects& out) {
    if (!is_told(waiting)) {
        // The start stays when the subscription comes here again, so that the peer's patience is not prolonged.
        if (waiting.untold_since == Instant{}) {
            waiting.untold_since = now;
        }
        untold_[waiting.answer.channel].push_back(std::move(waiting));
        return;
    }
    Subscribed& answer = waiting.answer;
    if (waiting.presence) {
        answer.members = presence_.members(answer.channel);
    }
    if (waiting.retained) {
        retained_.confirmed(answer.channel);
        if (const RetainedEvent* event = retained_.find(now, answer.channel)) {
            answer.last = *event;
        }
    }
    out.push_back(ToPort{waiting.shard, std::move(answer)});
}

void Subscriptions::on_told(Instant now, const std::string& channel, Effects& out) {
    // Taken out first: confirm() puts a subscription back when another peer still owes an answer.
    auto waiting = untold_.extract(channel);
    if (!waiting) {
        return;
    }
    for (Waiting& one : waiting.mapped()) {
        confirm(now, std::move(one), out);
    }
}

void Subscriptions::session_up(Instant now, Session& session) const {
    session.answering.up_version = local_.log().version();
    session.answering.told_at = now;
    session.answering.in_step_at = now;
}

void Subscriptions::session_down(Instant now, Effects& out) {
    acknowledged(now, out);
    // A copy of the names, because on_told() changes the map.
    std::vector<std::string> channels;
    for (const auto& [channel, waiting] : untold_) {
        channels.push_back(channel);
    }
    for (const std::string& channel : channels) {
        on_told(now, channel, out);
    }
}

void Subscriptions::forgive(Duration late) {
    for (auto& [oid, session] : context_.sessions()) {
        session.answering.told_at += late;
        session.answering.in_step_at += late;
    }
    for (auto& [channel, waiting] : untold_) {
        for (Waiting& one : waiting) {
            one.untold_since += late;
        }
    }
}

bool Subscriptions::has_told(const Session& session, const Waiting& waiting) const {
    const std::string& channel = waiting.answer.channel;
    const auto is_owed = [&](const std::optional<InterestVersion>& since) {
        return since && session.interest.feed.acked() >= *since;
    };
    const auto members = waiting.presence ? local_.since(presence_key(channel)) : std::nullopt;
    const auto last = waiting.retained ? local_.since(retained_key(channel)) : std::nullopt;
    return !(is_owed(members) && !presence_.knows(session.oid, channel, *members)) &&
           !(is_owed(last) && !retained_.knows(session.oid, channel, *last));
}

bool Subscriptions::is_silent(Instant now, const Session& session, Duration& patience) const {
    const Timing& timing = context_.timing();
    // Only a peer with a steady data path may be judged by the short patience: after a pause the answers need time to
    // come.
    const bool speaks = !session.data.is_silent(now, timing);
    const bool steady = speaks && now - session.data.steady_since >= timing.interest_patience_again;
    patience = context_.was_given_up(session.oid) && steady ? timing.interest_patience_again : timing.interest_patience;
    const Duration none = now - session.answering.told_at;
    // The answers may stand behind other frames: frames came lately, or the data path has just begun to speak.
    const bool may_queue = now - session.data.framed_at < patience || (speaks && !steady);
    return none >= patience && (!may_queue || none >= 3 * patience);
}

void Subscriptions::check(Instant now, Session& session, Effects& out) {
    const InterestFeed& feed = session.interest.feed;
    Answering& answering = session.answering;
    // The peer does not know this node's interest yet, or nothing waits: the peer owes nothing, and no patience runs.
    if (!feed.counted() || feed.acked() < answering.up_version || untold_.empty()) {
        answering.told_at = now;
        answering.in_step_at = now;
        return;
    }
    Duration patience{};
    const bool silent = is_silent(now, session, patience);
    // Round the map from where the last look ended.
    auto it = untold_.upper_bound(answering.looked);
    for (std::size_t left = std::min(kUntoldLooked, untold_.size()); left > 0; --left, ++it) {
        it = it == untold_.end() ? untold_.begin() : it;
        answering.looked = it->first;
        // Subscriptions of a channel wait in the order of arrival.
        const Waiting& oldest = it->second.front();
        const Duration waits = now - std::max(oldest.untold_since, answering.in_step_at);
        const bool too_long = (silent && waits >= patience) || waits >= window_.most_patience();
        if (too_long && !has_told(session, oldest)) {
            context_.give_up(now, session.oid,
                             "it has not told us of a channel for " + std::to_string(waits / 1ms) +
                                 " ms, and new subscriptions wait for it",
                             out);
            return;
        }
    }
}

std::size_t Subscriptions::waiting() const {
    std::size_t all = barrier_.size();
    for (const auto& [channel, waiting] : untold_) {
        all += waiting.size();
    }
    return all;
}

}  // namespace tulle::mesh
