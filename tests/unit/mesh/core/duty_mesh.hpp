#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mesh/core/duty/duties.hpp"

/// Several nodes' duties, joined by nothing but the mails and claims that they send each other.
namespace tulle::mesh {

inline bool operator==(const DutyChanged& a, const DutyChanged& b) {
    return a.token == b.token && a.key == b.key && a.item == b.item && a.told == b.told && a.count == b.count;
}

class DutyMesh {
public:
    struct Node {
        explicit Node(OriginId oid, const Limits& limits) : duties(oid, Timing{}, limits) { duties.begin(); }
        Duties duties;
        std::vector<DutyChanged> changed;
        std::vector<DutyRevoked> revoked;
        std::vector<DutyPerform> perform;
    };

    Node& add(std::uint64_t oid) {
        const OriginId added{oid};
        nodes_.emplace(added, std::make_unique<Node>(added, limits));
        for (auto& [other, node] : nodes_) {
            if (other != added) {
                node->duties.member_up(now, added, false);
                at(oid).duties.member_up(now, other, true);
            }
        }
        return at(oid);
    }
    void kill(std::uint64_t oid, bool left = false) {
        const OriginId lost{oid};
        nodes_.erase(lost);
        for (auto& [other, node] : nodes_) {
            if (!apart_.contains(pair_of(other, lost))) {
                const DutyEnd end = cut_.contains(pair_of(other, lost)) ? cut_end : DutyEnd::kAnswered;
                node->duties.member_down(now, lost, left ? DutyEnd::kLeft : end);
            }
        }
    }
    /// The session between the two ends, on both sides, or a new one stands.
    void part(std::uint64_t a, std::uint64_t b) {
        apart_.insert(pair_of(OriginId{a}, OriginId{b}));
        at(a).duties.member_down(now, OriginId{b}, DutyEnd::kAnswered);
        at(b).duties.member_down(now, OriginId{a}, DutyEnd::kAnswered);
    }
    void join(std::uint64_t a, std::uint64_t b) {
        apart_.erase(pair_of(OriginId{a}, OriginId{b}));
        at(a).duties.member_up(now, OriginId{b}, true);
        at(b).duties.member_up(now, OriginId{a}, true);
    }
    /// Nothing gets through between the two from now on, and neither has noticed.
    void cut(std::uint64_t a, std::uint64_t b) { cut_.insert(pair_of(OriginId{a}, OriginId{b})); }
    /// No mail gets through between the two from now on, but heartbeats do.
    void mute(std::uint64_t a, std::uint64_t b) { mute_.insert(pair_of(OriginId{a}, OriginId{b})); }
    void unmute(std::uint64_t a, std::uint64_t b) { mute_.erase(pair_of(OriginId{a}, OriginId{b})); }
    Node& at(std::uint64_t oid) { return *nodes_.at(OriginId{oid}); }

    void count(std::uint64_t oid, const std::string& key, std::uint64_t count, const std::string& item = "",
               std::uint16_t shard = 0) {
        at(oid).duties.count(ShardIndex{shard}, {key, item, count, nullptr});
    }
    /// Turns until nothing more happens at this moment. `claims`: heartbeats arrive too.
    void run(bool claims = true) {
        for (int turn = 0; turn < 50; ++turn) {
            for (auto& [oid, node] : nodes_) {
                work(oid, *node);
            }
            if (claims) {
                exchange_claims();
            }
        }
    }
    void run_for(Duration duration, bool claims = true) {
        for (const Instant end = now + duration; now < end;) {
            now += 125ms;
            run(claims);
        }
    }
    /// Answers the last change that the node was asked to deal with.
    void deal(std::uint64_t oid) {
        Node& node = at(oid);
        const DutyChanged& last = node.changed.back();
        node.duties.done(now, {last.token, last.count});
        run();
    }
    /// Answers the last revocation.
    void drop(std::uint64_t oid, DutyOutcome outcome) {
        at(oid).duties.done(now, {at(oid).revoked.back().token, 0, outcome});
        run();
    }
    /// A key whose duty is `first`'s and, without it, `second`'s.
    std::string key_of(std::uint64_t first, std::uint64_t second = 0) const {
        std::vector<OriginId> members;
        for (const auto& [oid, node] : nodes_) {
            members.push_back(oid);
        }
        for (int i = 0;; ++i) {
            std::string key = "app/k" + std::to_string(i);
            const std::vector<OriginId> ranked = keepers(members, key, 2);
            if (ranked[0] == OriginId{first} && (second == 0 || ranked[1] == OriginId{second})) {
                return key;
            }
        }
    }

    Instant now{100s};
    Limits limits;
    /// What a node takes the loss of a node for that it has been cut off from.
    DutyEnd cut_end = DutyEnd::kDeaf;
    std::uint64_t mails = 0;
    std::uint64_t to_lose = 0;  ///< of the next mails
    bool twice = false;         ///< each mail arrives twice

private:
    using Pair = std::pair<OriginId, OriginId>;
    static Pair pair_of(OriginId a, OriginId b) { return {std::min(a, b), std::max(a, b)}; }

    void work(OriginId from, Node& node) {
        Duties::Out out;
        node.duties.work(now, out);
        node.changed.insert(node.changed.end(), out.changed.begin(), out.changed.end());
        node.revoked.insert(node.revoked.end(), out.revoked.begin(), out.revoked.end());
        node.perform.insert(node.perform.end(), out.perform.begin(), out.perform.end());
        for (const auto& [to, mail] : out.mails) {
            ++mails;
            if (cut_.contains(pair_of(from, to)) || mute_.contains(pair_of(from, to))) {
                continue;
            }
            if (to_lose > 0) {
                --to_lose;
                continue;
            }
            for (int times = twice ? 2 : 1; times > 0; --times) {
                nodes_.at(to)->duties.on_mail(now, from, mail);
            }
        }
    }
    void exchange_claims() {
        for (auto& [a, from] : nodes_) {
            for (auto& [b, to] : nodes_) {
                if (a != b && !apart_.contains(pair_of(a, b)) && !cut_.contains(pair_of(a, b))) {
                    to->duties.on_claim(a, from->duties.claim(now, b), from->duties.view_no());
                    if (from->duties.retiring()) {
                        to->duties.on_leaving(now, a, from->duties.takes_over());
                    }
                }
            }
        }
    }

    std::map<OriginId, std::unique_ptr<Node>> nodes_;
    std::set<Pair> apart_;  // have no session
    std::set<Pair> cut_;
    std::set<Pair> mute_;
};

}  // namespace tulle::mesh
