// Decodes the bodies of messages. A peer is trusted to be a node but not to be right: every count, length, number and
// enumerator is checked here, so the cores can compute with the values safely. Strings are moved out of the generated
// objects, so the texts of a record are not copied.
#include <algorithm>

#include "mesh/core/interest/interest_log.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/node/port.hpp"
#include "mesh/wire/convert.hpp"
#include "mesh/wire/decode_event.hpp"
#include "mesh/wire/decode_numbers.hpp"
#include "proto/mesh/v1/envelope.pb.h"

namespace tulle::mesh::wire {
namespace {

using wire::get;

/// Changes of the sender's interest, at most kLimits.delta_changes.
bool get(v1::InterestDelta& from, InterestDelta& to) {
    to.base = InterestVersion{from.base()};
    to.current = InterestVersion{from.current()};
    if (static_cast<std::size_t>(from.changes_size()) > kLimits.delta_changes ||
        !good_numbers(from.base(), from.current())) {
        return false;
    }
    // The bytes are bounded as well as the count, as the channel names of a peer fill this node's tables.
    std::size_t bytes = 0;
    for (v1::InterestChange& change : *from.mutable_changes()) {
        bytes += interest_bytes(change.channel());
        if (!good_channel(change.channel()) || bytes > kLimits.interest_bytes) {
            return false;
        }
        to.changes.push_back({change.add(), std::move(*change.mutable_channel())});
    }
    return true;
}

/// A request for the interest behind a version, or for the next chunk of a snapshot.
bool get(v1::InterestPull& from, InterestPull& to) {
    to.have = InterestVersion{from.have()};
    to.snapshot = from.snapshot();
    to.after = std::move(*from.mutable_after());
    to.fresh = from.fresh();
    return to.after.size() <= kMaxChannelBytes && good_numbers(from.have());
}

/// A part of a snapshot. A snapshot has a number other than zero, because zero means "no snapshot" in a pull.
bool get(v1::InterestChunk& from, InterestChunk& to) {
    to.snapshot = from.snapshot();
    to.base = InterestVersion{from.base()};
    to.after = std::move(*from.mutable_after());
    to.last = from.last();
    to.current = InterestVersion{from.current()};
    std::size_t bytes = 0;
    for (std::string& channel : *from.mutable_channels()) {
        bytes += interest_bytes(channel);
        if (!good_channel(channel) || bytes > kLimits.interest_bytes) {
            return false;
        }
        to.channels.push_back(std::move(channel));
    }
    // An empty chunk marked as not the last would be pulled again for ever.
    return to.snapshot != 0 && good_numbers(from.base(), from.current()) && to.after.size() <= kMaxChannelBytes &&
           (to.last || !to.channels.empty());
}

/// The ranges of missing frames, at most kLimits.nack_ranges.
bool get(const v1::Nack& from, Nack& to) {
    if (static_cast<std::size_t>(from.missing_size()) > kLimits.nack_ranges) {
        return false;
    }
    for (const v1::FrameRange& range : from.missing()) {
        // Frames are numbered from 1, and an inverted range would wrap when counted.
        if (range.first() == 0 || range.last() < range.first() || range.last() > kMaxNumber) {
            return false;
        }
        to.missing.push_back({FrameNo{range.first()}, FrameNo{range.last()}});
    }
    return true;
}

/// A witness's report about a silent node.
bool get(const v1::ProbeAnswer& from, ProbeAnswer& to) {
    to = {.target = OriginId{from.target()}, .round = from.round(), .silence_us = from.silence_us()};
    to.hearing = static_cast<Hearing>(from.hearing());
    return v1::ProbeAnswer::Hearing_IsValid(from.hearing()) && good_numbers(from.silence_us());
}

/// The sums used by the sender's shards, by name.
bool get(v1::Usage& from, Usage& to) {
    to.sources = from.sources();
    for (v1::UsageEntry& entry : *from.mutable_entries()) {
        if (entry.name().size() > kMaxChannelBytes || !good_numbers(entry.used()) ||
            to.entries.size() == kMaxUsageEntries * kMaxShards) {
            return false;
        }
        to.entries.emplace_back(std::move(*entry.mutable_name()), entry.used());
    }
    return to.sources <= kMaxShards;
}

/// True for a consistent record: a change of presence has a user and a single presence key, and a message has neither.
bool good_presence(const Record& record) {
    if (!record.is_presence()) {
        return !record.left && std::none_of(record.channels.begin(), record.channels.end(), is_marked_key);
    }
    return record.user.size() <= kMaxUserBytes && record.channels.size() == 1 && is_presence_key(record.channels[0]) &&
           (!record.info || record.info->size() <= kMaxUserInfoBytes) && record.retained == 0 && !record.history;
}

/// A part of the list of the sender's users in one presence channel.
bool get(v1::PresencePart& from, PresencePart& to) {
    to = {.channel = std::move(*from.mutable_channel()),
          .version = InterestVersion{from.version()},
          .at = RecordNo{from.at()},
          .first = from.first(),
          .last = from.last(),
          .members = {}};
    for (v1::PresenceMember& member : *from.mutable_members()) {
        if (member.user().empty() || member.user().size() > kMaxUserBytes || member.info().size() > kMaxUserInfoBytes) {
            return false;
        }
        to.members.push_back({std::move(*member.mutable_user()), share(std::move(*member.mutable_info()))});
    }
    // The channel must leave room for the mark of a presence key.
    return good_channel(to.channel) && to.channel.size() < kMaxChannelBytes && !is_marked_key(to.channel) &&
           good_numbers(from.version(), from.at());
}

/// The channels of a record with history.
bool get_history(const v1::Record& from, std::size_t channels, RecordHistoryPtr& to) {
    if (from.history_places().empty()) {
        return true;
    }
    RecordHistory history;
    if (from.history_places().size() != channels ||
        static_cast<std::size_t>(from.history_limits_size()) > kMaxRecordChannels) {
        return false;
    }
    for (const v1::HistoryLimits& limits : from.history_limits()) {
        history.limits.push_back({limits.size(), limits.bytes(), std::chrono::milliseconds{limits.ttl_ms()}});
        if (!is_sane(history.limits.back())) {
            return false;
        }
    }
    for (const char place : from.history_places()) {
        history.places.push_back(static_cast<std::uint8_t>(place));
        if (history.places.back() > history.limits.size()) {
            return false;
        }
    }
    to = std::make_shared<const RecordHistory>(std::move(history));
    return true;
}

/// A message, or a change of presence.
bool get(v1::Record& from, Record& to) {
    to.n = RecordNo{from.n()};
    to.channels.reserve(static_cast<std::size_t>(from.channels_size()));
    for (std::string& channel : *from.mutable_channels()) {
        if (!good_channel(channel)) {
            return false;
        }
        to.channels.push_back(std::move(channel));
    }
    to.trace = from.trace();
    // A record with a user is a change of presence, and `info` is the user's info. In a message of protocol 2 `info` is
    // the event.
    if (from.user().empty()) {
        if (!get_body(from, from.info(), to.body)) {
            return false;
        }
    } else if (!from.info().empty()) {
        to.info = share(std::move(*from.mutable_info()));
    }
    // Moving an absent string out of the generated object would create the string first.
    if (!from.exclude_socket().empty()) {
        to.exclude_socket = std::move(*from.mutable_exclude_socket());
    }
    if (!from.user().empty()) {
        to.user = std::move(*from.mutable_user());
    }
    to.left = from.left();
    if (from.numbered_us() > static_cast<std::uint64_t>(kMaxClockUs)) {
        return false;
    }
    to.numbered_us = static_cast<std::int64_t>(from.numbered_us());
    // Only those who trace miss a context that is longer than any of this version.
    if (!from.context().empty() && from.context().size() <= kMaxContextBytes) {
        to.context = share(std::move(*from.mutable_context()));
    }
    to.retained = from.retained();
    to.keep_for = std::chrono::milliseconds{std::min<std::uint64_t>(from.keep_ms(), kMaxKeepFor / 1ms)};
    if (!get_history(from, to.channels.size(), to.history)) {
        return false;
    }
    // The first `retained` channels keep the event, under the stamp.
    if (to.retained > 0 && (to.retained > to.channels.size() || !good_keep(from.keep_ms()))) {
        return false;
    }
    if ((to.retained > 0 || to.history) && !get(from.stamp(), to.stamp)) {
        return false;
    }
    if (to.trace && to.history) {
        return false;
    }
    return good_presence(to) && from.n() != 0 && good_numbers(from.n()) && !to.channels.empty() &&
           to.channels.size() <= kMaxRecordChannels && to.exclude_socket.size() <= kMaxChannelBytes;
}

/// Decodes whole records, in the order of the message.
template <class Repeated>
bool get_records(Repeated& from, std::vector<RecordPtr>& to) {
    if (static_cast<std::size_t>(from.size()) > kLimits.frame_records) {
        return false;
    }
    to.reserve(static_cast<std::size_t>(from.size()));
    for (v1::Record& record : from) {
        Record made;
        if (!get(record, made)) {
            return false;
        }
        to.push_back(std::make_shared<const Record>(std::move(made)));
    }
    return true;
}

/// Decodes the lost records named in a frame or in a fill.
template <typename From>
bool get_gone(From& from, Gone& to) {
    to.unknown = from.gone_unknown();
    to.history = from.gone_history();
    for (v1::GoneChannel& gone : *from.mutable_gone()) {
        if (!good_channel(gone.channel()) || !good_numbers(gone.missing())) {
            return false;
        }
        to.channels.emplace_back(std::move(*gone.mutable_channel()), gone.missing());
    }
    return good_numbers(from.gone_unknown());
}

/// Records of a dead origin.
bool get(v1::Fill& from, Fill& to) {
    to.origin = OriginId{from.origin()};
    to.last = from.last();
    to.answer = from.answer();
    to.part = from.part();
    return get_gone(from, to.gone) && get_records(*from.mutable_records(), to.records);
}

/// The arrival of a marked message at the sender.
bool get(const v1::TraceReport& from, TraceReport& to) {
    to = {.n = RecordNo{from.n()}, .via = OriginId{from.via()}, .at_us = from.at_us(), .shards = from.shards()};
    to.path = static_cast<TracePath>(from.path());
    return from.n() != 0 && good_numbers(from.n()) && good_times(from.at_us()) &&
           v1::TraceReport::Path_IsValid(from.path()) && to.shards <= kMaxShards;
}

bool get(v1::DutyMail& from, DutyMail& to) {
    return get_duty_mail(from, to);
}

/// Decodes the message inside a Relay. An unknown kind inside makes the Relay unknown; any other error inside is
/// kLimit.
Result<ControlBody, CodecError> get_relay(const v1::Relay& from, std::uint64_t& skipped) {
    // Exactly one of the two must be present.
    if (from.control().empty() == from.data().empty()) {
        return CodecError::kLimit;
    }
    Relay to{.to = OriginId{from.to()}, .control = nullptr, .data = nullptr};
    const auto refused = [](CodecError error) {
        return error == CodecError::kUnknownBody ? error : CodecError::kLimit;
    };
    if (!from.control().empty()) {
        Result<Control, CodecError> inner = decode_inner_control(from.control(), skipped);
        if (!inner) {
            return refused(inner.error());
        }
        to.control = std::make_shared<const Control>(std::move(*inner));
        return ControlBody{std::move(to)};
    }
    Result<Data, CodecError> inner = decode_data(from.data(), skipped);
    if (!inner) {
        return refused(inner.error());
    }
    to.data = std::make_shared<const Data>(std::move(*inner));
    return ControlBody{std::move(to)};
}

/// Decodes into a fresh T. The error is kLimit.
template <class T, class From>
Result<ControlBody, CodecError> checked(From& from) {
    T to;
    if (!get(from, to)) {
        return CodecError::kLimit;
    }
    return ControlBody{std::move(to)};
}

/// A message with a number and little else. The error is kLimit.
Result<ControlBody, CodecError> counted(ControlBody body, std::uint64_t number) {
    if (!good_numbers(number)) {
        return CodecError::kLimit;
    }
    return body;
}

}  // namespace

Result<ControlBody, CodecError> get_control(v1::ControlEnvelope& from, std::uint64_t& skipped) {
    using Case = v1::ControlEnvelope;
    // The compiler warns about a missing kind, because the switch has no default.
    switch (from.body_case()) {
        case Case::kKnock:
            return checked<Knock>(from.knock());
        case Case::kHello:
            return checked<Hello>(from.hello());
        case Case::kWelcome:
            return checked<Welcome>(from.welcome());
        case Case::kRefuse:
            return checked<Refuse>(from.refuse());
        case Case::kHeartbeat:
            return checked<Heartbeat>(from.heartbeat());
        case Case::kMembers:
            return checked<Members>(from.members());
        case Case::kInterestDelta:
            return checked<InterestDelta>(*from.mutable_interest_delta());
        case Case::kInterestAck:
            return counted(InterestAck{InterestVersion{from.interest_ack().applied()}}, from.interest_ack().applied());
        case Case::kInterestPull:
            return checked<InterestPull>(*from.mutable_interest_pull());
        case Case::kInterestChunk:
            return checked<InterestChunk>(*from.mutable_interest_chunk());
        case Case::kReceipt:
            return counted(Receipt{FrameNo{from.receipt().received()}}, from.receipt().received());
        case Case::kNack:
            return checked<Nack>(from.nack());
        case Case::kProbeAsk:
            return ControlBody{ProbeAsk{OriginId{from.probe_ask().target()}, from.probe_ask().round()}};
        case Case::kProbeAnswer:
            return checked<ProbeAnswer>(from.probe_answer());
        case Case::kQueryAsk:
            return checked<QueryAsk>(*from.mutable_query_ask());
        case Case::kQueryAnswer:
            return checked<QueryAnswer>(*from.mutable_query_answer());
        case Case::kLeave:
            return counted(Leave{FrameNo{from.leave().last_frame()}}, from.leave().last_frame());
        case Case::kLeaveReceipt:
            return ControlBody{LeaveReceipt{}};
        case Case::kPing:
            return ControlBody{Ping{from.ping().nonce()}};
        case Case::kPong:
            return ControlBody{Pong{from.pong().nonce()}};
        case Case::kWake:
            return counted(Wake{OriginId{from.wake().origin()}, RecordNo{from.wake().delivered()}},
                           from.wake().delivered());
        case Case::kFill:
            return checked<Fill>(*from.mutable_fill());
        case Case::kTraceReport:
            return checked<TraceReport>(from.trace_report());
        case Case::kUsage:
            return checked<Usage>(*from.mutable_usage());
        case Case::kDutyMail:
            return checked<DutyMail>(*from.mutable_duty_mail());
        case Case::kRelay:
            return get_relay(from.relay(), skipped);
        case Case::BODY_NOT_SET:
            break;
    }
    // Protocol Buffers put an unknown kind into the unknown fields and report no body.
    return CodecError::kUnknownBody;
}

Result<FramePtr, CodecError> get_frame(v1::Frame& from) {
    Frame frame{.no = FrameNo{from.no()}, .upto = RecordNo{from.upto()}};
    frame.receipt_now = from.receipt_now();
    if (from.no() == 0 || !good_numbers(from.no(), from.upto()) || !get_gone(from, frame.gone)) {
        return CodecError::kLimit;
    }
    for (v1::PresencePart& part : *from.mutable_presence()) {
        PresencePart made;
        if (!get(part, made)) {
            return CodecError::kLimit;
        }
        // The core bounds frames by the cost of their contents, so the receiver computes the cost in the sender's way.
        for (const PresenceMember& member : made.members) {
            frame.bytes += member.cost();
        }
        frame.presence.push_back(std::make_shared<const PresencePart>(std::move(made)));
    }
    for (v1::RetainedPart& part : *from.mutable_retained()) {
        RetainedPart made;
        if (!get(part, made)) {
            return CodecError::kLimit;
        }
        frame.bytes += made.cost();
        frame.retained.push_back(std::make_shared<const RetainedPart>(std::move(made)));
    }
    if (!get_records(*from.mutable_records(), frame.records)) {
        return CodecError::kLimit;
    }
    for (const RecordPtr& record : frame.records) {
        frame.bytes += record->cost();
    }
    return FramePtr{std::make_shared<const Frame>(std::move(frame))};
}

}  // namespace tulle::mesh::wire
