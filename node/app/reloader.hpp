#pragma once

#include <string>
#include <vector>

#include "node/app/composition.hpp"
#include "node/app/config_source.hpp"
#include "node/app/directory_watch.hpp"
#include "node/app/settling.hpp"
#include "node/app/signals.hpp"

namespace tulle::node {

/// Reads the apps again on SIGHUP and when their directory has changed. What is wrong is told in the log, and the apps
/// stay as they were. Of the other settings SIGHUP changes log_level; the log names the others that differ from those
/// in force.
///
/// Thread: the main thread.
class Reloader {
public:
    /// All must outlive it. `started` is the configuration that the node was started with.
    Reloader(ConfigSource& source, Composition& node, Signals& signals, const Config& started);
    ~Reloader();
    Reloader(const Reloader&) = delete;
    Reloader& operator=(const Reloader&) = delete;

    /// Reloads until something else happens, and tells what.
    [[nodiscard]] Signals::Event run();

private:
    enum class Scope { kDirectory, kAll };
    void reload(Scope scope);
    void take_log_level(const std::string& level);
    /// Tells which settings hold only after a restart.
    void note_unapplied(const Config& config) const;

    ConfigSource& source_;
    Composition& node_;
    Signals& signals_;
    const Config& started_;
    std::vector<App> apps_;  ///< as they were read last
    std::string log_level_;
    DirectoryWatch watch_;
    Settling settling_;
};

}  // namespace tulle::node
