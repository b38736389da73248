#pragma once

#include <memory>

#include "node/edge/outbox_writer.hpp"

struct io_uring;

namespace tulle::node {

/// Hands the sends of a turn to the kernel in a single system call for as many connections as the ring has entries.
/// The calling thread does the sends inside that system call, so the writer only saves the way into the kernel and out.
///
/// Thread: the thread that has called make (the ring has a single issuer).
/// Limits: a connection with more than one range is written by write_outbox, and so is the rest of a send that the
///         kernel has not taken whole.
/// Errors: write throws std::system_error when io_uring itself fails.
class UringWriter final : public OutboxWriter {
public:
    /// Entries of the ring: more than kMaxWrites, so that a turn needs a single system call.
    static constexpr unsigned kEntries = 1024;
    /// The least number of connections for the ring. The sends of fewer connections cost less than the ring.
    static constexpr std::size_t kMinBatch = 4;

    /// Makes a writer; null when the machine has no io_uring or forbids io_uring (containers often do). `entries` is a
    /// power of two.
    [[nodiscard]] static std::unique_ptr<OutboxWriter> make(unsigned entries = kEntries);

    std::uint64_t write(std::span<WriteJob> jobs) override;

private:
    /// Ends and frees the ring.
    struct Closer {
        void operator()(io_uring* ring) const;
    };

    UringWriter(std::unique_ptr<io_uring, Closer> ring, unsigned entries) : ring_(std::move(ring)), entries_(entries) {}
    /// Writes at most `entries_` jobs.
    std::uint64_t write_batch(std::span<WriteJob> jobs);
    /// Queues a send for each job with a whole range, writes the other jobs at once, and returns the number of queued
    /// sends.
    unsigned prepare(std::span<WriteJob> jobs, std::uint64_t& bytes);
    /// Ends the jobs whose sends are done; returns the number of such jobs.
    unsigned reap(std::span<WriteJob> jobs, std::uint64_t& bytes);

    std::unique_ptr<io_uring, Closer> ring_;
    const unsigned entries_;
};

}  // namespace tulle::node
