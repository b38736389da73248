#pragma once

#include <string>

namespace tulle::node {

/// What came of a reload.
struct ReloadOutcome {
    /// Why the configuration stays as it was; empty after a success.
    std::string error;
    /// Why the certificates stay as they were; empty after a success, and without TLS.
    std::string certificates_error;
    /// The settings that have changed and hold only after a restart, with commas between; empty for none.
    std::string after_restart;
};

}  // namespace tulle::node
