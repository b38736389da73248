#include <atomic>

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

/// Replaces getpid() of glibc for the whole process, and remembers the answer, as glibc did up to 2.24.
///
/// libzmq calls getpid() around every wake of its sockets and threads, so that a forked child takes no part in the work
/// of its parent. Without the memory a message from node to node that finds all threads asleep costs eleven system
/// calls. A forked child forgets the answer of its parent.
///
/// Thread: any.
namespace {

/// The answer; 0 while the answer is not known.
std::atomic<pid_t> known = 0;

/// Asks the kernel. The answer is remembered only when the handler for forks is in place, as a child would otherwise
/// use the number of its parent.
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
