#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "node/redis/store/store_commands.hpp"

namespace tulle::node::redis {

/// The scripts that libraries send and that are served: their effect is built in, as no Lua runs here.
enum class ScriptId : std::uint8_t {
    /// rate-limiter-flexible: counts in a window that the first count opens.
    kWindow,
    /// rate-limit-redis (express-rate-limit): counts in such a window; version 6, versions 4.3 and 5, version 4.2; and
    /// reads the count.
    kHits,
    kHitsOrRestart,
    kHitsAndExpire,
    kReadHits,
    /// Laravel: adds to the cache what is not there yet.
    kAdd,
    /// django-redis: adds to a number, or only to one that is there.
    kIncrement,
    kIncrementPresent,
    /// Laravel, Sockudo and others: deletes a key that has the given value, such as the lock of the caller.
    kRelease,
    /// Sockudo's cache: gives a key that has the given value another value and another expiry.
    kSwap,
    /// Sockudo's limiter: counts hits in a window that ends now, or looks at their number.
    kSlidingWindow,
};

struct Script {
    ScriptId id;
    /// Without blanks.
    std::string_view text;
    /// The SHA-1 of the text as the library sends it, by which EVALSHA names the script; empty for a script that is
    /// sent whole each time.
    std::string_view sha;
    /// Arguments beside the single key; further ones do not matter.
    std::size_t arguments = 0;
};

/// The script of that text, whatever its blanks; null for any other text.
[[nodiscard]] const Script* find_script(std::string_view text);
/// The script of that SHA-1 in hexadecimal digits of any case; null for any other script.
[[nodiscard]] const Script* find_script_by_sha(std::string_view sha);
/// The script of EVAL or EVALSHA. `arguments` has the name of the command first. Null: not served.
[[nodiscard]] const Script* script_of(const Command& command, std::span<const std::string_view> arguments);
/// Runs the script. `arguments`: what follows the key. REQUIRES: as many arguments as the script has.
void run_script(const Script& script, std::string_view name, std::span<const std::string_view> arguments,
                StoreAccess& access, RespWriter& out);

}  // namespace tulle::node::redis
