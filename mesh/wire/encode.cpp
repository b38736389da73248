// Encodes the bodies of messages, field by field. Only events differ between protocol 2 and 3 (protocol_2.hpp).
#include "mesh/wire/convert.hpp"
#include "mesh/wire/protocol_2.hpp"
#include "proto/mesh/v1/envelope.pb.h"

namespace tulle::mesh::wire {
namespace {

void put(const Endpoints& endpoints, v1::Endpoints& to) {
    to.set_control(endpoints.control);
    to.set_data(endpoints.data);
    to.set_listen(endpoints.listen);
}

void put(const MemberInfo& member, v1::MemberInfo& to) {
    to.set_oid(member.oid.value);
    to.set_name(member.name);
    put(member.endpoints, *to.mutable_endpoints());
}

void put(const Introduction& who, v1::Introduction& to) {
    to.set_cluster(who.cluster);
    to.set_name(who.name);
    to.set_version(who.version);
    put(who.endpoints, *to.mutable_endpoints());
    to.set_oldest_protocol(who.oldest_protocol);
    to.set_newest_protocol(who.newest_protocol);
    to.set_ready(who.ready);
}

void put(const SessionTerms& terms, v1::SessionTerms& to) {
    if (terms.delivered) {
        to.set_delivered(terms.delivered->value);
    }
    to.set_at(terms.at.value);
    for (const RecordNo n : terms.extras) {
        to.add_extras(n.value);
    }
    for (const MemberInfo& member : terms.members) {
        put(member, *to.add_members());
    }
}

void put(const Stamp& stamp, v1::Stamp& to) {
    to.set_time_us(stamp.time_us);
    to.set_origin(stamp.origin.value);
}

/// Writes an event into a Record or a RetainedPart, in the form of protocol 3. Default values are left out, because
/// setting an empty string allocates.
template <class To>
void put(const EventBody& body, To& to) {
    to.set_event(body.name().data(), body.name().size());
    to.set_data(body.data().data(), body.data().size());
    if (body.kind() != DataKind::kJson) {
        to.set_kind(static_cast<v1::DataKind>(body.kind()));
    }
    if (!body.sender().empty()) {
        to.set_sender(body.sender().data(), body.sender().size());
    }
}

void put(const RecordHistory& history, v1::Record& to) {
    for (const HistoryLimits& limits : history.limits) {
        v1::HistoryLimits& added = *to.add_history_limits();
        added.set_size(static_cast<std::uint32_t>(limits.size));
        added.set_bytes(static_cast<std::uint32_t>(limits.bytes));
        added.set_ttl_ms(static_cast<std::uint32_t>(limits.ttl / 1ms));
    }
    to.set_history_places(std::string(history.places.begin(), history.places.end()));
}

/// Writes everything except the event itself.
void put_head(const Record& record, v1::Record& to) {
    to.set_n(record.n.value);
    for (const std::string& channel : record.channels) {
        to.add_channels(channel);
    }
    if (record.info && !record.info->empty()) {
        to.set_info(*record.info);
    }
    // Setting an empty string would allocate.
    if (!record.exclude_socket.empty()) {
        to.set_exclude_socket(record.exclude_socket);
    }
    if (!record.user.empty()) {
        to.set_user(record.user);
    }
    to.set_left(record.left);
    to.set_trace(record.trace);
    // Only a record with retained channels, or with history, has a stamp.
    if (record.history) {
        put(*record.history, to);
    }
    if (record.history || record.retained > 0) {
        put(record.stamp, *to.mutable_stamp());
    }
    if (record.retained > 0) {
        to.set_retained(static_cast<std::uint32_t>(record.retained));
        to.set_keep_ms(static_cast<std::uint64_t>(record.keep_for / 1ms));
    }
}

/// Writes records into a Frame or a Fill. In protocol 2 an event with binary data has no form: the record becomes a gap
/// of one message in each of its channels, and the receiver announces the gap to its clients.
template <class To>
void put(const std::vector<RecordPtr>& records, To& to, std::uint32_t protocol) {
    to.mutable_records()->Reserve(static_cast<int>(records.size()));
    for (const RecordPtr& record : records) {
        // A change of presence has no event, and the event of a marked message is never delivered.
        if (protocol != protocol_2::kVersion || !record->body || record->trace) {
            v1::Record& added = *to.add_records();
            put_head(*record, added);
            if (record->body) {
                put(*record->body, added);
                added.set_numbered_us(static_cast<std::uint64_t>(record->numbered_us));
                if (record->context) {
                    added.set_context(*record->context);
                }
            }
            continue;
        }
        if (std::optional<std::string> tail = protocol_2::tail_of(*record->body)) {
            v1::Record& added = *to.add_records();
            put_head(*record, added);
            added.set_info(std::move(*tail));
            continue;
        }
        for (const std::string& channel : record->channels) {
            v1::GoneChannel& gone = *to.add_gone();
            gone.set_channel(channel);
            gone.set_missing(1);
        }
    }
}

/// Writes the retained event of a channel. An event without a form in the version is left out, as if the sender had no
/// event.
void put(const RetainedPart& part, v1::RetainedPart& to, std::uint32_t protocol) {
    to.set_channel(part.channel);
    to.set_version(part.version.value);
    to.set_at(part.at.value);
    // Without a stamp the sender has no event, and the part only answers the question.
    if (part.stamp.time_us == 0) {
        return;
    }
    if (protocol != protocol_2::kVersion) {
        put(*part.body, to);
    } else if (std::optional<std::string> tail = protocol_2::tail_of(*part.body)) {
        to.set_tail(std::move(*tail));
    } else {
        return;
    }
    put(part.stamp, *to.mutable_stamp());
    to.set_left_ms(static_cast<std::uint64_t>(part.left / 1ms));
}

void put(const HistoryAsk& ask, v1::HistoryAsk& to) {
    to.set_channel(ask.channel);
    to.set_newest_first(ask.newest_first);
    to.set_limit(static_cast<std::uint32_t>(ask.limit));
    to.set_from_us(ask.from_us);
    to.set_to_us(ask.to_us);
    if (ask.behind.time_us != 0) {
        put(ask.behind, *to.mutable_behind());
    }
}

void put(const HistoryPart& part, v1::HistoryPart& to) {
    for (const HistoryItem& item : part.items) {
        v1::HistoryItem& added = *to.add_items();
        added.set_n(item.n.value);
        put(item.stamp, *added.mutable_stamp());
        added.set_exclude_socket(item.exclude_socket);
        put(*item.body, added);
    }
    if (part.ends_with.time_us != 0) {
        put(part.ends_with, *to.mutable_ends_with());
    }
    to.set_whole_since_us(part.whole_since_us);
    to.set_evicted_upto_us(part.evicted_upto_us);
    to.set_clock_us(part.clock_us);
    to.set_told_since_us(part.told_since_us == kNeverWhole ? 0 : part.told_since_us);
    for (const Stamp& floor : part.floors) {
        put(floor, *to.add_floors());
    }
    to.set_dropped_us(part.dropped_us);
}

void put(const PresencePart& part, v1::PresencePart& to) {
    to.set_channel(part.channel);
    to.set_version(part.version.value);
    to.set_at(part.at.value);
    to.set_first(part.first);
    to.set_last(part.last);
    for (const PresenceMember& member : part.members) {
        v1::PresenceMember& added = *to.add_members();
        added.set_user(member.user);
        if (member.info) {
            added.set_info(*member.info);
        }
    }
}

}  // namespace

void put(const Knock& body, v1::ControlEnvelope& to) {
    put(body.who, *to.mutable_knock()->mutable_who());
    to.mutable_knock()->set_dialled(body.dialled);
    to.mutable_knock()->set_nonce(body.nonce);
}

void put(const Hello& body, v1::ControlEnvelope& to) {
    v1::Hello& hello = *to.mutable_hello();
    put(body.who, *hello.mutable_who());
    hello.set_tag(body.tag.value);
    put(body.terms, *hello.mutable_terms());
    hello.set_knocked(body.knocked);
    hello.set_echo(body.echo);
}

void put(const Welcome& body, v1::ControlEnvelope& to) {
    v1::Welcome& welcome = *to.mutable_welcome();
    put(body.who, *welcome.mutable_who());
    welcome.set_echo(body.echo.value);
    welcome.set_tag(body.tag.value);
    put(body.terms, *welcome.mutable_terms());
}

void put(const Refuse& body, v1::ControlEnvelope& to) {
    to.mutable_refuse()->set_reason(static_cast<v1::Refuse::Reason>(body.reason));
    to.mutable_refuse()->set_text(body.text);
    to.mutable_refuse()->set_echo(body.echo);
}

void put(const Heartbeat& body, v1::ControlEnvelope& to) {
    v1::Heartbeat& heartbeat = *to.mutable_heartbeat();
    heartbeat.set_last_sent(body.last_sent.value);
    heartbeat.set_upto(body.upto.value);
    heartbeat.set_received(body.received.value);
    heartbeat.set_version(body.version.value);
    heartbeat.set_digest(body.digest);
    heartbeat.set_applied(body.applied.value);
    heartbeat.set_sent_at_us(body.sent_at_us);
    heartbeat.set_echo_us(body.echo_us);
    heartbeat.set_echo_held_us(body.echo_held_us);
    heartbeat.set_members_digest(body.members_digest);
    heartbeat.mutable_load()->set_uptime_s(body.load.uptime_s);
    heartbeat.mutable_load()->set_clients(body.load.clients);
    heartbeat.mutable_load()->set_channels(body.load.channels);
    heartbeat.set_ready(body.ready);
    heartbeat.set_hybrid_us(body.hybrid_us);
    heartbeat.set_deaf_via(body.deaf_via.value);
    heartbeat.set_duty_view(body.duty_view);
    heartbeat.set_duty_view_no(body.duty_view_no);
    heartbeat.set_leaving(body.leaving);
    heartbeat.set_last(body.last);
    heartbeat.set_rebind_ms(body.rebind_ms);
    heartbeat.set_waits_upto(body.waits_upto.value);
    heartbeat.set_keeps_histories(body.keeps_histories);
    heartbeat.set_is_open(body.is_open);
    heartbeat.mutable_key_ids()->Add(body.key_ids.begin(), body.key_ids.end());
}

void put(const Members& body, v1::ControlEnvelope& to) {
    v1::Members& members = *to.mutable_members();
    for (const MemberInfo& member : body.members) {
        put(member, *members.add_members());
    }
}

void put(const InterestDelta& body, v1::ControlEnvelope& to) {
    v1::InterestDelta& delta = *to.mutable_interest_delta();
    delta.set_base(body.base.value);
    delta.set_current(body.current.value);
    for (const InterestChange& change : body.changes) {
        v1::InterestChange& added = *delta.add_changes();
        added.set_add(change.add);
        added.set_channel(change.channel);
    }
}

void put(const InterestAck& body, v1::ControlEnvelope& to) {
    to.mutable_interest_ack()->set_applied(body.applied.value);
}

void put(const InterestPull& body, v1::ControlEnvelope& to) {
    v1::InterestPull& pull = *to.mutable_interest_pull();
    pull.set_have(body.have.value);
    pull.set_snapshot(body.snapshot);
    pull.set_after(body.after);
    pull.set_fresh(body.fresh);
}

void put(const InterestChunk& body, v1::ControlEnvelope& to) {
    v1::InterestChunk& chunk = *to.mutable_interest_chunk();
    chunk.set_snapshot(body.snapshot);
    chunk.set_base(body.base.value);
    chunk.set_after(body.after);
    for (const std::string& channel : body.channels) {
        chunk.add_channels(channel);
    }
    chunk.set_last(body.last);
    chunk.set_current(body.current.value);
}

void put(const Receipt& body, v1::ControlEnvelope& to) {
    to.mutable_receipt()->set_received(body.received.value);
}

void put(const Nack& body, v1::ControlEnvelope& to) {
    v1::Nack& nack = *to.mutable_nack();
    for (const FrameRange& range : body.missing) {
        v1::FrameRange& added = *nack.add_missing();
        added.set_first(range.first.value);
        added.set_last(range.last.value);
    }
}

void put(const ProbeAsk& body, v1::ControlEnvelope& to) {
    to.mutable_probe_ask()->set_target(body.target.value);
    to.mutable_probe_ask()->set_round(body.round);
}

void put(const ProbeAnswer& body, v1::ControlEnvelope& to) {
    v1::ProbeAnswer& answer = *to.mutable_probe_answer();
    answer.set_target(body.target.value);
    answer.set_round(body.round);
    answer.set_hearing(static_cast<v1::ProbeAnswer::Hearing>(body.hearing));
    answer.set_silence_us(body.silence_us);
}

void put(const QueryAsk& body, v1::ControlEnvelope& to) {
    v1::QueryAsk& ask = *to.mutable_query_ask();
    ask.set_id(body.id);
    ask.set_body(body.body);
    ask.set_timeout_ms(body.timeout_ms);
    for (const std::string& channel : body.retained) {
        ask.add_retained(channel);
    }
    if (body.history) {
        put(*body.history, *ask.mutable_history());
    }
}

void put(const QueryAnswer& body, v1::ControlEnvelope& to, std::uint32_t protocol) {
    v1::QueryAnswer& answer = *to.mutable_query_answer();
    answer.set_id(body.id);
    answer.set_body(body.body);
    answer.set_last(body.last);
    answer.set_part(body.part);
    if (body.retained) {
        put(*body.retained, *answer.mutable_retained(), protocol);
    }
    if (body.history) {
        put(*body.history, *answer.mutable_history());
    }
}

void put(const Leave& body, v1::ControlEnvelope& to) {
    to.mutable_leave()->set_last_frame(body.last_frame.value);
}

void put(const LeaveReceipt&, v1::ControlEnvelope& to) {
    // Creates the empty message, as the kind alone is the content.
    to.mutable_leave_receipt();
}

void put(const Ping& body, v1::ControlEnvelope& to) {
    to.mutable_ping()->set_nonce(body.nonce);
}

void put(const Pong& body, v1::ControlEnvelope& to) {
    to.mutable_pong()->set_nonce(body.nonce);
}

void put(const Relay& body, v1::ControlEnvelope& to, std::uint32_t protocol) {
    to.mutable_relay()->set_to(body.to.value);
    // Exactly one of the two is set.
    if (body.control) {
        to.mutable_relay()->set_control(encode_in(*body.control, protocol));
    } else {
        to.mutable_relay()->set_data(encode_in(*body.data, protocol));
    }
}

void put(const Wake& body, v1::ControlEnvelope& to) {
    to.mutable_wake()->set_origin(body.origin.value);
    to.mutable_wake()->set_delivered(body.delivered.value);
}

/// Writes the lost records into a frame or a fill.
template <typename To>
void put(const Gone& gone, To& to) {
    to.set_gone_unknown(gone.unknown);
    to.set_gone_history(gone.history);
    for (const auto& [channel, missing] : gone.channels) {
        v1::GoneChannel& added = *to.add_gone();
        added.set_channel(channel);
        added.set_missing(missing);
    }
}

void put(const Fill& body, v1::ControlEnvelope& to, std::uint32_t protocol) {
    v1::Fill& fill = *to.mutable_fill();
    fill.set_origin(body.origin.value);
    fill.set_last(body.last);
    fill.set_answer(body.answer);
    fill.set_part(body.part);
    put(body.gone, fill);
    put(body.records, fill, protocol);
}

void put(const TraceReport& body, v1::ControlEnvelope& to) {
    v1::TraceReport& report = *to.mutable_trace_report();
    report.set_n(body.n.value);
    report.set_path(static_cast<v1::TraceReport::Path>(body.path));
    report.set_via(body.via.value);
    report.set_at_us(body.at_us);
    report.set_shards(body.shards);
}

void put(const Usage& body, v1::ControlEnvelope& to) {
    v1::Usage& usage = *to.mutable_usage();
    usage.set_sources(body.sources);
    for (const auto& [name, used] : body.entries) {
        v1::UsageEntry& added = *usage.add_entries();
        added.set_name(name);
        added.set_used(used);
    }
}

void put(const Frame& frame, v1::Frame& to, std::uint32_t protocol) {
    to.set_no(frame.no.value);
    to.set_upto(frame.upto.value);
    to.set_receipt_now(frame.receipt_now);
    put(frame.gone, to);
    // Lists come before the records, because the records continue the lists.
    for (const PresencePartPtr& part : frame.presence) {
        put(*part, *to.add_presence());
    }
    for (const RetainedPartPtr& part : frame.retained) {
        put(*part, *to.add_retained(), protocol);
    }
    put(frame.records, to, protocol);
}

}  // namespace tulle::mesh::wire
