#include "node/redis/wire/commands.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "node/redis/core/limits.hpp"
#include "node/redis/core/words.hpp"

namespace tulle::node::redis {
namespace {

/// A command of the realm's keys.
constexpr Command store_row(std::string_view name, CommandId id, int arity, int first_key, int last_key, bool is_write,
                            std::string_view summary, unsigned key_step = 1) {
    return {name, id, arity, false, false, false, false, first_key, last_key, summary, true, is_write, key_step};
}

/// By name, for the binary search.
constexpr std::array kCommands{
    store_row("append", CommandId::kAppend, 3, 1, 1, true, "Appends a string to the value of a key."),
    Command{"auth", CommandId::kAuth, -2, true, false, false, false, 0, 0, "Authenticates the connection."},
    Command{"client", CommandId::kClient, -2, false, false, false, false, 0, 0,
            "A container for client connection commands."},
    Command{"cluster", CommandId::kCluster, -2, false, false, false, false, 0, 0,
            "Answers that there is no Redis Cluster."},
    Command{"command", CommandId::kCommand, -1, false, false, false, false, 0, 0,
            "Returns information about the commands."},
    Command{"config", CommandId::kConfig, -2, false, false, false, false, 0, 0, "CONFIG GET answers with nothing."},
    store_row("dbsize", CommandId::kDbsize, 1, 0, 0, false, "Returns the number of keys in the database."),
    store_row("decr", CommandId::kDecr, 2, 1, 1, true, "Decrements the integer value of a key by one."),
    store_row("decrby", CommandId::kDecrby, 3, 1, 1, true, "Decrements the integer value of a key by a number."),
    store_row("del", CommandId::kDel, -2, 1, -1, true, "Deletes one or more keys."),
    Command{"discard", CommandId::kDiscard, 1, false, false, true, false, 0, 0, "Discards a transaction."},
    Command{"echo", CommandId::kEcho, 2, false, false, false, false, 0, 0, "Returns the given string."},
    store_row("eval", CommandId::kEval, -3, 0, 0, true,
              "Runs the script that publishes a payload to several channels, or one of the scripts of limiters."),
    store_row("evalsha", CommandId::kEvalsha, -3, 0, 0, true,
              "Runs one of the scripts of limiters that are built in, by its SHA-1."),
    Command{"exec", CommandId::kExec, 1, false, false, true, false, 0, 0, "Executes all commands in a transaction."},
    store_row("exists", CommandId::kExists, -2, 1, -1, false, "Determines whether one or more keys exist."),
    store_row("expire", CommandId::kExpire, -3, 1, 1, true, "Sets the expiration time of a key in seconds."),
    store_row("expireat", CommandId::kExpireat, -3, 1, 1, true,
              "Sets the expiration time of a key to a Unix timestamp."),
    store_row("expiretime", CommandId::kExpiretime, 2, 1, 1, false,
              "Returns the expiration time of a key as a Unix timestamp."),
    store_row("flushall", CommandId::kFlushall, -1, 0, 0, true, "Removes all keys from all databases."),
    store_row("flushdb", CommandId::kFlushdb, -1, 0, 0, true, "Removes all keys from the database."),
    store_row("get", CommandId::kGet, 2, 1, 1, false, "Returns the value of a key."),
    store_row("getdel", CommandId::kGetdel, 2, 1, 1, true, "Returns the value of a key after deleting the key."),
    store_row("getex", CommandId::kGetex, -2, 1, 1, true,
              "Returns the value of a key after setting its expiration time."),
    store_row("getset", CommandId::kGetset, 3, 1, 1, true,
              "Returns the previous value of a key after setting a new value."),
    Command{"hello", CommandId::kHello, -1, true, false, false, false, 0, 0, "Handshakes with the server."},
    store_row("incr", CommandId::kIncr, 2, 1, 1, true, "Increments the integer value of a key by one."),
    store_row("incrby", CommandId::kIncrby, 3, 1, 1, true, "Increments the integer value of a key by a number."),
    Command{"info", CommandId::kInfo, -1, false, false, false, false, 0, 0, "Returns information about the node."},
    store_row("keys", CommandId::kKeys, 2, 0, 0, false, "Returns all key names that match a pattern."),
    store_row("mget", CommandId::kMget, -2, 1, -1, false, "Returns the values of one or more keys."),
    store_row("mset", CommandId::kMset, -3, 1, -1, true, "Sets the values of one or more keys.", 2),
    Command{"multi", CommandId::kMulti, 1, false, false, true, false, 0, 0, "Starts a transaction."},
    store_row("persist", CommandId::kPersist, 2, 1, 1, true, "Removes the expiration time of a key."),
    store_row("pexpire", CommandId::kPexpire, -3, 1, 1, true, "Sets the expiration time of a key in milliseconds."),
    store_row("pexpireat", CommandId::kPexpireat, -3, 1, 1, true,
              "Sets the expiration time of a key to a Unix milliseconds timestamp."),
    store_row("pexpiretime", CommandId::kPexpiretime, 2, 1, 1, false,
              "Returns the expiration time of a key as a Unix milliseconds timestamp."),
    Command{"ping", CommandId::kPing, -1, false, true, false, false, 0, 0, "Returns the server's liveliness response."},
    store_row("psetex", CommandId::kPsetex, 4, 1, 1, true,
              "Sets both value and expiration time in milliseconds of a key."),
    Command{"psubscribe", CommandId::kPsubscribe, -2, false, true, false, true, 0, 0,
            "Listens for messages published to channels that match one or more patterns."},
    store_row("pttl", CommandId::kPttl, 2, 1, 1, false, "Returns the expiration time in milliseconds of a key."),
    Command{"publish", CommandId::kPublish, 3, false, false, false, false, 0, 0, "Posts a message to a channel."},
    Command{"pubsub", CommandId::kPubsub, -2, false, false, false, false, 0, 0, "A container for Pub/Sub commands."},
    Command{"punsubscribe", CommandId::kPunsubscribe, -1, false, true, false, true, 0, 0,
            "Stops listening to messages published to channels that match one or more patterns."},
    Command{"quit", CommandId::kQuit, -1, true, true, true, false, 0, 0, "Closes the connection."},
    Command{"reset", CommandId::kReset, 1, true, true, true, false, 0, 0, "Resets the connection."},
    store_row("scan", CommandId::kScan, -2, 0, 0, false, "Iterates over the key names in the database."),
    store_row("script", CommandId::kScript, -2, 0, 0, false, "A container for Lua scripts management commands."),
    Command{"select", CommandId::kSelect, 2, false, false, false, false, 0, 0,
            "Accepts a database. Channels are the same in all of them."},
    store_row("set", CommandId::kSet, -3, 1, 1, true, "Sets the value of a key."),
    store_row("setex", CommandId::kSetex, 4, 1, 1, true, "Sets the value and expiration time of a key."),
    store_row("setnx", CommandId::kSetnx, 3, 1, 1, true, "Sets the value of a key only when the key does not exist."),
    Command{"spublish", CommandId::kSpublish, 3, false, false, false, false, 1, 1,
            "Posts a message to a shard channel."},
    Command{"ssubscribe", CommandId::kSsubscribe, -2, false, true, false, true, 1, -1,
            "Listens for messages published to shard channels."},
    store_row("strlen", CommandId::kStrlen, 2, 1, 1, false, "Returns the length of a value."),
    Command{"subscribe", CommandId::kSubscribe, -2, false, true, false, true, 0, 0,
            "Listens for messages published to channels."},
    Command{"sunsubscribe", CommandId::kSunsubscribe, -1, false, true, false, true, 1, -1,
            "Stops listening to messages posted to shard channels."},
    Command{"time", CommandId::kTime, 1, false, false, false, false, 0, 0, "Returns the server time."},
    store_row("touch", CommandId::kTouch, -2, 1, -1, false, "Returns the number of existing keys out of those given."),
    store_row("ttl", CommandId::kTtl, 2, 1, 1, false, "Returns the expiration time in seconds of a key."),
    store_row("type", CommandId::kType, 2, 1, 1, false, "Determines the type of value stored at a key."),
    store_row("unlink", CommandId::kUnlink, -2, 1, -1, true, "Deletes one or more keys."),
    Command{"unsubscribe", CommandId::kUnsubscribe, -1, false, true, false, true, 0, 0,
            "Stops listening to messages posted to channels."},
};

static_assert(std::is_sorted(kCommands.begin(), kCommands.end(),
                             [](const Command& a, const Command& b) { return a.name < b.name; }));

/// A row of the table of subcommands.
struct Subcommand {
    CommandId command;
    std::string_view name;
    /// As in Command.
    int arity;
    /// The arguments, for HELP.
    std::string_view shape;
    std::string_view summary;
};

constexpr std::array kSubcommands{
    Subcommand{CommandId::kClient, "getname", 2, "", "Return the name of the current connection."},
    Subcommand{CommandId::kClient, "getredir", 2, "", "Return -1: messages are not redirected."},
    Subcommand{CommandId::kClient, "help", 2, "", "Print this help."},
    Subcommand{CommandId::kClient, "id", 2, "", "Return the ID of the current connection."},
    Subcommand{CommandId::kClient, "info", 2, "", "Return information about the current connection."},
    Subcommand{CommandId::kClient, "kill", -3, "<ip:port>|<option> <value> ...", "Close connections of the realm."},
    Subcommand{CommandId::kClient, "list", -2, "[TYPE <type>|ID <id> ...]", "List the connections of the realm."},
    Subcommand{CommandId::kClient, "no-evict", 3, "(ON|OFF)", "Accepted: nothing is evicted."},
    Subcommand{CommandId::kClient, "no-touch", 3, "(ON|OFF)", "Accepted: nothing is evicted."},
    Subcommand{CommandId::kClient, "reply", 3, "(ON|OFF|SKIP)", "Control the replies sent to the connection."},
    Subcommand{CommandId::kClient, "setinfo", 4, "<option> <value>", "Name the library of the connection."},
    Subcommand{CommandId::kClient, "setname", 3, "<name>", "Name the connection."},
    Subcommand{CommandId::kCommand, "count", 2, "", "Return the number of commands."},
    Subcommand{CommandId::kCommand, "docs", -2, "[<command> ...]", "Return documents of commands."},
    Subcommand{CommandId::kCommand, "help", 2, "", "Print this help."},
    Subcommand{CommandId::kCommand, "info", -2, "[<command> ...]", "Return details of commands."},
    Subcommand{CommandId::kCommand, "list", 2, "", "Return the names of all commands."},
    Subcommand{CommandId::kConfig, "get", -3, "<pattern> ...", "Return nothing: see the node's configuration file."},
    Subcommand{CommandId::kConfig, "help", 2, "", "Print this help."},
    Subcommand{CommandId::kPubsub, "channels", -2, "[<pattern>]", "Return the channels with subscribers."},
    Subcommand{CommandId::kPubsub, "help", 2, "", "Print this help."},
    Subcommand{CommandId::kPubsub, "numpat", 2, "", "Return the number of patterns with subscribers."},
    Subcommand{CommandId::kPubsub, "numsub", -2, "[<channel> ...]", "Return the subscribers of channels."},
    Subcommand{CommandId::kPubsub, "shardchannels", -2, "[<pattern>]", "Return the shard channels with subscribers."},
    Subcommand{CommandId::kPubsub, "shardnumsub", -2, "[<channel> ...]", "Return the subscribers of shard channels."},
    Subcommand{CommandId::kScript, "exists", -3, "<sha1> [<sha1> ...]", "Return which scripts are built in."},
    Subcommand{CommandId::kScript, "flush", -2, "[ASYNC|SYNC]", "Accepted: the scripts are built in."},
    Subcommand{CommandId::kScript, "help", 2, "", "Print this help."},
    Subcommand{CommandId::kScript, "load", 3, "<script>", "Return the SHA1 of a script that is built in."},
};

constexpr bool takes(int arity, std::size_t arguments) {
    return arity >= 0 ? arguments == static_cast<std::size_t>(arity) : arguments >= static_cast<std::size_t>(-arity);
}

std::string upper_case(std::string_view text) {
    std::string upper(text);
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return upper;
}

/// The text up to its first zero byte and up to `most` bytes: how C prints the text in errors.
std::string_view shown(std::string_view text, std::size_t most) {
    return text.substr(0, std::min(text.find('\0'), most));
}

/// A family of Redis' commands that are not served, by the beginnings of their names.
struct Family {
    std::array<std::string_view, 12> beginnings;
    std::string_view advice;
};

constexpr std::string_view kKeysAdvice = "Tulle keeps keys with string values only, in a realm with redis_store_bytes";

constexpr std::array kFamilies{
    Family{{"xadd", "xread", "xrange", "xgroup", "xack", "xlen", "xtrim", "xdel", "xinfo", "xauto", "xclaim", "xrev"},
           "Tulle keeps no streams: use @socket.io/redis-adapter instead of the streams adapter"},
    Family{{"bzpop", "zadd", "zrem", "zcount", "zrange", "zpop", "zscore", "zcard", "zrank", "zincr", "zrev", "zmpop"},
           "Tulle keeps no sorted sets: channels_redis.pubsub.RedisPubSubChannelLayer needs none"},
    Family{{"lpush", "rpush", "lpop", "rpop", "blpop", "brpop", "lrange", "llen", "ltrim", "lrem", "blmove", "lmove"},
           "Tulle keeps no lists: queues need a Redis of their own, or the driver for no queue"},
    Family{{"eval", "fcall", "script", "function", "watch", "unwatch"},
           "Tulle runs no scripts but those of known limiters, and watches no keys"},
    Family{{"monitor", "slowlog", "latency", "memory", "debug", "shutdown", "save", "bgsave", "replicaof", "slaveof"},
           "ask a node by the command line tool: tulle status"},
    Family{{"get", "set", "del", "unlink", "exists", "expire", "pexpire", "ttl", "pttl", "mget", "mset", "persist"},
           kKeysAdvice},
    Family{{"incr", "decr", "append", "strlen", "type", "keys", "scan", "dbsize", "flush", "psetex", "rename", "touch"},
           kKeysAdvice},
    Family{{"hset", "hget", "hdel", "hmset", "hmget", "hincr", "hlen", "hkeys", "hvals", "hexists", "hscan", "hsetnx"},
           kKeysAdvice},
    Family{{"sadd", "srem", "smembers", "sismember", "scard", "spop", "sinter", "sunion", "sdiff", "smove", "sscan",
            "srandmember"},
           kKeysAdvice},
};

/// Redis shows at most this many bytes of the arguments, each shortened to as many.
constexpr std::size_t kShownBytes = 128;

bool is_of_pubsub(const Command& command) {
    return command.is_subscription || command.id == CommandId::kPublish || command.id == CommandId::kSpublish ||
           command.id == CommandId::kPubsub;
}

/// The group of a command in Redis' documents.
std::string group_of(const Command& command) {
    if (command.is_store) {
        return "string";
    }
    return is_of_pubsub(command) ? "pubsub" : "connection";
}

void write_row(const Command& command, RespWriter& out) {
    out.array(10);
    out.bulk(command.name);
    out.integer(command.arity);
    const bool is_pubsub = is_of_pubsub(command);
    if (command.is_store) {
        out.set(1);
        out.simple(command.is_write ? "write" : "readonly");
    } else {
        out.set(is_pubsub ? 4 : 3);
        if (is_pubsub) {
            out.simple("pubsub");
        }
        out.simple("noscript");
        out.simple("loading");
        out.simple("stale");
    }
    out.integer(command.first_key);
    out.integer(command.last_key);
    out.integer(command.first_key > 0 ? command.key_step : 0);
    out.set(1);
    out.simple(group_of(command).insert(0, 1, '@'));
    out.array(0);
    out.array(0);
    out.array(0);
}

void write_docs(std::span<const std::string_view> names, RespWriter& out) {
    std::string rows;
    std::size_t count = 0;
    RespWriter row(rows, out.version());
    for (const Command& command : kCommands) {
        const auto is_named = [&](std::string_view name) { return is_word(name, command.name); };
        if (!names.empty() && std::none_of(names.begin(), names.end(), is_named)) {
            continue;
        }
        ++count;
        row.bulk(command.name);
        row.map(3);
        row.bulk("summary");
        row.bulk(command.summary);
        row.bulk("since");
        row.bulk("1.0.0");
        row.bulk("group");
        row.bulk(group_of(command));
    }
    out.map(count);
    out.append(rows);
}

}  // namespace

const Command* find_command(std::string_view name) {
    const auto is_before = [](const Command& command, std::string_view wanted) {
        const std::string_view row = command.name;
        return std::lexicographical_compare(row.begin(), row.end(), wanted.begin(), wanted.end(),
                                            [](char a, char b) { return to_lower(a) < to_lower(b); });
    };
    const auto row = std::lower_bound(kCommands.begin(), kCommands.end(), name, is_before);
    return row != kCommands.end() && is_word(name, row->name) ? &*row : nullptr;
}

std::string pattern_error() {
    return "ERR the pattern has more than " + std::to_string(kMaxPatternBytes) + " bytes or more than " +
           std::to_string(kMaxPatternStars) + " stars";
}

bool is_subscription(std::string_view name) {
    const Command* command = find_command(name);
    return command != nullptr && command->is_subscription;
}

bool Command::takes(std::size_t arguments) const {
    return redis::takes(arity, arguments);
}

bool is_publish_script(std::span<const std::string_view> arguments) {
    // RedisBroadcaster::broadcastMultipleChannelsScript() of Laravel 6 and later, without its blanks.
    constexpr std::string_view kScript = "fori=2,#ARGVdoredis.call('publish',ARGV[i],ARGV[1])end";
    constexpr std::size_t kMostBytes = 256;
    if (arguments.size() < 3 || arguments[1].size() > kMostBytes || arguments[2] != "0") {
        return false;
    }
    std::string script(arguments[1]);
    std::erase_if(script, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
    return script == kScript;
}

std::string_view advice_for(std::string_view name) {
    const std::string lower = lower_case(name.substr(0, kShownBytes));
    for (const Family& family : kFamilies) {
        for (const std::string_view beginning : family.beginnings) {
            if (!beginning.empty() && lower.starts_with(beginning)) {
                return family.advice;
            }
        }
    }
    return {};
}

std::string wrong_arity(std::string_view command) {
    return "ERR wrong number of arguments for '" + std::string(command) + "' command";
}

std::string subcommand_error(const Command& command, std::span<const std::string_view> arguments) {
    if (arguments.size() < 2 || !command.has_subcommands()) {
        return {};
    }
    const auto row = std::find_if(kSubcommands.begin(), kSubcommands.end(), [&](const Subcommand& candidate) {
        return candidate.command == command.id && is_word(arguments[1], candidate.name);
    });
    if (row == kSubcommands.end()) {
        return "ERR unknown subcommand '" + std::string(shown(arguments[1], kShownBytes)) + "'. Try " +
               upper_case(command.name) + " HELP.";
    }
    if (!takes(row->arity, arguments.size())) {
        return wrong_arity(std::string(command.name) + "|" + std::string(row->name));
    }
    return {};
}

void answer_help(const Command& command, RespWriter& out) {
    const std::string name = upper_case(command.name);
    const auto rows = std::count_if(kSubcommands.begin(), kSubcommands.end(),
                                    [&](const Subcommand& row) { return row.command == command.id; });
    out.array(1 + 2 * static_cast<std::size_t>(rows));
    out.simple(name + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    for (const Subcommand& row : kSubcommands) {
        if (row.command == command.id) {
            out.simple(upper_case(row.name) + (row.shape.empty() ? "" : " ") + std::string(row.shape));
            out.simple("    " + std::string(row.summary));
        }
    }
}

std::string unknown_command(std::span<const std::string_view> arguments) {
    std::string text = "ERR unknown command '";
    text.append(shown(arguments.front(), kShownBytes)).append("', with args beginning with: ");
    std::size_t bytes = 0;
    for (const std::string_view argument : arguments.subspan(1)) {
        if (bytes >= kShownBytes) {
            break;
        }
        const std::string_view part = shown(argument, kShownBytes - bytes);
        text.append("'").append(part).append("' ");
        bytes += part.size() + 3;
    }
    if (const std::string_view advice = advice_for(arguments.front()); !advice.empty()) {
        text.append("(").append(advice).append(")");
    }
    return text;
}

void answer_command(std::span<const std::string_view> arguments, RespWriter& out) {
    if (arguments.size() == 1) {
        out.array(kCommands.size());
        for (const Command& command : kCommands) {
            write_row(command, out);
        }
        return;
    }
    const std::string_view word = arguments[1];
    const auto names = arguments.subspan(2);
    if (is_word(word, "count") && names.empty()) {
        out.integer(static_cast<std::int64_t>(kCommands.size()));
    } else if (is_word(word, "docs")) {
        write_docs(names, out);
    } else if (is_word(word, "info")) {
        out.array(names.empty() ? kCommands.size() : names.size());
        for (const Command& command :
             names.empty() ? std::span<const Command>(kCommands) : std::span<const Command>()) {
            write_row(command, out);
        }
        for (const std::string_view name : names) {
            const Command* command = find_command(name);
            if (command == nullptr) {
                out.null_array();
            } else {
                write_row(*command, out);
            }
        }
    } else if (is_word(word, "list") && names.empty()) {
        out.array(kCommands.size());
        for (const Command& command : kCommands) {
            out.bulk(command.name);
        }
    } else {
        answer_help(*find_command("command"), out);
    }
}

}  // namespace tulle::node::redis
