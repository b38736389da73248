#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "node/redis/core/glob.hpp"
#include "node/redis/core/limits.hpp"
#include "node/redis/core/words.hpp"
#include "node/redis/store/store_run.hpp"
#include "node/redis/store/store_scripts.hpp"

namespace tulle::node::redis {
namespace {

using Arguments = std::span<const std::string_view>;

void run_mget(const StoreRun& run) {
    std::size_t bytes = 0;
    for (const std::string_view name : run.arguments.subspan(1)) {
        const Cell* cell = run.values.find(name);
        bytes += cell == nullptr ? 0 : cell->value.size();
    }
    if (bytes > kHardOutboxBytes) {
        run.out.error("ERR the values are more than " + std::to_string(kHardOutboxBytes) + " bytes together");
        return;
    }
    run.out.array(run.arguments.size() - 1);
    for (const std::string_view name : run.arguments.subspan(1)) {
        run.bulk_or_null(run.values.find(name));
    }
}

void run_exists(const StoreRun& run) {
    const auto names = run.arguments.subspan(1);
    run.out.integer(std::count_if(names.begin(), names.end(),
                                  [&](std::string_view name) { return run.values.find(name) != nullptr; }));
}

/// TTL and its kin. `is_unix`: the moment instead of what is left.
void run_ttl(const StoreRun& run, bool is_seconds, bool is_unix) {
    const Cell* cell = run.values.find(run.arguments[1]);
    std::int64_t ms = run.values.left_ms(run.arguments[1]);
    if (ms >= 0 && is_unix) {
        ms = static_cast<std::int64_t>((cell->expires_us - run.access.now_us + run.access.wall_us + kClockErrorUs) /
                                       1000);
    }
    run.out.integer(ms < 0 || !is_seconds ? ms : (ms + 500) / 1000);
}

bool is_match(const std::optional<std::string_view>& pattern, std::string_view name, std::size_t& steps) {
    return !pattern || glob_matches(*pattern, name, steps);
}

void run_keys(const StoreRun& run) {
    if (!is_allowed_pattern(run.arguments[1])) {
        run.out.error(pattern_error());
        return;
    }
    std::vector<std::string> names;
    std::size_t steps = kMaxListSteps;
    std::size_t bytes = 0;
    const StoreTable::Visit visit = [&](std::string_view name, const Cell&) {
        if (names.size() <= kMaxKeysAnswer && bytes <= kMaxListedBytes && is_match(run.arguments[1], name, steps)) {
            names.emplace_back(name);
            bytes += name.size();
        }
    };
    (void)run.access.table.scan(run.access.now_us, run.access.database, 0, std::numeric_limits<std::size_t>::max(),
                                visit);
    if (names.size() > kMaxKeysAnswer || bytes > kMaxListedBytes || steps == 0) {
        run.out.error("ERR too many keys for KEYS: use SCAN");
        return;
    }
    run.out.array(names.size());
    for (const std::string& name : names) {
        run.out.bulk(name);
    }
}

void run_scan(const StoreRun& run) {
    const Arguments arguments = run.arguments;
    const std::optional<std::int64_t> cursor = number_of(arguments[1]);
    if (!cursor || *cursor < 0) {
        run.out.error("ERR invalid cursor");
        return;
    }
    std::optional<std::string_view> pattern;
    std::int64_t count = 10;
    bool has_type = true;
    for (std::size_t i = 2; i < arguments.size(); i += 2) {
        if (i + 1 == arguments.size()) {
            run.out.error(kSyntaxError);
            return;
        }
        if (is_word(arguments[i], "match")) {
            pattern = arguments[i + 1];
        } else if (is_word(arguments[i], "count")) {
            const std::optional<std::int64_t> number = number_of(arguments[i + 1]);
            if (!number) {
                run.out.error(kNotAnInteger);
                return;
            }
            count = *number;
        } else if (is_word(arguments[i], "type")) {
            has_type = is_word(arguments[i + 1], "string");
        } else {
            run.out.error(kSyntaxError);
            return;
        }
    }
    if (pattern && !is_allowed_pattern(*pattern)) {
        run.out.error(pattern_error());
        return;
    }
    if (count < 1) {
        run.out.error(kSyntaxError);
        return;
    }
    std::vector<std::string> names;
    std::size_t steps = kMaxListSteps;
    const StoreTable::Visit visit = [&](std::string_view name, const Cell&) {
        if (has_type && is_match(pattern, name, steps)) {
            names.emplace_back(name);
        }
    };
    const std::uint64_t next =
        run.access.table.scan(run.access.now_us, run.access.database, static_cast<std::uint64_t>(*cursor),
                              std::min(static_cast<std::size_t>(count), kMaxScanCount), visit);
    if (steps == 0) {
        run.out.error("ERR the pattern takes too many steps");
        return;
    }
    run.out.array(2);
    run.out.bulk(std::to_string(next));
    run.out.array(names.size());
    for (const std::string& name : names) {
        run.out.bulk(name);
    }
}

void run_script_command(const StoreRun& run) {
    if (is_word(run.arguments[1], "flush")) {
        const bool is_wrong =
            run.arguments.size() > 3 ||
            (run.arguments.size() == 3 && !is_word(run.arguments[2], "sync") && !is_word(run.arguments[2], "async"));
        is_wrong ? run.out.error("ERR SCRIPT FLUSH only support SYNC|ASYNC option") : run.out.simple("OK");
    } else if (is_word(run.arguments[1], "help")) {
        answer_help(run.command, run.out);
    } else if (is_word(run.arguments[1], "exists")) {
        run.out.array(run.arguments.size() - 2);
        for (const std::string_view sha : run.arguments.subspan(2)) {
            run.out.integer(find_script_by_sha(sha) == nullptr ? 0 : 1);
        }
    } else if (const Script* script = find_script(run.arguments[2])) {
        run.out.bulk(script->sha);
    }
}

}  // namespace

bool run_read(const StoreRun& run) {
    switch (run.command.id) {
        case CommandId::kGet:
            run.bulk_or_null(run.values.find(run.arguments[1]));
            return true;
        case CommandId::kMget:
            run_mget(run);
            return true;
        case CommandId::kExists:
        case CommandId::kTouch:
            run_exists(run);
            return true;
        case CommandId::kTtl:
            run_ttl(run, true, false);
            return true;
        case CommandId::kPttl:
            run_ttl(run, false, false);
            return true;
        case CommandId::kExpiretime:
            run_ttl(run, true, true);
            return true;
        case CommandId::kPexpiretime:
            run_ttl(run, false, true);
            return true;
        case CommandId::kStrlen: {
            const Cell* cell = run.values.find(run.arguments[1]);
            run.out.integer(cell == nullptr ? 0 : static_cast<std::int64_t>(cell->value.size()));
            return true;
        }
        case CommandId::kType:
            run.out.simple(run.values.find(run.arguments[1]) == nullptr ? "none" : "string");
            return true;
        case CommandId::kDbsize:
            run.out.integer(static_cast<std::int64_t>(run.access.table.size(run.access.database)));
            return true;
        case CommandId::kKeys:
            run_keys(run);
            return true;
        case CommandId::kScan:
            run_scan(run);
            return true;
        case CommandId::kScript:
            run_script_command(run);
            return true;
        default:
            return false;
    }
}

}  // namespace tulle::node::redis
