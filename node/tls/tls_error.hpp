#pragma once

#include <stdexcept>

namespace tulle::node {

/// A certificate or key that cannot be used. The text names the file and the reason.
class TlsError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace tulle::node
