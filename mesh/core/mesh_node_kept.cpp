#include <algorithm>
#include <utility>

#include "mesh/core/mesh_node.hpp"

namespace tulle::mesh {
namespace {

/// Channels that wait, looked at for each peer and heartbeat; the next look goes on from there. Of a peer that tells
/// nothing one of these is found at once.
constexpr std::size_t kUntoldLooked = 256;

}  // namespace

/// The members that a record with kept channels is due to although they may have no subscriber.
void MeshNode::stamp(Instant now, Record& record) {
    if (record.kept == 0) {
        record.keep_for = {};
        return;
    }
    record.stamp = {clock_.stamp(now), options_.oid};
    for (std::size_t i = 0; i < record.kept; ++i) {
        for (const OriginId oid : kept_.keepers(record.channels[i])) {
            if (std::find(record.keepers.begin(), record.keepers.end(), oid) == record.keepers.end()) {
                record.keepers.push_back(oid);
            }
        }
    }
}

void MeshNode::keep(Instant now, const Record& record, bool own) {
    clock_.see(now, record.stamp.time_us);
    for (std::size_t i = 0; i < record.kept; ++i) {
        kept_.put(now, record.channels[i], {record.stamp, record.body, now + record.keep_for}, own);
    }
}

/// The record without the channels on which the answers of its origin have brought it, or a later one, already; null
/// when none is left.
RecordPtr MeshNode::news_of(OriginId from, const RecordPtr& record) const {
    std::vector<std::string> left;
    for (std::size_t i = 0; i < record->channels.size(); ++i) {
        if (i >= record->kept || !kept_.is_answered(from, record->channels[i], record->n)) {
            left.push_back(record->channels[i]);
        }
    }
    if (left.size() == record->channels.size()) {
        return record;
    }
    if (left.empty()) {
        return nullptr;
    }
    Record news = *record;
    news.kept -= record->channels.size() - left.size();
    news.channels = std::move(left);
    return std::make_shared<const Record>(std::move(news));
}

KeptPart MeshNode::kept_part(Instant now, const std::string& channel) const {
    KeptPart part{.channel = channel, .version = {}, .at = {}};
    if (const KeptEvent* event = kept_.find(now, channel)) {
        part.stamp = event->stamp;
        part.body = event->body;
        part.left = event->until - now;
    }
    return part;
}

void MeshNode::on_kept(Instant now, OriginId from, Link& link, const KeptPart& part, Effects& out) {
    link.told_at = now;
    clock_.see(now, part.stamp.time_us);
    const KeptEvent* held = kept_.find(now, part.channel);
    if (part.stamp.time_us != 0 && (held == nullptr || held->stamp < part.stamp)) {
        tell_last(part.channel, {part.stamp, part.body, now + part.left}, out);
    }
    if (kept_.accept(now, from, part, local_.since(kept_key(part.channel)))) {
        confirm_told(now, part.channel, out);
    }
}

/// To shards whose subscribers have missed it: whoever subscribes later is to get it.
void MeshNode::tell_last(const std::string& channel, const KeptEvent& event, Effects& out) const {
    const std::uint64_t shards = local_.shards_of(kept_key(channel));
    for (std::uint16_t i = 0; i < kMaxShards; ++i) {
        if ((shards >> i) & 1) {
            out.push_back(ToPort{ShardIndex{i}, LastEvent{channel, event}});
        }
    }
}

void MeshNode::members_changed() {
    std::vector<OriginId> others;
    for (const auto& [oid, link] : links_) {
        others.push_back(oid);
    }
    kept_.set_members(std::move(others));
}

void MeshNode::hand_on(Instant now) {
    for (const KeptTable::HandOn& moved : kept_.on_deadline(now)) {
        for (auto& [oid, link] : links_) {
            const bool is_interested = moved.to == OriginId{} && table_.interested(link.slot, kept_key(moved.channel));
            if (oid == moved.to || is_interested) {
                touch(link);
                owe_kept(link, moved.channel);
            }
        }
    }
}

void MeshNode::owe_kept(Link& link, const std::string& channel) {
    link.sender.owe(kept_key(channel), table_.version(link.slot).value_or(InterestVersion{}));
}

/// Of every session, also of one whose peer has not fetched our interest yet: nothing else makes sure that it tells us.
bool MeshNode::all_answered(const std::string& channel) const {
    const InterestVersion since = local_.since(kept_key(channel)).value_or(InterestVersion{});
    return std::all_of(links_.begin(), links_.end(),
                       [&](const auto& entry) { return kept_.knows(entry.first, channel, since); });
}

/// A shard has no subscriber left.
void MeshNode::drop_kept(ShardIndex shard, const std::string& channel) {
    const std::string key = kept_key(channel);
    local_.remove(shard, key);
    if (local_.shards_of(key) == 0) {
        kept_.forget(channel);
    }
}

// ---- answers that wait for what every member says of the channel
// -----------------------------------------------------

bool MeshNode::is_told(const Barrier::Waiting& waiting) const {
    return (!waiting.presence || all_listed(waiting.answer.channel)) &&
           (!waiting.kept || all_answered(waiting.answer.channel));
}

/// REQUIRES: every member holds our interest in the channel. Answers, or waits for what they say of it.
void MeshNode::confirm(Instant now, Barrier::Waiting waiting, Effects& out) {
    if (!is_told(waiting)) {
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
    if (waiting.kept) {
        kept_.confirmed(answer.channel);
        if (const KeptEvent* event = kept_.find(now, answer.channel)) {
            answer.last = *event;
        }
    }
    out.push_back(ToPort{waiting.shard, std::move(answer)});
}

void MeshNode::confirm_told(Instant now, const std::string& channel, Effects& out) {
    auto waiting = untold_.extract(channel);
    if (!waiting) {
        return;
    }
    for (Barrier::Waiting& one : waiting.mapped()) {
        confirm(now, std::move(one), out);
    }
}

/// One peer less to wait for.
void MeshNode::confirm_all_told(Instant now, Effects& out) {
    std::vector<std::string> channels;
    for (const auto& [channel, waiting] : untold_) {
        channels.push_back(channel);
    }
    for (const std::string& channel : channels) {
        confirm_told(now, channel, out);
    }
}

bool MeshNode::has_told(OriginId oid, const Link& link, const Barrier::Waiting& waiting) const {
    const std::string& channel = waiting.answer.channel;
    const auto is_owed = [&](const std::optional<InterestVersion>& since) {
        return since && link.feed.acked() >= *since;
    };
    const auto members = waiting.presence ? local_.since(presence_key(channel)) : std::nullopt;
    const auto last = waiting.kept ? local_.since(kept_key(channel)) : std::nullopt;
    return !(is_owed(members) && !presence_.knows(oid, channel, *members)) &&
           !(is_owed(last) && !kept_.knows(oid, channel, *last));
}

/// A tail comes each second: one is missing.
bool MeshNode::is_data_silent(Instant now, const Link& link) const {
    return now - link.data_heard_at >= options_.timing.data_keepalive * 3 / 2;
}

/// A peer that acknowledges interest but never says who is there, or what was last, must not hold subscriptions up for
/// ever. What it owes may queue behind its other frames, which are bounded by its credit: so long as these come it has
/// three times as long. As for interest, it is slow only if it says something, and then for a bounded time. A data path
/// that has been silent is no reason by itself: it is dialled again only later than the short patience with a peer that
/// has failed before ends, and when it speaks again, what was lost meanwhile is on its way.
void MeshNode::check_told(Instant now, OriginId oid, Link& link, Effects& out) {
    if (!link.feed.counted() || link.feed.acked() < link.up_version || untold_.empty()) {
        link.told_at = now;
        link.in_step_at = now;
        return;
    }
    const Timing& timing = options_.timing;
    const bool speaks = !is_data_silent(now, link);
    const bool steady = speaks && now - link.data_steady_since >= timing.interest_patience_again;
    const Duration patience =
        membership_.was_stuck(oid) && steady ? timing.interest_patience_again : timing.interest_patience;
    const Duration none = now - link.told_at;
    const bool may_queue = now - link.framed_at < patience || (speaks && !steady);
    const bool is_silent = none >= patience && (!may_queue || none >= 3 * patience);
    auto it = untold_.upper_bound(link.untold_looked);
    for (std::size_t left = std::min(kUntoldLooked, untold_.size()); left > 0; --left, ++it) {
        it = it == untold_.end() ? untold_.begin() : it;
        link.untold_looked = it->first;
        const Barrier::Waiting& oldest = it->second.front();
        const Duration waits = now - std::max(oldest.untold_since, link.in_step_at);
        const bool too_long = (is_silent && waits >= patience) || waits >= most_patience();
        if (too_long && !has_told(oid, link, oldest)) {
            membership_.give_up_stuck(now, oid,
                                      "it has not told us of a channel for " + std::to_string(waits / 1ms) +
                                          " ms, and new subscriptions wait for it",
                                      out);
            return;
        }
    }
}

// ---- usage
// -----------------------------------------------------------------------------------------------------------

void MeshNode::tick_usage(Instant now, Effects& out) {
    UsageTable::Out due = usage_.on_deadline(now);
    if (due.to_members) {
        for (const auto& [oid, link] : links_) {
            membership_.send(oid, *due.to_members, out);
        }
    }
    for (auto& [shard, usage] : due.to_shards) {
        out.push_back(ToPort{shard, std::move(usage)});
    }
}

}  // namespace tulle::mesh
