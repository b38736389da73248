#include "mesh/keys/mesh_key.hpp"

#include <sodium.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

#include "mesh/base/assert.hpp"
#include "mesh/base/digest.hpp"

namespace tulle::mesh {
namespace {

// The version is in the word, so that a later form of keys is not mistaken for this one.
constexpr std::string_view kWord = "tulle-mesh-1";
constexpr std::size_t kIdBytes = 4;
constexpr int kBase64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
// 32 bytes are 43 digits of base64 without padding.
constexpr std::size_t kSecretDigits = 43;
static_assert(crypto_scalarmult_curve25519_BYTES == KeyBytes{}.size());
static_assert(crypto_hash_sha256_BYTES >= kIdBytes);

/// Prepares libsodium. Every call after the first has no effect.
void prepare_sodium() {
    if (sodium_init() < 0) {
        throw std::runtime_error("libsodium cannot start: no random numbers from the system");
    }
}

/// The key pair of a secret key. X25519 itself fixes the bits of the secret key that must be fixed (RFC 7748).
CurvePair pair_of(const KeyBytes& secret_key) {
    CurvePair pair{.public_key = {}, .secret_key = secret_key};
    const bool is_made = crypto_scalarmult_base(pair.public_key.data(), secret_key.data()) == 0;
    TULLE_ASSERT(is_made);
    return pair;
}

std::string id_of(const KeyBytes& public_key) {
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, public_key.data(), public_key.size());
    char text[2 * kIdBytes + 1];
    sodium_bin2hex(text, sizeof text, digest, kIdBytes);
    return text;
}

/// Takes the part up to the next blank from the front of `text`.
std::string_view take_word(std::string_view& text) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return word;
}

}  // namespace

MeshKey::MeshKey(const KeyBytes& secret) : secret_(secret) {
    prepare_sodium();
    server_ = pair_of(derive("tulle/curve-server"));
    client_ = pair_of(derive("tulle/curve-client"));
    id_ = id_of(server_.public_key);
}

MeshKey::~MeshKey() {
    sodium_memzero(secret_.data(), secret_.size());
    sodium_memzero(server_.secret_key.data(), server_.secret_key.size());
    sodium_memzero(client_.secret_key.data(), client_.secret_key.size());
}

MeshKey MeshKey::make() {
    prepare_sodium();
    KeyBytes secret{};
    randombytes_buf(secret.data(), secret.size());
    MeshKey key(secret);
    sodium_memzero(secret.data(), secret.size());
    return key;
}

std::optional<MeshKey> MeshKey::parse(std::string_view text) {
    if (text.size() > kMaxTextBytes || take_word(text) != kWord) {
        return std::nullopt;
    }
    const std::string_view id = take_word(text);
    if (text.size() != kSecretDigits) {
        return std::nullopt;
    }
    KeyBytes secret{};
    std::size_t size = 0;
    // Without a pointer to the end, libsodium takes a text for wrong that has anything behind the digits.
    if (sodium_base642bin(secret.data(), secret.size(), text.data(), text.size(), nullptr, &size, nullptr, kBase64) !=
            0 ||
        size != secret.size()) {
        return std::nullopt;
    }
    std::optional<MeshKey> key(std::in_place, secret);
    sodium_memzero(secret.data(), secret.size());
    if (key->id() != id) {
        return std::nullopt;
    }
    return key;
}

std::string MeshKey::text() const {
    char digits[sodium_base64_ENCODED_LEN(KeyBytes{}.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
    sodium_bin2base64(digits, sizeof digits, secret_.data(), secret_.size(), kBase64);
    std::string text = std::string(kWord) + " " + id_ + " " + digits;
    sodium_memzero(digits, sizeof digits);
    TULLE_ASSERT(text.size() <= kMaxTextBytes);
    return text;
}

KeyBytes MeshKey::derive(std::string_view label) const {
    TULLE_ASSERT(!label.empty());
    KeyBytes derived{};
    hkdf_sha256(secret_, label, derived);
    return derived;
}

KeyRing::KeyRing(std::vector<MeshKey> keys) : keys_(std::move(keys)) {
    TULLE_ASSERT(keys_.size() <= kMaxKeys);
    const std::vector<std::string> all = ids();
    TULLE_ASSERT(std::set<std::string>(all.begin(), all.end()).size() == keys_.size());
}

const MeshKey& KeyRing::used() const {
    TULLE_ASSERT(!is_empty());
    return keys_.front();
}

std::string KeyRing::text_of_ids() const {
    std::string text;
    for (const MeshKey& key : keys_) {
        text.append(text.empty() ? "" : ", ").append(key.id());
    }
    return text;
}

std::vector<std::string> KeyRing::ids() const {
    std::vector<std::string> ids;
    for (const MeshKey& key : keys_) {
        ids.push_back(key.id());
    }
    return ids;
}

const MeshKey* KeyRing::of_client(std::string_view bytes) const {
    const MeshKey* found = nullptr;
    for (const MeshKey& key : keys_) {
        const KeyBytes& known = key.client().public_key;
        if (bytes.size() == known.size() && sodium_memcmp(bytes.data(), known.data(), known.size()) == 0) {
            found = &key;
        }
    }
    return found;
}

}  // namespace tulle::mesh
