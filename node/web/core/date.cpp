#include "node/web/core/date.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>

namespace tulle::node::http {
namespace {

// The names are written out here, because the names of the C library follow the locale.
constexpr std::string_view kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// Appends the last two decimal digits of `number`, with a leading zero.
void append_two(std::string& text, std::int64_t number) {
    text.push_back(static_cast<char>('0' + number / 10 % 10));
    text.push_back(static_cast<char>('0' + number % 10));
}

}  // namespace

std::string date_text(WallSeconds time) {
    // std::chrono computes without a time zone and without a locale, so the text is the same on every machine.
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss<std::chrono::seconds> clock(time - day);
    const auto year = static_cast<int>(date.year());
    std::string text(kDays[std::chrono::weekday(day).c_encoding()]);
    text.append(", ");
    append_two(text, static_cast<unsigned>(date.day()));
    text.append(" ").append(kMonths[static_cast<unsigned>(date.month()) - 1]).append(" ");
    // A year has four digits in two calls: the century, then the year of the century.
    append_two(text, year / 100);
    append_two(text, year % 100);
    text.append(" ");
    append_two(text, clock.hours().count());
    text.append(":");
    append_two(text, clock.minutes().count());
    text.append(":");
    append_two(text, clock.seconds().count());
    return text.append(" GMT");
}

}  // namespace tulle::node::http
