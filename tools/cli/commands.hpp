#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The commands of `tulle`. Each returns an exit code (exit_code.hpp) and throws std::exception for what cannot be done
/// at all; main prints it.
namespace tulle::cli {

struct UpOptions {
    int nodes = 3;
    std::optional<std::uint16_t> base_port;  ///< without: free ports
    bool demo = false;
    bool json = false;
    std::string cluster = "tulle";
    std::string log_level;
    std::string tulled;  ///< empty: beside this program
    std::chrono::seconds timeout{30};
};

struct StatusOptions {
    std::string server;
    bool json = false;
    std::optional<std::size_t> expect;
    std::chrono::milliseconds wait{0};
    std::chrono::milliseconds timeout{2'000};
};

struct DoctorOptions {
    std::vector<std::string> servers;
    bool json = false;
    std::optional<std::size_t> expect;
    std::chrono::milliseconds timeout{2'000};
};

struct TraceOptions {
    std::string server;
    std::string app_id;
    std::string channel;
    bool json = false;
    std::chrono::milliseconds timeout{2'000};
};

struct AppOptions {
    std::vector<std::string> urls;
    std::string id;
    std::string key;
    std::string secret;
};

struct SubOptions {
    AppOptions app;
    std::vector<std::string> channels;
    std::uint64_t count = 0;  ///< 0: without end
    bool json = false;
    std::chrono::seconds timeout{10};
};

struct PubOptions {
    AppOptions app;
    std::string channel;
    std::string event;
    std::string data;
    std::string socket_id;
    std::uint64_t count = 1;
    bool json = false;
    std::chrono::seconds timeout{5};
};

[[nodiscard]] int run_up(const UpOptions& options);
[[nodiscard]] int run_status(const StatusOptions& options);
[[nodiscard]] int run_doctor(const DoctorOptions& options);
[[nodiscard]] int run_trace(const TraceOptions& options);
[[nodiscard]] int run_sub(const SubOptions& options);
[[nodiscard]] int run_pub(const PubOptions& options);

}  // namespace tulle::cli
