#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "node/app/config.hpp"

namespace tulle::node {

/// The parts between commas, without spaces around the parts. Empty parts are left out.
[[nodiscard]] std::vector<std::string_view> parts_of(std::string_view list);

/// The addresses of peers, separated by commas. A peer may begin with "dns:", which changes nothing.
/// Errors: ConfigError for a text that is no address, and for more than 256 peers.
[[nodiscard]] std::vector<std::string> to_peers(const Setting& setting);

/// The addresses and networks of trusted proxies, separated by commas.
/// Errors: ConfigError for a text that is neither an address nor a network, for a network that holds every address, and
///         for more than kMaxTrustedProxies entries.
[[nodiscard]] std::vector<AddressRange> to_trusted_proxies(const Setting& setting);

/// Checks the settings about proxies against each other, and fills in the limits that depend on these settings.
/// `given`: the settings by their keys. Errors: ConfigError for proxy_protocol or forwarded_header without trusted
/// proxies.
void finish_proxies(Config& config, const Settings& given);

/// The sources of mesh keys, separated by commas; otherwise ConfigError. A key itself may stand in the environment
/// alone: everybody on a machine can read the flags of a process, and a configuration file is shown to many.
[[nodiscard]] std::vector<std::string> to_mesh_keys(const Setting& setting);

/// The URL of a collector, http:// or https:// with a host. A URL without a path gets the path of OTLP, /v1/traces.
/// Errors: ConfigError for other texts, and for a URL with a user, a query or a fragment, which could hold secrets.
[[nodiscard]] std::string to_otlp_endpoint(const Setting& setting);

}  // namespace tulle::node
