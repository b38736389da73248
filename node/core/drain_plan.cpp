#include "node/core/drain_plan.hpp"

#include "mesh/base/assert.hpp"

namespace tulle::node {

static_assert(kArrivalsQuiet < DrainTimes{}.grace, "the grace can end early");
static_assert(kMovingSlack > kArrivalsQuiet && DrainTimes{}.duration > kMovingSlack);

void DrainPlan::drain(Instant now, const Facts& facts) {
    if (state_ == DrainState::kServing) {
        state_ = DrainState::kAnnouncing;
        since_ = now;
        arrived_at_ = now;
        arrivals_ = facts.arrivals;
        told_checks_ = facts.told_checks;
    }
}

void DrainPlan::stop(Instant now, const Facts& facts) {
    stops_ = true;
    drain(now, facts);
}

void DrainPlan::leave_now() {
    stops_ = true;
    state_ = DrainState::kLeaving;
}

bool DrainPlan::undrain() {
    // Whoever has sent the signal waits for the end of the process, and ends it by force otherwise.
    if (state_ == DrainState::kServing || stops_) {
        return false;
    }
    state_ = DrainState::kServing;
    return true;
}

bool DrainPlan::tick(Instant now, const Facts& facts) {
    TULLE_ASSERT(now >= since_ && facts.arrivals >= arrivals_ && facts.told_checks >= told_checks_);
    const DrainState before = state_;
    switch (state_) {
        case DrainState::kAnnouncing:
            if (facts.arrivals != arrivals_) {
                arrivals_ = facts.arrivals;
                arrived_at_ = now;
            }
            if (now - since_ >= times_.grace ||
                (now - arrived_at_ >= kArrivalsQuiet &&
                 (facts.clients == 0 || facts.told_checks - told_checks_ >= kChecksTold))) {
                // Without a duration there is nothing to spread: leaving closes all clients at once.
                state_ = stops_ && times_.duration == Duration{} ? DrainState::kLeaving : DrainState::kMoving;
            }
            break;
        case DrainState::kMoving:
            if (facts.clients == 0 || now - since_ >= times_.duration + kMovingSlack) {
                state_ = DrainState::kDrained;
            }
            break;
        case DrainState::kDrained:
            if (stops_) {
                state_ = DrainState::kLeaving;
            }
            break;
        case DrainState::kServing:
        case DrainState::kLeaving:
            break;
    }
    if (state_ == before) {
        return false;
    }
    since_ = now;
    return true;
}

std::optional<Instant> DrainPlan::next_tick(Instant now) const {
    switch (state_) {
        case DrainState::kAnnouncing:
        case DrainState::kMoving:
            return now + kLook;
        case DrainState::kDrained:
            return stops_ ? std::optional(now) : std::nullopt;
        case DrainState::kServing:
        case DrainState::kLeaving:
            break;
    }
    return std::nullopt;
}

}  // namespace tulle::node
