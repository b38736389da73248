#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "mesh/core/node/rendezvous.hpp"

namespace tulle::mesh {

/// One standing of one member: who is lost and comes again has another one, and knows nothing of what it was told
/// before. 0: none.
using DutyTie = Strong<struct DutyTieTag, std::uint64_t>;

/// This node's own.
inline constexpr DutyTie kOwnTie{1};

struct DutyMember {
    OriginId oid;
    DutyTie tie;
    friend bool operator==(const DutyMember&, const DutyMember&) = default;
};

/// One thing that is counted over the mesh. Items of one key are done by one node.
struct DutyItem {
    std::string key;
    std::string item;
    friend auto operator<=>(const DutyItem&, const DutyItem&) = default;
};

/// Who shares the duties just now; this node included, unless it leaves and another one stays.
class DutyMembers {
public:
    void add(DutyMember member) { members_.push_back(member); }
    friend bool operator==(const DutyMembers&, const DutyMembers&) = default;

    [[nodiscard]] bool empty() const { return members_.empty(); }
    [[nodiscard]] std::size_t size() const { return members_.size(); }
    [[nodiscard]] bool contains(DutyTie tie) const {
        return std::any_of(members_.begin(), members_.end(), [&](const DutyMember& m) { return m.tie == tie; });
    }
    struct Two {
        DutyTie first;
        DutyTie second;
    };
    /// Who does the duties of the key, and who would if that one died; 0 where there is nobody.
    [[nodiscard]] Two responsible_two(std::uint64_t key_hash) const {
        std::pair<std::uint64_t, DutyTie> first{};
        std::pair<std::uint64_t, DutyTie> second{};
        for (const DutyMember& member : members_) {
            const std::pair weighed{rendezvous_weight(member.oid, key_hash), member.tie};
            second = std::max(second, std::min(first, weighed));
            first = std::max(first, weighed);
        }
        return {first.second, second.second};
    }
    [[nodiscard]] DutyTie responsible(std::uint64_t key_hash) const { return responsible_two(key_hash).first; }
    /// Equal sets have equal digests on every node; never 0.
    [[nodiscard]] std::uint64_t digest() const {
        std::uint64_t digest = 0;
        for (const DutyMember& member : members_) {
            digest ^= rendezvous_weight(member.oid, 1);
        }
        return digest == 0 ? 1 : digest;
    }

private:
    std::vector<DutyMember> members_;
};

}  // namespace tulle::mesh
