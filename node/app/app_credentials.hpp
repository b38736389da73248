#pragma once

#include <string>

#include "node/pusher/core/apps.hpp"

namespace tulle::node {

/// What is wrong with the id, the key or the secret of an app; empty: nothing.
[[nodiscard]] std::string wrong_credentials(const App& app);

}  // namespace tulle::node
