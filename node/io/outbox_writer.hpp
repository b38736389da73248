#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "node/core/flush_mode.hpp"
#include "node/core/outbox.hpp"

namespace tulle::node {

enum class Written : std::uint8_t { kAll, kBlocked, kBroken };

/// Writes as much of the outbox to the socket as the kernel takes, in gathered sends; never waits. kBroken: the connection
/// is of no use any more.
[[nodiscard]] Written write_outbox(int socket, Outbox& outbox);

class Connection;

struct WriteJob {
    Outbox* outbox = nullptr;  ///< null: nothing to write
    int socket = -1;
    Written written = Written::kAll;  ///< the outcome
    Connection* owner = nullptr;      ///< the writer does not look at it
};

/// Writes the outboxes of many connections.
///
/// Thread: of one shard, which also has made it.
class OutboxWriter {
public:
    OutboxWriter() = default;
    OutboxWriter(const OutboxWriter&) = delete;
    OutboxWriter& operator=(const OutboxWriter&) = delete;
    virtual ~OutboxWriter() = default;

    /// Does for each job what write_outbox does, and returns how many bytes the kernel has taken. No connection is in it
    /// twice, and no outbox is null or empty.
    virtual std::uint64_t write(std::span<WriteJob> jobs) = 0;
};

/// Never null.
[[nodiscard]] std::unique_ptr<OutboxWriter> make_outbox_writer(FlushMode mode);

}  // namespace tulle::node
