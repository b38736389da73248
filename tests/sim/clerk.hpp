#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/time.hpp"
#include "mesh/core/node/port.hpp"

namespace tulle::sim {

/// Everything that was told and done anywhere in the mesh, as the world outside has seen it.
class DutyLedger {
public:
    using Item = std::pair<std::string, std::string>;  ///< key, item
    using Violation = std::function<void(const std::string&)>;

    /// A death, a freeze, a leave, a session made anew: from here on things may be told twice.
    void disturbed() { calm_ = false; }
    /// Two that live have given each other up, or one the other: both sides may act, and nobody knows which was last.
    void split(Instant now) {
        disturbed();
        split_ = now;
    }
    /// What there is of the item has changed.
    void changed(Instant now, const Item& item) { changed_[item].push_back(now); }
    [[nodiscard]] bool calm() const { return calm_; }

    /// A shard is asked to deal with a change. While all is calm it is the next one, neither repeated nor left out.
    void asked(const mesh::DutyChanged& change, const Violation& violation) const;
    /// Who says something, when, and who of the living has no session with it then.
    struct Speaker {
        OriginId oid;
        Instant at;
        std::set<OriginId> apart;
        bool lost = false;  ///< it died before it had met all of these again
    };
    void dealt_with(const Item& item, std::uint64_t count, Speaker speaker);
    /// The process has ended. `met` says when it last made a session with whom; `others` are those that live, and those
    /// that have died so shortly before that the living do not know yet what they knew.
    void ended(OriginId oid, const std::map<OriginId, Instant>& met, const std::set<OriginId>& others);
    void ordered(OriginId source, const std::string& task) { tasks_[task].source = source; }
    void performed(const std::string& task, const Violation& violation);

    struct Task {
        OriginId source;
        std::uint64_t performed = 0;
    };
    [[nodiscard]] Instant last_split() const { return split_; }
    /// The changes since something was told of it last, and the one before.
    [[nodiscard]] std::vector<Instant> changes(const Item& item) const;
    /// The last word about it was said by one that died before it met the others again.
    [[nodiscard]] bool is_lost(const Item& item) const;
    [[nodiscard]] const std::map<Item, std::uint64_t>& told() const { return told_; }
    [[nodiscard]] const std::map<std::string, Task>& tasks() const { return tasks_; }
    [[nodiscard]] std::uint64_t events() const { return events_; }

private:
    bool calm_ = true;
    Instant split_;
    std::map<Item, std::vector<Instant>> changed_;
    std::map<Item, Speaker> speakers_;    // of the last words
    std::map<Item, std::uint64_t> told_;  // last
    std::map<std::string, Task> tasks_;
    std::uint64_t events_ = 0;
};

/// What the shards of one simulated process count, and the one of them that does duties.
class Clerk {
public:
    static constexpr mesh::ShardIndex kShard{1};

    /// True: that is a change.
    bool count(mesh::ShardIndex shard, const DutyLedger::Item& item, std::uint64_t count);
    void add_counts(std::map<DutyLedger::Item, std::uint64_t>& sums) const;
    /// Bodies of tasks are unlike each other.
    [[nodiscard]] std::uint64_t next_task() { return ++last_task_; }

    /// True: it is new, and to be answered after a while by answer(). An update that has crossed the answer is neither.
    bool on_changed(const mesh::DutyChanged& change);
    [[nodiscard]] bool is_under_way(std::uint64_t token) const { return under_way_.contains(token); }
    /// Deals with the newest count under the token.
    [[nodiscard]] mesh::DutyDone answer(std::uint64_t token, DutyLedger& ledger, const DutyLedger::Speaker& speaker);
    /// Another node does it. `heard`: the world outside has heard of it all the same.
    [[nodiscard]] mesh::DutyDone drop(std::uint64_t token, mesh::DutyOutcome outcome, bool heard, DutyLedger& ledger,
                                      const DutyLedger::Speaker& speaker);
    /// What may still reach the world outside when the process dies: items, and counts.
    [[nodiscard]] std::vector<std::pair<DutyLedger::Item, std::uint64_t>> last_breath() const;

private:
    std::map<DutyLedger::Item, std::map<mesh::ShardIndex, std::uint64_t>> counts_;
    std::map<std::uint64_t, std::pair<DutyLedger::Item, std::uint64_t>> under_way_;
    std::set<std::uint64_t> answered_;
    std::uint64_t last_task_ = 0;
};

}  // namespace tulle::sim
