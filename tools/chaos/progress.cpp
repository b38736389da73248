#include "tools/chaos/progress.hpp"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <iostream>

#include "tools/chaos/recorder.hpp"

namespace tulle::chaos {
namespace {

/// Often enough for the eye on a terminal, without work worth mention.
constexpr Duration kRedraw = 200ms;
/// Seldom enough for a log file.
constexpr Duration kPlainInterval = 10s;
/// Width of the step's name, so the figures stay in place.
constexpr std::size_t kFaultColumns = 34;

/// Seconds of the run so far, as the beginning of a line.
std::string clock_text() {
    std::array<char, 32> out{};
    std::snprintf(out.data(), out.size(), "%7.1f s  ", std::chrono::duration<double>(now().time_since_epoch()).count());
    return out.data();
}

}  // namespace

Progress::Progress() : tty_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
    clear_line();
}

void Progress::show(const Sofar& sofar) {
    if (now() < next_) {
        return;
    }
    next_ = now() + (tty_ ? kRedraw : kPlainInterval);
    // Cut or padded to a fixed width.
    std::string fault = sofar.fault.substr(0, kFaultColumns);
    fault.resize(kFaultColumns, ' ');
    clear_line();
    std::cerr << clock_text() << fault << "  " << sofar.published << " published  " << sofar.delivered << " delivered  "
              << sofar.kills << " kills" << (tty_ ? "" : "\n") << std::flush;
    is_drawn_ = tty_;
}

void Progress::say(const std::string& what) {
    clear_line();
    std::cerr << clock_text() << what << "\n" << std::flush;
}

void Progress::clear_line() {
    if (is_drawn_) {
        std::cerr << "\r\033[K" << std::flush;
        is_drawn_ = false;
    }
}

}  // namespace tulle::chaos
