#pragma once

#include <deque>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "mesh/core/node/messages.hpp"
#include "mesh/core/node/numbers.hpp"

namespace tulle::mesh {

/// Counts the changes of interest when they are made. Each change gets a version later, in the order of the tickets.
using InterestTicket = Strong<struct InterestTicketTag, std::uint64_t>;

/// The size in bytes that a channel counts for in a delta or a chunk: the name and 4 bytes of framing around the name.
/// Limits::interest_bytes bounds the sum in one message.
[[nodiscard]] inline std::size_t interest_bytes(const std::string& channel) {
    return channel.size() + 4;
}

/// This node's own interest: the set of channels with a local subscriber, and the latest changes of the set.
///
/// Thread: confined to the hub.
/// Order:  versions are contiguous. Each change makes one version.
/// Limits: keeps the last `Limits::interest_log` changes and drops older changes. A peer behind the oldest kept change
///         needs a snapshot. The set has no bound here: the limits on subscriptions at the edge bound the set.
class InterestLog {
public:
    explicit InterestLog(const Limits& limits) : limits_(limits) {}

    /// Adds `channel` and returns the version of the addition.
    /// REQUIRES: the channel is not in the set, and `ticket` is greater than the ticket of every earlier change.
    InterestVersion add(const std::string& channel, InterestTicket ticket);
    /// Tells the peers of `channel` once more and returns the version of the repetition. The set stays unchanged.
    /// REQUIRES: the channel is in the set, and `ticket` is greater than the ticket of every earlier change.
    InterestVersion add_again(const std::string& channel, InterestTicket ticket);
    /// Removes `channel` from the set.
    /// REQUIRES: the channel is in the set, and `ticket` is greater than the ticket of every earlier change.
    void remove(const std::string& channel, InterestTicket ticket);

    [[nodiscard]] InterestVersion version() const { return version_; }
    /// XOR of the hashes of all channels in the set. Equal sets have equal digests.
    [[nodiscard]] std::uint64_t digest() const { return digest_; }
    [[nodiscard]] std::size_t size() const { return channels_.size(); }
    /// True when every change after version `have` is still in the log.
    [[nodiscard]] bool reaches(InterestVersion have) const;
    /// The greatest ticket T such that version `have` contains every change with a ticket up to T. Zero when `have` is
    /// older than the log.
    /// REQUIRES: have < version().
    [[nodiscard]] InterestTicket covered(InterestVersion have) const;
    /// The changes after `have`, as many as one message takes: at most `delta_changes` changes and `interest_bytes`
    /// bytes.
    /// REQUIRES: reaches(have).
    [[nodiscard]] InterestDelta changes_after(InterestVersion have) const;
    /// The channels behind `after` in byte order, as many as one message of `interest_bytes` takes. `snapshot` and
    /// `base` are copied into the chunk. `last` is set in the chunk that reaches the end of the set.
    [[nodiscard]] InterestChunk chunk(std::uint64_t snapshot, InterestVersion base, const std::string& after) const;

private:
    /// A change with the ticket that caused the change.
    struct Logged {
        InterestChange change;
        InterestTicket ticket;
    };
    /// Appends a change as the next version and drops the oldest change beyond the limit.
    void log(bool add, const std::string& channel, InterestTicket ticket);

    Limits limits_;
    // Ordered, because the chunks of a snapshot go through the set in byte order.
    std::set<std::string, std::less<>> channels_;
    // The changes of versions floor_+1 to version_.
    std::deque<Logged> changes_;
    InterestVersion floor_;
    InterestVersion version_;
    std::uint64_t digest_ = 0;
};

}  // namespace tulle::mesh
