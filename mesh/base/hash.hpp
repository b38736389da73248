#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

/// Hashes of names chosen by strangers: channels, users and keys, and ids derived from such names.
///
/// A hash table with a foreseeable hash degrades into a list when somebody sends colliding names: 30,000 colliding
/// names cost a node a minute of CPU. Therefore each name is hashed by SipHash-2-4 (from libsodium) under a key known
/// to this process only. SipHash was designed for the purpose, and nobody knows a way to find collisions without the
/// key. XXH3 with a secret seed is faster but is not a keyed hash: the authors of XXH3 promise nothing against an
/// attacker searching for collisions. One name costs 17 ns at 8 bytes, 28 ns at 40 and 49 ns at 100; the hash of the
/// C++ library costs 11, 14 and 24 ns (2.1 GHz Xeon). No other file names a hash for tables: tests/lint refuses string
/// keys in std::unordered_map elsewhere.
namespace tulle {

/// The length of the key is given by SipHash.
using HashKey = std::array<unsigned char, 16>;

/// Sets the key of the process. Without a call the key is zero: tests and the simulator need an equal order in every
/// run.
/// Thread: call before any table has been filled and before a second thread runs. A table filled under another key
///         finds nothing.
void set_hash_key(const HashKey& key);

/// The hash of the bytes, or of the eight bytes of an id, under the key of the process. Any thread.
[[nodiscard]] std::uint64_t keyed_hash(std::string_view bytes);
[[nodiscard]] std::uint64_t keyed_hash(std::uint64_t id);

/// Hashes string keys, and allows a look-up by string_view without a copy.
struct StringHash {
    using is_transparent = void;
    /// Deliberately not noexcept, although nothing throws: the C++ library then stores each hash beside its entry. With
    /// noexcept the library takes the hash to be cheap, and computes the hash again for every entry passed by a search
    /// or a rehash.
    std::size_t operator()(std::string_view s) const { return keyed_hash(s); }
};

/// Hashes ids with bits chosen by strangers. std::hash returns an integer unchanged, so ids differing by a multiple of
/// the number of buckets would share a bucket.
struct IdHash {
    std::size_t operator()(std::uint64_t id) const { return keyed_hash(id); }
};

/// Tables with these hashes. The order of iteration depends on the key, so the order must not reach any effect.
template <class Value>
using StringMap = std::unordered_map<std::string, Value, StringHash, std::equal_to<>>;
template <class Value>
using IdMap = std::unordered_map<std::uint64_t, Value, IdHash>;

}  // namespace tulle
