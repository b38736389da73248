#include "node/redis/store/store_scripts.hpp"

#include <algorithm>
#include <array>

#include "mesh/base/assert.hpp"
#include "node/redis/core/words.hpp"
#include "node/redis/store/store_values.hpp"

namespace tulle::node::redis {
namespace {

/// Texts longer than the longest one with its blanks are no known script.
constexpr std::size_t kMaxScriptText = 2048;

constexpr std::string_view kReadCount = R"(localtotalHits=redis.call("GET",KEYS[1])localtimeToExpire=)"
                                        R"(redis.call("PTTL",KEYS[1])return{totalHits,timeToExpire})";

constexpr std::array kScripts{
    Script{ScriptId::kWindow,
           "redis.call('set',KEYS[1],0,'EX',ARGV[2],'NX')localconsumed=redis.call('incrby',KEYS[1],ARGV[1])localttl="
           "redis.call('pttl',KEYS[1])ifttl==-1thenredis.call('expire',KEYS[1],ARGV[2])ttl=1000*ARGV[2]endreturn{"
           "consumed,ttl}",
           "a1de965f42e177aa339706bd580f049065eca79a", 2},
    Script{ScriptId::kHits,
           R"(localwindowMs=tonumber(ARGV[1])localtimeToExpire=redis.call("PTTL",KEYS[1])iftimeToExpire<=0then)"
           R"(redis.call("SET",KEYS[1],1,"PX",windowMs)return{1,windowMs}endlocaltotalHits=redis.call("INCR",KEYS[1]))"
           R"(return{totalHits,timeToExpire})",
           "895b92e1712734e1b464999be23953485475357b", 1},
    Script{ScriptId::kHitsOrRestart,
           R"(localwindowMs=tonumber(ARGV[2])localresetOnChange=ARGV[1]=="1"localtimeToExpire=redis.call("PTTL",)"
           R"(KEYS[1])iftimeToExpire<=0thenredis.call("SET",KEYS[1],1,"PX",windowMs)return{1,windowMs}endlocal)"
           R"(totalHits=redis.call("INCR",KEYS[1])ifresetOnChangethenredis.call("PEXPIRE",KEYS[1],windowMs))"
           R"(timeToExpire=windowMsendreturn{totalHits,timeToExpire})",
           "81dbecea94d2d10514719b20ed51faf711529d9d", 2},
    Script{ScriptId::kHitsAndExpire,
           R"(localtotalHits=redis.call("INCR",KEYS[1])localtimeToExpire=redis.call("PTTL",KEYS[1])iftimeToExpire<=0)"
           R"(orARGV[1]=="1"thenredis.call("PEXPIRE",KEYS[1],tonumber(ARGV[2]))timeToExpire=tonumber(ARGV[2])end)"
           R"(return{totalHits,timeToExpire})",
           "3f424a504987d231baa2e19159bb5def8ad32f87", 2},
    Script{ScriptId::kReadHits, kReadCount, "6aeb97ed6086dcdeafdc6fda3999a0d0e38ec96a", 0},
    Script{ScriptId::kAdd, "returnredis.call('exists',KEYS[1])<1andredis.call('setex',KEYS[1],ARGV[2],ARGV[1])", "", 2},
    Script{ScriptId::kIncrement, "returnredis.call('INCRBY',KEYS[1],ARGV[1])", "", 1},
    Script{ScriptId::kIncrementPresent,
           "localexists=redis.call('EXISTS',KEYS[1])if(exists==1)thenreturnredis.call('INCRBY',KEYS[1],ARGV[1])else"
           "returnfalseend",
           "", 1},
    Script{ScriptId::kRelease,
           R"(ifredis.call("get",KEYS[1])==ARGV[1]thenreturnredis.call("del",KEYS[1])elsereturn0end)", "", 1},
};

/// What a script has to do with.
struct ScriptRun {
    std::string_view name;
    std::span<const std::string_view> arguments;
    StoreValues& values;
    RespWriter& out;

