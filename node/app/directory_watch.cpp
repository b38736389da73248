#include "node/app/directory_watch.hpp"

#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

#include <sys/inotify.h>
#include <unistd.h>

#include <spdlog/spdlog.h>

#include "node/app/config_file.hpp"

namespace tulle::node {
namespace {

// All events that change the set of files, the contents of a file, or the right to read a file.
constexpr std::uint32_t kFileEvents = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB;
// All events after which the name belongs to another directory or to no directory.
constexpr std::uint32_t kEndEvents = IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT;
/// The symbolic link that Kubernetes replaces when the files of a ConfigMap or Secret change. The app files are links
/// through `..data`, and have no events of their own.
constexpr std::string_view kTurnedLink = "..data";

}  // namespace

DirectoryWatch::DirectoryWatch() : descriptor_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (descriptor_ < 0) {
        throw std::system_error(errno, std::generic_category(), "inotify_init1");
    }
}

DirectoryWatch::~DirectoryWatch() {
    ::close(descriptor_);
}

void DirectoryWatch::forget() {
    if (watch_ >= 0) {
        ::inotify_rm_watch(descriptor_, watch_);
        watch_ = -1;
    }
}

bool DirectoryWatch::follow(const std::string& directory) {
    if (directory == directory_ && watch_ >= 0) {
        return false;
    }
    forget();
    directory_ = directory;
    if (directory.empty()) {
        return false;
    }
    watch_ =
        ::inotify_add_watch(descriptor_, directory.c_str(), kFileEvents | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR);
    if (watch_ < 0) {
        spdlog::error("{}: cannot be watched for changes: {}", directory, std::strerror(errno));
    }
    return watch_ >= 0;
}

bool DirectoryWatch::take_changes() {
    bool has_changed = false;
    alignas(inotify_event) char buffer[16u << 10];
    for (ssize_t got = 0; (got = ::read(descriptor_, buffer, sizeof(buffer))) > 0;) {
        // A read returns several events. A name filled up with zeros follows each event.
        for (ssize_t at = 0; at < got;) {
            inotify_event event{};
            std::memcpy(&event, buffer + at, sizeof(event));
            const std::string_view name = event.len == 0 ? "" : buffer + at + sizeof(event);
            at += static_cast<ssize_t>(sizeof(event) + event.len);
            if (event.wd != watch_ && event.wd >= 0) {
                // The event belongs to an earlier watch.
                continue;
            }
            if ((event.mask & kEndEvents) != 0) {
                spdlog::warn("{}: is gone, so its changes are not seen before the next SIGHUP", directory_);
                forget();
            }
            // After an overflow events are missing, so an app file may have changed.
            has_changed = has_changed || (event.mask & (kEndEvents | IN_Q_OVERFLOW)) != 0 || name == kTurnedLink ||
                          is_app_file(name);
        }
    }
    return has_changed;
}

}  // namespace tulle::node
