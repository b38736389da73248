#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "mesh/base/ids.hpp"
#include "mesh/base/time.hpp"

namespace tulle::mesh {

/// Decides when a joiner may serve clients. The gate waits for every seed (an answer, a refusal, or `patience`) and for
/// every named member (its interest is held, the member is gone, or `patience`). An open gate stays open.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Limits: none of its own. Seeds and Dialler bound the seeds and members that are waited for.
class JoinGate {
public:
    /// `patience`: the longest wait for each seed and each member (Timing::join).
    explicit JoinGate(Duration patience) : patience_(patience) {}

    /// Waits for the seed at `endpoint`, or for the look-up of a seed's name. No effect once the gate is open, or when
    /// already waiting.
    void expect_seed(Instant now, const std::string& endpoint) {
        if (!open_) {
            seeds_.emplace(endpoint, now + patience_);
        }
    }
    /// The seed has answered or refused, or needs no answer any more.
    void seed_settled(const std::string& endpoint) { seeds_.erase(endpoint); }
    /// Waits for the interest of the member. No effect once the gate is open, or when already waiting.
    void named(Instant now, OriginId oid) {
        if (!open_) {
            members_.emplace(oid, now + patience_);
        }
    }
    /// The member is dead, has left, or can't be reached: no longer waited for.
    void member_gone(OriginId oid) { members_.erase(oid); }

    /// Opens the gate when nothing is waited for any more, and returns true from then on. `holds(oid)`: the interest of
    /// the member is held.
    bool try_open(Instant now, const std::function<bool(OriginId)>& holds) {
        if (!open_) {
            std::erase_if(seeds_, [now](const auto& seed) { return seed.second <= now; });
            std::erase_if(members_, [&](const auto& member) { return member.second <= now || holds(member.first); });
            open_ = seeds_.empty() && members_.empty();
        }
        return open_;
    }

    [[nodiscard]] bool is_open() const { return open_; }
    /// The moment at which the next wait runs out; nothing when the gate is open or waits for nothing.
    [[nodiscard]] std::optional<Instant> next_deadline() const {
        std::optional<Instant> next;
        const auto consider = [&next](Instant at) { next = next ? std::min(*next, at) : at; };
        if (!open_) {
            for (const auto& [endpoint, at] : seeds_) {
                consider(at);
            }
            for (const auto& [oid, at] : members_) {
                consider(at);
            }
        }
        return next;
    }

private:
    /// Longest wait for each seed and member.
    Duration patience_;
    /// Endpoints or names of awaited seeds, with the moment at which the wait ends.
    std::map<std::string, Instant> seeds_;
    /// Awaited members, with the moment at which the wait ends.
    std::map<OriginId, Instant> members_;
    bool open_ = false;
};

}  // namespace tulle::mesh