    /// The argument as a number; without one the script fails, and nothing has been written.
    [[nodiscard]] std::optional<std::int64_t> number(std::size_t i) const {
        const std::optional<std::int64_t> number = number_of(arguments[i]);
        if (!number) {
            out.error(kNotAnInteger);
        }
        return number;
    }
    void answer(std::int64_t count, std::int64_t milliseconds) const {
        out.array(2);
        out.integer(count);
        out.integer(milliseconds);
    }
};

void run_window(const ScriptRun& run) {
    const auto points = run.number(0);
    const auto seconds = points ? run.number(1) : std::nullopt;
    if (!seconds) {
        return;
    }
    const bool is_valid = *seconds > 0 && *seconds <= kMaxLifetimeMs / 1000;
    if (!is_valid) {
        run.out.error("ERR invalid expire time in 'set' command");
        return;
    }
    const std::optional<std::int64_t> count = run.values.add(run.name, *points, *seconds * 1000, run.out);
    if (!count) {
        return;
    }
    std::int64_t left = run.values.left_ms(run.name);
    if (left == -1) {
        run.values.expire_in(run.name, *seconds * 1000);
        left = *seconds * 1000;
    }
    run.answer(*count, left);
}

/// `window_ms`: the argument with the length of the window. `restarts`: each count begins the window anew.
void run_hits(const ScriptRun& run, std::size_t window_argument, bool restarts, bool is_new_when_over) {
    const auto window_ms = run.number(window_argument);
    if (!window_ms) {
        return;
    }
    if (*window_ms <= 0 || *window_ms > kMaxLifetimeMs) {
        run.out.error("ERR invalid expire time in 'set' command");
        return;
    }
    std::int64_t left = run.values.left_ms(run.name);
    if (left <= 0 && is_new_when_over) {
        if (run.values.put(run.name, "1", *window_ms, run.out)) {
            run.answer(1, *window_ms);
        }
        return;
    }
    const std::optional<std::int64_t> count = run.values.add(run.name, 1, std::nullopt, run.out);
    if (!count) {
        return;
    }
    if (left <= 0 || restarts) {
        run.values.expire_in(run.name, *window_ms);
        left = *window_ms;
    }
    run.answer(*count, left);
}

void run_read_hits(const ScriptRun& run) {
    const Cell* cell = run.values.find(run.name);
    run.out.array(2);
    cell == nullptr ? run.out.null() : run.out.bulk(cell->value);
    run.out.integer(run.values.left_ms(run.name));
}

void run_add(const ScriptRun& run) {
    const auto seconds = run.number(1);
    if (!seconds) {
        return;
    }
    if (run.values.find(run.name) != nullptr) {
        // What Lua's false becomes.
        run.out.null();
    } else if (*seconds <= 0 || *seconds > kMaxLifetimeMs / 1000) {
        run.out.error("ERR invalid expire time in 'setex' command");
    } else if (run.values.put(run.name, run.arguments[0], *seconds * 1000, run.out)) {
        run.out.simple("OK");
    }
}

void run_increment(const ScriptRun& run) {
    const auto change = run.number(0);
    const auto sum = change ? run.values.add(run.name, *change, std::nullopt, run.out) : std::nullopt;
    if (sum) {
        run.out.integer(*sum);
    }
}

void run_release(const ScriptRun& run) {
    const Cell* cell = run.values.find(run.name);
    const bool is_held = cell != nullptr && cell->value == run.arguments[0];
    if (is_held) {
        run.values.remove(run.name);
    }
    run.out.integer(is_held ? 1 : 0);
}

}  // namespace

const Script* find_script(std::string_view text) {
    if (text.size() > kMaxScriptText) {
        return nullptr;
    }
    std::string dense(text);
    std::erase_if(dense, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
    const auto found = std::find_if(kScripts.begin(), kScripts.end(), [&](const Script& s) { return s.text == dense; });
    return found == kScripts.end() ? nullptr : &*found;
}

const Script* find_script_by_sha(std::string_view sha) {
    const auto found = std::find_if(kScripts.begin(), kScripts.end(),
                                    [&](const Script& s) { return !s.sha.empty() && is_word(sha, s.sha); });
    return found == kScripts.end() ? nullptr : &*found;
}

const Script* script_of(const Command& command, std::span<const std::string_view> arguments) {
    if (arguments.size() < 4 || arguments[2] != "1") {
        return nullptr;
    }
    const Script* script =
        command.id == CommandId::kEval ? find_script(arguments[1]) : find_script_by_sha(arguments[1]);
    return script != nullptr && arguments.size() >= 4 + script->arguments ? script : nullptr;
}

void run_script(const Script& script, std::string_view name, std::span<const std::string_view> arguments,
                StoreAccess& access, RespWriter& out) {
    TULLE_ASSERT(arguments.size() >= script.arguments);
    StoreValues values(access);
    const ScriptRun run{name, arguments, values, out};
    switch (script.id) {
        case ScriptId::kWindow:
            return run_window(run);
        case ScriptId::kHits:
            return run_hits(run, 0, false, true);
        case ScriptId::kHitsOrRestart:
            return run_hits(run, 1, arguments[0] == "1", true);
        case ScriptId::kHitsAndExpire:
            return run_hits(run, 1, arguments[0] == "1", false);
        case ScriptId::kReadHits:
            return run_read_hits(run);
        case ScriptId::kAdd:
            return run_add(run);
        case ScriptId::kIncrement:
            return run_increment(run);
        case ScriptId::kIncrementPresent:
            return values.find(name) == nullptr ? out.null() : run_increment(run);
        case ScriptId::kRelease:
            return run_release(run);
    }
}

}  // namespace tulle::node::redis
