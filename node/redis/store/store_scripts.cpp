#include "node/redis/store/store_scripts.hpp"

#include <algorithm>
#include <array>

#include "mesh/base/assert.hpp"
#include "node/redis/core/words.hpp"
#include "node/redis/store/sliding_window.hpp"
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
    Script{ScriptId::kRelease, "ifredis.call('GET',KEYS[1])==ARGV[1]thenreturnredis.call('DEL',KEYS[1])elsereturn0end",
           "d02e481a9c91ceec59c5822a58a49d5d5d7ac80b", 1},
    Script{ScriptId::kSwap,
           "ifredis.call('GET',KEYS[1])==ARGV[1]thenredis.call('SET',KEYS[1],ARGV[2],'EX',ARGV[3]);return1elsereturn0"
           "end",
           "94ecbfa5891615ed282f03a6dc3ae71e7c4a3166", 3},
    Script{ScriptId::kSlidingWindow,
           "redis.call('ZREMRANGEBYSCORE',KEYS[1],0,ARGV[1])localcount=redis.call('ZCARD',KEYS[1])locallimit=tonumber("
           "ARGV[4])localshould_increment=ARGV[5]=='1'localalready_counted=should_incrementandredis.call('ZSCORE',KEYS["
           "1],ARGV[6])~=falselocalallowed=0ifalready_countedthenallowed=1elseifcount<limitthenallowed=1if"
           "should_incrementthenredis.call('ZADD',KEYS[1],ARGV[2],ARGV[6])count=count+1endendifcount>0thenredis.call("
           "'EXPIRE',KEYS[1],ARGV[3])endreturn{allowed,math.max(0,limit-count)}",
           "aa79e12240bc209f74eb980d25f6cf01f1bd4569", 6},
};

/// The lifetime is possible.
constexpr bool is_lifetime(std::int64_t seconds) {
    return seconds > 0 && seconds <= kMaxLifetimeMs / 1000;
}

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
    /// Two numbers, such as a count and the milliseconds that are left of its window.
    void answer(std::int64_t first, std::int64_t second) const {
        out.array(2);
        out.integer(first);
        out.integer(second);
    }
};

void run_window(const ScriptRun& run) {
    const auto points = run.number(0);
    const auto seconds = points ? run.number(1) : std::nullopt;
    if (!seconds) {
        return;
    }
    if (!is_lifetime(*seconds)) {
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
    } else if (!is_lifetime(*seconds)) {
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

void run_swap(const ScriptRun& run) {
    const Cell* cell = run.values.find(run.name);
    if (cell == nullptr || cell->value != run.arguments[0]) {
        run.out.integer(0);
        return;
    }
    const auto seconds = run.number(2);
    if (!seconds) {
        return;
    }
    if (!is_lifetime(*seconds)) {
        run.out.error("ERR invalid expire time in 'set' command");
    } else if (run.values.put(run.name, run.arguments[1], *seconds * 1000, run.out)) {
        run.out.integer(1);
    }
}

/// What the caller says of a hit, in the order of the arguments.
struct WindowHit {
    std::int64_t window_begin_ms = 0;
    std::int64_t now_ms = 0;
    std::int64_t window_seconds = 0;
    /// Not negative.
    std::int64_t limit = 0;
    /// Otherwise the caller looks only.
    bool counts = false;
    std::string_view member;
};

/// Nothing: an error has been appended.
std::optional<WindowHit> window_hit_of(const ScriptRun& run) {
    std::array<std::int64_t, 4> numbers{};
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto number = run.number(i);
        if (!number) {
            return std::nullopt;
        }
        numbers[i] = *number;
    }
    if (numbers[1] < 0 || numbers[1] > static_cast<std::int64_t>(SlidingWindow::kLatestMs)) {
        run.out.error(kNotAnInteger);
        return std::nullopt;
    }
    return WindowHit{
        numbers[0],      numbers[1], numbers[2], std::max<std::int64_t>(numbers[3], 0), run.arguments[4] == "1",
        run.arguments[5]};
}

/// Adds the hit and writes the window. False: an error has been appended, and nothing has been written.
bool write_window(const ScriptRun& run, const WindowHit& hit, SlidingWindow& window) {
    const auto now_ms = static_cast<std::uint64_t>(hit.now_ms);
    const std::int64_t window_ms = hit.window_seconds * 1000;
    window.add(now_ms, hit.member, static_cast<std::uint64_t>(window_ms));
    const std::int64_t ahead_ms =
        std::min(static_cast<std::int64_t>(window.ahead_ms(now_ms)), std::int64_t{kMaxWindowAhead / 1ms});
    return run.values.put(run.name, window.packed(), std::min(window_ms + ahead_ms, kMaxLifetimeMs), run.out);
}

/// Writes only when a hit is admitted: an answer that is no, a look and a hit that is sent again cost the other nodes
/// nothing. What the window begins after is left out whenever the value is read, and stays in the value meanwhile.
void run_sliding_window(const ScriptRun& run) {
    const std::optional<WindowHit> hit = window_hit_of(run);
    if (!hit) {
        return;
    }
    const Cell* cell = run.values.find(run.name);
    std::optional<SlidingWindow> window = cell == nullptr ? SlidingWindow() : SlidingWindow::read(cell->value);
    if (!window) {
        run.out.error("WRONGTYPE Operation against a key holding the wrong kind of value");
        return;
    }
    window->forget_until(hit->window_begin_ms);
    const bool is_again = hit->counts && window->has(hit->member);
    const bool is_allowed = is_again || window->count() < hit->limit;
    const bool is_new = hit->counts && is_allowed && !is_again;
    const std::int64_t count = window->count() + (is_new ? 1 : 0);
    if (count > 0 && hit->window_seconds <= 0) {
        // The window is over at once, and so is the key.
        run.values.remove(run.name);
    } else if (count > 0 && !is_lifetime(hit->window_seconds)) {
        run.out.error("ERR invalid expire time in 'expire' command");
        return;
    } else if (is_new && !write_window(run, *hit, *window)) {
        return;
    }
    run.answer(is_allowed ? 1 : 0, std::max<std::int64_t>(hit->limit - count, 0));
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
        case ScriptId::kSwap:
            return run_swap(run);
        case ScriptId::kSlidingWindow:
            return run_sliding_window(run);
    }
}

}  // namespace tulle::node::redis
