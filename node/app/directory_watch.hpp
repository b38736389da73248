#pragma once

#include <string>

namespace tulle::node {

/// Tells of changes to the app files of one directory.
///
/// Thread: one.
class DirectoryWatch {
public:
    /// Throws std::system_error.
    DirectoryWatch();
    ~DirectoryWatch();
    DirectoryWatch(const DirectoryWatch&) = delete;
    DirectoryWatch& operator=(const DirectoryWatch&) = delete;

    /// Watches this directory and no other one; an empty name is none. True: it has not been watched so far, so that
    /// what happened before is not known. A directory that cannot be watched is told of in the log, and tried again
    /// next time.
    bool follow(const std::string& directory);
    /// Readable when something has happened.
    [[nodiscard]] int descriptor() const { return descriptor_; }
    /// Takes what has happened since the last time; false when no app file is concerned.
    [[nodiscard]] bool take_changes();

private:
    void forget();

    int descriptor_ = -1;
    int watch_ = -1;
    std::string directory_;
};

}  // namespace tulle::node
