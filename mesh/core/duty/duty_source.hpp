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

/// The counts of this node's shards, with the node to be told of each. Words are states, not changes: a lost, repeated
/// or overtaken word does no harm.
///
/// Thread: confined to the hub.
/// Keeps:  an item until its count is 0 and the item's desk has dealt with the 0. If the desk dies before, the next
///         desk learns from here everything still to be told.
/// Limits: one entry for each item with a count on this node or an unsettled word. The last `duty_tombstones`
///         tombstones. After a change of members work() looks for items to move, `duty_slice` comparisons a turn.
///
/// Copies. An item with this node as its desk is reported to the heir too, the next node in rank. Otherwise the item
/// would die with this node.
///
/// Tombstones. An item may have been told to be gone here without a word of its holder. This node remembers such an
/// item even after the next desk knows: if the next desk is lost, perhaps nobody else knows, and the lost holder may
/// come again. That holds also when the duty has moved on from the next desk, since this node does not know how far
/// the next desk has come with handing on.
///
/// Doubt. A lost desk may have been telling unsettled words, so the next desk is warned. A word that a former desk
/// settled is unsettled again with a desk from another part of a split mesh: that desk may have told otherwise, and be
/// lost before telling the truth. When a desk was deaf for a
/// while before its loss, everything is doubted, because the desk may have told counts of others. After a move of the
/// duty the unsettled words of a former desk are doubted if the former desk is lost too early: before all members have
/// handed over and have had `duty_patience` to end their telling.
class DutySource {
public:
    explicit DutySource(const Limits& limits) : limits_(limits) {}

    /// Takes in a shard's count of an item. REQUIRES: within the limits of port.hpp.
    void count(ShardIndex shard, const DutyCount& word);
    /// The knowledge of this node's desk about an item of another desk.
    struct Adopted {
        std::uint64_t told = 0;
        std::uint64_t told_version = 0;
        Doubt doubt;
        SharedBytes info;
        /// As in DutyDesk::HandedOn.
        bool holder_lost = false;
    };
    /// Takes the knowledge over, to be handed on to the new desk.
    void adopt(const DutyItem& item, const Adopted& what);
    /// Takes in the word of a desk about an item dealt with.
    void on_settle(DutyTie from, const DutySettle& settle);

    /// To be called before set_members() removes `member`: the member was telling nothing at its end.
    void excuse(DutyTie member) { scan_.excused.insert(member); }
    /// To be called before set_members() removes `member`: the last words of the member have not come.
    void mistrust(DutyTie member) { scan_.mistrusted.insert(member); }
    /// To be called before set_members() adds `member`: the member did duties in another part of a split mesh, and may
    /// have told otherwise than this node knows.
    void meet_stranger(DutyTie member) { scan_.strangers.insert(member); }
    /// Nobody is connected to this node any more: after the next set_members() all counts of this node become 0.
    void clear_counts() { scan_.cleared = true; }
    /// Sets the members with a share in the duties. work() then moves items to their new desks.
    void set_members(const DutyMembers& members);
    /// Looks at the next slice of items and tombstones after a change of members.
    void work();
    /// True while work() has items to look at.
    [[nodiscard]] bool working() const { return scan_.is_running; }
    /// To be called when the present desks know everything from the former desks: the former desks are forgotten.
    void forget_former();
    /// True when an item still has a former desk.
    [[nodiscard]] bool has_former() const { return !parting_.empty(); }

    /// Appends unsent reports for `to`, up to the limits of a mail. False: nothing to append.
    bool compose(DutyTie to, DutyMail& mail);
    /// True when compose() has something for `to`.
    [[nodiscard]] bool owes(DutyTie to) const { return moved_.contains(to) || changed_.contains(to); }
    /// True when every item moved to `to` by the last change of members has been composed.
    [[nodiscard]] bool handed_over(DutyTie to) const { return !scan_.is_running && !moved_.contains(to); }

