#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/cli/admin.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/signals.hpp"
#include "tools/cli/top_table.hpp"

namespace tulle::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// The terminal without echo and without lines, on its alternate screen and without a cursor. The end of the object
/// brings everything back.
class TopScreen {
public:
    TopScreen() {
        ::tcgetattr(STDIN_FILENO, &before_);
        termios raw = before_;
        raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        raw.c_cc[VMIN] = 0;
        raw.c_cc[VTIME] = 0;
        ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
        std::cout << "\x1b[?1049h\x1b[?25l" << std::flush;
    }
    ~TopScreen() {
        std::cout << "\x1b[?25h\x1b[?1049l" << std::flush;
        ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    }
    TopScreen(const TopScreen&) = delete;
    TopScreen& operator=(const TopScreen&) = delete;

    /// Draws over what is there.
    void draw(const std::string& text) {
        winsize size{};
        const bool is_known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0;
        const std::size_t rows = is_known ? std::size_t{size.ws_row} : 24;
        const std::size_t columns = is_known ? std::size_t{size.ws_col} : 80;
        std::cout << "\x1b[H" << screen_of(text, rows, columns) << "\x1b[J" << std::flush;
    }

private:
    termios before_{};
};

/// Asks a node for what the screen shows.
class TopSource {
public:
    explicit TopSource(const TopOptions& options)
        : options_(options),
          admin_(options.admin.server, options.admin.timeout + kAdminPatience,
                 read_admin_token(options.admin.token_file)) {}

    /// Looks at all nodes. False: there is no answer, and error() says why.
    [[nodiscard]] bool look() {
        const auto body = ask("/v1/doctor?timeout_ms=" + timeout());
        std::optional<TopSample> sample = body ? parse_top(*body) : std::nullopt;
        if (!sample) {
            error_ = body ? options_.admin.server + " answered something that is no report" : error_;
            return false;
        }
        before_ = std::exchange(now_, std::move(*sample));
        return true;
    }
    /// Looks at the connections. False as in look().
    [[nodiscard]] bool look_at_connections(const TopView& view) {
        connections_.clear();
        if (view.connections == 0) {
            return true;
        }
        const auto body = ask("/v1/conns?timeout_ms=" + timeout() + "&sort=" + view.sort +
                              "&limit=" + std::to_string(view.connections));
        std::optional<std::vector<ConnectionCells>> rows = body ? parse_connections(*body) : std::nullopt;
        if (!rows) {
            error_ = body ? options_.admin.server + " answered something that is no list of connections" : error_;
            return false;
        }
        connections_ = std::move(*rows);
        return true;
    }
    [[nodiscard]] const std::string& error() const { return error_; }
    [[nodiscard]] const TopSample& now() const { return now_; }

    /// Both tables.
    [[nodiscard]] std::string text() const {
        std::string out = top_nodes_text(before_, now_);
        return connections_.empty() ? out : out + "\n" + connections_table(connections_);
    }
    [[nodiscard]] std::string json() const { return top_json(before_, now_, connections_) + "\n"; }

private:
    [[nodiscard]] std::string timeout() const { return std::to_string(options_.admin.timeout.count()); }
    [[nodiscard]] std::optional<std::string> ask(const std::string& target) {
        client::Exchange exchange = admin_.get(target);
        if (exchange.outcome == client::ExchangeOutcome::kAnswered && exchange.status == 200) {
            return std::move(exchange.body);
        }
        error_ = admin_.why_useless(exchange);
        return std::nullopt;
    }

    const TopOptions& options_;
    Admin admin_;
    TopSample before_;
    TopSample now_;
    std::vector<ConnectionCells> connections_;
    std::string error_;
};

TopView view_of(const TopOptions& options) {
    return {options.sort, options.connections, options.delay};
}

int run_once(const TopOptions& options) {
    TopSource source(options);
    bool has_answer = source.look();
    if (has_answer) {
        // A plain pause: rates need two looks.
        ::poll(nullptr, 0, static_cast<int>(options.delay.count()));
        has_answer = source.look() && source.look_at_connections(view_of(options));
    }
    if (!has_answer) {
        std::cerr << "tulle: " << source.error() << "\n";
        return kUnreachable;
    }
    std::cout << (options.admin.json ? source.json() : source.text()) << std::flush;
    return source.now().missing.empty() ? kOk : kFailed;
}

/// Waits for the next look, and follows the keys meanwhile. False: the user has had enough. A key that changes what is
/// shown ends the wait.
bool wait_for_next_look(Signals& signals, TopView& view, Clock::time_point next) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now());
        std::array<pollfd, 2> watched{pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{signals.fd(), POLLIN, 0}};
        const int ready = ::poll(watched.data(), watched.size(),
                                 static_cast<int>(std::max(left, std::chrono::milliseconds(0)).count()));
        if (ready <= 0) {
            return true;
        }
        if (const std::optional<int> signal = signals.next()) {
            // Another size of the window needs another drawing, and nothing else.
            return *signal == SIGWINCH;
        }
        char key = 0;
        const ssize_t got = ::read(STDIN_FILENO, &key, 1);
        if (got <= 0 || !follow_key(key, view)) {
            return false;
        }
        if (key == 'o' || key == 'n' || key == 'd') {
            return true;
        }
    }
}

int run_on_screen(const TopOptions& options) {
    Signals signals({SIGINT, SIGTERM, SIGHUP, SIGWINCH});
    TopSource source(options);
    TopView view = view_of(options);
    if (!source.look() || !source.look_at_connections(view)) {
        std::cerr << "tulle: " << source.error() << "\n";
        return kUnreachable;
    }
    TopScreen screen;
    std::string problem;
    for (;;) {
        screen.draw(top_keys_line(view) + (problem.empty() ? "" : "tulle: " + problem + "\n") + "\n" + source.text());
        if (!wait_for_next_look(signals, view, Clock::now() + view.delay)) {
            return kOk;
        }
        // A node that does not answer may do so later: the screen shows what it has.
        problem = source.look() && source.look_at_connections(view) ? "" : source.error();
    }
}

}  // namespace

int run_top(const TopOptions& options) {
    if (options.once) {
        return run_once(options);
    }
    if (options.admin.json) {
        throw std::invalid_argument("--json needs --once");
    }
    if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1) {
        throw std::invalid_argument("top needs a terminal; --once prints one table");
    }
    return run_on_screen(options);
}

}  // namespace tulle::cli
