#include "mesh/base/hash.hpp"

#include <cstring>

#include <sodium/crypto_shorthash_siphash24.h>

namespace tulle {
namespace {

static_assert(sizeof(HashKey) == crypto_shorthash_siphash24_KEYBYTES);
static_assert(sizeof(std::uint64_t) == crypto_shorthash_siphash24_BYTES);

/// A global, because a table creates its hash function without arguments.
HashKey process_key{};

std::uint64_t siphash(const unsigned char* bytes, std::size_t size) {
    std::uint64_t hash = 0;
    crypto_shorthash_siphash24(reinterpret_cast<unsigned char*>(&hash), bytes, size, process_key.data());
    return hash;
}

}  // namespace

void set_hash_key(const HashKey& key) {
    process_key = key;
}

std::uint64_t keyed_hash(std::string_view bytes) {
    return siphash(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::uint64_t keyed_hash(std::uint64_t id) {
    unsigned char bytes[sizeof id];
    // The byte order of the machine is good enough: the hash never leaves the process.
    std::memcpy(bytes, &id, sizeof id);
    return siphash(bytes, sizeof bytes);
}

}  // namespace tulle
