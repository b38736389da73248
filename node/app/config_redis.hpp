#pragma once

#include <string>
#include <vector>

#include "node/app/config.hpp"

/// The part of the configuration about clients of Redis.
namespace tulle::node {

struct Entry;

/// Reads [[redis_realms]], each realm for itself, and fills in the users. Reads the files of the secrets. Throws
/// ConfigError, never with a word of a secret.
[[nodiscard]] std::vector<GivenRealm> realms_of(const Entry& entry);

/// Puts the realms into the configuration, or the default realm when redis_listen stands alone, and checks realms and
/// redis_listen against each other. `given`: the settings by their keys.
/// REQUIRES: the apps of `config` are complete, the default app included.
/// Errors: ConfigError for realms without redis_listen, for names and users that two realms have, for a realm without a
///         secret off loopback or beside another realm without a secret, and for a realm with an app that is unknown,
///         or that is not the default app while the realm has no secret.
void finish_redis(Config& config, std::vector<GivenRealm> realms, const Settings& given);

/// A warning for people when the keys of all realms may take the memory from which the node refuses new clients on.
/// Empty for no warning. `config`: complete.
[[nodiscard]] std::string redis_memory_warning(const Config& config);

}  // namespace tulle::node
