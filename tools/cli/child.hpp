#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tools/cli/signals.hpp"

namespace tulle::cli {

/// How a process has ended, for people: "exited with status 1", "killed by signal 9 (Killed)".
[[nodiscard]] std::string describe_wait_status(int status);

/// The node program: `given`, or the one beside this program when that is empty. Throws std::runtime_error when it
/// cannot be run.
[[nodiscard]] std::string find_tulled(const std::string& given);

/// A child process and what it writes to its standard output and error, on one channel: a terminal of its own when
/// `tty`, so that it writes for people, otherwise a pipe. It gets its own process group (a Ctrl-C at the terminal is
/// for the parent, which passes it on) and is killed when the parent dies.
///
/// Thread: one. Throws std::system_error when it cannot be started.
class Child {
public:
    Child(const std::string& program, const std::vector<std::string>& arguments, const Signals& signals, bool tty);
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child();

    [[nodiscard]] pid_t pid() const { return pid_; }
    /// To poll for reading; -1 once the output has ended.
    [[nodiscard]] int fd() const { return fd_; }
    /// Complete lines that have come; after the end of the output also a last one without a line feed. A line beyond 64
    /// KiB is cut.
    [[nodiscard]] std::vector<std::string> read_lines();
    void send(int signal) const;

private:
    void open_terminal(int& child_end);
    void open_pipe(int& child_end);
    void close_output();

    pid_t pid_ = -1;
    int fd_ = -1;
    std::string partial_;
};

}  // namespace tulle::cli
