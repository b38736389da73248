#include "tools/cli/watch.hpp"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <sstream>
#include <string>

#include "tools/cli/exit_code.hpp"
#include "tools/cli/signals.hpp"
#include "tools/cli/terminal.hpp"

namespace tulle::cli {
namespace {

using WatchClock = std::chrono::steady_clock;

/// Gathers what goes to both streams, for as long as the object lives.
class Capture {
public:
    Capture() : out_(std::cout.rdbuf(text_.rdbuf())), error_(std::cerr.rdbuf(text_.rdbuf())) {}
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;
    ~Capture() {
        std::cout.rdbuf(out_);
        std::cerr.rdbuf(error_);
    }
    [[nodiscard]] std::string text() const { return text_.str(); }

private:
    std::ostringstream text_;
    std::streambuf* out_;
    std::streambuf* error_;
};

/// Makes the terminal give each key at once, for as long as the object lives.
class Keys {
public:
    // A program in the background would be stopped for a change of the terminal.
    Keys() : is_terminal_(::tcgetattr(STDIN_FILENO, &before_) == 0 && ::tcgetpgrp(STDIN_FILENO) == ::getpgrp()) {
        if (is_terminal_) {
            termios raw = before_;
            raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
            ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
        }
    }
    Keys(const Keys&) = delete;
    Keys& operator=(const Keys&) = delete;
    ~Keys() {
        if (is_terminal_) {
            ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
        }
    }
    /// The descriptor to poll; negative, which poll() passes over, without a terminal.
    [[nodiscard]] int fd() const { return is_terminal_ ? STDIN_FILENO : -1; }
    /// Reads a key. True for q, and for the end of the input.
    [[nodiscard]] static bool is_end() {
        char key = 0;
        return ::read(STDIN_FILENO, &key, 1) <= 0 || key == 'q' || key == 'Q';
    }

private:
    termios before_{};
    bool is_terminal_;
};

/// Writes a block over the one before. Lines that have no room are left out.
void redraw(const std::string& block, bool is_first) {
    const std::size_t height = terminal_height(STDOUT_FILENO);
    std::string out = is_first ? "\x1b[2J\x1b[H" : "\x1b[H";
    std::istringstream lines(block);
    std::string line;
    for (std::size_t i = 0; std::getline(lines, line) && (height == 0 || i + 1 < height); ++i) {
        // The rest of the old line goes, and at the end all old lines below.
        out += line + "\x1b[K\n";
    }
    std::cout << out << "\x1b[J" << std::flush;
}

/// Waits for the next look. True when there is to be none.
bool is_over(Signals& signals, const Keys& keys, WatchClock::time_point next) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - WatchClock::now());
        if (left.count() <= 0) {
            return signals.next().has_value();
        }
        pollfd fds[] = {{signals.fd(), POLLIN, 0}, {keys.fd(), POLLIN, 0}};
        ::poll(fds, 2, static_cast<int>(left.count()));
        if (signals.next() || ((fds[1].revents & (POLLIN | POLLHUP)) != 0 && Keys::is_end())) {
            return true;
        }
    }
}

}  // namespace

int watched(std::optional<std::chrono::milliseconds> every, bool is_json, const std::function<int()>& look) {
    if (!every) {
        return look();
    }
    Signals signals({SIGINT, SIGTERM, SIGHUP});
    const bool is_terminal = ::isatty(STDOUT_FILENO) == 1;
    const Keys keys;
    for (bool is_first = true;; is_first = false) {
        const WatchClock::time_point begin = WatchClock::now();
        int exit_code = kOk;
        if (is_terminal) {
            std::string block;
            {
                const Capture capture;
                exit_code = look();
                block = capture.text();
            }
            redraw(timestamp() + "  (q ends)\n\n" + block, is_first);
        } else {
            // Elsewhere complaints stay apart from the answers.
            std::cout << (is_first || is_json ? "" : "\n");
            exit_code = look();
            std::cout << std::flush;
        }
        // The reader of the output has gone, for example `head`.
        if (!std::cout) {
            return kFailed;
        }
        if (is_over(signals, keys, begin + *every)) {
            return exit_code;
        }
    }
}

}  // namespace tulle::cli
