#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "node/tls/tls_files.hpp"

namespace tulle::node {

/// Reports changes to the app files of a directory, and to certificates and their keys, by inotify.
///
/// Directories are watched rather than files: a file is mostly replaced by another of its name, or reached through a
/// symbolic link that is replaced.
///
/// Thread: one.
/// Limits: a directory that has been removed or renamed is not watched any more; follow() or follow_certificates() must
///         be called again.
/// Errors: only the constructor throws. Other errors stand in the log.
class DirectoryWatch {
public:
    /// Throws std::system_error when the system gives no inotify descriptor.
    DirectoryWatch();
    ~DirectoryWatch();
    DirectoryWatch(const DirectoryWatch&) = delete;
    DirectoryWatch& operator=(const DirectoryWatch&) = delete;

    /// The kinds of files that have changed.
    struct Changes {
        bool apps = false;
        bool certificates = false;
    };

    /// Watches the apps' `directory` in place of the directory watched before; an empty name stands for none. Returns
    /// true when the directory has not been watched so far: earlier changes are then unknown, and the caller reads the
    /// directory. A directory that cannot be watched is reported in the log, and the next call tries again.
    bool follow(const std::string& directory);
    /// Watches the directories of `files` in place of those watched before. The result is that of follow().
    bool follow_certificates(const TlsFiles& files);
    /// A descriptor for poll(): readable when something has happened in a directory.
    [[nodiscard]] int descriptor() const { return descriptor_; }
    /// Takes all events since the last call.
    [[nodiscard]] Changes take_changes();

private:
    /// A directory, and the files in it that count.
    struct Watch {
        std::string directory;
        /// The files of certificates by name; empty for the directory of apps.
        std::set<std::string, std::less<>> files{};
        /// All files of tls_dir count.
        bool has_pairs = false;
        bool has_apps = false;
        /// The number of the watch in inotify; -1 when the directory is not watched. Two watches of one directory have
        /// the same number.
        int number = -1;

        /// True when a change of the file `name` counts.
        [[nodiscard]] bool counts(std::string_view name) const;
    };

    /// Begins to watch. False: the directory cannot be watched, which stands in the log.
    [[nodiscard]] bool begin(Watch& watch);
    /// Ends the inotify watch with this number, for every Watch.
    void forget(int number);
    /// Notes an event of the inotify watch `number`, -1 for events that are missing.
    void note(int number, unsigned events, std::string_view name, Changes& changes);

    int descriptor_ = -1;
    /// The directory of apps, if there is one, and the directories of certificates.
    std::vector<Watch> watches_;
};

}  // namespace tulle::node
