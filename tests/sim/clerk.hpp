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

/// All that was told and done anywhere in the mesh about duties, as the world outside has seen it. A single ledger
/// serves all processes of a world.
class DutyLedger {
public:
    using Item = std::pair<std::string, std::string>;  ///< key, item
    using Violation = std::function<void(const std::string&)>;

    /// A death, a freeze, a leave or a new session happened: from here on an item may be told twice, and a task done
    /// twice.
    void disturbed() { calm_ = false; }
    /// Two living nodes have given each other up, or a node the other: both sides may act on an item, and nobody knows
    /// which word was last.
    void split(Instant now) {
        disturbed();
        split_ = now;
    }
    /// The true count of the item has changed.
    void changed(Instant now, const Item& item) { changed_[item].push_back(now); }
    /// True until the first disturbance.
    [[nodiscard]] bool calm() const { return calm_; }

    /// The duty of the item moved while a word about the item was under way: the next node may tell the item again,
    /// once.
    void moved_under_way(const Item& item) { moved_.insert(item); }
    /// A shard is asked to deal with a change. While all is calm the change must continue the last word: neither
    /// repeated nor left out. Returns true when a repeated word is excused by moved_under_way().
    [[nodiscard]] bool asked(const mesh::DutyChanged& change, const Violation& violation);
    /// A process that tells something, the moment, and the living processes without a session with the speaker at the
    /// moment.
    struct Speaker {
        OriginId oid;
        Instant at;
        std::set<OriginId> apart;
        /// True: the speaker died before having met all of `apart` again, or while it told its own count.
        bool lost = false;
    };
    /// The world outside was told of the item by the speaker.
    void dealt_with(const Item& item, std::uint64_t count, Speaker speaker);
    /// The process has ended. `met` has the last moment of a session made with each peer. `others` are the living, and
    /// processes dead so recently that the living do not know yet the knowledge of the dead.
    void ended(OriginId oid, const std::map<OriginId, Instant>& met, const std::set<OriginId>& others);
    /// A process has ordered a task.
    void ordered(OriginId source, const std::string& task) { tasks_[task].source = source; }
    /// A task was done. A second time while all is calm is a violation.
    void performed(const std::string& task, const Violation& violation);

    /// A task, and how often the task was done.
    struct Task {
        OriginId source;
        std::uint64_t performed = 0;
    };
    /// The moment of the last split; the beginning of time without a split.
    [[nodiscard]] Instant last_split() const { return split_; }
    /// The changes of the item since the last word about the item, and the change before.
    [[nodiscard]] std::vector<Instant> changes(const Item& item) const;
    /// True when the last word about the item came from a process that died before the others knew of the word.
    [[nodiscard]] bool is_lost(const Item& item) const;
    /// The process that told the last word about the item; 0 when nobody has told a word.
    [[nodiscard]] OriginId last_speaker(const Item& item) const;
    /// The last word about each item.
    [[nodiscard]] const std::map<Item, std::uint64_t>& told() const { return told_; }
    [[nodiscard]] const std::map<std::string, Task>& tasks() const { return tasks_; }
    /// Words and deeds so far.
    [[nodiscard]] std::uint64_t events() const { return events_; }

private:
    bool calm_ = true;
    Instant split_;
    std::map<Item, std::vector<Instant>> changed_;
    std::set<Item> moved_;
    // By item: the speaker of the last word.
    std::map<Item, Speaker> speakers_;
    // By item: the last count told.
    std::map<Item, std::uint64_t> told_;
    std::map<std::string, Task> tasks_;
    std::uint64_t events_ = 0;
};

/// The counts of the shards of a simulated process, and the shard that does duties.
class Clerk {
public:
    /// The shard that does duties.
    static constexpr mesh::ShardIndex kShard{1};

    /// Sets the count of an item at a shard. Returns true for a change.
    bool count(mesh::ShardIndex shard, const DutyLedger::Item& item, std::uint64_t count);
    /// Adds the counts of all shards to `sums`.
    void add_counts(std::map<DutyLedger::Item, std::uint64_t>& sums) const;
    /// A number for the body of the next task, as no two bodies may be alike.
    [[nodiscard]] std::uint64_t next_task() { return ++last_task_; }

    /// Takes a duty. Returns true for a new duty, to be answered after a while by answer(). An update of a duty under
    /// way, or an update that crossed the answer, returns false.
    bool on_changed(const mesh::DutyChanged& change);
    /// True until answer() or drop().
    [[nodiscard]] bool is_under_way(std::uint64_t token) const { return under_way_.contains(token); }
    /// REQUIRES: is_under_way(token).
    [[nodiscard]] const DutyLedger::Item& item(std::uint64_t token) const { return under_way_.at(token).first; }
    /// Deals with the newest count under the token, and tells the ledger. REQUIRES: is_under_way(token).
    [[nodiscard]] mesh::DutyDone answer(std::uint64_t token, DutyLedger& ledger, const DutyLedger::Speaker& speaker);
    /// Another node does the duty. With `heard` the world outside has heard the word all the same. REQUIRES:
    /// is_under_way(token).
    [[nodiscard]] mesh::DutyDone drop(std::uint64_t token, mesh::DutyOutcome outcome, bool heard, DutyLedger& ledger,
                                      const DutyLedger::Speaker& speaker);
    /// Words that may still reach the world outside when the process dies: items, and counts.
    [[nodiscard]] std::vector<std::pair<DutyLedger::Item, std::uint64_t>> last_breath() const;

private:
    std::map<DutyLedger::Item, std::map<mesh::ShardIndex, std::uint64_t>> counts_;
    /// By token: item and newest count.
    std::map<std::uint64_t, std::pair<DutyLedger::Item, std::uint64_t>> under_way_;
    /// Tokens already answered or dropped.
    std::set<std::uint64_t> answered_;
    std::uint64_t last_task_ = 0;
};

}  // namespace tulle::sim
