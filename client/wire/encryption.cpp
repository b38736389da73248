#include "client/wire/encryption.hpp"

#include <cstddef>
#include <utility>

#include <sodium.h>
#include <boost/json.hpp>

#include "client/wire/json_text.hpp"
#include "mesh/base/assert.hpp"

namespace tulle::client {
namespace {

namespace json = boost::json;

// The lengths of the protocol and the lengths of libsodium must agree.
static_assert(kKeyBytes == crypto_secretbox_KEYBYTES && kNonceBytes == crypto_secretbox_NONCEBYTES);
static_assert(kKeyBytes == crypto_hash_sha256_BYTES);

// The alphabet with + and /, and with padding, as in the official libraries.
constexpr int kBase64 = sodium_base64_VARIANT_ORIGINAL;

/// Lets libsodium choose the fastest code for the processor. Once for the process is enough; any thread may call.
void prepare() {
    static const bool is_ready = sodium_init() >= 0;
    TULLE_ASSERT(is_ready);
}

const unsigned char* bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* bytes(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}

std::string to_base64(const unsigned char* data, std::size_t size) {
    std::string text(sodium_base64_encoded_len(size, kBase64), '\0');
    sodium_bin2base64(text.data(), text.size(), data, size, kBase64);
    // libsodium ends the text with a zero byte, and counts the zero.
    text.pop_back();
    return text;
}

/// The decoded bytes; nothing when any character of the text is not part of proper base64.
std::optional<std::string> from_base64(std::string_view text) {
    std::string out(text.size(), '\0');
    std::size_t size = 0;
    if (sodium_base642bin(bytes(out), out.size(), text.data(), text.size(), nullptr, &size, nullptr, kBase64) != 0) {
        return std::nullopt;
    }
    out.resize(size);
    return out;
}

}  // namespace

std::optional<std::string> decode_key(std::string_view base64) {
    std::optional<std::string> key = from_base64(base64);
    return key && key->size() == kKeyBytes ? std::move(key) : std::nullopt;
}

std::string channel_key(std::string_view channel, std::string_view master_key) {
    TULLE_ASSERT(master_key.size() == kKeyBytes);
    prepare();
    const std::string text = std::string(channel).append(master_key);
    std::string key(kKeyBytes, '\0');
    crypto_hash_sha256(bytes(key), bytes(text), text.size());
    return key;
}

std::string encode_key(std::string_view key) {
    return to_base64(bytes(key), key.size());
}

std::string seal(std::string_view key, const Nonce& nonce, std::string_view plain) {
    TULLE_ASSERT(key.size() == kKeyBytes);
    prepare();
    std::string cipher(plain.size() + crypto_secretbox_MACBYTES, '\0');
    crypto_secretbox_easy(bytes(cipher), bytes(plain), plain.size(), nonce.data(), bytes(key));
    return json::serialize(
        json::object{{"nonce", json_string(to_base64(nonce.data(), nonce.size()))},
                     {"ciphertext", json_string(to_base64(bytes(std::string_view(cipher)), cipher.size()))}});
}

Result<std::string, SealErrc> open_sealed(std::string_view key, std::string_view data) {
    const std::optional<json::object> object = parse_object(data);
    if (!object) {
        return SealErrc::kMalformed;
    }
    const std::optional<std::string> nonce = from_base64(text_of(*object, "nonce"));
    const std::optional<std::string> cipher = from_base64(text_of(*object, "ciphertext"));
    // Data without proper lengths cannot be opened by any key. The check also guards the subtraction below.
    if (!nonce || nonce->size() != kNonceBytes || !cipher || cipher->size() < crypto_secretbox_MACBYTES) {
        return SealErrc::kMalformed;
    }
    prepare();
    std::string plain(cipher->size() - crypto_secretbox_MACBYTES, '\0');
    // The authentication code fails for a wrong key and for changed data alike.
    if (key.size() != kKeyBytes ||
        crypto_secretbox_open_easy(bytes(plain), bytes(*cipher), cipher->size(), bytes(*nonce), bytes(key)) != 0) {
        return SealErrc::kWrongKey;
    }
    return plain;
}

}  // namespace tulle::client
