#include "tools/cli/child.hpp"

#include <fcntl.h>
#include <pty.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace tulle::cli {
namespace {

// A longer line without an end would otherwise grow in memory without limit.
constexpr std::size_t kMaxLineBytes = std::size_t{64} << 10;
// The exit status of shells for a command that is not found.
constexpr int kCannotExec = 127;

/// Variables for `tulle` itself. A node would take the same variables for its own configuration.
constexpr std::array<const char*, 6> kOwnVariables{"TULLE_ADMIN",  "TULLE_ADMIN_TOKEN_FILE", "TULLE_URL",
                                                   "TULLE_APP_ID", "TULLE_APP_KEY",          "TULLE_APP_SECRET"};

/// Throws the error of the last system call.
[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

/// Turns the child, after fork(), into the program. Every failure ends the child. `argv` ends with a null pointer.
[[noreturn]] void become(char* const* argv, int output, pid_t parent, const Signals& signals) {
    // The kernel kills the child when the parent dies, so that no node outlives `tulle`.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {
        // The parent has died before prctl() took effect.
        ::_exit(kCannotExec);
    }
    // With a process group of its own the child gets no Ctrl-C from the terminal.
    ::setpgid(0, 0);
    signals.restore_in_child();
    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::dup2(null, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    for (const char* name : kOwnVariables) {
        ::unsetenv(name);
    }
    ::execv(argv[0], argv);
    // The message goes into the log of the child, where the parent prints it with the child's name.
    const char* reason = std::strerror(errno);
    [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, "cannot start: ", 14);
    written = ::write(STDERR_FILENO, reason, std::strlen(reason));
    ::_exit(kCannotExec);
}

}  // namespace

std::string find_tulled(const std::string& given) {
    const std::filesystem::path path = given.empty()
                                           ? std::filesystem::read_symlink("/proc/self/exe").parent_path() / "tulled"
                                           : std::filesystem::path(given);
    if (::access(path.c_str(), X_OK) != 0) {
        throw std::runtime_error("cannot find the node program " + path.string());
    }
    return path.string();
}

std::string describe_wait_status(int status) {
    if (WIFSIGNALED(status)) {
        const int signal = WTERMSIG(status);
        return "killed by signal " + std::to_string(signal) + " (" + strsignal(signal) + ")";
    }
    return "exited with status " + std::to_string(WEXITSTATUS(status));
}

Child::Child(const std::string& program, const std::vector<std::string>& arguments, const Signals& signals, bool tty) {
    std::vector<std::string> words{program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    // The words are prepared before fork(), so that the child does as little as possible before exec().
    std::vector<char*> argv;
    for (std::string& word : words) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);

    int child_end = -1;
    if (tty) {
        open_terminal(child_end);
    } else {
        open_pipe(child_end);
    }
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
        become(argv.data(), child_end, parent, signals);
    }
    // close() may change errno, so the error of fork() is kept.
    const int error = errno;
    ::close(child_end);
    if (pid_ < 0) {
        close_output();
        errno = error;
        fail("fork");
    }
}

Child::~Child() {
    close_output();
}

void Child::open_terminal(int& child_end) {
    if (::openpty(&fd_, &child_end, nullptr, nullptr, nullptr) != 0) {
        fail("openpty");
    }
    // Raw mode: the terminal must not echo, and must not turn "\n" into "\r\n".
    termios mode{};
    ::tcgetattr(child_end, &mode);
    ::cfmakeraw(&mode);
    ::tcsetattr(child_end, TCSANOW, &mode);
    ::fcntl(child_end, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd_, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd_, F_SETFL, O_NONBLOCK);
}

void Child::open_pipe(int& child_end) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        fail("pipe");
    }
    fd_ = ends[0];
    child_end = ends[1];
    ::fcntl(fd_, F_SETFL, O_NONBLOCK);
}

std::vector<std::string> Child::read_lines() {
    std::vector<std::string> lines;
    std::array<char, 16'384> buffer{};
    while (fd_ >= 0) {
        const ssize_t count = ::read(fd_, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0 && errno == EAGAIN) {
            break;
        }
        // The output has ended. A terminal without an open other side says EIO.
        if (count <= 0) {
            close_output();
            break;
        }
        partial_.append(buffer.data(), static_cast<std::size_t>(count));
        for (std::size_t end = partial_.find('\n'); end != std::string::npos; end = partial_.find('\n')) {
            lines.push_back(partial_.substr(0, end));
            partial_.erase(0, end + 1);
        }
        if (partial_.size() > kMaxLineBytes) {
            lines.push_back(std::exchange(partial_, {}));
        }
    }
    // The last line of a program that was killed has no line feed.
    if (fd_ < 0 && !partial_.empty()) {
        lines.push_back(std::exchange(partial_, {}));
    }
    return lines;
}

void Child::send(int signal) const {
    ::kill(pid_, signal);
}

void Child::close_output() {
    if (fd_ >= 0) {
        ::close(fd_);
        fd_ = -1;
    }
}

}  // namespace tulle::cli
