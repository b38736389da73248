#include "node/app/logging.hpp"

#include <ctime>
#include <memory>
#include <string_view>
#include <utility>

#include <unistd.h>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace tulle::node {
namespace {

/// Escapes control characters, and for JSON quotes and backslashes too.
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

void append_time(spdlog::log_clock::time_point time, spdlog::memory_buf_t& out) {
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
    const std::time_t seconds = millis / 1000;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                   parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, millis % 1000);
}

std::string_view view(spdlog::string_view_t text) { return {text.data(), text.size()}; }

class LineFormatter final : public spdlog::formatter {
public:
    LineFormatter(std::string node, bool is_json) : node_(std::move(node)), is_json_(is_json) {}

    void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
        const std::string_view level = view(spdlog::level::to_string_view(message.level));
        if (is_json_) {
            append("{\"ts\":\"", out);
            append_time(message.time, out);
            append("\",\"level\":\"", out);
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

}  // namespace

void set_up_logging(const std::string& node, const std::string& level) {
    auto logger = std::make_shared<spdlog::logger>("tulled", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_formatter(std::make_unique<LineFormatter>(node, ::isatty(STDERR_FILENO) == 0));
    logger->set_level(spdlog::level::from_str(level));
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(std::move(logger));
}

}  // namespace tulle::node
