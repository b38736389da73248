#pragma once

#include <optional>

#include "mesh/base/time.hpp"
#include "node/app/composition.hpp"
#include "node/app/service_manager.hpp"
#include "node/app/signals.hpp"
#include "node/core/drain_plan.hpp"

namespace tulle::node {

/// Lets a node's clients go before the node leaves the mesh: takes the orders of signals and of the admin listener, has
/// DrainPlan decide, and has the node carry the steps out.
///
/// SIGTERM moves the clients, within `drain_grace` and `drain_duration`. SIGINT, and a second SIGTERM, leave at once.
///
/// Thread: the main thread.
/// Errors: none.
class Draining {
public:
    /// `node` and `manager` must outlive this object.
    Draining(Composition& node, const ServiceManager& manager, const DrainTimes& times)
        : node_(node), manager_(manager), plan_(times) {}

    /// Takes an order, and the steps that are due.
    void on(Signals::Event event);
    /// The time until on() has to be called; nothing while nothing is under way.
    [[nodiscard]] std::optional<Duration> patience() const;
    /// True when the caller is to end the node (Composition::leave).
    [[nodiscard]] bool is_leaving() const { return plan_.state() == DrainState::kLeaving; }
    /// True when a signal has asked for haste already.
    [[nodiscard]] bool is_hasty() const { return is_hasty_; }

private:
    [[nodiscard]] DrainPlan::Facts facts() const;
    /// Calls a drain off, if the addresses of the listeners are still free.
    void undrain();
    /// A signal to end.
    void on_signal(Signals::Event event, Instant now);
    /// Has the node carry out the present state, and says so.
    void enter();
    /// Tells the service manager how far the node is.
    void tell_progress(Instant now);

    Composition& node_;
    const ServiceManager& manager_;
    DrainPlan plan_;
    bool is_hasty_ = false;
    /// When the service manager was told last.
    Instant told_at_ = Instant::min();
};

}  // namespace tulle::node
