#include "node/tls/ticket_keys.hpp"

#include <cstring>
#include <string>
#include <utility>

#include "mesh/base/assert.hpp"
#include "mesh/base/digest.hpp"

namespace tulle::node {
namespace {

// The three days that count, and a day that has just ceased to.
constexpr std::size_t kMaxDays = 4;

TicketKey derive(const TicketKeys::Secret& secret, std::int64_t day) {
    TicketKey key;
    std::array<unsigned char, sizeof(key.name) + sizeof(key.cipher) + sizeof(key.mac)> bytes{};
    hkdf_sha256(secret, "tulle/tls-ticket/" + std::to_string(day), bytes);
    const unsigned char* at = bytes.data();
    for (auto [part, size] :
         {std::pair(key.name.data(), key.name.size()), std::pair(key.cipher.data(), key.cipher.size()),
          std::pair(key.mac.data(), key.mac.size())}) {
        std::memcpy(part, at, size);
        at += size;
    }
    return key;
}

}  // namespace

TicketKeys::TicketKeys(Secrets secrets) : secrets_(std::move(secrets)) {
    TULLE_ASSERT(!secrets_.empty());
}

TicketKey TicketKeys::key_of(std::size_t secret, std::int64_t day) const {
    const std::lock_guard lock(mutex_);
    const auto known = keys_.find({day, secret});
    if (known != keys_.end()) {
        return known->second;
    }
    const TicketKey key = derive(secrets_[secret], day);
    keys_.emplace(std::pair(day, secret), key);
    // The oldest day comes first.
    if (keys_.size() > kMaxDays * secrets_.size()) {
        keys_.erase(keys_.begin());
    }
    return key;
}

std::optional<TicketKey> TicketKeys::find(std::string_view name, std::int64_t day) const {
    for (const std::int64_t candidate : {day, day - 1, day + 1}) {
        for (std::size_t secret = 0; secret < secrets_.size(); ++secret) {
            const TicketKey key = key_of(secret, candidate);
            const std::string_view its(reinterpret_cast<const char*>(key.name.data()), key.name.size());
            if (name == its) {
                return key;
            }
        }
    }
    return std::nullopt;
}

}  // namespace tulle::node
