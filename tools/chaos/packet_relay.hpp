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

/// Takes IPv4 packets from a tun device, holds the packets back, and writes the packets to the device again for the
/// kernel to send on. All packets from the slow node go through a line of their own, and all packets to the node
/// through another: as if the node's own connection were slow.
///
/// Thread: a thread of its own from construction to destruction. Packets still waiting at the end are dropped.
/// Limits: the shaper's bound on waiting, and kMaxWaiting packets in a line. Packets beyond a limit are dropped, as by
///         a router.
class PacketRelay {
public:
    /// Bounds memory: at most 20,000 packets of an ordinary link (1,500 bytes) take some 30 MB in a line.
    static constexpr std::size_t kMaxWaiting = 20'000;

    /// `tun` is a non-blocking tun descriptor without packet headers and must stay open as long as the relay lives.
    /// `slow` is the IPv4 address of the slow node. `shape` holds for both lines, each with randomness of its own.
    PacketRelay(int tun, const std::string& slow, const Shape& shape);
    PacketRelay(const PacketRelay&) = delete;
    PacketRelay& operator=(const PacketRelay&) = delete;
    ~PacketRelay();

private:
    /// A packet and the moment of sending on.
    struct Packet {
        Instant due;
        std::vector<char> bytes;
    };
    /// A direction of the slow node. Packets leave in the order of arrival.
    struct Line {
        Shaper shaper;
        std::deque<Packet> waiting;
    };

    /// The thread: waits for packets, for due times and for the end.
    void run();
    /// Moves packets from the device to the lines, at most kMaxBurst at a time.
    void take_packets();
    /// Writes packets whose time has come back to the device.
    void send_due();
    /// Milliseconds until the next packet is due, rounded up; -1 without waiting packets.
    [[nodiscard]] int wait_ms() const;

    int tun_;
    /// The slow node's address in network byte order, as packets have the address.
    std::uint32_t slow_;
    /// From the slow node.
    Line out_;
    /// To the slow node.
    Line in_;
    std::vector<char> buffer_;
    /// An eventfd; readable: the thread is to end.
    Descriptor stop_;
    std::thread thread_;
};

}  // namespace tulle::chaos
