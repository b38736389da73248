#pragma once

#include <cstdint>

#include "mesh/base/assert.hpp"

namespace tulle {

/// xoshiro256** seeded by SplitMix64 (Blackman, Vigna: public domain). Equal seeds give equal sequences on every
/// machine, unlike the distributions of the C++ library. Not for secrets.
///
/// Thread: confined to its owner.
class Prng {
public:
    /// Any seed is good, zero included: SplitMix64 fills the state.
    explicit Prng(std::uint64_t seed) {
        for (std::uint64_t& word : state_) {
            seed += 0x9e3779b97f4a7c15ULL;
            std::uint64_t z = seed;
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
            z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
            word = z ^ (z >> 31);
        }
    }

    /// The next 64 random bits.
    std::uint64_t next() {
        const std::uint64_t result = rotl(state_[1] * 5, 7) * 9;
        const std::uint64_t t = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= t;
        state_[3] = rotl(state_[3], 45);
        return result;
    }

    /// A number in [0, bound), uniform enough: the bias of the modulus is below 2^-32 for bounds below 2^32. REQUIRES:
    /// bound > 0.
    std::uint64_t below(std::uint64_t bound) {
        TULLE_ASSERT(bound > 0);
        return next() % bound;
    }

    /// True in `percent` of 100 calls on average.
    bool chance(std::uint64_t percent) { return below(100) < percent; }

private:
    static std::uint64_t rotl(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

    std::uint64_t state_[4];
};

}  // namespace tulle
