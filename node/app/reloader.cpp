#include "node/app/reloader.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <spdlog/spdlog.h>

#include "node/io/clock.hpp"

namespace tulle::node {

Reloader::Reloader(ConfigSource& source, Composition& node, Signals& signals, const std::string& apps_dir)
    : source_(source), node_(node), signals_(signals) {
    signals_.report_reloads(watch_.descriptor());
    if (watch_.follow(apps_dir)) {
        settling_.on_change(monotonic_now());  // what happened between the first reading and now has not been seen
    }
}

Reloader::~Reloader() { signals_.ignore_reloads(); }

Signals::Event Reloader::run() {
    for (;;) {
        std::optional<Duration> patience;
        if (const std::optional<Instant> deadline = settling_.deadline()) {
            patience = std::max(Duration{}, *deadline - monotonic_now());
        }
        const Signals::Event event = signals_.wait(0, patience);
        if (event == Signals::Event::kReload) {
            reload(Scope::kAll);
        } else if (event == Signals::Event::kReadable) {
            if (watch_.take_changes()) {
                settling_.on_change(monotonic_now());
            }
        } else if (event != Signals::Event::kTimeout) {
            return event;
        }
        if (settling_.take(monotonic_now())) {
            reload(Scope::kDirectory);
        }
    }
}

void Reloader::reload(Scope scope) {
    try {
        const Config config = scope == Scope::kAll ? source_.load() : source_.reload_directory();
        if (watch_.follow(config.apps_dir)) {
            settling_.on_change(monotonic_now());
        }
        node_.set_apps(AppTable(config.apps));
        spdlog::info("the apps have been read again: {}", config.apps.size());
    } catch (const ConfigError& error) {
        node_.reload_failed();
        spdlog::error("the apps stay as they were: {}", error.what());
    }
}

}  // namespace tulle::node
