#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tools/cli/signals.hpp"

namespace tulle::cli {

/// The end of a process in words: "exited with status 1", "killed by signal 9 (Killed)". `status`: from waitpid().
[[nodiscard]] std::string describe_wait_status(int status);

/// The path of the node program: `given`, or tulled beside this program when `given` is empty. Throws
/// std::runtime_error when the program cannot be run.
[[nodiscard]] std::string find_tulled(const std::string& given);

/// A child process, and its standard output and standard error on a single channel. With `tty` the channel is a
/// terminal of its own, and the child writes for people; otherwise the channel is a pipe.
///
/// The child has its own process group: a Ctrl-C at the terminal reaches the parent alone, and the parent passes the
/// signal on. The child is killed when the parent dies.
///
/// Thread: one.
/// Ownership: the destructor closes the channel and leaves the process alone; the caller waits for the process.
/// Errors: the constructor throws std::system_error when the process cannot be started.
class Child {
public:
    /// `signals`: the signals blocked in this process, which are unblocked in the child.
    Child(const std::string& program, const std::vector<std::string>& arguments, const Signals& signals, bool tty);
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child();

    [[nodiscard]] pid_t pid() const { return pid_; }
    /// A descriptor to poll for reading; -1 after the end of the output.
    [[nodiscard]] int fd() const { return fd_; }
    /// The complete lines that have come. After the end of the output the last line may lack its line feed. A line of
    /// more than 64 KiB is cut into pieces. Never waits.
    [[nodiscard]] std::vector<std::string> read_lines();
    /// Sends a signal to the child. REQUIRES: waitpid() has not reported the end of the child.
    void send(int signal) const;

private:
    /// Opens the channel as a terminal. `child_end`: the child's side.
    void open_terminal(int& child_end);
    /// Opens the channel as a pipe.
    void open_pipe(int& child_end);
    /// Closes the channel, if the channel is open.
    void close_output();

    pid_t pid_ = -1;
    int fd_ = -1;
    /// The start of a line without its end.
    std::string partial_;
};

}  // namespace tulle::cli
