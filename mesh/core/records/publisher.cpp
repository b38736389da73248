#include "mesh/core/records/publisher.hpp"

#include <algorithm>

namespace tulle::mesh {
namespace {

/// Checks the limits of port.hpp and record.hpp. The edge checks the same limits first, so a violation is a defect of
/// an edge; the hub answers kTooLarge and stays unharmed.
bool within_limits(const Publish& publish) {
    const auto too_long = [](const std::string& channel) {
        return channel.empty() || channel.size() > kMaxChannelBytes;
    };
    return !publish.channels.empty() && publish.channels.size() <= kMaxRecordChannels && publish.body != nullptr &&
           publish.body->size() <= kMaxBodyBytes && publish.retained <= publish.channels.size() &&
           publish.keep_for <= kMaxKeepFor && publish.exclude_socket.size() <= kMaxChannelBytes &&
           (!publish.context || publish.context->size() <= kMaxContextBytes) &&
           std::none_of(publish.channels.begin(), publish.channels.end(), too_long);
}

}  // namespace

PublishOutcome Publisher::judge(const Publish& publish) const {
    if (!may_number()) {
        return PublishOutcome::kNotReady;
    }
    if (!within_limits(publish)) {
        return PublishOutcome::kTooLarge;
    }
    // A peer of an older protocol has no words for data other than JSON, so some subscribers could not get the message.
    if (publish.body->kind() == DataKind::kBytes && membership_.common_protocol() < kProtocolOfBytes) {
        return PublishOutcome::kNotSpoken;
    }
    return PublishOutcome::kAccepted;
}

void Publisher::on(Instant now, ShardIndex shard, Publish& publish, Effects& out) {
    if (serving_.is_on() && hold(shard, publish)) {
        return;
    }
    const PublishOutcome outcome = judge(publish);
    if (outcome == PublishOutcome::kAccepted) {
        ++accepted_;
        Record record{.n = {},
                      .channels = std::move(publish.channels),
                      .body = std::move(publish.body),
                      .exclude_socket = std::move(publish.exclude_socket)};
        record.retained = publish.retained;
        record.keep_for = publish.keep_for;
        record.context = std::move(publish.context);
        // A traced message says when it was numbered too, so its way to other nodes can be a span.
        const bool is_timed = timed_.take(now) || record.context;
        record.numbered_us = is_timed ? std::max<std::int64_t>(0, now.time_since_epoch() / 1us) : 0;
        // The stamp and the keepers belong to the record, so the record gets both before the ring makes the record
        // immutable.
        retained_.stamp(now, record);
        const RecordPtr numbered = ring_.append(now, std::move(record));
        retained_.on_own(now, *numbered);
        context_.deliver(numbered, out, is_timed ? Numbered{Numbered::By::kThisNode, now} : Numbered{});
    } else {
        ++refused_;
    }
    const bool is_silent = publish.answers == Publish::Answers::kRefusal && outcome == PublishOutcome::kAccepted;
    if (publish.id != 0 && !is_silent) {
        out.push_back(ToPort{shard, Published{publish.id, outcome, ring_.last()}});
    }
}

bool Publisher::hold(ShardIndex shard, Publish& publish) {
    if (!is_paused_ || held_.size() >= context_.limits().held_publishes) {
        return false;
    }
    held_.emplace_back(shard, std::move(publish));
    return true;
}

void Publisher::resume(Instant now, Effects& out) {
    is_paused_ = false;
    // Taken out first, so that `held_` is empty when on() runs.
    std::deque<std::pair<ShardIndex, Publish>> held;
    held.swap(held_);
    for (auto& [shard, wanted] : held) {
        on(now, shard, wanted, out);
    }
}

void Publisher::refuse_held(Effects& out) {
    for (const auto& [shard, publish] : held_) {
        ++refused_;
        if (publish.id != 0) {
            out.push_back(ToPort{shard, Published{publish.id, PublishOutcome::kNotReady, {}}});
        }
    }
    held_.clear();
}

}  // namespace tulle::mesh
