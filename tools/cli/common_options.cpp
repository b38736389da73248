#include "tools/cli/common_options.hpp"

#include <cstddef>

#include "tools/cli/text_table.hpp"

namespace tulle::cli {

CLI::Option* add_seconds(CLI::App& command, const std::string& name, std::chrono::milliseconds& value,
                         const std::string& about, double least, double most) {
    const auto set = [&value](double seconds) {
        value = std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(seconds * 1'000));
    };
    const double now = std::chrono::duration<double>(value).count();
    return command.add_option_function<double>(name, set, about)
        ->check(CLI::Range(least, most))
        ->type_name("SECONDS")
        ->default_str(printed("%g", now));
}

void add_token_file(CLI::App& command, std::string& file) {
    command
        .add_option("--token-file,--admin-token-file", file,
                    "File with the token for the admin listener, alone or as a line of tulled's file")
        ->envname("TULLE_ADMIN_TOKEN_FILE")
        ->type_name("FILE");
}

void add_admin_options(CLI::App& command, AdminOptions& options, const std::string& json, double most_seconds) {
    options.server = kDefaultAdmin;
    command.add_option("-s,--admin,--server", options.server, "HOST:PORT or unix:/PATH of the node's admin listener")
        ->envname("TULLE_ADMIN")
        ->type_name("ADDRESS")
        ->capture_default_str();
    add_token_file(command, options.token_file);
    add_seconds(command, "--timeout", options.timeout, "Seconds for the answer", 0.01, most_seconds);
    add_json(command, options.json, json);
}

void add_json(CLI::App& command, bool& json, const std::string& about) {
    command.add_flag("-j,--json", json, about);
}

void add_watch(CLI::App& command, WatchInterval& every) {
    // The library gives an empty text for the option without a number.
    const auto seconds_of = [](const std::string& text) -> std::optional<double> {
        double seconds = 2;
        const bool is_number = text.empty() || CLI::detail::lexical_cast(text, seconds);
        return is_number && seconds >= 0.1 && seconds <= 86'400 ? std::optional(seconds) : std::nullopt;
    };
    const auto complaint = [seconds_of](const std::string& text) {
        return seconds_of(text) ? "" : "'" + text + "' is no number of seconds from 0.1 to 86400";
    };
    const auto set = [&every, seconds_of](const std::string& text) {
        every = std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(*seconds_of(text) * 1'000));
    };
    command
        .add_option_function<std::string>("--watch", set,
                                          "Look again every so many seconds, 2 without a number; q ends")
        ->expected(0, 1)
        ->type_name("SECONDS")
        ->check(complaint);
}

void add_expect(CLI::App& command, std::optional<std::size_t>& expect, const std::string& about) {
    command
        .add_option_function<std::size_t>(
            "--expect", [&expect](std::size_t nodes) { expect = nodes; }, about)
        ->check(CLI::Range(1, kMaxExpected))
        ->type_name("NODES");
}

}  // namespace tulle::cli
