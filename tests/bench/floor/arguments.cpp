#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>

#include "tests/bench/floor/server.hpp"

namespace tulle::bench::floor {
namespace {

void print_usage(std::FILE* out, const char* program, bool has_cadence) {
    std::fprintf(out, "usage: %s [--port N]%s\n\n", program, has_cadence ? " [--send per-message|per-tick]" : "");
    std::fputs(
        "The floor of a WebSocket fan-out: text messages of connections to /pub go to all connections to /sub.\n"
        "Says \"listening 127.0.0.1:PORT\" when it serves; ends with a signal.\n\n"
        "  --port N   of 127.0.0.1 (default 0: any)\n",
        out);
    if (has_cadence) {
        std::fputs("  --send     each message for itself, or all of one turn of the loop at once (default per-tick)\n",
                   out);
    }
}

[[noreturn]] void refuse(const char* program, bool has_cadence, std::string_view argument) {
    std::fprintf(stderr, "error: '%.*s' is not understood\n", static_cast<int>(argument.size()), argument.data());
    print_usage(stderr, program, has_cadence);
    std::exit(2);
}

}  // namespace

Arguments read_arguments(int argc, char** argv, bool has_cadence) {
    Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (name == "--help") {
            print_usage(stdout, argv[0], has_cadence);
            std::exit(0);
        }
        const std::string_view value = i + 1 < argc ? argv[++i] : "";
        if (name == "--port") {
            const char* end = value.data() + value.size();
            if (const auto [stop, error] = std::from_chars(value.data(), end, arguments.port);
                error != std::errc() || stop != end) {
                refuse(argv[0], has_cadence, value);
            }
        } else if (has_cadence && name == "--send" && (value == "per-message" || value == "per-tick")) {
            arguments.cadence = value == "per-tick" ? Cadence::kPerTick : Cadence::kPerMessage;
        } else {
            refuse(argv[0], has_cadence, name);
        }
    }
    return arguments;
}

int serve(const Arguments& arguments, Sender& sender) {
    try {
        Server server(arguments.port, arguments.cadence, sender);
        std::printf("listening 127.0.0.1:%u\n", unsigned{server.port()});
        std::fflush(stdout);
        server.run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "error: %s\n", error.what());
        return 1;
    }
}

}  // namespace tulle::bench::floor
