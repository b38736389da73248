#include "node/redis/store/store_commands.hpp"

#include <optional>
#include <string>

#include "mesh/base/assert.hpp"
#include "node/redis/core/limits.hpp"
#include "node/redis/core/words.hpp"
#include "node/redis/store/store_run.hpp"
#include "node/redis/store/store_scripts.hpp"

namespace tulle::node::redis {

using Arguments = std::span<const std::string_view>;

StoreWay way_of(const Command& command, Arguments arguments) {
    switch (command.id) {
        case CommandId::kSet: {
            const std::optional<SetOptions> set = set_options_of(arguments.subspan(3));
            const bool decides = set && (set->is_if_absent || set->is_if_present || set->gets);
            return decides ? StoreWay::kOwner : StoreWay::kHere;
        }
        case CommandId::kSetnx:
        case CommandId::kGetset:
        case CommandId::kGetdel:
        case CommandId::kGetex:
        case CommandId::kAppend:
        case CommandId::kIncr:
        case CommandId::kIncrby:
        case CommandId::kDecr:
        case CommandId::kDecrby:
        case CommandId::kEval:
        case CommandId::kEvalsha:
            return StoreWay::kOwner;
        default:
            return StoreWay::kHere;
    }
}

bool is_without_script(const Command& command, Arguments arguments) {
    return command.id == CommandId::kEvalsha && script_of(command, arguments) == nullptr;
}

std::string_view owned_key(const Command& command, Arguments arguments) {
    const bool is_script = command.id == CommandId::kEval || command.id == CommandId::kEvalsha;
    return arguments[is_script ? 3 : 1];
}

std::string store_refusal(const Command& command, Arguments arguments) {
    // Redis tells when the command is done, in an EXEC inside the reply.
    if (is_without_script(command, arguments)) {
        return {};
    }
    if (command.id == CommandId::kEval && script_of(command, arguments) == nullptr) {
        return unknown_command(arguments);
    }
    if (command.id == CommandId::kScript) {
        const bool is_load = is_word(arguments[1], "load") && arguments.size() == 3;
        const Script* script = is_load ? find_script(arguments[2]) : nullptr;
        if (is_load && (script == nullptr || script->sha.empty())) {
            return unknown_command(arguments);
        }
        return {};
    }
    if (way_of(command, arguments) == StoreWay::kOwner) {
        std::size_t bytes = 0;
        for (const std::string_view argument : arguments) {
            bytes += argument.size() + 8;
        }
        if (bytes > kMaxCallBytes) {
            return "ERR the command is too long for the owner of its key: " + std::to_string(kMaxCallBytes) +
                   " bytes at most";
        }
        return owned_key(command, arguments).size() > kMaxKeyBytes
                   ? "ERR the key is too long: " + std::to_string(kMaxKeyBytes) + " bytes at most"
                   : "";
    }
    const std::size_t last = command.last_key >= 0 ? static_cast<std::size_t>(command.last_key) : arguments.size() - 1;
    for (std::size_t i = static_cast<std::size_t>(command.first_key); i > 0 && i <= last; i += command.key_step) {
        if (arguments[i].size() > kMaxKeyBytes) {
            return "ERR the key is too long: " + std::to_string(kMaxKeyBytes) + " bytes at most";
        }
    }
    return {};
}

void run_store(const Command& command, Arguments arguments, StoreAccess& access, RespWriter& out) {
    StoreValues values(access);
    const StoreRun run{command, arguments, access, values, out};
    const bool is_done = run_read(run) || run_write(run) || run_owned(run);
    TULLE_ASSERT(is_done);
}

}  // namespace tulle::node::redis
