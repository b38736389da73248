#pragma once

#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <tulle/client.hpp>

/// Shared by the examples: the app of a node without a configuration, the arguments, and the output.
namespace example {

inline constexpr const char* kAppId = "app-id";
inline constexpr const char* kKey = "app-key";
inline constexpr const char* kSecret = "app-secret";

/// The URLs among the arguments, beginning at index `first`; without URLs the node on this machine. `words` describes
/// the arguments before the URLs. Throws std::invalid_argument with the usage for --help, and for an argument other
/// than a URL.
inline std::vector<std::string> servers(int argc, char** argv, int first, const std::string& words = "") {
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--help" || word == "-h" || (i >= first && word.find("://") == std::string_view::npos)) {
            throw std::invalid_argument("usage: " + std::string(argv[0]) + " " + words + "[ws://HOST:PORT ...]");
        }
    }
    if (argc <= first) {
        return {"ws://127.0.0.1:6001"};
    }
    return {argv + first, argv + argc};
}

/// The URLs for a Publisher. A node serves the HTTP API and the WebSockets on the same port.
inline std::vector<std::string> http_urls(const std::vector<std::string>& servers) {
    std::vector<std::string> urls;
    for (const std::string& server : servers) {
        urls.push_back("http" + server.substr(server.find("://")));
    }
    return urls;
}

/// Prints one whole line. Handlers print on the client's thread, while main() prints on its own thread.
inline void say(const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
}

/// A handler for Client::on_state().
inline void say_state(const tulle::StateChange& change) {
    say(std::string(tulle::to_string(change.state)) + " " + change.server + " " + change.reason);
}

}  // namespace example
