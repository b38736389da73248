#include "node/tls/ticket_keys.hpp"

#include <cstring>
#include <string>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "mesh/base/assert.hpp"
#include "node/tls/openssl_ptr.hpp"

namespace tulle::node {
namespace {

// The three days that count, and a day that has just ceased to.
constexpr std::size_t kMaxDays = 4;

TicketKey derive(TicketKeys::Secret secret, std::int64_t day) {
    const KdfPtr kdf(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_HKDF, nullptr));
    TULLE_ASSERT(kdf != nullptr);
    const KdfContextPtr context(EVP_KDF_CTX_new(kdf.get()));
    TULLE_ASSERT(context != nullptr);
    char digest[] = "SHA256";
    std::string info = "tulle/tls-ticket/" + std::to_string(day);
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret.data(), secret.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()), OSSL_PARAM_construct_end()};
    TicketKey key;
    std::array<unsigned char, sizeof(key.name) + sizeof(key.cipher) + sizeof(key.mac)> bytes{};
    const bool is_done = EVP_KDF_derive(context.get(), bytes.data(), bytes.size(), parameters) == 1;
    TULLE_ASSERT(is_done);
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
