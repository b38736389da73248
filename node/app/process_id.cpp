#include <atomic>

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

/// In place of glibc's, for the whole process: remembers the answer, as glibc did up to 2.24. libzmq asks for it around
/// every wake of one of its sockets or threads, lest a forked child take part in its parent's: eleven system calls for
/// a message from node to node that finds all asleep. A child forgets what it has inherited.
namespace {

std::atomic<pid_t> known = 0;

pid_t ask() {
    static const int kRegistered =
        ::pthread_atfork(nullptr, nullptr, [] { known.store(0, std::memory_order_relaxed); });
    const auto pid = static_cast<pid_t>(::syscall(SYS_getpid));
    if (kRegistered == 0) {
        known.store(pid, std::memory_order_relaxed);
    }
    return pid;
}

}  // namespace

extern "C" pid_t getpid() noexcept {
    const pid_t pid = known.load(std::memory_order_relaxed);
    return pid != 0 ? pid : ask();
}
