#pragma once

#include <optional>
#include <string>
#include <vector>

#include "node/app/composition.hpp"
#include "node/app/config_source.hpp"
#include "node/app/directory_watch.hpp"
#include "node/app/settling.hpp"
#include "node/app/signals.hpp"

namespace tulle::node {

/// Reads the apps, and the certificates of TLS, again on SIGHUP and after changes in their directories.
///
/// SIGHUP, and a request to the admin listener, also read the file, the mesh keys and the admin tokens, and change
/// log_level and the names of the certificates' files. The log names the other settings that differ from the settings
/// in force.
///
/// Thread: the main thread.
/// Errors: an error in the configuration stands in the log and is counted, and apps and tokens stay unchanged.
///         An error in the certificates does the same to the certificates.
///         Neither error keeps the other files from being read.
class Reloader {
public:
    /// All arguments must outlive the reloader. `started`: the configuration with which the node was started.
    Reloader(ConfigSource& source, Composition& node, Signals& signals, const Config& started);
    ~Reloader();
    Reloader(const Reloader&) = delete;
    Reloader& operator=(const Reloader&) = delete;

    /// Reloads what the event, or the time, asks for. Other events only bring the look at the time.
    void on(Signals::Event event);
    /// The time until something has to be read; nothing while there is no change.
    [[nodiscard]] std::optional<Duration> patience() const;

private:
    /// kDirectory: the app files alone, after a change. kAll: the main file too, after SIGHUP.
    enum class Scope { kDirectory, kAll };
    /// Reads everything again, and answers the requests for that.
    void reload_all();
    /// Reads the sources and hands the apps to the node. The outcome says nothing of the certificates.
    ReloadOutcome reload(Scope scope);
    /// Replaces the tokens of the admin listener.
    void take_admin_tokens(const Config& config);
    /// Has the node read its certificates again. kAll: the user waits for an answer. Returns why they stay as they
    /// were; empty after a success.
    std::string reload_certificates(Scope scope);
    /// Hands changed mesh keys to the node.
    void take_mesh_keys(const mesh::KeyRing& keys);
    /// Changes the level of the log, if `level` differs.
    void take_log_level(const std::string& level);
    /// Names in the log the settings that hold only after a restart. Returns the names; empty for none.
    [[nodiscard]] std::string note_unapplied(const Config& config) const;

    ConfigSource& source_;
    Composition& node_;
    Signals& signals_;
    const Config& started_;
    /// True from a reading of everything that was refused until everything on disk is good.
    bool is_all_refused_ = false;
    /// The apps as last read without an error.
    std::vector<App> apps_;
    /// The mesh keys in force.
    mesh::KeyRing mesh_keys_;
    std::string log_level_;
    /// The files of the certificates, as last configured without an error.
    TlsFiles tls_files_;
    DirectoryWatch watch_;
    Settling settling_;
    Settling tls_settling_;
};

}  // namespace tulle::node
