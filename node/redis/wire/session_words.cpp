#include "node/redis/wire/session_words.hpp"

#include <charconv>
#include <system_error>

namespace tulle::node::redis {

std::optional<std::int64_t> number_of(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool has_leading_zero = text.size() > 1 && (text.front() == '0' || text.starts_with("-0"));
    return error == std::errc{} && end == text.data() + text.size() && !has_leading_zero ? std::optional(number)
                                                                                         : std::nullopt;
}

std::string wrong_arity(std::string_view command) {
    return "ERR wrong number of arguments for '" + std::string(command) + "' command";
}

}  // namespace tulle::node::redis
