#include "mesh/core/retained/retained.hpp"

#include <algorithm>
#include <utility>

#include "mesh/base/assert.hpp"
#include "mesh/core/node/tell.hpp"

namespace tulle::mesh {

void Retained::stamp(Instant now, Record& record) {
    // A publish may name a time without any retaining channel.
    if (record.retained == 0) {
        record.keep_for = {};
        return;
    }
    record.stamp = {clock_.stamp(now), context_.options().oid};
    name_keepers({0, record.retained}, kKeepers, record);
}

void Retained::name_keepers(ChannelRange channels, std::size_t count, Record& record) const {
    TULLE_ASSERT(channels.first + channels.count <= record.channels.size());
    for (std::size_t i = channels.first; i < channels.first + channels.count; ++i) {
        for (const OriginId oid : table_.keepers(record.channels[i], count)) {
            if (std::find(record.keepers.begin(), record.keepers.end(), oid) == record.keepers.end()) {
                record.keepers.push_back(oid);
            }
        }
    }
}

void Retained::on_record(Instant now, OriginId origin, const Record& record) {
    hold(now, record, false, sees_others(now, origin) ? origin : OriginId{});
}

bool Retained::sees_others(Instant now, OriginId origin) const {
    const Session* session = context_.sessions().find(origin);
    // The members of a peer without a heartbeat for that long may have changed since.
    return session != nullptr && (session->sees_others || session->beats.echo_at + context_.timing().suspicion <= now);
}

void Retained::hold(Instant now, const Record& record, bool own, OriginId teller) {
    // Stamps of events accepted here later must be greater than every stamp seen.
    clock_.see(now, record.stamp.time_us);
    for (std::size_t i = 0; i < record.retained; ++i) {
        table_.put(now, record.channels[i], {record.stamp, record.body, now + record.keep_for}, own, teller);
    }
}

void Retained::on_filled(Instant now, const Record& record) {
    hold(now, record, false, {});
    for (std::size_t i = 0; i < record.retained; ++i) {
        const RetainedEvent* held = table_.find(now, record.channels[i]);
        if (held != nullptr && held->stamp == record.stamp) {
            owe_interested(record.channels[i], table_.keepers(record.channels[i]));
        }
    }
}

void Retained::pass_on(Instant now, OriginId origin, const Record& record) const {
    // The origin sees the same members, so the origin has named all keepers itself.
    if (!sees_others(now, origin)) {
        return;
    }
    Sessions& sessions = context_.sessions();
    for (std::size_t i = 0; i < record.retained; ++i) {
        const std::string& channel = record.channels[i];
        const std::vector<OriginId> keepers = table_.keepers(channel);
        // A node that is no keeper by its own view and has subscribers may have the event only for the subscribers.
        const bool for_subscribers = local_.shards_of(retained_key(channel)) != 0;
        if (for_subscribers && std::find(keepers.begin(), keepers.end(), context_.options().oid) == keepers.end()) {
            continue;
        }
        for (const OriginId keeper : keepers) {
            if (Session* session = keeper == origin ? nullptr : sessions.find(keeper)) {
                sessions.touch(*session);
                owe(*session, channel);
            }
        }
    }
}

RecordPtr Retained::without_answered(OriginId from, const RecordPtr& record) const {
    std::vector<std::string> left;
    for (std::size_t i = 0; i < record->channels.size(); ++i) {
        if (i >= record->retained || !table_.is_answered(from, record->channels[i], record->n)) {
            left.push_back(record->channels[i]);
        }
    }
    if (left.size() == record->channels.size()) {
        return record;
    }
    if (left.empty()) {
        return nullptr;
    }
    // A copy: other shards and links share the original.
    Record news = *record;
    news.retained -= record->channels.size() - left.size();
    news.channels = std::move(left);
    return std::make_shared<const Record>(std::move(news));
}

RetainedPart Retained::part(Instant now, const std::string& channel) const {
    RetainedPart part{.channel = channel, .version = {}, .at = {}};
    if (const RetainedEvent* event = table_.find(now, channel)) {
        part.stamp = event->stamp;
        part.body = event->body;
        part.left = event->until - now;
    }
    return part;
}

bool Retained::accept(Instant now, OriginId from, const RetainedPart& part, Effects& out) {
    clock_.see(now, part.stamp.time_us);
    const RetainedEvent* held = table_.find(now, part.channel);
    // Told before the table takes the event in, because the table then no longer knows whether the event was newer.
    if (part.stamp.time_us != 0 && (held == nullptr || held->stamp < part.stamp)) {
        tell_last(part.channel, {part.stamp, part.body, now + part.left}, out);
    }
    return table_.accept(now, from, part, local_.since(retained_key(part.channel)));
}

void Retained::tell_last(const std::string& channel, const RetainedEvent& event, Effects& out) const {
    tell_shards(context_.audience().shards_of(retained_key(channel)), RetainedFound{channel, event}, out);
}

void Retained::drop(ShardIndex shard, const std::string& channel) {
    const std::string key = retained_key(channel);
    local_.remove(shard, key);
    if (local_.shards_of(key) == 0) {
        table_.forget(channel);
    }
}

bool Retained::all_answered(const std::string& channel) const {
    const InterestVersion since = local_.since(retained_key(channel)).value_or(InterestVersion{});
    const Sessions& sessions = context_.sessions();
    return std::all_of(sessions.begin(), sessions.end(),
                       [&](const auto& entry) { return table_.knows(entry.first, channel, since); });
}

void Retained::tick(Instant now) {
    for (const RetainedTable::HandOn& moved : table_.on_deadline(now)) {
        if (moved.to == OriginId{}) {
            owe_interested(moved.channel, {});
        } else if (Session* session = context_.sessions().find(moved.to)) {
            context_.sessions().touch(*session);
            owe(*session, moved.channel);
        }
    }
}

void Retained::owe_interested(const std::string& channel, const std::vector<OriginId>& keepers) const {
    for (auto& [oid, session] : context_.sessions()) {
        if (std::find(keepers.begin(), keepers.end(), oid) != keepers.end() ||
            context_.audience().wants(MeshContext::reader(session), retained_key(channel))) {
            context_.sessions().touch(session);
            owe(session, channel);
        }
    }
}

void Retained::owe_lately(Instant now, Session& session) const {
    // All events that the peer asks for, old ones too, would be safe as well. But a link that is slow because of much
    // traffic would lose the next part of the log while the events are sent, and owe all of the events once more.
    const auto asks = [&](const std::string& channel) {
        return interest_.interested(session.interest.slot, retained_key(channel));
    };
    for (const std::string& channel : table_.lately_for(now, session.oid, asks)) {
        owe(session, channel);
    }
}

void Retained::owe(Session& session, const std::string& channel) const {
    session.data.sender.owe(retained_key(channel),
                            interest_.version(session.interest.slot).value_or(InterestVersion{}));
}

}  // namespace tulle::mesh
