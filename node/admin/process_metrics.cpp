#include "node/admin/process_metrics.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "mesh/base/numbers.hpp"

namespace tulle::node {
namespace {

// Places of the fields after the name of the program (proc(5) counts from 1, and the name is the second field).
constexpr std::size_t kUserTicks = 14 - 3;
constexpr std::size_t kSystemTicks = 15 - 3;
constexpr std::size_t kThreads = 20 - 3;
constexpr std::size_t kStarted = 22 - 3;
constexpr std::size_t kVirtualBytes = 23 - 3;
constexpr std::size_t kResidentPages = 24 - 3;
// Two of such numbers can be added.
constexpr std::uint64_t kMaxProcessNumber = UINT64_MAX / 2;

std::string text_of(const char* path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// A metric of the process: without the prefix of the node's own metrics.
prometheus::MetricFamily process(std::string name, std::string help, Kind kind, double value) {
    prometheus::MetricFamily result = family({}, std::move(help), kind);
    result.name = "process_" + std::move(name);
    add(result, value);
    return result;
}

/// When the machine was started, in seconds since 1970.
std::optional<std::uint64_t> boot_seconds() {
    const std::string text = text_of("/proc/stat");
    constexpr std::string_view kWord = "\nbtime ";
    const std::size_t at = text.find(kWord);
    if (at == std::string::npos) {
        return std::nullopt;
    }
    const std::string_view rest = std::string_view(text).substr(at + kWord.size());
    return parse_number(rest.substr(0, rest.find('\n')), 1, UINT64_MAX);
}

/// The number of open descriptors, without the descriptor that counts them.
std::optional<std::uint64_t> open_descriptors() {
    // Since Linux 6.2 the size is the number. Before, the size is 0, and a walk costs 1 ms for each thousand.
    struct stat facts {};
    if (::stat("/proc/self/fd", &facts) == 0 && facts.st_size > 0) {
        return static_cast<std::uint64_t>(facts.st_size);
    }
    std::error_code error;
    std::uint64_t count = 0;
    for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end; !error && entry != end;
         entry.increment(error)) {
        ++count;
    }
    return error || count == 0 ? std::nullopt : std::optional(count - 1);
}

void add_descriptors(Families& out) {
    if (const auto open = open_descriptors()) {
        out.push_back(process("open_fds", "Descriptors that are open: each connection has one", Kind::kGauge,
                              static_cast<double>(*open)));
    }
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        out.push_back(process("max_fds", "Descriptors that the process may have open (RLIMIT_NOFILE)", Kind::kGauge,
                              static_cast<double>(limit.rlim_cur)));
    }
}

}  // namespace

std::optional<ProcessStat> read_process_stat(std::string_view text) {
    const std::size_t name_end = text.rfind(')');
    if (name_end == std::string_view::npos) {
        return std::nullopt;
    }
    // The state is a letter and some fields are negative, so the fields are split first.
    std::array<std::string_view, kResidentPages + 1> fields{};
    std::size_t at = name_end + 1;
    for (std::string_view& field : fields) {
        at = text.find_first_not_of(' ', at);
        if (at == std::string_view::npos) {
            return std::nullopt;
        }
        const std::size_t end = std::min(text.find(' ', at), text.size());
        field = text.substr(at, end - at);
        at = end;
    }
    const auto number = [&fields](std::size_t place) { return parse_number(fields[place], 0, kMaxProcessNumber); };
    const auto user = number(kUserTicks);
    const auto system = number(kSystemTicks);
    const auto threads = number(kThreads);
    const auto started = number(kStarted);
    const auto bytes = number(kVirtualBytes);
    const auto pages = number(kResidentPages);
    if (!user || !system || !threads || !started || !bytes || !pages) {
        return std::nullopt;
    }
    return ProcessStat{.cpu_ticks = *user + *system,
                       .threads = *threads,
                       .started_ticks = *started,
                       .virtual_bytes = *bytes,
                       .resident_pages = *pages};
}

void add_process(Families& out) {
    add_descriptors(out);
    const std::optional<ProcessStat> stat = read_process_stat(text_of("/proc/self/stat"));
    if (!stat) {
        return;
    }
    const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
    out.push_back(process("cpu_seconds_total", "User and system time that the process has used", Kind::kCounter,
                          static_cast<double>(stat->cpu_ticks) / ticks));
    out.push_back(process("resident_memory_bytes", "Memory of the process that is in RAM", Kind::kGauge,
                          static_cast<double>(stat->resident_pages) * page));
    out.push_back(process("virtual_memory_bytes", "Address space of the process; most of it may be unused",
                          Kind::kGauge, static_cast<double>(stat->virtual_bytes)));
    out.push_back(process("threads", "Threads of the process", Kind::kGauge, static_cast<double>(stat->threads)));
    if (const auto boot = boot_seconds()) {
        out.push_back(process("start_time_seconds", "When the process was started, in seconds since 1970", Kind::kGauge,
                              static_cast<double>(*boot) + static_cast<double>(stat->started_ticks) / ticks));
    }
}

}  // namespace tulle::node