    /// Items kept, tombstones not included.
    [[nodiscard]] std::size_t items() const { return entries_.size(); }
    [[nodiscard]] std::size_t tombstones() const { return tombstones_.size(); }

private:
    /// An item of this node.
    struct Entry {
        std::uint64_t key_hash = 0;
        /// The member responsible for the item. Has to know this node's count.
        DutyTie desk;
        /// The former desk, if the former desk had unsettled words when the duty moved. It may know, or be telling,
        /// words unknown to the next desk. The two desks need not even have met.
        DutyTie former;
        /// The next member in rank, if this node is the desk: without a copy all knowledge would go with this node.
        DutyTie heir;
        /// Members told of the move. Such a member counts the earlier words of this node until its own view shows the
        /// move. A member without a session to the new desk never sees the move, so each member in the list is told
        /// when the item ends here. At most one entry for each member.
        std::vector<DutyTie> told_moved;
        /// The shards' counts. No count is 0.
        std::vector<std::pair<ShardIndex, std::uint64_t>> shards;
        /// The sum of the shards' counts.
        std::uint64_t current = 0;
        /// The count dealt with last, as far as this node knows.
        std::uint64_t told = 0;
        /// Orders the values of `told`: the newest wins.
        std::uint64_t told_version = 0;
        /// The number of the item's last change on this node.
        std::uint64_t revision = 0;
        /// The revision up to which the desk has dealt with the item.
        std::uint64_t settled = 0;
        /// As in DutyReport, until the desk has heard of the doubt.
        std::uint64_t doubt = 0;
        /// Belongs to `doubt`, as in DutyReport.
        SharedBytes behind;
        /// True when a tombstone must be made at the end of the item.
        bool holder_lost = false;
        /// True when a report was composed, so somebody may know of the item.
        bool composed = false;
        /// The revision with the knowledge of this node's own desk. 0: the new desk knows.
        std::uint64_t was_desk = 0;
        SharedBytes info;
    };
    using Entries = std::map<DutyItem, Entry>;
    /// An item told to be gone.
    struct Tombstone {
        std::uint64_t key_hash = 0;
        /// The desk that has the knowledge for certain; perhaps a former one.
        DutyTie desk;
        std::uint64_t told_version = 0;
        SharedBytes info;
    };
    /// By member: the items still to be reported.
    using Owed = std::map<DutyTie, std::set<DutyItem>>;

    /// The entry of an item, made if necessary.
    Entries::iterator entry(const DutyItem& item);
    /// Sets desk and heir by the present members.
    void assign(Entry& entry) const;
    /// Merges a doubt into the entry's doubt. REQUIRES: the entry's revision is new, or the revision of the doubt
    /// before.
    static void add_doubt(Entry& entry, const Doubt& doubt);
    /// Gives the entry a new revision, and queues a report to desk and heir.
    void mark(const DutyItem& item, Entry& entry);
    /// The look at all items after a change of members, in slices.
    struct Scan {
        /// Members excused or mistrusted, until all items have been looked at.
        std::set<DutyTie> excused;
        std::set<DutyTie> mistrusted;
        /// Members from another part, until all items have been looked at.
        std::set<DutyTie> strangers;
        bool cleared = false;
        bool is_running = false;
        /// The next item to look at.
        DutyItem next;
    };

    /// Queues a report to a member, unless a report of the item is queued already.
    void mark(const DutyItem& item, DutyTie to);
    /// Looks at an item after a change of members.
    void move(const DutyItem& item, Entry& entry);
    /// Finds the item's new desk and heir. Adds doubts about words of lost desks.
    void reassign(const DutyItem& item, Entry& entry);
    /// True when the former desk was lost before settling. Forgets a former desk when lost, or when responsible
    /// again. REQUIRES: the entry's desk is the present desk.
    [[nodiscard]] bool has_lost_former(const DutyItem& item, Entry& entry);
    /// Removes a settled item. The desk keeps its knowledge until told of the end, since an older report may still be
    /// on the way.
    void forget(Entries::iterator it);
    /// Makes a tombstone, and drops the oldest tombstone beyond the limit.
    void bury(const DutyItem& item, const Entry& entry);
    /// Looks for tombstones with a lost desk, and turns each into an item again. A desk in session, or a desk gone in
    /// order, hands its knowledge on itself.
    void look_at_tombstones(std::size_t& compared);
    /// Removes an entry and tells every member with a possible copy of the count.
    void erase(Entries::iterator it);
    /// Composes reports from a queue, up to the limits of a mail.
    void compose_from(Owed& owed, DutyTie to, DutyMail& mail, std::size_t& bytes);
    /// The report of an item for a member. For a member neither desk nor heir: "away".
    [[nodiscard]] DutyReport report(const DutyItem& item, DutyTie to);
    /// Adds `to` to the members told of the move (`moved`), or removes `to`.
    void note_moved(Entry& entry, DutyTie to, bool moved);

    Limits limits_;
    DutyMembers members_;
    Entries entries_;
    // Items brought to a member by a change of members. Composed before `changed_`.
    Owed moved_;
    // Items with a new word.
    Owed changed_;
    // Items with a former desk.
    std::set<DutyItem> parting_;
    std::uint64_t last_revision_ = 0;
    Scan scan_;
    std::map<DutyItem, Tombstone> tombstones_;
    // Oldest first. Contains former tombstones too.
    std::deque<DutyItem> tombstone_order_;
    // The next tombstone to look at. Nothing when all have been looked at.
    std::optional<DutyItem> tombstone_next_;
};

}  // namespace tulle::mesh
