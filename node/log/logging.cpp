#include "node/log/logging.hpp"

#include <climits>
#include <csignal>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <poll.h>
#include <unistd.h>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/sink.h>
#include <spdlog/spdlog.h>

#include "node/log/log_writer.hpp"

namespace tulle::node {
namespace {

/// Escapes control characters, and for JSON quotes and backslashes too: a text of a client must not forge a line or
/// send escapes to a terminal.
void append_escaped(std::string_view text, bool is_json, spdlog::memory_buf_t& out) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
        } else {
            if (is_json && (c == '"' || c == '\\')) {
                out.push_back('\\');
            }
            out.push_back(c);
        }
    }
}

// Appends the time of day in UTC, with milliseconds, as RFC 3339 writes a time.
void append_time(spdlog::log_clock::time_point time, spdlog::memory_buf_t& out) {
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
    const std::time_t seconds = millis / 1000;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                   parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, millis % 1000);
}

std::string_view view(spdlog::string_view_t text) {
    return {text.data(), text.size()};
}

// Makes a line of a message: JSON for programs, plain text for people.
class LineFormatter final : public spdlog::formatter {
public:
    LineFormatter(std::string node, bool is_json) : node_(std::move(node)), is_json_(is_json) {}

    void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
        const std::string_view level = view(spdlog::level::to_string_view(message.level));
        if (is_json_) {
            append("{\"ts\":\"", out);
            append_time(message.time, out);
            append("\",\"level\":\"", out);
            // The log says "warn", as the configuration does.
            append(level == "warning" ? "warn" : level, out);
            append("\",\"node\":\"", out);
            append_escaped(node_, true, out);
            append("\",\"msg\":\"", out);
            append_escaped(view(message.payload), true, out);
            append("\"}\n", out);
        } else {
            append_time(message.time, out);
            fmt::format_to(std::back_inserter(out), " {:<8} {} ", level, node_);
            append_escaped(view(message.payload), false, out);
            append("\n", out);
        }
    }

    [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
        return std::make_unique<LineFormatter>(node_, is_json_);
    }

private:
    static void append(std::string_view text, spdlog::memory_buf_t& out) {
        out.append(text.data(), text.data() + text.size());
    }

    std::string node_;
    bool is_json_;
};

/// The writer of the process. Lives as long as the process, because other threads log until the very end.
LogWriter* writer = nullptr;

/// Gives the lines that were logged before an abort some time to be written by the writer's thread, which goes on
/// meanwhile. Calls only functions that a signal handler may call.
extern "C" void on_abort(int) {
    constexpr int kStep = 10;
    for (auto waited = 0; writer->is_busy() && waited < LogWriter::kLastWords.count(); waited += kStep) {
        ::poll(nullptr, 0, kStep);
    }
    // After the handler, abort() ends the process.
}

// Gives lines to the writer. Without a lock: the formatter has no state, and the writer locks.
class WriterSink final : public spdlog::sinks::sink {
public:
    explicit WriterSink(std::unique_ptr<spdlog::formatter> formatter) : formatter_(std::move(formatter)) {}

    void log(const spdlog::details::log_msg& message) override { writer->push(line_of(*formatter_, message)); }
    void flush() override {}
    void set_pattern(const std::string&) override {}
    void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

    static std::string line_of(spdlog::formatter& formatter, const spdlog::details::log_msg& message) {
        spdlog::memory_buf_t line;
        formatter.format(message, line);
        return {line.data(), line.size()};
    }

private:
    // The formatter has no state, so any thread may use the formatter.
    std::unique_ptr<spdlog::formatter> formatter_;
};

}  // namespace

void set_up_logging(const std::string& node, const std::string& level) {
    // A terminal means people; a pipe or a file means programs.
    const LineFormatter formatter(node, ::isatty(STDERR_FILENO) == 0);
    writer = new LogWriter(STDERR_FILENO, [own = std::shared_ptr(formatter.clone())](std::uint64_t count) {
        const std::string text = std::to_string(count) + " log lines are missing here: nobody read them in time";
        return WriterSink::line_of(*own, spdlog::details::log_msg("tulled", spdlog::level::warn, text));
    });
    // std::abort() and failed assertions raise SIGABRT.
    std::signal(SIGABRT, on_abort);
    auto logger = std::make_shared<spdlog::logger>("tulled", std::make_shared<WriterSink>(formatter.clone()));
    logger->set_level(spdlog::level::from_str(level));
    // The error handler of spdlog would write to stderr, and could wait there.
    logger->set_error_handler([](const std::string&) {});
    spdlog::set_default_logger(std::move(logger));
}

void set_log_level(const std::string& level) {
    spdlog::set_level(spdlog::level::from_str(level));
}

void flush_logging() {
    if (writer != nullptr) {
        static_cast<void>(writer->flush(LogWriter::kLastWords));
    }
}

std::uint64_t dropped_log_lines() {
    // Before set_up_logging nothing can have been dropped.
    return writer == nullptr ? 0 : writer->dropped();
}

void say_at_end(std::string_view line) {
    // The log's lines come first.
    flush_logging();
    pollfd writable{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    if (::poll(&writable, 1, static_cast<int>(LogWriter::kLastWords.count())) == 1) {
        // A writable pipe takes PIPE_BUF bytes without waiting.
        const std::string text = std::string(line.substr(0, PIPE_BUF - 1)) + "\n";
        [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    }
}

}  // namespace tulle::node
