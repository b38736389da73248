#include "tests/bench/load/command.hpp"

#include <charconv>
#include <map>
#include <sstream>

namespace tulle::bench {
namespace {

using Kind = load::RunOptions::Kind;

constexpr Duration kBurstRest = 100us;  // what bursts are for is the CPU of sending

template <class T>
bool parse_number(std::string_view text, T& out) {
    const auto result = std::from_chars(text.data(), text.data() + text.size(), out);
    return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

/// One key=value; false when the key is not known or the value no number.
bool apply(load::RunOptions& options, std::string_view key, std::string_view value) {
    if (key == "b") {
        return parse_number(value, options.batch);
    }
    if (key == "payload") {
        return parse_number(value, options.text_bytes);
    }
    if (key == "channels") {
        return parse_number(value, options.channels);
    }
    if (key == "window") {
        return parse_number(value, options.window);
    }
    if (key == "r") {
        return parse_number(value, options.rate);
    }
    double number = 0;
    if (!parse_number(value, number)) {
        return false;
    }
    if (key == "seconds") {
        options.length = Duration(static_cast<Duration::rep>(number * 1e9));
        return true;
    }
    options.rest = Duration(static_cast<Duration::rep>(number * 1e3));
    return key == "rest_us";
}

}  // namespace

bool parse_pids(std::string_view text, std::vector<pid_t>& out) {
    out.clear();
    while (!text.empty()) {
        const std::size_t comma = text.find(',');
        pid_t pid = 0;
        if (!parse_number(text.substr(0, comma), pid) || pid <= 0) {
            return false;
        }
        out.push_back(pid);
        text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    }
    return true;
}

Command parse_command(std::string_view line) {
    static const std::map<std::string, Kind> kKinds{
        {"burst", Kind::kBurst}, {"rate", Kind::kRate}, {"saturate", Kind::kSaturate}, {"idle", Kind::kIdle}};
    std::istringstream words{std::string(line)};
    std::string word;
    words >> word;
    if (word == "quit") {
        return Quit{};
    }
    if (word == "pids") {
        WatchPids watch;
        words >> word;
        return words && parse_pids(word, watch.pids) ? Command(std::move(watch))
                                                     : Command(Wrong{"pids needs PID,PID,…"});
    }
    const auto kind = kKinds.find(word);
    if (kind == kKinds.end()) {
        return Wrong{"no such command: '" + word + "'"};
    }
    load::RunOptions options{.kind = kind->second};
    options.rest = options.kind == Kind::kBurst ? kBurstRest : Duration::zero();
    while (words >> word) {
        const std::size_t equals = word.find('=');
        if (equals == std::string::npos || !apply(options, word.substr(0, equals), word.substr(equals + 1))) {
            return Wrong{"cannot understand '" + word + "'"};
        }
    }
    return options;
}

}  // namespace tulle::bench
