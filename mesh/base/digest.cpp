#include "mesh/base/digest.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <array>
#include <cstring>
#include <memory>
#include <optional>

#include "mesh/base/assert.hpp"
#include "mesh/base/free_by.hpp"

namespace tulle {
namespace {

using Mac = std::unique_ptr<EVP_MAC, FreeBy<EVP_MAC_free>>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, FreeBy<EVP_MAC_CTX_free>>;
using Digest = std::unique_ptr<EVP_MD, FreeBy<EVP_MD_free>>;
using Kdf = std::unique_ptr<EVP_KDF, FreeBy<EVP_KDF_free>>;
using KdfContext = std::unique_ptr<EVP_KDF_CTX, FreeBy<EVP_KDF_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeBy<EVP_MD_CTX_free>>;

const unsigned char* as_bytes(std::string_view s) {
    return reinterpret_cast<const unsigned char*>(s.data());
}

/// The two hexadecimal digits of each byte. A table, because signatures are made for every authorization.
constexpr auto kHexPairs = [] {
    constexpr char kDigits[] = "0123456789abcdef";
    std::array<std::array<char, 2>, 256> pairs{};
    for (std::size_t byte = 0; byte < pairs.size(); ++byte) {
        pairs[byte] = {kDigits[byte >> 4u], kDigits[byte & 0xfu]};
    }
    return pairs;
}();

std::string hex(const unsigned char* bytes, std::size_t size) {
    std::string text(2 * size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        std::memcpy(text.data() + 2 * i, kHexPairs[bytes[i]].data(), 2);
    }
    return text;
}

/// Computes one HMAC after another in one context. OpenSSL spends more on the look-up of an algorithm, and on a new
/// context, than on the digest of a short text. The work for a key is repeated only when the key changes.
/// Thread: confined to one thread (thread_local below).
class HmacSha256 {
public:
    HmacSha256() : mac_(EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr)), context_(EVP_MAC_CTX_new(mac_.get())) {
        TULLE_ASSERT(context_ != nullptr);
        char digest[] = "SHA256";
        const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                         OSSL_PARAM_construct_end()};
        TULLE_ASSERT(EVP_MAC_CTX_set_params(context_.get(), parameters) == 1);
    }

    std::string hex_of(std::string_view key, std::string_view message) {
        begin(key);
        std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
        std::size_t size = 0;
        const bool done = EVP_MAC_update(context_.get(), as_bytes(message), message.size()) == 1 &&
                          EVP_MAC_final(context_.get(), out.data(), &size, out.size()) == 1;
        TULLE_ASSERT(done);
        return hex(out.data(), size);
    }

private:
    /// Starts a message under `key`.
    void begin(std::string_view key) {
        // Without a key argument OpenSSL keeps the prepared key.
        if (key_ == key) {
            TULLE_ASSERT(EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1);
            return;
        }
        key_ = key;
        TULLE_ASSERT(EVP_MAC_init(context_.get(), as_bytes(*key_), key_->size(), nullptr) == 1);
    }

    const Mac mac_;
    const MacContext context_;
    /// The key prepared in the context.
    std::optional<std::string> key_;
};

/// Computes MD5 digests in one context, for the body_md5 of the HTTP API. Not a protection against forgery.
class Md5 {
public:
    Md5() : md5_(EVP_MD_fetch(nullptr, "MD5", nullptr)), context_(EVP_MD_CTX_new()) {
        TULLE_ASSERT(md5_ != nullptr && context_ != nullptr);
    }

    std::string hex_of(std::string_view bytes) {
        std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
        unsigned int size = 0;
        const bool done = EVP_DigestInit_ex2(context_.get(), md5_.get(), nullptr) == 1 &&
                          EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1 &&
                          EVP_DigestFinal_ex(context_.get(), out.data(), &size) == 1;
        TULLE_ASSERT(done);
        return hex(out.data(), size);
    }

private:
    const Digest md5_;
    const DigestContext context_;
};

}  // namespace

std::string hmac_sha256_hex(std::string_view key, std::string_view message) {
    thread_local HmacSha256 hmac;
    return hmac.hex_of(key, message);
}

std::string md5_hex(std::string_view bytes) {
    thread_local Md5 md5;
    return md5.hex_of(bytes);
}

void hkdf_sha256(std::span<const unsigned char> secret, std::string_view info, std::span<unsigned char> out) {
    const Kdf kdf(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_HKDF, nullptr));
    TULLE_ASSERT(kdf != nullptr);
    const KdfContext context(EVP_KDF_CTX_new(kdf.get()));
    TULLE_ASSERT(context != nullptr);
    // OpenSSL takes pointers to bytes that are not constant, and does not write to them.
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, const_cast<unsigned char*>(secret.data()), secret.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, const_cast<char*>(info.data()), info.size()),
        OSSL_PARAM_construct_end()};
    const bool is_done = EVP_KDF_derive(context.get(), out.data(), out.size(), parameters) == 1;
    TULLE_ASSERT(is_done);
}

bool equal_constant_time(std::string_view a, std::string_view b) {
    // The lengths of signatures are public, so the early return reveals nothing.
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace tulle
