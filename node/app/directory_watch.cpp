#include "node/app/directory_watch.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

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
/// The symbolic link that Kubernetes replaces when the files of a ConfigMap or Secret change. The files are links
/// through `..data`, and have no events of their own.
constexpr std::string_view kTurnedLink = "..data";

}  // namespace

bool DirectoryWatch::Watch::counts(std::string_view name) const {
    return name == kTurnedLink || (has_apps && is_app_file(name)) || files.contains(name) ||
           (has_pairs && (name.ends_with(".crt") || name.ends_with(".key")));
}

DirectoryWatch::DirectoryWatch() : descriptor_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (descriptor_ < 0) {
        throw std::system_error(errno, std::generic_category(), "inotify_init1");
    }
}

DirectoryWatch::~DirectoryWatch() {
    ::close(descriptor_);
}

void DirectoryWatch::forget(int number) {
    if (number >= 0) {
        ::inotify_rm_watch(descriptor_, number);
        for (Watch& watch : watches_) {
            watch.number = watch.number == number ? -1 : watch.number;
        }
    }
}

bool DirectoryWatch::begin(Watch& watch) {
    // For a directory that is watched already inotify gives the number of that watch.
    watch.number = ::inotify_add_watch(descriptor_, watch.directory.c_str(),
                                       kFileEvents | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR);
    if (watch.number < 0) {
        spdlog::error("{}: cannot be watched for changes: {}", watch.directory, std::strerror(errno));
    }
    return watch.number >= 0;
}

bool DirectoryWatch::follow(const std::string& directory) {
    const auto old = std::find_if(watches_.begin(), watches_.end(), [](const Watch& watch) { return watch.has_apps; });
    if (old != watches_.end()) {
        if (old->directory == directory && old->number >= 0) {
            return false;
        }
        const int number = old->number;
        watches_.erase(old);
        // Another watch may be of the same directory.
        if (std::none_of(watches_.begin(), watches_.end(),
                         [number](const Watch& watch) { return watch.number == number; })) {
            forget(number);
        }
    }
    if (directory.empty()) {
        return false;
    }
    watches_.push_back({directory, {}, false, true});
    return begin(watches_.back());
}

bool DirectoryWatch::follow_certificates(const TlsFiles& files) {
    std::map<std::string, Watch> wanted;
    const auto watch_of = [&wanted](const std::string& directory) -> Watch& {
        Watch& watch = wanted[directory];
        watch.directory = directory;
        return watch;
    };
    for (const std::string* file : {&files.certificate, &files.key}) {
        if (!file->empty()) {
            const std::filesystem::path path(*file);
            const std::string directory = path.has_parent_path() ? path.parent_path().string() : ".";
            watch_of(directory).files.insert(path.filename().string());
        }
    }
    if (!files.directory.empty()) {
        watch_of(files.directory).has_pairs = true;
    }
    // Watches that are as wanted stay.
    std::erase_if(watches_, [this, &wanted](const Watch& watch) {
        const auto same = wanted.find(watch.directory);
        const bool stays =
            watch.has_apps || (same != wanted.end() && watch.number >= 0 && same->second.files == watch.files &&
                               same->second.has_pairs == watch.has_pairs);
        if (stays && !watch.has_apps) {
            wanted.erase(same);
        }
        // A directory that is no longer of interest may go on to be watched: its events count for nobody.
        return !stays;
    });
    bool is_new = false;
    for (auto& [directory, watch] : wanted) {
        watches_.push_back(std::move(watch));
        is_new = begin(watches_.back()) || is_new;
    }
    return is_new;
}

void DirectoryWatch::note(int number, unsigned events, std::string_view name, Changes& changes) {
    const bool is_missing = (events & IN_Q_OVERFLOW) != 0;
    const bool is_end = (events & kEndEvents) != 0;
    bool is_ours = false;
    for (const Watch& watch : watches_) {
        // After an overflow events are missing, so any file may have changed.
        if (is_missing || (watch.number == number && (is_end || watch.counts(name)))) {
            changes.apps = changes.apps || watch.has_apps;
            changes.certificates = changes.certificates || !watch.has_apps;
        }
        if (is_end && watch.number == number) {
            is_ours = true;
            spdlog::warn("{}: is gone, so its changes are not seen before the next SIGHUP", watch.directory);
        }
    }
    if (is_ours) {
        forget(number);
    }
}

DirectoryWatch::Changes DirectoryWatch::take_changes() {
    Changes changes;
    alignas(inotify_event) char buffer[16u << 10];
    for (ssize_t got = 0; (got = ::read(descriptor_, buffer, sizeof(buffer))) > 0;) {
        // A read returns several events. A name filled up with zeros follows each event.
        for (ssize_t at = 0; at < got;) {
            inotify_event event{};
            std::memcpy(&event, buffer + at, sizeof(event));
            const std::string_view name = event.len == 0 ? "" : buffer + at + sizeof(event);
            at += static_cast<ssize_t>(sizeof(event) + event.len);
            // Events of an earlier watch have a number that no Watch has.
            note(event.wd, event.mask, name, changes);
        }
    }
    return changes;
}

}  // namespace tulle::node
