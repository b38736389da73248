#pragma once

#include "node/app/config.hpp"

namespace tulle::node {

/// What the start would only find out by binding: that each address is one of this machine, that this process may bind
/// each port, that no two addresses are one under two names, and that the ports file can be written where it is to be.
/// The start and --check-config both call it, so that they refuse the same. Whether a port is free is not looked at:
/// the node that is running has it. Throws ConfigError. Thread: any; a name takes as long as the system's resolver
/// does.
void check_machine(const Config& config);

}  // namespace tulle::node
