#pragma once

#include <deque>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "mesh/core/node/messages.hpp"
#include "mesh/core/node/numbers.hpp"

namespace tulle::mesh {

/// Counts the changes of interest as they are made; each is given a version later, in the same order.
using InterestTicket = Strong<struct InterestTicketTag, std::uint64_t>;

/// What a channel counts for in a delta or a chunk, which hold Limits::interest_bytes: its name and what stands around
/// it.
[[nodiscard]] inline std::size_t interest_bytes(const std::string& channel) {
    return channel.size() + 4;
}

/// This node's own interest: the channels that have a local subscriber, with the changes that led there.
///
/// Thread: confined to the hub. Order: versions are contiguous, one change each.
/// Limits: keeps the last `interest_log` changes; whoever is further behind needs a snapshot.
class InterestLog {
public:
    explicit InterestLog(const Limits& limits) : limits_(limits) {}

    /// REQUIRES: not there yet; a greater ticket than that of any change before. Returns the version that adds it.
    InterestVersion add(const std::string& channel, InterestTicket ticket);
    /// REQUIRES: there; as above. The set stays as it is, but the peers are told of the channel once more.
    InterestVersion add_again(const std::string& channel, InterestTicket ticket);
    /// REQUIRES: there; as above.
    void remove(const std::string& channel, InterestTicket ticket);

    [[nodiscard]] InterestVersion version() const { return version_; }
    /// XOR of the channels' hashes: equal sets have equal digests.
    [[nodiscard]] std::uint64_t digest() const { return digest_; }
    [[nodiscard]] std::size_t size() const { return channels_.size(); }
    /// Whether all changes after `have` are still in the log.
    [[nodiscard]] bool reaches(InterestVersion have) const;
    /// The tickets up to this one are contained in version `have`, which is less than version(); 0 when it is too old
    /// to say.
    [[nodiscard]] InterestTicket covered(InterestVersion have) const;
    /// What follows `have`, as much as one message takes. REQUIRES: reaches(have).
    [[nodiscard]] InterestDelta changes_after(InterestVersion have) const;
    /// The channels behind `after` in byte order, as many as one message takes.
    [[nodiscard]] InterestChunk chunk(std::uint64_t snapshot, InterestVersion base, const std::string& after) const;

private:
    struct Logged {
        InterestChange change;
        InterestTicket ticket;
    };
    void log(bool add, const std::string& channel, InterestTicket ticket);

    Limits limits_;
    std::set<std::string, std::less<>> channels_;
    std::deque<Logged> changes_;  // versions floor_+1 … version_
    InterestVersion floor_;
    InterestVersion version_;
    std::uint64_t digest_ = 0;
};

}  // namespace tulle::mesh
