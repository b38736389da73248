#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "mesh/base/ids.hpp"
#include "mesh/base/time.hpp"

namespace tulle::mesh {

/// When a joiner may serve: every seed has answered, refused or had its time, and it holds the interest of every member
/// that was named to it (or that member is gone, or had its time). Once open it stays open.
/// Thread: confined to the hub.
class JoinGate {
public:
    explicit JoinGate(Duration patience) : patience_(patience) {}

    void expect_seed(Instant now, const std::string& endpoint) {
        if (!open_) {
            seeds_.emplace(endpoint, now + patience_);
        }
    }
    void seed_settled(const std::string& endpoint) { seeds_.erase(endpoint); }
    void named(Instant now, OriginId oid) {
        if (!open_) {
            members_.emplace(oid, now + patience_);
        }
    }
    void member_gone(OriginId oid) { members_.erase(oid); }

    /// `holds(oid)`: the interest of that member is held. True from the first time on that nothing is waited for.
    bool try_open(Instant now, const std::function<bool(OriginId)>& holds) {
        if (!open_) {
            std::erase_if(seeds_, [now](const auto& seed) { return seed.second <= now; });
            std::erase_if(members_, [&](const auto& member) { return member.second <= now || holds(member.first); });
            open_ = seeds_.empty() && members_.empty();
        }
        return open_;
    }

    [[nodiscard]] bool is_open() const { return open_; }
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
    Duration patience_;
    std::map<std::string, Instant> seeds_;
    std::map<OriginId, Instant> members_;
    bool open_ = false;
};

}  // namespace tulle::mesh
