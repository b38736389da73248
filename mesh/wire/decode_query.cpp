// Decodes questions to all nodes, and the answers: see decode.cpp.
#include <utility>

#include "mesh/core/history/history_page.hpp"
#include "mesh/core/node/port.hpp"
#include "mesh/wire/convert.hpp"
#include "mesh/wire/decode_event.hpp"
#include "mesh/wire/decode_numbers.hpp"
#include "proto/mesh/v1/query.pb.h"

namespace tulle::mesh::wire {

/// A channel's retained event, or the report of none.
bool get(v1::RetainedPart& from, RetainedPart& to) {
    to = {.channel = std::move(*from.mutable_channel()),
          .version = InterestVersion{from.version()},
          .at = RecordNo{from.at()}};
    // A mark may be put before the channel, so the name must leave room for the mark.
    if (!good_channel(to.channel) || to.channel.size() == kMaxChannelBytes || is_marked_key(to.channel) ||
        !good_keep(from.left_ms()) || !good_numbers(from.version(), from.at()) ||
        !get_body(from, from.tail(), to.body)) {
        return false;
    }
    to.left = std::chrono::milliseconds{from.left_ms()};
    return !from.has_stamp() || get(from.stamp(), to.stamp);
}

namespace {

/// A question about the history of a channel.
bool get(v1::HistoryAsk& from, HistoryAsk& to) {
    to = {.channel = std::move(*from.mutable_channel()),
          .newest_first = from.newest_first(),
          .limit = from.limit(),
          .from_us = from.from_us(),
          .to_us = from.to_us()};
    return good_channel(to.channel) && !is_marked_key(to.channel) && to.limit >= 1 && to.limit <= kMaxHistoryPage &&
           (!from.has_behind() || get(from.behind(), to.behind));
}

/// An entry of a history.
bool get(v1::HistoryItem& from, HistoryItem& to) {
    to.n = RecordNo{from.n()};
    to.exclude_socket = std::move(*from.mutable_exclude_socket());
    return from.n() != 0 && good_numbers(from.n()) && get(from.stamp(), to.stamp) &&
           to.exclude_socket.size() <= kMaxChannelBytes && get_body(from, {}, to.body);
}

/// A piece of an answer about a history.
bool get(v1::HistoryPart& from, HistoryPart& to) {
    if (static_cast<std::size_t>(from.items_size()) > kMaxHistoryPage ||
        static_cast<std::size_t>(from.floors_size()) > kMaxHistoryFloors) {
        return false;
    }
    for (v1::Stamp& floor : *from.mutable_floors()) {
        if (!get(floor, to.floors.emplace_back())) {
            return false;
        }
    }
    for (v1::HistoryItem& item : *from.mutable_items()) {
        HistoryItem made;
        if (!get(item, made)) {
            return false;
        }
        to.items.push_back(std::move(made));
    }
    to.whole_since_us = from.whole_since_us();
    to.evicted_upto_us = from.evicted_upto_us();
    to.clock_us = from.clock_us();
    to.told_since_us = from.told_since_us() == 0 ? kNeverWhole : from.told_since_us();
    to.dropped_us = from.dropped_us();
    const auto is_time = [](std::uint64_t us) { return us <= static_cast<std::uint64_t>(kMaxClockUs); };
    return (is_time(to.whole_since_us) || to.whole_since_us == kNeverWhole) && is_time(to.evicted_upto_us) &&
           is_time(to.clock_us) && (is_time(to.told_since_us) || to.told_since_us == kNeverWhole) &&
           is_time(to.dropped_us) && (!from.has_ends_with() || get(from.ends_with(), to.ends_with));
}

}  // namespace

/// A question to this node's ports. The text of the question belongs to the edge.
bool get(v1::QueryAsk& from, QueryAsk& to) {
    to = {from.id(), std::move(*from.mutable_body()), from.timeout_ms()};
    for (std::string& channel : *from.mutable_retained()) {
        if (!good_channel(channel) || to.retained.size() == kMaxQueryRetained) {
            return false;
        }
        to.retained.push_back(std::move(channel));
    }
    if (from.has_history() && !get(*from.mutable_history(), to.history.emplace())) {
        return false;
    }
    // A longer timeout would keep a question's state for as long as a peer likes.
    return to.body.size() <= kMaxDirectedQueryBytes && to.timeout_ms <= 60'000;
}

/// A part of an answer.
bool get(v1::QueryAnswer& from, QueryAnswer& to) {
    to = {from.id(), std::move(*from.mutable_body()), from.last()};
    if (from.has_retained()) {
        RetainedPart part;
        if (!get(*from.mutable_retained(), part)) {
            return false;
        }
        to.retained = std::make_shared<const RetainedPart>(std::move(part));
    }
    if (from.has_history()) {
        HistoryPart part;
        if (!get(*from.mutable_history(), part)) {
            return false;
        }
        to.history = std::make_shared<const HistoryPart>(std::move(part));
    }
    to.part = from.part();
    return to.body.size() <= kMaxQueryPartBytes;
}

}  // namespace tulle::mesh::wire
