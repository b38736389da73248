#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mesh/base/ids.hpp"
#include "node/redis/store/store_table.hpp"
#include "node/redis/store/store_writes.hpp"
#include "node/redis/wire/resp_writer.hpp"

/// What the nodes that keep the keys of a realm tell and ask each other (proto/redis/v1/store.proto).
///
/// Errors: decoding returns nothing for bytes that are no such message, and for a message with a name, value, number or
///         time over its limit.
namespace tulle::node::redis {

/// What a node says of itself.
struct StoreState {
    OriginId node;
    /// Has taken over all keys, so it may be named the owner of keys.
    bool is_ready = false;
    /// The number of its last record, counted from 1.
    std::uint64_t number = 0;
    std::uint64_t clock_us = 0;
    std::uint64_t root = 0;
};

/// The writes of a node since its record before. A record without writes tells the state alone, and has no number.
struct StoreRecord {
    StoreState state;
    StoreWriteSet writes;
};

[[nodiscard]] std::string encode(const StoreRecord& record);
[[nodiscard]] std::optional<StoreRecord> decode_store_record(std::string_view bytes);

/// A command that the owner of its key is to do.
struct Call {
    /// Counted by the caller.
    std::uint64_t number = 0;
    unsigned database = 0;
    Resp resp = Resp::k2;
    std::vector<std::string> arguments;
};

/// Who are you?
struct AskHello {};
/// Answer when the records of the asking node up to this number have been taken in.
struct AskTakenIn {
    std::uint64_t number = 0;
};
struct AskDigests {};
struct AskPage {
    /// Of kStoreBuckets.
    std::vector<bool> wanted;
    StoreTable::Place from;
};
struct AskCalls {
    std::vector<Call> calls;
};

/// A question to another node.
struct StoreAsk {
    std::string realm;
    StoreState state;
    std::variant<AskHello, AskTakenIn, AskDigests, AskPage, AskCalls> what;
};

[[nodiscard]] std::string encode(const StoreAsk& ask);
/// Nothing for a question of another kind as well.
[[nodiscard]] std::optional<StoreAsk> decode_store_ask(std::string_view bytes);

/// The fate of a call.
enum class CallOutcome : std::uint8_t {
    kDone,
    /// The nodes disagree about the owner for the moment: the caller asks again.
    kAgain,
    /// Done before, and the reply is no longer known.
    kForgotten,
};

struct CallReply {
    std::uint64_t number = 0;
    CallOutcome outcome = CallOutcome::kDone;
    std::string reply;
};

struct DigestsAnswer {
    StoreTable::Digests digests{};
    std::vector<Flush> flushes;
};

/// The answer to a question, with what was asked for.
struct StoreAnswer {
    StoreState state;
    std::uint64_t taken_in = 0;
    std::optional<DigestsAnswer> digests;
    std::optional<StoreTable::Page> page;
    std::vector<CallReply> replies;
    /// With digests and with the last page: calls that have been done lately, which their callers may repeat.
    std::vector<DoneCall> calls;
};

[[nodiscard]] std::string encode(const StoreAnswer& answer);
[[nodiscard]] std::optional<StoreAnswer> decode_store_answer(std::string_view bytes);

}  // namespace tulle::node::redis
