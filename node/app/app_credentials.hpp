#pragma once

#include <string>

#include "node/pusher/core/apps.hpp"

namespace tulle::node {

/// A sentence about the first error in the id, the key or the secret of an app; empty when all three are correct. The
/// secret itself is never part of the sentence.
[[nodiscard]] std::string wrong_credentials(const App& app);

}  // namespace tulle::node
