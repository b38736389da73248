#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include <sys/types.h>

#include "node/core/flush_mode.hpp"
#include "node/core/outbox.hpp"

namespace tulle::node {

/// The outcome of a write: everything was taken, the kernel takes no more for now, or the connection is of no use any
/// more.
enum class Written : std::uint8_t { kAll, kBlocked, kBroken };

/// Writes as much of the outbox to the socket as the kernel takes, in gathered sends. Never waits.
[[nodiscard]] Written write_outbox(int socket, Outbox& outbox);

class Connection;

/// The bytes that a connection has to write. A write without trouble needs the job alone: memory of the connection is
/// seldom in a cache, because the kernel's part of every send uses the cache up.
struct WriteJob {
    /// Takes the bytes of `from` out if a single range holds everything. REQUIRES: `from` is not empty. `tells`: the
    /// connection wants to know of any outcome.
    WriteJob(Outbox& from, int to, Connection* whose, bool tells)
        : outbox(&from), owner(whose), socket(to), is_told(tells) {
        from.take_whole(whole);
    }

    /// The bytes taken out of the outbox; no bytes: the bytes to write are still in the outbox.
    SlabRange whole;
    /// The outbox of the connection; untouched while `whole` is sent entirely.
    Outbox* outbox;
    /// The connection. The writer does not look at owner or is_told.
    Connection* owner;
    int socket;
    /// The owner wants to know of any outcome, not only of a write that was not taken whole.
    bool is_told;
    /// The outcome, set by the writer.
    Written written = Written::kAll;
};

/// Writes the bytes in the outbox of a job, sets the outcome, and returns the number of bytes that the kernel has
/// taken.
std::size_t write_rest(WriteJob& job);
/// Puts `whole`, of which `sent` bytes were taken, back into the outbox, and goes on with write_rest, which also finds
/// the reason.
std::size_t put_back(WriteJob& job, std::size_t sent);
/// Ends a job after a send of `whole` with the kernel's `result`; a negative result is any error. Returns the number of
/// bytes taken in all.
inline std::size_t finish(WriteJob& job, ssize_t result) {
    if (result != static_cast<ssize_t>(job.whole.size)) {
        return put_back(job, result < 0 ? 0 : static_cast<std::size_t>(result));
    }
    job.whole.slab.reset();
    return static_cast<std::size_t>(result);
}

/// Writes the outboxes of many connections.
///
/// Thread: of a single shard, on which the writer was also made.
/// Errors: an error of a connection is the outcome of its job. A failure of the writer itself is thrown, and ends the
///         process.
class OutboxWriter {
public:
    OutboxWriter() = default;
    OutboxWriter(const OutboxWriter&) = delete;
    OutboxWriter& operator=(const OutboxWriter&) = delete;
    virtual ~OutboxWriter() = default;

    /// Writes each job like write_outbox, and returns the number of bytes that the kernel has taken. No connection may
    /// have two jobs. Bytes that were not taken are back in the outboxes.
    virtual std::uint64_t write(std::span<WriteJob> jobs) = 0;
};

/// Makes the writer for `mode`, or the plain writer on a machine without io_uring. Never null.
[[nodiscard]] std::unique_ptr<OutboxWriter> make_outbox_writer(FlushMode mode);

}  // namespace tulle::node
