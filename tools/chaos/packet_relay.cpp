#include "tools/chaos/packet_relay.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "tools/chaos/recorder.hpp"

namespace tulle::chaos {
namespace {

/// The greatest IPv4 packet.
constexpr std::size_t kMaxPacket = 65'536;
/// Place of the source address in an IPv4 header.
constexpr std::size_t kSourceOffset = 12;
/// An IPv4 header without options. A shorter read is no packet.
constexpr std::size_t kHeaderBytes = 20;
/// Packets taken in a row before due packets are looked at again, so that a flood does not hold up due packets.
constexpr int kMaxBurst = 256;

/// The address in network byte order, as in a packet.
std::uint32_t packed(const std::string& address) {
    in_addr out{};
    ::inet_pton(AF_INET, address.c_str(), &out);
    return out.s_addr;
}

}  // namespace

PacketRelay::PacketRelay(int tun, const std::string& slow, const Shape& shape)
    : tun_(tun),
      slow_(packed(slow)),
      out_{Shaper(shape, 1), {}},
      in_{Shaper(shape, 2), {}},
      buffer_(kMaxPacket),
      stop_(::eventfd(0, EFD_CLOEXEC)),
      thread_([this] { run(); }) {}

PacketRelay::~PacketRelay() {
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
}

void PacketRelay::run() {
    std::array<pollfd, 2> fds{{{tun_, POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
    while ((fds[1].revents & POLLIN) == 0) {
        ::poll(fds.data(), fds.size(), wait_ms());
        take_packets();
        send_due();
    }
}

void PacketRelay::take_packets() {
    for (int i = 0; i < kMaxBurst; ++i) {
        // The device does not block: a failed read means an empty queue.
        const ssize_t count = ::read(tun_, buffer_.data(), buffer_.size());
        if (count < static_cast<ssize_t>(kHeaderBytes)) {
            return;
        }
        std::uint32_t source = 0;
        std::memcpy(&source, buffer_.data() + kSourceOffset, sizeof source);
        // All traffic of the relay has the slow node at one end, so every other source sends to the slow node.
        Line& line = source == slow_ ? out_ : in_;
        const auto size = static_cast<std::size_t>(count);
        const std::optional<Instant> due = line.shaper.admit(now(), size);
        if (due && line.waiting.size() < kMaxWaiting) {
            line.waiting.push_back({*due, {buffer_.data(), buffer_.data() + size}});
        }
    }
}

void PacketRelay::send_due() {
    const Instant moment = now();
    for (Line* line : {&out_, &in_}) {
        while (!line->waiting.empty() && line->waiting.front().due <= moment) {
            const std::vector<char>& bytes = line->waiting.front().bytes;
            // A packet refused by the device is lost, as on a full line. TCP sends the packet again.
            [[maybe_unused]] const ssize_t written = ::write(tun_, bytes.data(), bytes.size());
            line->waiting.pop_front();
        }
    }
}

int PacketRelay::wait_ms() const {
    std::optional<Instant> next;
    for (const Line* line : {&out_, &in_}) {
        if (!line->waiting.empty()) {
            next = std::min(next.value_or(line->waiting.front().due), line->waiting.front().due);
        }
    }
    if (!next) {
        return -1;
    }
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*next - now());
    return static_cast<int>(std::max<std::chrono::milliseconds::rep>(wait.count(), 0));
}

}  // namespace tulle::chaos
