#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "mesh/base/time.hpp"
#include "node/core/slab.hpp"

namespace tulle::node {

struct OutboxLimits {
    std::size_t max_bytes = 0;
    Duration write_timeout{};
};

enum class Room : bool { kQueued, kFull };

/// What waits to be written to one client: ranges of slabs, in order, adjacent ones merged.
///
/// Thread: confined to its shard.
/// Time:   `now` is an argument and must not go backwards.
/// Limits: `max_bytes` by push, which refuses beyond it; push_last ignores that, for the frames that end a connection.
///         What had been queued when the peer stopped taking bytes must be sent within `write_timeout`; see deadline().
class Outbox {
public:
    explicit Outbox(const OutboxLimits& limits) : limits_(limits) {}

    /// `range` holds whole frames and is not empty. Refused: the outbox is as before.
    [[nodiscard]] Room push(const SlabRange& range);
    void push_last(const SlabRange& range);

    /// Replaces `out` by the first ranges to be written, at most `max_parts`.
    void gather(std::size_t max_parts, std::vector<std::string_view>& out) const;
    /// The peer has taken `bytes` of what gather gave.
    void on_sent(std::size_t bytes);
    /// The peer takes no more for now.
    void on_blocked(Instant now);

    [[nodiscard]] bool empty() const { return bytes_ == 0; }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    /// When the peer counts as too slow; nothing while it is not blocked.
    [[nodiscard]] std::optional<Instant> deadline() const;

    /// Forgets all that waits but the rest of the frame that the peer has already got a part of.
    void keep_started_frame_only();
    void clear();

private:
    void push_unchecked(const SlabRange& range);
    void release_if_large();

    const OutboxLimits& limits_;
    std::vector<SlabRange> ranges_;
    std::size_t first_ = 0;      ///< ranges before it have been sent
    std::size_t first_sent_ = 0; ///< bytes sent of the range at first_
    std::size_t bytes_ = 0;
    std::uint64_t sent_total_ = 0;
    std::uint64_t mark_ = 0;     ///< value of sent_total_ that must be reached …
    Instant mark_since_{};       ///< … within the write timeout from here
    bool is_blocked_ = false;
};

}  // namespace tulle::node
