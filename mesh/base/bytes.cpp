#include "mesh/base/bytes.hpp"

namespace tulle {

std::uint64_t stable_hash(std::string_view bytes) {
    // FNV-1a: the offset basis and the prime of the 64-bit variant.
    std::uint64_t h = 0xcbf29ce484222325ULL;
    for (const char c : bytes) {
        h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    }
    // FNV-1a alone spreads the last bytes badly over the high bits.
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9ULL;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebULL;
    return h ^ (h >> 31);
}

}  // namespace tulle
