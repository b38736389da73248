#include "node/admin/unix_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace tulle::node {
namespace {

constexpr mode_t kOwnerAlone = S_IRUSR | S_IWUSR;
constexpr const char* kInUse = "another process listens there";

sockaddr_un unix_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy_n(path.begin(), std::min(path.size(), kMaxUnixPathBytes), std::begin(address.sun_path));
    return address;
}

int unix_stream() {
    return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/// The error of connecting to the socket; 0 when a process listens.
int connect_error(const std::string& path) {
    const int descriptor = unix_stream();
    if (descriptor < 0) {
        return errno;
    }
    const sockaddr_un address = unix_address(path);
    const int error =
        ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? 0 : errno;
    ::close(descriptor);
    // The queue of a listener is full.
    return error == EAGAIN ? 0 : error;
}

}  // namespace

UnixSocket::UnixSocket(std::string path) : path_(std::move(path)), lock_path_(path_ + ".lock") {
    if (path_.size() > kMaxUnixPathBytes) {
        refuse("the path has more than 107 bytes");
    }
    take_lock();
    try {
        remove_stale();
        listen();
    } catch (...) {
        if (descriptor_ >= 0) {
            ::close(descriptor_);
        }
        remove_lock();
        throw;
    }
}

UnixSocket::~UnixSocket() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
    struct stat facts {};
    if (::lstat(path_.c_str(), &facts) == 0 && facts.st_dev == id_.device && facts.st_ino == id_.number) {
        ::unlink(path_.c_str());
    }
    remove_lock();
}

int UnixSocket::release() {
    return std::exchange(descriptor_, -1);
}

void UnixSocket::refuse(std::string_view why) {
    throw std::runtime_error("cannot listen on unix:" + path_ + ": " + std::string(why));
}

void UnixSocket::take_lock() {
    for (;;) {
        lock_ = ::open(lock_path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kOwnerAlone);
        if (lock_ < 0) {
            refuse(std::strerror(errno));
        }
        if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
            const int error = errno;
            ::close(lock_);
            refuse(error == EWOULDBLOCK ? kInUse : std::strerror(error));
        }
        // The process that had the lock before may have removed the file since our open(): such a lock says nothing.
        struct stat ours {};
        struct stat there {};
        if (::fstat(lock_, &ours) == 0 && ::stat(lock_path_.c_str(), &there) == 0 && ours.st_dev == there.st_dev &&
            ours.st_ino == there.st_ino) {
            return;
        }
        ::close(lock_);
    }
}

void UnixSocket::remove_stale() {
    struct stat facts {};
    if (::lstat(path_.c_str(), &facts) != 0) {
        if (errno != ENOENT) {
            refuse(std::strerror(errno));
        }
        return;
    }
    if (!S_ISSOCK(facts.st_mode)) {
        refuse("there is a file that is no socket");
    }
    const int error = connect_error(path_);
    if (error != ECONNREFUSED) {
        refuse(error == 0 ? kInUse : std::strerror(error));
    }
    if (::unlink(path_.c_str()) != 0) {
        refuse(std::strerror(errno));
    }
}

void UnixSocket::listen() {
    descriptor_ = unix_stream();
    const sockaddr_un address = unix_address(path_);
    // Linux makes the file with the mode of the descriptor, less the umask. So nobody else can connect at any moment.
    if (descriptor_ < 0 || ::fchmod(descriptor_, kOwnerAlone) != 0 ||
        ::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        refuse(std::strerror(errno));
    }
    struct stat facts {};
    if (::lstat(path_.c_str(), &facts) != 0) {
        refuse(std::strerror(errno));
    }
    id_ = {facts.st_dev, facts.st_ino};
    // A umask that takes rights from the owner too has made the mode smaller.
    if ((facts.st_mode & 0777) != kOwnerAlone && ::chmod(path_.c_str(), kOwnerAlone) != 0) {
        refuse(std::strerror(errno));
    }
    if (::listen(descriptor_, SOMAXCONN) != 0) {
        refuse(std::strerror(errno));
    }
}

void UnixSocket::remove_lock() {
    // The file goes while the lock is held: whoever waits in take_lock() then finds that the file has gone.
    ::unlink(lock_path_.c_str());
    ::close(lock_);
}

std::string why_no_unix_socket(const std::string& path) {
    const std::string directory = std::filesystem::path(path).parent_path().string();
    // For a directory that is a file, access() reports a success or no right, so the path behind it is looked at too.
    struct stat facts {};
    if (::stat((directory + "/.").c_str(), &facts) != 0 || ::access(directory.c_str(), W_OK | X_OK) != 0) {
        return directory + ": " + std::strerror(errno);
    }
    if (::lstat(path.c_str(), &facts) == 0 && !S_ISSOCK(facts.st_mode)) {
        return "there is a file that is no socket";
    }
    return "";
}

}  // namespace tulle::node
