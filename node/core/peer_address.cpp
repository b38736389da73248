#include "node/core/peer_address.hpp"

#include <algorithm>
#include <iterator>

namespace tulle::node {
namespace {

constexpr int kBitsV4 = 32;
constexpr int kBitsV6 = 64;  // of the network

struct Network {
    std::uint64_t first;
    int bits;
};

constexpr Network kPrivateV4[] = {
    {0x7f000000, 8}, {0x0a000000, 8}, {0xac100000, 12}, {0xc0a80000, 16}, {0xa9fe0000, 16}, {0x64400000, 10},
};
/// The first holds ::1.
constexpr Network kPrivateV6[] = {
    {0, 64},
    {0xfc00'0000'0000'0000, 7},
    {0xfe80'0000'0000'0000, 10},
};

template <std::size_t N>
bool is_in_any(const Network (&networks)[N], std::uint64_t address, int width) {
    return std::any_of(std::begin(networks), std::end(networks), [address, width](const Network& network) {
        const int shift = width - network.bits;
        return (address >> shift) == (network.first >> shift);
    });
}

}  // namespace

bool PeerAddress::is_private() const {
    return is_v6 ? is_in_any(kPrivateV6, network, kBitsV6) : is_in_any(kPrivateV4, network, kBitsV4);
}

PeerAddress peer_of_v4(std::uint32_t address) {
    return {address, false};
}

PeerAddress peer_of_v6(const std::array<std::uint8_t, 16>& bytes) {
    constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const bool is_mapped = std::equal(kMapped.begin(), kMapped.end(), bytes.begin());
    std::uint64_t number = 0;
    std::for_each_n(bytes.begin() + (is_mapped ? kMapped.size() : 0), is_mapped ? 4 : 8,
                    [&number](std::uint8_t byte) { number = (number << 8) | byte; });
    return {number, !is_mapped};
}

}  // namespace tulle::node
