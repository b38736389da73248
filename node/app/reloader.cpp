#include "node/app/reloader.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include <spdlog/spdlog.h>

#include "node/edge/clock.hpp"
#include "node/log/logging.hpp"

namespace tulle::node {
namespace {

/// True when two apps are equal in all members. The structured binding fails to compile when App gets a further member,
/// so no member is forgotten here.
bool is_same(const App& a, const App& b) {
    const auto members = [](const App& app) {
        const auto& [id, key, secret, enabled, client_events, on_gap, event_bytes, client_events_rate, connections,
                     backend_rate, read_rate, channel_length, event_length, channels_at_once, batch, authorization,
                     origins, presence_members, member_bytes, user_authentication, watchlist, cache_ttl, origin,
                     subscription_count, webhooks, history] = app;
        return std::tie(id, key, secret, enabled, client_events, on_gap, event_bytes, client_events_rate, connections,
                        backend_rate, read_rate, channel_length, event_length, channels_at_once, batch, authorization,
                        origins, presence_members, member_bytes, user_authentication, watchlist, cache_ttl, origin,
                        subscription_count, webhooks, history);
    };
    return members(a) == members(b);
}

}  // namespace

Reloader::Reloader(ConfigSource& source, Composition& node, Signals& signals, const Config& started)
    : source_(source),
      node_(node),
      signals_(signals),
      started_(started),
      apps_(started.apps),
      mesh_keys_(started.key_ring),
      log_level_(started.log_level),
      tls_files_(started.tls) {
    signals_.report_reloads(watch_.descriptor());
    if (watch_.follow(started.apps_dir)) {
        // Changes between the first reading and the start of the watch have not been seen, so the directory is read
        // again.
        settling_.on_change(monotonic_now());
    }
    if (watch_.follow_certificates(tls_files_)) {
        tls_settling_.on_change(monotonic_now());
    }
}

Reloader::~Reloader() {
    signals_.ignore_reloads();
}

/// Changes in the directory only start the clock of `settling_`: a deployment writes several files, and each reload
/// reads all of them.
void Reloader::on(Signals::Event event) {
    if (event == Signals::Event::kReload) {
        reload_all();
    } else if (event == Signals::Event::kReadable) {
        const DirectoryWatch::Changes changes = watch_.take_changes();
        if (changes.apps) {
            settling_.on_change(monotonic_now());
        }
        if (changes.certificates) {
            tls_settling_.on_change(monotonic_now());
        }
    }
    if (settling_.take(monotonic_now())) {
        reload(Scope::kDirectory);
    }
    if (tls_settling_.take(monotonic_now())) {
        reload_certificates(Scope::kDirectory);
    }
}

std::optional<Duration> Reloader::patience() const {
    const Instant never = Instant::max();
    const Instant next = std::min(settling_.deadline().value_or(never), tls_settling_.deadline().value_or(never));
    return next == never ? std::nullopt : std::optional(std::max(Duration{}, next - monotonic_now()));
}

std::string Reloader::reload_certificates(Scope scope) {
    if (!started_.tls_listen) {
        return {};
    }
    // A directory that was gone may be there again.
    watch_.follow_certificates(tls_files_);
    return node_.reload_certificates(tls_files_, scope == Scope::kAll);
}

void Reloader::reload_all() {
    // Requests that come from here on may have changed the files after they are read, so those wait for the next
    // reload.
    const std::uint64_t asked = node_.reloads_asked();
    ReloadOutcome outcome = reload(Scope::kAll);
    outcome.certificates_error = reload_certificates(Scope::kAll);
    node_.answer_reloads(asked, std::move(outcome));
}

ReloadOutcome Reloader::reload(Scope scope) {
    ReloadOutcome outcome;
    try {
        const Config config = scope == Scope::kAll ? source_.load() : source_.reload_directory();
        // The directory may have changed between reading and watching, so a new directory is read once more.
        if (watch_.follow(config.apps_dir)) {
            settling_.on_change(monotonic_now());
        }
        node_.set_apps(AppTable(config.apps));
        // A reading of the directory alone says nothing of the other files.
        is_all_refused_ = is_all_refused_ && scope == Scope::kDirectory && !source_.is_good_on_disk();
        node_.note_reload(is_all_refused_ ? Composition::ReloadResult::kInPart : Composition::ReloadResult::kGood);
        // A reload without changes, for example after an editor's save, leaves no line in the log. After SIGHUP the
        // user waits for an answer.
        const bool has_changed =
            !std::equal(apps_.begin(), apps_.end(), config.apps.begin(), config.apps.end(), is_same);
        if (has_changed || scope == Scope::kAll) {
            spdlog::info("the apps have been read again: {}", config.apps.size());
            node_.events().add(EventKind::kReload,
                               "the apps have been read again: " + std::to_string(config.apps.size()));
        }
        apps_ = config.apps;
        if (scope == Scope::kAll) {
            take_mesh_keys(config.key_ring);
            take_admin_tokens(config);
            take_log_level(config.log_level);
            // Without tls_listen there are no files, and the node goes on with those of before until it ends.
            tls_files_ = config.tls_listen ? config.tls : tls_files_;
            outcome.after_restart = note_unapplied(config);
        }
    } catch (const ConfigError& error) {
        is_all_refused_ = is_all_refused_ || scope == Scope::kAll;
        node_.note_reload(Composition::ReloadResult::kRefused);
        spdlog::error("the configuration stays as it was: {}", error.what());
        node_.events().add(EventKind::kReload, std::string("the configuration stays as it was: ") + error.what());
        outcome.error = error.what();
    }
    return outcome;
}

void Reloader::take_admin_tokens(const Config& config) {
    // A listener that has had tokens keeps them until a restart: the address in the file may be another one by now, but
    // the listener still is where it was.
    if (!config.admin_token_file.empty()) {
        node_.set_admin_tokens(config.admin_tokens);
        spdlog::info("the admin tokens have been read again: {}", config.admin_tokens.size());
    }
}

// A node without keys has bound its ports without keys, and stays so until a restart (note_unapplied).
void Reloader::take_mesh_keys(const mesh::KeyRing& keys) {
    if (keys == mesh_keys_ || keys.is_empty() || mesh_keys_.is_empty()) {
        return;
    }
    spdlog::info("the mesh keys have been read again: {}, the first one in use", keys.text_of_ids());
    node_.set_mesh_keys(keys);
    mesh_keys_ = keys;
}

void Reloader::take_log_level(const std::string& level) {
    if (level == log_level_) {
        return;
    }
    const bool shows = spdlog::should_log(spdlog::level::info);
    if (shows) {
        // The line comes before the change, because the new level may hide the line.
        spdlog::info("log_level is now {}", level);
    }
    set_log_level(level);
    if (!shows) {
        spdlog::info("log_level is now {}", level);
    }
    log_level_ = level;
}

std::string Reloader::note_unapplied(const Config& config) const {
    std::string changed;
    for (const std::string_view key : changed_keys(started_, config)) {
        changed.append(changed.empty() ? "" : ", ").append(key);
    }
    if (config.webhooks != started_.webhooks) {
        changed.append(changed.empty() ? "" : ", ").append("[webhooks]");
    }
    if (!changed.empty()) {
        spdlog::warn("these settings have changed and hold only after a restart: {}", changed);
    }
    return changed;
}

}  // namespace tulle::node
