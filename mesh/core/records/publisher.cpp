#include "mesh/core/records/publisher.hpp"

#include <algorithm>

namespace tulle::mesh {
namespace {

bool within_limits(std::uint8_t copies, ChannelRange copied, std::size_t channels) {
    // The order of the comparisons keeps the sum from wrapping.
    return copies >= 1 && copies <= kMaxCopies && copied.first <= channels && copied.count <= channels - copied.first &&
           (copies == 1 || copied.count > 0);
}

bool within_limits(const RecordHistory& history, std::size_t channels) {
    return history.places.size() == channels &&
           std::all_of(history.limits.begin(), history.limits.end(),
                       [](const HistoryLimits& l) { return is_sane(l); }) &&
           std::all_of(history.places.begin(), history.places.end(),
                       [&history](std::uint8_t place) { return place <= history.limits.size(); });
}

/// Checks the limits of port.hpp and record.hpp. The edge checks the same limits first, so a violation is a defect of
/// an edge; the hub answers kTooLarge and stays unharmed.
bool within_limits(const Publish& publish) {
    const auto too_long = [](const std::string& channel) {
        return channel.empty() || channel.size() > kMaxChannelBytes;
    };
    return !publish.channels.empty() && publish.channels.size() <= kMaxRecordChannels && publish.body != nullptr &&
           publish.body->size() <= kMaxBodyBytes && publish.retained <= publish.channels.size() &&
           within_limits(publish.copies, publish.copied, publish.channels.size()) &&
           (!publish.history || within_limits(*publish.history, publish.channels.size())) &&
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
    if (publish.copies > 1 && acknowledger_.is_full()) {
        return PublishOutcome::kBusy;
    }
    if (publish.copies > 1 && publish.copies > acknowledger_.reachable()) {
        return PublishOutcome::kFewCopies;
    }
    return PublishOutcome::kAccepted;
}

Record Publisher::record_of(Instant now, Publish& publish) {
    Record record{.n = {},
                  .channels = std::move(publish.channels),
                  .body = std::move(publish.body),
                  .exclude_socket = std::move(publish.exclude_socket)};
    record.retained = publish.retained;
    record.keep_for = publish.keep_for;
    record.context = std::move(publish.context);
    record.copies = publish.copies;
    record.history = std::move(publish.history);
    // The stamp and the keepers belong to the record, so the record gets both before the ring makes the record
    // immutable.
    retained_.stamp(now, record);
    history_.stamp(now, record);
    if (publish.copies > 1) {
        // This node may be a keeper itself, and gives no second copy: a further keeper takes its place.
        retained_.name_keepers(publish.copied, kKeepers + 1, record);
    }
    // A traced message says when it was numbered too, so its way to other nodes can be a span.
    const bool is_timed = timed_.take(now) || record.context;
    record.numbered_us = is_timed ? std::max<std::int64_t>(0, now.time_since_epoch() / 1us) : 0;
    return record;
}

void Publisher::on(Instant now, ShardIndex shard, Publish& publish, Effects& out) {
    if (serving_.is_on() && hold(shard, publish)) {
        return;
    }
    const bool is_answered = publish.id != 0 && publish.answers == Publish::Answers::kAlways;
    // Copies that nobody is told of cost receipts for nothing.
    publish.copies = is_answered ? publish.copies : std::uint8_t{1};
    const PublishOutcome outcome = judge(publish);
    if (outcome != PublishOutcome::kAccepted) {
        ++refused_;
        if (publish.id != 0) {
            Published answer{publish.id, outcome, {}};
            if (publish.copies > 1) {
                answer.copies = static_cast<std::uint32_t>(acknowledger_.reachable());
                answer.wanted = publish.copies;
            }
            out.push_back(ToPort{shard, answer});
        }
        return;
    }
    ++accepted_;
    const RecordPtr numbered = ring_.append(now, record_of(now, publish));
    retained_.on_own(now, *numbered);
    history_.on_record(now, context_.options().oid, *numbered);
    const bool is_timed = numbered->numbered_us != 0;
    context_.deliver(numbered, out, is_timed ? Numbered{Numbered::By::kThisNode, now} : Numbered{});
    if (numbered->copies > 1) {
        acknowledger_.await(now, shard, publish.id, *numbered);
    } else if (is_answered) {
        out.push_back(ToPort{shard, Published{publish.id, outcome, numbered->n}});
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
