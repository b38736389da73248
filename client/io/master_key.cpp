#include "client/io/master_key.hpp"

#include <optional>
#include <stdexcept>
#include <utility>

#include "client/wire/encryption.hpp"

namespace tulle::client {

std::string master_key(const std::string& base64, std::string_view who) {
    // An application without encrypted channels has no master key.
    if (base64.empty()) {
        return {};
    }
    std::optional<std::string> key = decode_key(base64);
    if (!key) {
        throw std::invalid_argument(std::string(who) + ": the encryption master key is not the base64 of 32 bytes");
    }
    return std::move(*key);
}

}  // namespace tulle::client
