#pragma once

#include <deque>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "mesh/core/messages.hpp"
#include "mesh/core/numbers.hpp"

namespace tulle::mesh {

/// This node's own interest: the channels that have a local subscriber, with the changes that led there.
///
/// Thread: confined to the hub. Order: versions are contiguous, one change each.
/// Limits: keeps the last `interest_log` changes; whoever is further behind needs a snapshot.
class InterestLog {
public:
    explicit InterestLog(const Limits& limits) : limits_(limits) {}

    /// REQUIRES: not there yet. Returns the version that adds it.
    InterestVersion add(const std::string& channel);
    /// REQUIRES: there.
    void remove(const std::string& channel);

    [[nodiscard]] InterestVersion version() const { return version_; }
    /// XOR of the channels' hashes: equal sets have equal digests.
    [[nodiscard]] std::uint64_t digest() const { return digest_; }
    [[nodiscard]] std::size_t size() const { return channels_.size(); }
    /// Whether all changes after `have` are still in the log.
    [[nodiscard]] bool reaches(InterestVersion have) const;
    /// What follows `have`, as much as one message takes. REQUIRES: reaches(have).
    [[nodiscard]] InterestDelta changes_after(InterestVersion have) const;
    /// The channels behind `after` in byte order, as many as one message takes.
    [[nodiscard]] InterestChunk chunk(std::uint64_t snapshot, InterestVersion base, const std::string& after) const;

private:
    void log(bool add, const std::string& channel);

    Limits limits_;
    std::set<std::string, std::less<>> channels_;
    std::deque<InterestChange> changes_;  // versions floor_+1 … version_
    InterestVersion floor_;
    InterestVersion version_;
    std::uint64_t digest_ = 0;
};

}  // namespace tulle::mesh
