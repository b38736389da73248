#include <limits>
#include <optional>
#include <string>

#include "mesh/base/assert.hpp"
#include "node/redis/core/limits.hpp"
#include "node/redis/core/words.hpp"
#include "node/redis/store/store_run.hpp"
#include "node/redis/store/store_scripts.hpp"

namespace tulle::node::redis {
namespace {

using Arguments = std::span<const std::string_view>;

void run_set(const StoreRun& run) {
    const std::optional<SetOptions> options = set_options_of(run.arguments.subspan(3));
    if (!options) {
        run.out.error(kSyntaxError);
        return;
    }
    const Cell* held = run.values.find(run.arguments[1]);
    std::uint64_t expires_us = options->keeps_expiry && held != nullptr ? held->expires_us : 0;
    if (options->unit) {
        const auto moment = moment_of(run, options->time, *options->unit, false);
        if (!moment) {
            return;
        }
        expires_us = *moment;
    }
    const std::optional<std::string> before =
        options->gets && held != nullptr ? std::optional(held->value) : std::nullopt;
    const bool is_done = !(options->is_if_absent && held != nullptr) && !(options->is_if_present && held == nullptr);
    if (is_done && !run.values.put_until(run.arguments[1], run.arguments[2], expires_us, run.out)) {
        return;
    }
    if (options->gets) {
        before ? run.out.bulk(*before) : run.out.null();
    } else if (is_done) {
        run.out.simple("OK");
    } else {
        run.out.null();
    }
}

void run_setex(const StoreRun& run, TimeUnit unit) {
    const auto moment = moment_of(run, run.arguments[2], unit, false);
    if (moment && run.values.put_until(run.arguments[1], run.arguments[3], *moment, run.out)) {
        run.out.simple("OK");
    }
}

void run_setnx(const StoreRun& run) {
    if (run.values.find(run.arguments[1]) != nullptr) {
        run.out.integer(0);
    } else if (run.values.put(run.arguments[1], run.arguments[2], 0, run.out)) {
        run.out.integer(1);
    }
}

void run_mset(const StoreRun& run) {
    if (run.arguments.size() % 2 == 0) {
        run.out.error(wrong_arity("mset"));
        return;
    }
    // All or none, as far as a first look can tell.
    std::size_t bytes = 0;
    for (std::size_t i = 1; i < run.arguments.size(); i += 2) {
        bytes += run.values.growth(run.arguments[i], run.arguments[i + 1]);
    }
    if (!run.values.has_room(bytes, run.out)) {
        return;
    }
    for (std::size_t i = 1; i < run.arguments.size(); i += 2) {
        if (!run.values.put(run.arguments[i], run.arguments[i + 1], 0, run.out)) {
            return;
        }
    }
    run.out.simple("OK");
}

void run_getset(const StoreRun& run) {
    const Cell* held = run.values.find(run.arguments[1]);
    const std::optional<std::string> before = held == nullptr ? std::nullopt : std::optional(held->value);
    if (run.values.put(run.arguments[1], run.arguments[2], 0, run.out)) {
        before ? run.out.bulk(*before) : run.out.null();
    }
}

void run_append(const StoreRun& run) {
    const Cell* held = run.values.find(run.arguments[1]);
    std::string value = held == nullptr ? std::string() : held->value;
    const std::uint64_t expires_us = held == nullptr ? 0 : held->expires_us;
    value.append(run.arguments[2]);
    if (value.size() > kMaxBulkBytes) {
        run.out.error("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    } else if (run.values.put_until(run.arguments[1], value, expires_us, run.out)) {
        run.out.integer(static_cast<std::int64_t>(value.size()));
    }
}

void run_getdel(const StoreRun& run) {
    run.bulk_or_null(run.values.find(run.arguments[1]));
    run.values.remove(run.arguments[1]);
}

void run_getex(const StoreRun& run) {
    const Arguments options = run.arguments.subspan(2);
    const Cell* held = run.values.find(run.arguments[1]);
    const std::optional<std::string> value = held == nullptr ? std::nullopt : std::optional(held->value);
    const std::optional<TimeUnit> unit = options.empty() ? std::nullopt : unit_of(options[0]);
    const bool persists = options.size() == 1 && is_word(options[0], "persist");
    if (!options.empty() && !persists && !(unit && options.size() == 2)) {
        run.out.error(kSyntaxError);
        return;
    }
    if (!value) {
        run.out.null();
        return;
    }
    if (unit) {
        const auto moment = moment_of(run, options[1], *unit, false);
        if (!moment) {
            return;
        }
        if (*moment <= run.access.now_us) {
            run.values.remove(run.arguments[1]);
        } else {
            run.values.expire_at(run.arguments[1], *moment);
        }
    } else if (persists) {
        run.values.expire_at(run.arguments[1], 0);
    }
    run.out.bulk(*value);
}

void run_del(const StoreRun& run) {
    std::int64_t removed = 0;
    for (const std::string_view name : run.arguments.subspan(1)) {
        removed += run.values.remove(name) ? 1 : 0;
    }
    run.out.integer(removed);
}

/// The options of EXPIRE.
struct ExpireOptions {
    bool nx = false;
    bool xx = false;
    bool gt = false;
    bool lt = false;
};

/// Nothing: an error has been appended.
std::optional<ExpireOptions> expire_options_of(const StoreRun& run) {
    ExpireOptions options;
    for (const std::string_view option : run.arguments.subspan(3)) {
        if (is_word(option, "nx")) {
            options.nx = true;
        } else if (is_word(option, "xx")) {
            options.xx = true;
        } else if (is_word(option, "gt")) {
            options.gt = true;
        } else if (is_word(option, "lt")) {
            options.lt = true;
        } else {
            run.out.error("ERR Unsupported option " + std::string(option.substr(0, 128)));
            return std::nullopt;
        }
    }
    if (options.nx && (options.xx || options.gt || options.lt)) {
        run.out.error("ERR NX and XX, GT or LT options at the same time are not compatible");
        return std::nullopt;
    }
    if (options.gt && options.lt) {
        run.out.error("ERR GT and LT options at the same time are not compatible");
        return std::nullopt;
    }
    return options;
}

/// True when the options let the new moment be. Moments within a millisecond are equal, as in Redis.
bool may_expire(const ExpireOptions& options, const Cell& held, std::uint64_t moment) {
    const auto milliseconds = [](std::uint64_t us) { return (us + kClockErrorUs) / 1000; };
    const std::uint64_t before = milliseconds(held.expires_us);
    const std::uint64_t after = milliseconds(moment);
    const bool has_expiry = held.expires_us != 0;
    return !(options.nx && has_expiry) && !(options.xx && !has_expiry) &&
           !(options.gt && (!has_expiry || after <= before)) && !(options.lt && has_expiry && after >= before);
}

void run_expire(const StoreRun& run, TimeUnit unit) {
    const std::optional<ExpireOptions> options = expire_options_of(run);
    const auto moment = options ? moment_of(run, run.arguments[2], unit, true) : std::nullopt;
    if (!moment) {
        return;
    }
    const Cell* held = run.values.find(run.arguments[1]);
    if (held == nullptr || !may_expire(*options, *held, *moment)) {
        run.out.integer(0);
        return;
    }
    if (*moment <= run.access.now_us) {
        run.values.remove(run.arguments[1]);
    } else {
        run.values.expire_at(run.arguments[1], *moment);
    }
    run.out.integer(1);
}

void run_persist(const StoreRun& run) {
    const Cell* held = run.values.find(run.arguments[1]);
    const bool has_expiry = held != nullptr && held->expires_us != 0;
    if (has_expiry) {
        run.values.expire_at(run.arguments[1], 0);
    }
    run.out.integer(has_expiry ? 1 : 0);
}

void run_flush(const StoreRun& run, bool is_all) {
    const auto options = run.arguments.subspan(1);
    if (options.size() > 1 || (options.size() == 1 && !is_word(options[0], "async") && !is_word(options[0], "sync"))) {
        run.out.error(kSyntaxError);
        return;
    }
    for (unsigned database = 0; database < kDatabases; ++database) {
        if (is_all || database == run.access.database) {
            run.access.writes.flush(run.access.now, database);
        }
    }
    run.out.simple("OK");
}

/// INCR and its kin: adds `sign` times the argument, or `sign` without one.
void run_incr(const StoreRun& run, std::int64_t sign) {
    std::int64_t change = sign;
    if (run.arguments.size() > 2) {
        const std::optional<std::int64_t> number = number_of(run.arguments[2]);
        if (!number) {
            run.out.error(kNotAnInteger);
            return;
        }
        if (__builtin_mul_overflow(*number, sign, &change)) {
            run.out.error("ERR decrement would overflow");
            return;
        }
    }
    if (const auto sum = run.values.add(run.arguments[1], change, std::nullopt, run.out)) {
        run.out.integer(*sum);
    }
}

}  // namespace

std::optional<TimeUnit> unit_of(std::string_view option) {
    if (is_word(option, "ex")) {
        return TimeUnit::kSeconds;
    }
    if (is_word(option, "px")) {
        return TimeUnit::kMilliseconds;
    }
    if (is_word(option, "exat")) {
        return TimeUnit::kUnixSeconds;
    }
    return is_word(option, "pxat") ? std::optional(TimeUnit::kUnixMilliseconds) : std::nullopt;
}

std::optional<std::uint64_t> moment_of(const StoreRun& run, std::string_view text, TimeUnit unit, bool may_be_past) {
    const std::optional<std::int64_t> number = number_of(text);
    if (!number) {
        run.out.error(kNotAnInteger);
        return std::nullopt;
    }
    const bool is_unix = unit == TimeUnit::kUnixSeconds || unit == TimeUnit::kUnixMilliseconds;
    std::int64_t us = *number;
    const bool is_seconds = unit == TimeUnit::kSeconds || unit == TimeUnit::kUnixSeconds;
    const std::int64_t most_ms = std::numeric_limits<std::int64_t>::max();
    if ((is_seconds && (*number > most_ms / 1000 || *number < -(most_ms / 1000))) || (*number <= 0 && !may_be_past)) {
        run.wrong_time();
        return std::nullopt;
    }
    if (__builtin_mul_overflow(us, is_seconds ? 1'000'000 : 1000, &us)) {
        // So far away that the time of the wall clock makes no difference.
        us = *number < 0 ? -kMaxLifetimeMs : kMaxLifetimeMs * 2000;
    } else if (is_unix) {
        us -= static_cast<std::int64_t>(run.access.wall_us);
    }
    if (us > kMaxLifetimeMs * 1000) {
        run.wrong_time();
        return std::nullopt;
    }
    return us <= 0 ? 1 : run.access.now_us + static_cast<std::uint64_t>(us);
}

std::optional<SetOptions> set_options_of(std::span<const std::string_view> options) {
    SetOptions set;
    for (std::size_t i = 0; i < options.size(); ++i) {
        const std::optional<TimeUnit> unit = unit_of(options[i]);
        if (is_word(options[i], "nx") && !set.is_if_present) {
            set.is_if_absent = true;
        } else if (is_word(options[i], "xx") && !set.is_if_absent) {
            set.is_if_present = true;
        } else if (is_word(options[i], "get")) {
            set.gets = true;
        } else if (is_word(options[i], "keepttl") && !set.unit) {
            set.keeps_expiry = true;
        } else if (unit && !set.unit && !set.keeps_expiry && i + 1 < options.size()) {
            set.unit = unit;
            set.time = options[++i];
        } else {
            return std::nullopt;
        }
    }
    return set;
}

bool run_write(const StoreRun& run) {
    switch (run.command.id) {
        case CommandId::kSet:
            run_set(run);
            return true;
        case CommandId::kSetex:
            run_setex(run, TimeUnit::kSeconds);
            return true;
        case CommandId::kPsetex:
            run_setex(run, TimeUnit::kMilliseconds);
            return true;
        case CommandId::kMset:
            run_mset(run);
            return true;
        case CommandId::kDel:
        case CommandId::kUnlink:
            run_del(run);
            return true;
        case CommandId::kExpire:
            run_expire(run, TimeUnit::kSeconds);
            return true;
        case CommandId::kPexpire:
            run_expire(run, TimeUnit::kMilliseconds);
            return true;
        case CommandId::kExpireat:
            run_expire(run, TimeUnit::kUnixSeconds);
            return true;
        case CommandId::kPexpireat:
            run_expire(run, TimeUnit::kUnixMilliseconds);
            return true;
        case CommandId::kPersist:
            run_persist(run);
            return true;
        case CommandId::kFlushall:
            run_flush(run, true);
            return true;
        case CommandId::kFlushdb:
            run_flush(run, false);
            return true;
        default:
            return false;
    }
}

bool run_owned(const StoreRun& run) {
    switch (run.command.id) {
        case CommandId::kSetnx:
            run_setnx(run);
            return true;
        case CommandId::kGetset:
            run_getset(run);
            return true;
        case CommandId::kGetdel:
            run_getdel(run);
            return true;
        case CommandId::kGetex:
            run_getex(run);
            return true;
        case CommandId::kAppend:
            run_append(run);
            return true;
        case CommandId::kIncr:
        case CommandId::kIncrby:
            run_incr(run, 1);
            return true;
        case CommandId::kDecr:
        case CommandId::kDecrby:
            run_incr(run, -1);
            return true;
        case CommandId::kEval:
        case CommandId::kEvalsha: {
            const Script* script = script_of(run.command, run.arguments);
            TULLE_ASSERT(script != nullptr);
            run_script(*script, run.arguments[3], run.arguments.subspan(4), run.access, run.out);
            return true;
        }
        default:
            return false;
    }
}

}  // namespace tulle::node::redis
