#pragma once

#include <memory>

#include "node/edge/outbox_writer.hpp"

struct io_uring;

namespace tulle::node {

/// Hands the sends of a turn to the kernel in one system call for so many connections as the ring has entries. The
/// sends themselves are done by this thread inside that call, so what it saves is the way in and out of the kernel.
///
/// Thread: the one that has called make (the ring has a single issuer).
/// Limits: what a connection holds in more than one range goes by write_outbox, as does the rest of a send that the
///         kernel has not taken whole.
class UringWriter final : public OutboxWriter {
public:
    static constexpr unsigned kEntries = 1024;
    /// With fewer connections to write to, their sends cost less than the ring.
    static constexpr std::size_t kMinBatch = 4;

    /// Null when the machine has no io_uring or forbids it (containers often do). `entries` is a power of two.
    [[nodiscard]] static std::unique_ptr<OutboxWriter> make(unsigned entries = kEntries);

    std::uint64_t write(std::span<WriteJob> jobs) override;

private:
    struct Closer {
        void operator()(io_uring* ring) const;
    };

    UringWriter(std::unique_ptr<io_uring, Closer> ring, unsigned entries) : ring_(std::move(ring)), entries_(entries) {}
    std::uint64_t write_batch(std::span<WriteJob> jobs);
    unsigned prepare(std::span<WriteJob> jobs, std::uint64_t& bytes);
    unsigned reap(std::span<WriteJob> jobs, std::uint64_t& bytes);

    std::unique_ptr<io_uring, Closer> ring_;
    const unsigned entries_;
};

}  // namespace tulle::node
