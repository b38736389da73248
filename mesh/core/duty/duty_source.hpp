#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "mesh/core/duty/doubt.hpp"
#include "mesh/core/duty/duty_members.hpp"
#include "mesh/core/node/messages.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/node/port.hpp"

namespace tulle::mesh {

/// What this node's shards count, and which other node has to know of it. States, not changes: whatever is lost,
/// repeated or overtaken by the next change leaves no trace.
///
/// Thread: confined to the hub.
/// Keeps:  an item until its count is 0 and the node that does the duty has dealt with that; so that, if that node
///         dies, the next one learns from here what is still to be told.
/// Copies: what this node itself does the duty of is reported to the next in rank as well, so that it does not die with
/// it.
/// Tombstones: that an item was told to be gone here, though nobody who held it had said so, is remembered also when
/// the next
///         desk knows, of the last `duty_tombstones`: if that desk is lost, nobody else may know, and who held the item
///         may come again.
/// Doubt:  what a lost node had not said to be dealt with, it may have been telling when it was lost: the next one is
///         warned. Of a node that could not be heard for a while before it was lost everything is doubted: it may have
///         told what others counted.
///         What a former desk had not dealt with when the duty moved is doubted if that desk is lost before all members
///         have handed over, and have had `duty_patience` to end what they were telling.
/// Slices: after a change of members the items that move are looked for in work(), `duty_slice` comparisons a turn.
class DutySource {
public:
    explicit DutySource(const Limits& limits) : limits_(limits) {}

    /// A shard's word. REQUIRES: within the limits of port.hpp.
    void count(ShardIndex shard, const DutyCount& word);
    /// What the desk of this node has dealt with and no longer does: to be handed on.
    struct Adopted {
        std::uint64_t told = 0;
        std::uint64_t told_version = 0;
        Doubt doubt;
        SharedBytes info;
        bool holder_lost = false;  ///< as in DutyDesk::HandedOn
    };
    void adopt(const DutyItem& item, const Adopted& what);
    void on_settle(DutyTie from, const DutySettle& settle);

    /// This member, which is none after the next set_members, was telling nothing when it went.
    void excuse(DutyTie member) { excused_.insert(member); }
    /// The last words of this member, which is none after the next set_members, have not come.
    void mistrust(DutyTie member) { mistrusted_.insert(member); }
    /// Nobody is connected to this node any more: with the next set_members what its shards hold counts as nothing.
    void clear_counts() { cleared_ = true; }
    void set_members(const DutyMembers& members);
    void work();
    [[nodiscard]] bool working() const { return scanning_; }
    /// Who does the duties now knows all that those know who did them before.
    void forget_former();
    [[nodiscard]] bool has_former() const { return !parting_.empty(); }

    /// Appends what `to` does not know yet, up to the limits of a mail. False: there was nothing.
    bool compose(DutyTie to, DutyMail& mail);
    [[nodiscard]] bool owes(DutyTie to) const { return moved_.contains(to) || changed_.contains(to); }
    /// All that has come to be `to`'s by the last change of members has been composed.
    [[nodiscard]] bool handed_over(DutyTie to) const { return !scanning_ && !moved_.contains(to); }

    /// Those in tombstones not included.
    [[nodiscard]] std::size_t items() const { return entries_.size(); }
    [[nodiscard]] std::size_t tombstones() const { return tombstones_.size(); }

private:
    struct Entry {
        std::uint64_t key_hash = 0;
        DutyTie desk;  // who is to know of it
        // Who was to know before, and had not dealt with all of it when the duty moved. It may know, or be telling,
        // what the next desk has not heard of; they need not even have met.
        DutyTie former;
        DutyTie heir;  // and who else: the next desk, when this node is the first and would take all knowledge with it
        // Members that were told that the duty has moved, and that count as before what this node said until their own
        // views say so too. A member that never meets the new desk never sees the move: when the item ends here, each
        // of these members is told. At most one entry for each member.
        std::vector<DutyTie> told_moved;
        std::vector<std::pair<ShardIndex, std::uint64_t>> shards;
        std::uint64_t current = 0;
        std::uint64_t told = 0;
        std::uint64_t told_version = 0;
        std::uint64_t revision = 0;
        std::uint64_t settled = 0;   // the revision as of which all has been dealt with
        std::uint64_t doubt = 0;     // as in DutyReport, until the desk has heard of it
        SharedBytes behind;          // of the doubt, as in DutyReport
        bool holder_lost = false;    // a tombstone is made of it
        bool composed = false;       // somebody may know of it
        std::uint64_t was_desk = 0;  // the revision that hands on what this node's own desk dealt with; 0: it is known
        SharedBytes info;
    };
    using Entries = std::map<DutyItem, Entry>;
    /// Told to be gone.
    struct Tombstone {
        std::uint64_t key_hash = 0;
        DutyTie desk;  // who knows of it
        std::uint64_t told_version = 0;
        SharedBytes info;
    };
    using Owed = std::map<DutyTie, std::set<DutyItem>>;

    Entries::iterator entry(const DutyItem& item);
    void assign(Entry& entry) const;
    static void add_doubt(Entry& entry, const Doubt& doubt);
    void mark(const DutyItem& item, Entry& entry);
    void mark(const DutyItem& item, DutyTie to);
    void move(const DutyItem& item, Entry& entry);
    void reassign(const DutyItem& item, Entry& entry);
    [[nodiscard]] bool has_lost_former(const DutyItem& item, Entry& entry);
    void forget(Entries::iterator it);
    void bury(const DutyItem& item, const Entry& entry);
    void look_at_tombstones(std::size_t& compared);
    void erase(Entries::iterator it);
    void compose_from(Owed& owed, DutyTie to, DutyMail& mail, std::size_t& bytes);
    [[nodiscard]] DutyReport report(const DutyItem& item, DutyTie to);
    static void note_moved(Entry& entry, DutyTie to, bool moved);

    Limits limits_;
    DutyMembers members_;
    Entries entries_;
    Owed moved_;  // by a change of members; what is found first goes first
    Owed changed_;
    std::set<DutyItem> parting_;  // that have a former desk
    std::uint64_t last_revision_ = 0;
    std::set<DutyTie> excused_;     // until all has moved, …
    std::set<DutyTie> mistrusted_;  // … as well
    bool cleared_ = false;
    bool scanning_ = false;
    DutyItem scanned_;  // up to here
    std::map<DutyItem, Tombstone> tombstones_;
    std::deque<DutyItem> tombstone_order_;    // in that order, some of them dug out since
    std::optional<DutyItem> tombstone_next_;  // of those that are still to be looked at
};

}  // namespace tulle::mesh
