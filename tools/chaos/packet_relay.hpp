#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "mesh/base/time.hpp"
#include "tools/chaos/descriptor.hpp"
#include "tools/chaos/shaper.hpp"

namespace tulle::chaos {

/// Takes IPv4 packets from a tun device, holds them back, and gives them to the device again, for the kernel to send
/// on. All that one node sends goes through one line, all that it is sent through another: as if its own connection
/// were slow. One thread, from construction to destruction; what waits then is dropped.
///
/// Limits: what a shaper lets wait; beyond kMaxWaiting packets in a line they are dropped.
class PacketRelay {
public:
    static constexpr std::size_t kMaxWaiting = 20'000;

    /// `slow` is that node's address. `tun` must stay open and not block.
    PacketRelay(int tun, const std::string& slow, const Shape& shape);
    PacketRelay(const PacketRelay&) = delete;
    PacketRelay& operator=(const PacketRelay&) = delete;
    ~PacketRelay();

private:
    struct Packet {
        Instant due;
        std::vector<char> bytes;
    };
    struct Line {
        Shaper shaper;
        std::deque<Packet> waiting;
    };

    void run();
    void take_packets();
    void send_due();
    [[nodiscard]] int wait_ms() const;

    int tun_;
    std::uint32_t slow_;  ///< as in a packet
    Line out_;
    Line in_;
    std::vector<char> buffer_;
    Descriptor stop_;
    std::thread thread_;
};

}  // namespace tulle::chaos
