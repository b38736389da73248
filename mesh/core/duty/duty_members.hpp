#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "mesh/core/node/rendezvous.hpp"

namespace tulle::mesh {

/// A standing of a member: the number of a session, from this node's view. A member with a new session has a new tie,
/// and knows nothing of the words sent in earlier sessions. 0: none.
using DutyTie = Strong<struct DutyTieTag, std::uint64_t>;

/// How a member's session ended, by what is known of the member's last words.
enum class DutyEnd {
    /// The member left in order and has handed over everything.
    kLeft,
    /// The member was lost, and had answered this node until its end: the member had no words waiting for this node.
    kAnswered,
    /// The member was lost, and had not answered this node for a while: words for this node may never have come.
    kUnanswered,
    /// The member lived, but its control messages had not come for a while. The member may have told others what this
    /// node has not heard of.
    kDeaf,
};

/// This node's own standing.
inline constexpr DutyTie kOwnTie{1};

/// A member with a share in the duties, and the member's present standing.
struct DutyMember {
    OriginId oid;
    DutyTie tie;
    friend bool operator==(const DutyMember&, const DutyMember&) = default;
};

/// A thing counted over the mesh. All items of a key belong to the same node.
struct DutyItem {
    std::string key;
    std::string item;
    friend auto operator<=>(const DutyItem&, const DutyItem&) = default;
};

/// The members with a share in the duties now. Includes this node, unless this node leaves and another member stays.
///
/// Cost:   contains() and responsible() are O(members).
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
    /// The member responsible for the duties of the key, and the member next in rank. The second takes the duties over
    /// when the first dies. Tie 0 for none. `key_hash`: stable_hash of the key.
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
    /// The member responsible for the duties of the key.
    [[nodiscard]] DutyTie responsible(std::uint64_t key_hash) const { return responsible_two(key_hash).first; }
    /// Equal sets have equal digests on every node. Never 0, because 0 means "no view".
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
