#pragma once

#include <string>

namespace tulle::node {

/// Reports changes to the app files of a single directory, by inotify.
///
/// Thread: one.
/// Limits: a directory that has been removed or renamed is not watched any more; follow() must be called again.
/// Errors: only the constructor throws. Other errors stand in the log.
class DirectoryWatch {
public:
    /// Throws std::system_error when the system gives no inotify descriptor.
    DirectoryWatch();
    ~DirectoryWatch();
    DirectoryWatch(const DirectoryWatch&) = delete;
    DirectoryWatch& operator=(const DirectoryWatch&) = delete;

    /// Watches `directory` in place of the directory watched before; an empty name stands for none. Returns true when
    /// the directory has not been watched so far: earlier changes are then unknown, and the caller reads the directory.
    /// A directory that cannot be watched is reported in the log, and the next call tries again.
    bool follow(const std::string& directory);
    /// A descriptor for poll(): readable when something has happened in the directory.
    [[nodiscard]] int descriptor() const { return descriptor_; }
    /// Takes all events since the last call. False when no event concerns an app file.
    [[nodiscard]] bool take_changes();

private:
    /// Ends the watch, if there is one.
    void forget();

    int descriptor_ = -1;
    /// The number of the watch in inotify; -1 when no directory is watched.
    int watch_ = -1;
    std::string directory_;
};

}  // namespace tulle::node
