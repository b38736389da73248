#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "mesh/base/time.hpp"
#include "node/redis/store/store_table.hpp"
#include "node/redis/store/store_writes.hpp"
#include "node/redis/wire/commands.hpp"
#include "node/redis/wire/resp_writer.hpp"

namespace tulle::node::redis {

/// Where a command of the store is done.
enum class StoreWay : std::uint8_t {
    /// On any node: a read, or a write of which the last one wins.
    kHere,
    /// By the owner of its key: the command decides by what it finds, and two nodes must not decide at a time.
    kOwner,
};

/// REQUIRES: command.is_store, and the command takes so many arguments.
[[nodiscard]] StoreWay way_of(const Command& command, std::span<const std::string_view> arguments);
/// The name of the key whose owner does the command. REQUIRES: way_of() is kOwner.
[[nodiscard]] std::string_view owned_key(const Command& command, std::span<const std::string_view> arguments);
/// True for EVALSHA of a script that is not known, which is answered with -NOSCRIPT.
[[nodiscard]] bool is_without_script(const Command& command, std::span<const std::string_view> arguments);
/// Why the command cannot be done, whatever the keys hold, in Redis' words; empty when nothing is wrong with it: a name
/// or a value that is too long, or a script that is not known.
[[nodiscard]] std::string store_refusal(const Command& command, std::span<const std::string_view> arguments);

/// What a command of the store works on.
struct StoreAccess {
    StoreTable& table;
    StoreWrites& writes;
    /// Of the table; a write past it is answered with -OOM.
    std::uint64_t most_bytes = 0;
    unsigned database = 0;
    Instant now{};
    /// The hybrid clock, and the wall clock of this node, in microseconds.
    std::uint64_t now_us = 0;
    std::uint64_t wall_us = 0;
};

/// Does a command and appends its reply, in the words of Redis 7. REQUIRES: command.is_store, the command takes so many
/// arguments, store_refusal() is empty, and is_without_script() is false.
///
/// Cost: bounded by the arguments; SCAN by kMaxScanCount, KEYS and FLUSHDB by the keys of the realm.
void run_store(const Command& command, std::span<const std::string_view> arguments, StoreAccess& access,
               RespWriter& out);

}  // namespace tulle::node::redis
