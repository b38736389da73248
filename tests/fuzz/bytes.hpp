#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace tulle::fuzz {

/// A fuzzer's bytes as a sequence of choices, from the front. Past the end every choice is 0.
class Bytes {
public:
    Bytes(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

    [[nodiscard]] bool empty() const { return rest_.empty(); }

    std::uint8_t byte() {
        if (rest_.empty()) {
            return 0;
        }
        const auto first = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        return first;
    }

    bool flag() { return (byte() & 1) != 0; }

    /// In [0, end); end > 0 and at most 256.
    std::size_t below(std::size_t end) { return byte() % end; }

    std::string_view take(std::size_t size) {
        const std::string_view taken = rest_.substr(0, size);
        rest_.remove_prefix(taken.size());
        return taken;
    }

    /// A number as a stranger would choose it: small, one that has been seen (see()) or its neighbour, at an edge, or
    /// any.
    std::uint64_t number() {
        const std::uint8_t kind = byte();
        if (kind < 112) {
            return kind % 28;
        }
        if (kind < 176) {
            return seen_[kind % seen_.size()];
        }
        if (kind < 192) {
            return seen_[kind % seen_.size()] + 1;
        }
        if (kind < 240) {
            constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
            constexpr std::array<std::uint64_t, 12> kEdges = {
                kMost,      kMost - 1,        kMost / 2,  kMost / 2 + 1, kMost / 1000, kMost / 1'000'000,
                1ull << 32, (1ull << 32) - 1, 1ull << 48, 262'144,       65'536,       1'000};
            return kEdges[kind % kEdges.size()];
        }
        std::uint64_t any = 0;
        for (int i = 0; i < 8; ++i) {
            any = any << 8 | byte();
        }
        return any;
    }

    std::int64_t signed_number() { return static_cast<std::int64_t>(number()); }
    std::uint32_t number32() { return static_cast<std::uint32_t>(number()); }

    /// A number that the one under test has chosen: number() returns it now and then.
    void see(std::uint64_t number) {
        seen_[next_seen_] = number;
        next_seen_ = (next_seen_ + 1) % seen_.size();
    }

private:
    std::string_view rest_;
    std::array<std::uint64_t, 8> seen_{};
    std::size_t next_seen_ = 0;
};

}  // namespace tulle::fuzz
