#include "node/app/draining.hpp"

#include <algorithm>
#include <string>

#include <spdlog/spdlog.h>

#include "mesh/base/assert.hpp"
#include "node/edge/clock.hpp"

namespace tulle::node {
namespace {

constexpr Duration kTellInterval = 1s;
// Twice the interval, and time for a machine that is busy.
constexpr Duration kExtension = 15s;
// All steps of Composition::leave at their deadlines, and some more.
constexpr Duration kLeaving = 30s;

}  // namespace

DrainPlan::Facts Draining::facts() const {
    return {node_.clients(), node_.arrivals(), node_.told_checks()};
}

void Draining::on(Signals::Event event) {
    const Instant now = monotonic_now();
    switch (event) {
        case Signals::Event::kTerminate:
        case Signals::Event::kInterrupt:
            on_signal(event, now);
            break;
        case Signals::Event::kDrain:
            if (plan_.state() == DrainState::kServing) {
                plan_.drain(now, facts());
                enter();
            }
            break;
        case Signals::Event::kUndrain:
            undrain();
            break;
        default:
            break;
    }
    while (plan_.tick(now, facts())) {
        enter();
    }
    tell_progress(now);
}

void Draining::undrain() {
    if (plan_.state() == DrainState::kServing || plan_.stops()) {
        return;
    }
    if (const std::string why = node_.why_closed(); !why.empty()) {
        spdlog::error("the drain goes on, as the node could not take clients again: {}", why);
    } else if (plan_.undrain()) {
        enter();
    }
}

void Draining::on_signal(Signals::Event event, Instant now) {
    const bool is_first = !plan_.stops();
    if (is_first) {
        spdlog::info(
            "stopping: the same signal again, after 1 s at the earliest, shortens all waits; a third one ends"
            " the process at once");
        manager_.stopping();
        const DrainState before = plan_.state();
        plan_.stop(now, facts());
        TULLE_ASSERT(plan_.stops());
        node_.set_drain(before, true);
        if (plan_.state() != before) {
            enter();
        }
    }
    if (!is_first || event == Signals::Event::kInterrupt) {
        is_hasty_ = !is_first;
        plan_.leave_now();
        enter();
    }
}

void Draining::enter() {
    const DrainState state = plan_.state();
    node_.set_drain(state, plan_.stops());
    switch (state) {
        case DrainState::kServing:
            spdlog::info("the drain has been called off: the node takes clients again");
            manager_.status("serving");
            node_.keep_clients();
            break;
        case DrainState::kAnnouncing:
            spdlog::info("draining: /ready says that the node takes no clients; new clients are still served");
            break;
        case DrainState::kMoving:
            spdlog::info("draining: no new clients from here on; {} clients are closed one after the other",
                         node_.clients());
            node_.move_clients();
            break;
        case DrainState::kDrained:
            spdlog::info("drained: {} clients are left", node_.clients());
            break;
        case DrainState::kLeaving:
            manager_.extend(kLeaving);
            break;
    }
    told_at_ = Instant::min();
}

void Draining::tell_progress(Instant now) {
    if (plan_.state() == DrainState::kServing || now < told_at_ + kTellInterval) {
        return;
    }
    told_at_ = now;
    manager_.status(std::string(to_text(plan_.state())) + ", " + std::to_string(node_.clients()) + " clients");
    // The last state has told of its own time.
    if (plan_.stops() && !is_leaving()) {
        manager_.extend(kExtension);
    }
}

std::optional<Duration> Draining::patience() const {
    const Instant now = monotonic_now();
    const std::optional<Instant> next = plan_.next_tick(now);
    return next ? std::optional(std::max(Duration{}, *next - now)) : std::nullopt;
}

}  // namespace tulle::node
