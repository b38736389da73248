#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tulle::node {

/// Bytes of the path of a Unix socket, without the zero behind the path (unix(7)).
inline constexpr std::size_t kMaxUnixPathBytes = 107;

/// A listening Unix socket that only this process's user, and root, may connect to: mode 0600 from its first moment,
/// whatever the umask.
///
/// A socket that a dead process has left is replaced. A path where a process listens, and a path that is no socket, are
/// refused. A lock on the file PATH.lock decides between processes that start at the same moment. Both files are
/// removed at the end; after a crash they stay, and the next start replaces them.
///
/// Thread: one.
class UnixSocket {
public:
    /// Binds and listens. Throws std::runtime_error with the path and the reason.
    explicit UnixSocket(std::string path);
    ~UnixSocket();
    UnixSocket(const UnixSocket&) = delete;
    UnixSocket& operator=(const UnixSocket&) = delete;

    /// Hands the listening descriptor over to the caller. Call once.
    [[nodiscard]] int release();

private:
    /// The identity of a file, to tell our socket from a later socket of the same path.
    struct FileId {
        std::uint64_t device = 0;
        std::uint64_t number = 0;
    };

    [[noreturn]] void refuse(std::string_view why);
    /// Takes the lock of the path. Throws when another process has the lock.
    void take_lock();
    /// Removes a socket on which nobody listens. Throws for anything else at the path.
    void remove_stale();
    /// Makes the socket, with its mode.
    void listen();
    void remove_lock();

    const std::string path_;
    const std::string lock_path_;
    int lock_ = -1;
    int descriptor_ = -1;
    FileId id_;
};

/// The reason why a UnixSocket could not be made at `path`, apart from another process that listens there; empty when
/// nothing is in the way.
[[nodiscard]] std::string why_no_unix_socket(const std::string& path);

}  // namespace tulle::node
