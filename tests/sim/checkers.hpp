#pragma once

#include "tests/sim/scenario.hpp"
#include "tests/sim/world.hpp"

namespace tulle::sim {

/// After everything has healed and settled: who sees whom, whether the interest tables agree, and whether every accepted
/// message reached every subscriber that it was due to. Appends to the outcome's violations and counts.
void check_views(World& world);
void check_deliveries(World& world, Outcome& outcome);
/// P4: of a killed origin, what one survivor delivered, all survivors with a subscriber did; of one that left, everything
/// that it had accepted.
void check_ended_origins(World& world, Outcome& outcome);

}  // namespace tulle::sim
