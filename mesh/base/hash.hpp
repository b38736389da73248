#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

/// Hashes of what strangers choose: names of channels, users and keys, and ids that grow out of them.
///
/// A table whose hash can be foreseen becomes a list when somebody sends names that collide: 30,000 of them cost a node
/// a minute of CPU. So each name is hashed by SipHash-2-4 (libsodium's) under a key that only this process knows.
/// SipHash was made for this purpose, and no way to find collisions without the key is known. XXH3 with a secret seed
/// is faster but is not a keyed hash: its authors promise nothing against somebody who looks for collisions. One name
/// costs 17 ns at 8 bytes, 28 ns at 40 and 49 ns at 100, where the C++ library's hash costs 11, 14 and 24 ns (2.1 GHz
/// Xeon). This is the one place that names a hash for tables: tests/lint refuses string keys in std::unordered_map
/// elsewhere.
namespace tulle {

using HashKey = std::array<unsigned char, 16>;

/// Sets the key of the process. Thread: before any table has been filled and before a second thread runs; a table
/// filled under another key finds nothing. Without a call the key is zero: tests and the simulator want the same order
/// each time.
void set_hash_key(const HashKey& key);

[[nodiscard]] std::uint64_t keyed_hash(std::string_view bytes);
[[nodiscard]] std::uint64_t keyed_hash(std::uint64_t id);

/// So that string-keyed tables can be searched by string_view without a copy.
struct StringHash {
    using is_transparent = void;
    /// Not noexcept, although nothing throws: the C++ library then keeps each hash beside its entry. Otherwise it takes
    /// the hash to be cheaper than eight bytes, and computes it again for every entry that a search or a rehash passes.
    std::size_t operator()(std::string_view s) const { return keyed_hash(s); }
};

/// For ids whose bits strangers can steer. std::hash leaves an integer as it is, so ids that differ by a multiple of
/// the number of buckets would share one.
struct IdHash {
    std::size_t operator()(std::uint64_t id) const { return keyed_hash(id); }
};

/// The order of iteration depends on the key, so it must not reach any effect.
template <class Value>
using StringMap = std::unordered_map<std::string, Value, StringHash, std::equal_to<>>;
template <class Value>
using IdMap = std::unordered_map<std::uint64_t, Value, IdHash>;

}  // namespace tulle
