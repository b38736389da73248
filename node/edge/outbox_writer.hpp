#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include <sys/types.h>

#include "node/core/flush_mode.hpp"
#include "node/core/outbox.hpp"

namespace tulle::node {

enum class Written : std::uint8_t { kAll, kBlocked, kBroken };

/// Writes as much of the outbox to the socket as the kernel takes, in gathered sends; never waits. kBroken: the
/// connection is of no use any more.
[[nodiscard]] Written write_outbox(int socket, Outbox& outbox);

class Connection;

/// What one connection has to write. All that a write which goes well needs is in the job itself: memory that belongs
/// to the connection is seldom in a cache, as the kernel's part of every send uses it up.
struct WriteJob {
    /// Takes what it can out of the outbox, which is not empty.
    WriteJob(Outbox& from, int to, Connection* whose, bool tells)
        : outbox(&from), owner(whose), socket(to), is_told(tells) {
        from.take_whole(whole);
    }

    SlabRange whole;  ///< taken out of the outbox; no bytes: what is to be written is in there
    Outbox* outbox;
    Connection* owner;  ///< the writer does not look at it …
    int socket;
    bool is_told;                     ///< … nor at this: that the owner wants to know of any outcome
    Written written = Written::kAll;  ///< the outcome
};

/// Writes what is in the outbox of a job, sets the outcome, and returns how many bytes the kernel has taken.
std::size_t write_rest(WriteJob& job);
/// Puts `whole` back, of which `sent` bytes were taken, and goes on with write_rest, which also finds out why.
std::size_t put_back(WriteJob& job, std::size_t sent);
/// `result`: of a send of `whole`; negative for any error. Else as put_back.
inline std::size_t finish(WriteJob& job, ssize_t result) {
    if (result != static_cast<ssize_t>(job.whole.size)) {
        return put_back(job, result < 0 ? 0 : static_cast<std::size_t>(result));
    }
    job.whole.slab.reset();
    return static_cast<std::size_t>(result);
}

/// Writes the outboxes of many connections.
///
/// Thread: of one shard, which also has made it.
class OutboxWriter {
public:
    OutboxWriter() = default;
    OutboxWriter(const OutboxWriter&) = delete;
    OutboxWriter& operator=(const OutboxWriter&) = delete;
    virtual ~OutboxWriter() = default;

    /// Does for each job what write_outbox does, and returns how many bytes the kernel has taken. No connection is in
    /// it twice. What was not taken is in the outboxes again.
    virtual std::uint64_t write(std::span<WriteJob> jobs) = 0;
};

/// Never null.
[[nodiscard]] std::unique_ptr<OutboxWriter> make_outbox_writer(FlushMode mode);

}  // namespace tulle::node
