#include "tools/load/process_usage.hpp"

#include <unistd.h>

#include <ctime>
#include <fstream>
#include <string>

namespace tulle::load {
namespace {

/// The time of a clock.
Duration read_clock(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return std::chrono::seconds(now.tv_sec) + Duration(now.tv_nsec);
}

}  // namespace

std::optional<Duration> cpu_of(pid_t pid) {
    // The clock of a process counts the CPU time of all threads, and needs no file.
    clockid_t clock = 0;
    timespec now{};
    if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &now) != 0) {
        return std::nullopt;
    }
    return std::chrono::seconds(now.tv_sec) + Duration(now.tv_nsec);
}

Duration own_cpu() {
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

std::optional<std::uint64_t> rss_of(pid_t pid) {
    std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
    // The first number of statm is the size, the second the resident part, both in pages.
    std::uint64_t all = 0;
    std::uint64_t resident = 0;
    if (!(statm >> all >> resident)) {
        return std::nullopt;
    }
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

CpuWindow::CpuWindow(const std::vector<pid_t>& pids) : own_before_(own_cpu()) {
    for (const pid_t pid : pids) {
        before_[pid] = cpu_of(pid);
    }
}

CpuWindow::Used CpuWindow::used() const {
    Used out;
    for (const auto& [pid, before] : before_) {
        const std::optional<Duration> after = cpu_of(pid);
        if (before && after) {
            out.by_pid[pid] = *after - *before;
            out.sum += *after - *before;
        } else {
            out.gone.push_back(pid);
        }
    }
    out.own = own_cpu() - own_before_;
    return out;
}

}  // namespace tulle::load
