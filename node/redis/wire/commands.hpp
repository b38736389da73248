#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "node/redis/wire/resp_writer.hpp"

namespace tulle::node::redis {

/// The commands that a session knows.
enum class CommandId : std::uint8_t {
    kAppend,
    kAuth,
    kClient,
    kCluster,
    kCommand,
    kConfig,
    kDbsize,
    kDecr,
    kDecrby,
    kDel,
    kDiscard,
    kEcho,
    kEval,
    kEvalsha,
    kExec,
    kExists,
    kExpire,
    kExpireat,
    kExpiretime,
    kFlushall,
    kFlushdb,
    kGet,
    kGetdel,
    kGetex,
    kGetset,
    kHello,
    kIncr,
    kIncrby,
    kInfo,
    kKeys,
    kMget,
    kMset,
    kMulti,
    kPersist,
    kPexpire,
    kPexpireat,
    kPexpiretime,
    kPing,
    kPsetex,
    kPsubscribe,
    kPttl,
    kPublish,
    kPubsub,
    kPunsubscribe,
    kQuit,
    kReset,
    kScan,
    kScript,
    kSelect,
    kSet,
    kSetex,
    kSetnx,
    kSpublish,
    kSsubscribe,
    kStrlen,
    kSubscribe,
    kSunsubscribe,
    kTime,
    kTouch,
    kTtl,
    kType,
    kUnlink,
    kUnsubscribe
};

/// A row of the table of commands.
struct Command {
    /// In lower case; lives for ever, and a zero byte follows.
    std::string_view name;
    CommandId id = CommandId::kPing;
    /// As in Redis: the number of arguments with the name; negative: at least so many.
    int arity = 0;
    /// Allowed before AUTH.
    bool is_open = false;
    /// Allowed to a subscriber that speaks RESP2.
    bool is_for_subscribers = false;
    /// Done at once between MULTI and EXEC.
    bool is_immediate = false;
    /// Begins or ends subscriptions.
    bool is_subscription = false;
    /// Followed by a subcommand (subcommand_error).
    [[nodiscard]] bool has_subcommands() const {
        return id == CommandId::kClient || id == CommandId::kCommand || id == CommandId::kConfig ||
               id == CommandId::kPubsub || id == CommandId::kScript;
    }
    /// The place of the first and of the last key or shard channel, as Redis counts: 0 for none, -1 for the last
    /// argument; and the distance between two.
    int first_key = 0;
    int last_key = 0;
    std::string_view summary;
    /// Of the keys of the realm. EVAL is, with any script but that of is_publish_script().
    bool is_store = false;
    bool is_write = false;
    unsigned key_step = 1;

    [[nodiscard]] bool takes(std::size_t arguments) const;
};

/// The row of a command, whatever the case of its name; null for a command that is not served.
[[nodiscard]] const Command* find_command(std::string_view name);

/// True for the name of a command that begins or ends subscriptions.
[[nodiscard]] bool is_subscription(std::string_view name);
/// True for a command of the store whose cost grows with all keys of the realm.
[[nodiscard]] inline bool is_costly(const Command& command) {
    return command.id == CommandId::kKeys || command.id == CommandId::kFlushall || command.id == CommandId::kFlushdb;
}

inline constexpr std::string_view kSyntaxError = "ERR syntax error";
inline constexpr std::string_view kNotAnInteger = "ERR value is not an integer or out of range";
/// The error for a pattern that is_allowed_pattern() does not allow.
[[nodiscard]] std::string pattern_error();
/// The error for a wrong number of arguments. `command`: in lower case, as in "publish" or "client|id".
[[nodiscard]] std::string wrong_arity(std::string_view command);
/// What is wrong with the subcommand of CLIENT, COMMAND, CONFIG, PUBSUB or SCRIPT, in Redis' words: an unknown name, or
/// a wrong number of arguments. Empty: nothing is wrong, or the command has no subcommands. REQUIRES: the command takes
/// so many arguments.
[[nodiscard]] std::string subcommand_error(const Command& command, std::span<const std::string_view> arguments);
/// Answers "CLIENT HELP" and its kin. REQUIRES: the command has subcommands.
void answer_help(const Command& command, RespWriter& out);

/// True for EVAL with the script by which Laravel's broadcaster publishes a payload to each of several channels,
/// without keys. Blanks in the script do not matter. `arguments` has the name first.
[[nodiscard]] bool is_publish_script(std::span<const std::string_view> arguments);

/// True for a command of the realm's keys: `command` is in the table with is_store, and `arguments` are not the script
/// that publishes.
[[nodiscard]] inline bool is_store_command(const Command& command, std::span<const std::string_view> arguments) {
    return command.is_store && (command.id != CommandId::kEval || !is_publish_script(arguments));
}

/// What to use instead of a command of Redis that is not served; empty when there is nothing to say.
[[nodiscard]] std::string_view advice_for(std::string_view name);
/// Redis' error for a command that is not served, in Redis' words, with the advice behind them. `arguments` has the
/// name first. Cost: bounded, as Redis shows 128 bytes of the arguments.
[[nodiscard]] std::string unknown_command(std::span<const std::string_view> arguments);

/// Answers COMMAND and its subcommands. REQUIRES: arguments[0] is "command" in any case.
void answer_command(std::span<const std::string_view> arguments, RespWriter& out);

}  // namespace tulle::node::redis
