#include "mesh/core/records/arrivals.hpp"

#include <string>

#include "mesh/core/node/tell.hpp"

namespace tulle::mesh {

Numbered Arrivals::numbered(Instant now, OriginId origin, const Record& record, TracePath path) const {
    const Tally* tally = record.numbered_us == 0 ? nullptr : tallies_.find(origin);
    if (tally == nullptr || tally->clock.error_us == 0) {
        return {};
    }
    // In microseconds, in which sums of two clocks that the wire takes cannot overflow.
    const std::int64_t age_us = now.time_since_epoch() / 1us - (record.numbered_us - tally->clock.offset_us);
    const std::int64_t most_us = context_.limits().ring_age / 1us;
    if (age_us < -most_us || age_us > most_us) {
        return {};
    }
    return {Numbered::By::kOtherNode, now - std::chrono::microseconds{age_us}, path};
}

void Arrivals::on_record(Instant now, OriginId from, const DeliverRecord& arrived, Effects& out) {
    const RecordPtr& record = arrived.record;
    ++received_;
    if (record->history) {
        history_.on_record(now, from, *record);
    }
    if (record->is_presence()) {
        presence_.on_record(now, from, *record, out);
    } else if (record->trace) {
        traces_.on_record(now, from, *record, arrived.arrival, out);
    } else if (record->retained == 0) {
        context_.deliver(record, out, numbered(now, from, *record, arrived.arrival.path()));
    } else {
        // The node holds the event even when every subscriber has got the event already.
        retained_.on_record(now, from, *record);
        retained_.pass_on(now, from, *record);
        // The answers of the origin may have brought the event already on some channels: no subscriber gets an event
        // twice.
        if (const RecordPtr news = retained_.without_answered(from, record)) {
            context_.deliver(news, out, numbered(now, from, *news, arrived.arrival.path()));
        }
    }
}

void Arrivals::on_filled(Instant now, OriginId origin, const RecordPtr& record, Effects& out) {
    if (record->history) {
        history_.on_record(now, origin, *record);
    }
    if (record->trace) {
        traces_.on_filled(now, origin, *record, out);
    } else if (record->retained > 0) {
        // The origin is dead and answers no more, so no channel is left out.
        retained_.on_filled(now, *record);
        context_.deliver(record, out, numbered(now, origin, *record, TracePath::kFilledIn));
    } else if (!record->is_presence()) {
        context_.deliver(record, out, numbered(now, origin, *record, TracePath::kFilledIn));
    }
}

void Arrivals::report_gone(Instant now, OriginId origin, std::optional<RecordNo> upto, const Gone& gone, Effects& out) {
    history_.on_gone(now, gone);
    for (const auto& [channel, missing] : gone.channels) {
        tell_shards(context_.audience().shards_of(channel), Gap{channel, missing}, out);
    }
    if (gone.unknown > 0) {
        tell_shards(shards_, Gap{{}, gone.unknown}, out);
    }
    if (gone.channels.empty() && gone.unknown == 0) {
        out.push_back(Notice{
            Severity::kWarn,
            "messages of " + to_hex(origin) +
                " are missing in the histories that this node keeps: nobody has them any more, or they came too late",
            EventKind::kGap});
        return;
    }
    out.push_back(Notice{Severity::kError,
                         "messages of " + to_hex(origin) +
                             (upto ? " up to number " + std::to_string(upto->value) : "") +
                             " can't be delivered: nobody has them any more, or they came too late",
                         EventKind::kGap});
}

}  // namespace tulle::mesh
