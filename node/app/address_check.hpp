#pragma once

#include "node/app/config.hpp"

namespace tulle::node {

/// Checks everything about addresses that the start would otherwise discover only by binding:
/// - each address belongs to this machine;
/// - this process may bind each port;
/// - no two settings name the same address and port under different names;
/// - the Unix socket of the admin listener can be made;
/// - the ports file can be written.
///
/// The start and --check-config both call check_machine, so that both refuse the same configurations. Whether a port is
/// free is not checked, because the running node uses the ports while an operator checks a new configuration.
///
/// Thread: any. Resolving a name takes as long as the system's resolver takes.
/// Errors: throws ConfigError with the key and the address.
void check_machine(const Config& config);

}  // namespace tulle::node
