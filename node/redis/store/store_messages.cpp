#include "node/redis/store/store_messages.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "mesh/base/overloaded.hpp"
#include "mesh/core/records/hybrid_clock.hpp"
#include "node/redis/core/limits.hpp"
#include "node/redis/core/realm.hpp"
#include "proto/redis/v1/store.pb.h"

namespace tulle::node::redis {
namespace {

namespace wire = tulle::redis::v1;

/// Begins a question, so that no question of another kind is taken for one of these.
constexpr std::string_view kMark = "\x04store ";
constexpr std::size_t kBitmapBytes = kStoreBuckets / 8;
static_assert(kMaxKeyBytes + 1 + kMaxBulkBytes + 1024 <= (1u << 20), "the largest cell fits into a body of the mesh");

template <class Message>
bool parse(std::string_view bytes, Message& message) {
    return bytes.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()) &&
           message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

bool is_time(std::uint64_t time_us) {
    return time_us < mesh::HybridClock::kLatest;
}

void put(const StoreState& state, wire::StoreState& out) {
    out.set_node(state.node.value);
    out.set_is_ready(state.is_ready);
    out.set_number(state.number);
    out.set_clock_us(state.clock_us);
    out.set_root(state.root);
}

bool get(const wire::StoreState& from, StoreState& to) {
    to = {OriginId{from.node()}, from.is_ready(), from.number(), from.clock_us(), from.root()};
    return from.node() != 0 && is_time(from.clock_us());
}

void put(const KeyedCell& keyed, wire::Cell& out) {
    const Cell& cell = keyed.cell;
    out.set_key(keyed.key);
    out.set_value(cell.value);
    out.set_is_deleted(cell.is_deleted);
    out.set_written_us(cell.written.time_us);
    out.set_written_by(cell.written.origin.value);
    out.set_remembered_until_us(cell.remembered_until_us);
    out.set_expires_us(cell.expires_us);
    out.set_expiry_written_us(cell.expiry_written.time_us);
    out.set_expiry_written_by(cell.expiry_written.origin.value);
}

bool get(wire::Cell& from, KeyedCell& to) {
    Cell& cell = to.cell;
    to.key = std::move(*from.mutable_key());
    cell.value = std::move(*from.mutable_value());
    cell.is_deleted = from.is_deleted();
    cell.written = {from.written_us(), OriginId{from.written_by()}};
    cell.remembered_until_us = from.remembered_until_us();
    cell.expires_us = from.expires_us();
    cell.expiry_written = {from.expiry_written_us(), OriginId{from.expiry_written_by()}};
    const bool is_key =
        !to.key.empty() && static_cast<unsigned char>(to.key.front()) < kDatabases && to.key.size() <= kMaxKeyBytes + 1;
    return is_key && cell.value.size() <= kMaxBulkBytes && is_time(from.written_us()) &&
           is_time(from.expiry_written_us()) && is_time(from.expires_us()) && is_time(from.remembered_until_us());
}

template <class Messages>
bool get_cells(Messages& from, std::vector<KeyedCell>& to) {
    to.reserve(static_cast<std::size_t>(from.size()));
    return std::all_of(from.begin(), from.end(), [&](wire::Cell& cell) { return get(cell, to.emplace_back()); });
}

void put(const Flush& flush, wire::Flush& out) {
    out.set_database(flush.database);
    out.set_at_us(flush.at.time_us);
    out.set_by(flush.at.origin.value);
}

template <class Messages>
bool get_flushes(const Messages& from, std::vector<Flush>& to) {
    return std::all_of(from.begin(), from.end(), [&](const wire::Flush& flush) {
        to.push_back({flush.database(), {flush.at_us(), OriginId{flush.by()}}});
        return flush.database() < kDatabases && is_time(flush.at_us());
    });
}

void put(const DoneCall& call, wire::DoneCall& out) {
    out.set_caller(call.caller.value);
    out.set_number(call.number);
    out.set_reply(call.reply);
    out.set_is_cut(call.is_cut);
}

template <class Messages>
bool get_calls(Messages& from, std::vector<DoneCall>& to) {
    return std::all_of(from.begin(), from.end(), [&](wire::DoneCall& call) {
        to.push_back({OriginId{call.caller()}, call.number(), std::move(*call.mutable_reply()), call.is_cut()});
        return to.back().reply.size() <= kMaxDoneReplyBytes;
    });
}

std::string bits_of(const std::vector<bool>& wanted) {
    std::string bits(kBitmapBytes, '\0');
    for (std::size_t i = 0; i < std::min(wanted.size(), kStoreBuckets); ++i) {
        if (wanted[i]) {
            bits[i / 8] = static_cast<char>(static_cast<unsigned char>(bits[i / 8]) | (1u << (i % 8)));
        }
    }
    return bits;
}

void put(const Call& call, wire::Call& out) {
    out.set_number(call.number);
    out.set_database(call.database);
    out.set_resp(static_cast<std::uint32_t>(call.resp));
    for (const std::string& argument : call.arguments) {
        out.add_arguments(argument);
    }
}

bool get(wire::Call& from, Call& to) {
    to.number = from.number();
    to.database = from.database();
    to.resp = from.resp() == 3 ? Resp::k3 : Resp::k2;
    for (std::string& argument : *from.mutable_arguments()) {
        to.arguments.push_back(std::move(argument));
    }
    return to.database < kDatabases && !to.arguments.empty();
}

bool get(wire::PageAsk& from, AskPage& to) {
    if (from.buckets().size() != kBitmapBytes || from.bucket() >= kStoreBuckets) {
        return false;
    }
    to.wanted.resize(kStoreBuckets);
    for (std::size_t i = 0; i < kStoreBuckets; ++i) {
        const unsigned byte = static_cast<unsigned char>(from.buckets()[i / 8]);
        to.wanted[i] = ((byte >> (i % 8)) & 1u) != 0;
    }
    to.from = {from.bucket(), std::move(*from.mutable_after())};
    return true;
}

}  // namespace

std::string encode(const StoreRecord& record) {
    wire::StoreRecord message;
    put(record.state, *message.mutable_state());
    message.set_is_state(record.writes.empty());
    for (const KeyedCell& cell : record.writes.cells) {
        put(cell, *message.add_cells());
    }
    for (const Flush& flush : record.writes.flushes) {
        put(flush, *message.add_flushes());
    }
    for (const DoneCall& call : record.writes.calls) {
        put(call, *message.add_calls());
    }
    return message.SerializeAsString();
}

std::optional<StoreRecord> decode_store_record(std::string_view bytes) {
    wire::StoreRecord message;
    StoreRecord record;
    if (!parse(bytes, message) || !get(message.state(), record.state) ||
        !get_cells(*message.mutable_cells(), record.writes.cells) ||
        !get_flushes(message.flushes(), record.writes.flushes)) {
        return std::nullopt;
    }
    if (!get_calls(*message.mutable_calls(), record.writes.calls)) {
        return std::nullopt;
    }
    return message.is_state() == record.writes.empty() ? std::optional(std::move(record)) : std::nullopt;
}

std::string encode(const StoreAsk& ask) {
    wire::StoreAsk message;
    message.set_realm(ask.realm);
    put(ask.state, *message.mutable_state());
    std::visit(Overloaded{[&](const AskHello&) { message.set_hello(true); },
                          [&](const AskTakenIn& asked) { message.set_taken_in(asked.number); },
                          [&](const AskDigests&) { message.set_digests(true); },
                          [&](const AskPage& asked) {
                              wire::PageAsk& page = *message.mutable_page();
                              page.set_buckets(bits_of(asked.wanted));
                              page.set_bucket(static_cast<std::uint32_t>(asked.from.bucket));
                              page.set_after(asked.from.after);
                          },
                          [&](const AskCalls& asked) {
                              for (const Call& call : asked.calls) {
                                  put(call, *message.mutable_calls()->add_calls());
                              }
                          }},
               ask.what);
    return std::string(kMark) + message.SerializeAsString();
}

std::optional<StoreAsk> decode_store_ask(std::string_view bytes) {
    wire::StoreAsk message;
    StoreAsk ask;
    if (!bytes.starts_with(kMark) || !parse(bytes.substr(kMark.size()), message) || !get(message.state(), ask.state) ||
        message.realm().size() > kMaxRealmNameBytes) {
        return std::nullopt;
    }
    ask.realm = message.realm();
    switch (message.what_case()) {
        case wire::StoreAsk::kHello:
            ask.what = AskHello{};
            return ask;
        case wire::StoreAsk::kTakenIn:
            ask.what = AskTakenIn{message.taken_in()};
            return ask;
        case wire::StoreAsk::kDigests:
            ask.what = AskDigests{};
            return ask;
        case wire::StoreAsk::kPage: {
            AskPage page;
            const bool is_valid = get(*message.mutable_page(), page);
            ask.what = std::move(page);
            return is_valid ? std::optional(std::move(ask)) : std::nullopt;
        }
        case wire::StoreAsk::kCalls: {
            AskCalls calls;
            for (wire::Call& call : *message.mutable_calls()->mutable_calls()) {
                if (!get(call, calls.calls.emplace_back())) {
                    return std::nullopt;
                }
            }
            // No node asks for nothing: encode() could not say it.
            if (calls.calls.empty()) {
                return std::nullopt;
            }
            ask.what = std::move(calls);
            return ask;
        }
        case wire::StoreAsk::WHAT_NOT_SET:
            break;
    }
    return std::nullopt;
}

std::string encode(const StoreAnswer& answer) {
    wire::StoreAnswer message;
    put(answer.state, *message.mutable_state());
    message.set_taken_in(answer.taken_in);
    if (answer.digests) {
        wire::Digests& digests = *message.mutable_digests();
        for (const std::uint64_t digest : answer.digests->digests) {
            digests.add_buckets(digest);
        }
        for (const Flush& flush : answer.digests->flushes) {
            put(flush, *digests.add_flushes());
        }
    }
    if (answer.page) {
        wire::Page& page = *message.mutable_page();
        for (const KeyedCell& cell : answer.page->cells) {
            put(cell, *page.add_cells());
        }
        page.set_is_last(answer.page->is_last);
        page.set_bucket(static_cast<std::uint32_t>(answer.page->next.bucket));
        page.set_after(answer.page->next.after);
    }
    for (const CallReply& reply : answer.replies) {
        wire::CallReply& out = *message.add_replies();
        out.set_number(reply.number);
        out.set_outcome(static_cast<std::uint32_t>(reply.outcome));
        out.set_reply(reply.reply);
    }
    for (const DoneCall& call : answer.calls) {
        put(call, *message.add_calls());
    }
    return message.SerializeAsString();
}

std::optional<StoreAnswer> decode_store_answer(std::string_view bytes) {
    wire::StoreAnswer message;
    StoreAnswer answer;
    if (!parse(bytes, message) || !get(message.state(), answer.state)) {
        return std::nullopt;
    }
    answer.taken_in = message.taken_in();
    if (message.has_digests()) {
        DigestsAnswer& digests = answer.digests.emplace();
        if (message.digests().buckets_size() != static_cast<int>(kStoreBuckets) ||
            !get_flushes(message.digests().flushes(), digests.flushes)) {
            return std::nullopt;
        }
        std::copy(message.digests().buckets().begin(), message.digests().buckets().end(), digests.digests.begin());
    }
    if (message.has_page()) {
        StoreTable::Page& page = answer.page.emplace();
        page.is_last = message.page().is_last();
        page.next = {message.page().bucket(), message.page().after()};
        if (!get_cells(*message.mutable_page()->mutable_cells(), page.cells) || page.next.bucket >= kStoreBuckets) {
            return std::nullopt;
        }
    }
    for (wire::CallReply& reply : *message.mutable_replies()) {
        if (reply.outcome() > static_cast<std::uint32_t>(CallOutcome::kForgotten)) {
            return std::nullopt;
        }
        answer.replies.push_back(
            {reply.number(), static_cast<CallOutcome>(reply.outcome()), std::move(*reply.mutable_reply())});
    }
    if (!get_calls(*message.mutable_calls(), answer.calls)) {
        return std::nullopt;
    }
    return answer;
}

}  // namespace tulle::node::redis
