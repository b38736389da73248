#include "node/core/peer_address.hpp"

#include <algorithm>
#include <iterator>

namespace tulle::node {
namespace {

constexpr int kBitsV4 = 32;
// The bits of the network, see PeerAddress::network.
constexpr int kBitsV6 = 64;

// A network by its first address and the number of its leading bits.
struct Network {
    std::uint64_t first;
    int bits;
};

// 127.0.0.0/8, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16 (link-local), 100.64.0.0/10 (shared).
constexpr Network kPrivateV4[] = {
    {0x7f000000, 8}, {0x0a000000, 8}, {0xac100000, 12}, {0xc0a80000, 16}, {0xa9fe0000, 16}, {0x64400000, 10},
};
/// The network of ::1, unique local addresses fc00::/7, and link-local addresses fe80::/10.
constexpr Network kPrivateV6[] = {
    {0, 64},
    {0xfc00'0000'0000'0000, 7},
    {0xfe80'0000'0000'0000, 10},
};

// True when any of the networks holds `address`, an address of `width` bits.
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
    const IpAddress address = unmapped({true, bytes});
    std::uint64_t number = 0;
    std::for_each_n(address.bytes.begin(), address.is_v6 ? 8 : 4,
                    [&number](std::uint8_t byte) { number = (number << 8) | byte; });
    return {number, address.is_v6};
}

PeerAddress peer_of(const IpAddress& address) {
    if (address.is_v6) {
        return peer_of_v6(address.bytes);
    }
    std::uint32_t number = 0;
    std::for_each_n(address.bytes.begin(), 4, [&number](std::uint8_t byte) { number = (number << 8) | byte; });
    return peer_of_v4(number);
}

std::string to_string(const PeerAddress& address) {
    IpAddress first{address.is_v6};
    const int size = address.is_v6 ? 8 : 4;
    for (int i = 0; i < size; ++i) {
        first.bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(address.network >> (8 * (size - 1 - i)));
    }
    return to_string(first) + (address.is_v6 ? "/64" : "");
}

}  // namespace tulle::node
