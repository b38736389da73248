#pragma once

#include <algorithm>
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

/// The items in the care of this node: the counts of all members, the count dealt with last, and the change under way
/// at the shard.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Use:    the desk acts only in act(). The caller calls act() when all members have handed over, or have had their
///         time. An item that another desk had before waits here for all members to hand over, for `duty_patience` at
///         most from the moment it came.
/// Limits: one entry for each item with a holder, a doubt or an unsettled word, and the last `duty_tombstones`
///         tombstones. After a change of members work() looks through all items, `duty_slice` comparisons a turn.
///
/// Moves. When a duty moves to another node the change under way is revoked: the shard drops unsaid words. The
/// knowledge of said words is handed on.
///
/// Doubt. The world outside may have heard something other than this desk believes: two desks without contact have both
/// dealt with an item, or a former desk has said something late. The truth is then told again. A former desk may name
/// the few endpoints in doubt; then no other endpoint is told again. While a lost member is in its grace no doubt is
/// settled, since the member's last words may still be on their way. A reported doubt waits for `duty_grace` as well:
/// the reporter has lost a member that this node may never have met. Until a doubt is settled, the holders' words stand
/// no longer as dealt with: the reporter and this node may die together, and then the holders warn the next desk.
///
/// Patience. The members of a mesh may disagree for long about who is a member. A desk then acts without waiting for
/// all to hand over. But an item that has just moved here waits nevertheless: each member with a count of the item has
/// the same time to say so, or to be found dead. Otherwise this desk would tell the end of a live item, and die before
/// the item's holder has a word of it.
///
/// Away. A member may see a duty move to this node's successor before this node sees the move. The member's count still
/// counts here until this node sees the move too; otherwise this node would tell the end of a live item.
///
/// Loss. The count of a lost member counts for `duty_grace` more.
///
/// Forgetting. A holder without a count may forget the item only when every other holder in session knows what was told
/// last. Otherwise this desk might die as the only node with that knowledge, and a holder with an older word would make
/// the next desk believe the older word. A holder that has not forgotten the item warns the next desk. A holder lost
/// without a goodbye counts as a holder in session until the end of the grace: the holder may live in another part of
/// the mesh, and come back with the older word.
///
/// Others. A report about another node's duty is passed on, and the reporter gets no settlement: this node may be lost,
/// or leave, before the responsible node has heard the report.
///
/// Heir. This node holds copies of the items that other desks counted and did themselves. When such a desk is lost and
/// the duty falls to a third node, for example a newcomer, the copy is passed on after the grace. A copy from a desk
/// that did not answer this node before its loss is in doubt: that desk may have changed its own count, told so, and
/// died before this node had a word of the change.
///
/// Back. A leaving former desk may hand items over here while this node still takes the duty for the leaver's. The
/// items wait here until the views agree; the leaver keeps its knowledge until the next desk settles.
///
/// Tombstones. The desk remembers items told to be gone: a desk without contact, or a lost member alive after all, may
/// have told otherwise.
class DutyDesk {
public:
    DutyDesk(const Timing& timing, const Limits& limits) : timing_(timing), limits_(limits) {}

    /// Takes in a member's count of an item.
    void on_report(Instant now, const DutyMember& from, const DutyReport& report);
    /// Takes in the shard's answer to a change. False when the token is not under way here.
    bool on_done(Instant now, const DutyDone& done);

    /// Sets the members with a share in the duties. `leaving`: members without a share, but still in session; their
    /// counts remain valid.
    void set_members(const DutyMembers& members, std::set<DutyTie> leaving);
    /// The member's session has ended. When the member left in order, its clients went elsewhere. REQUIRES:
    /// set_members() follows.
    void lose(Instant now, DutyTie member, DutyEnd end);
    /// A member comes from another part of a split mesh. Work under way here that becomes another node's is handed on
    /// in doubt at once: this node may be lost before the shard's answer, and then nobody else would know of the work.
    /// REQUIRES: set_members() follows.
    void reunite() { reunited_ = true; }
    /// Nobody stays to take clients over: members gone in order get no grace. REQUIRES: set_members() follows.
    void hurry();
    /// Ends graces, warnings and waits, and looks at the next slice of items.
    void work(Instant now);
    /// True while work() has items to look at.
    [[nodiscard]] bool working() const { return scanning_; }
    /// When the first grace, warning or wait ends.
    [[nodiscard]] std::optional<Instant> next_deadline() const;

    /// Tells the shard each difference between the count and the count dealt with, at most `duty_items` items a turn.
    /// Only items of this node: two desks acting on the same key, and learning from each other, would never end.
    /// `settled`: every member has handed over. Without that, items that came lately wait.
    void act(Instant now, bool settled, std::vector<DutyChanged>& out);
    /// True when act() has items to look at.
    [[nodiscard]] bool may_act() const { return !due_.empty() || (settled_ && !early_.empty()); }
    /// Changes under way at the shard that now belong to another node. The caller tells the shard.
    [[nodiscard]] std::vector<DutyRevoked> take_revoked() { return std::exchange(revoked_, {}); }

    /// Takes in a member's acknowledgement of settlements: the member knows what was told.
    void on_known(DutyTie member, const std::vector<DutySettle>& settles);

    /// Appends settlements for `to`, up to the limits of a mail. False: nothing to append.
    bool compose(DutyTie to, DutyMail& mail);
    /// True when compose() has something for `to`.
    [[nodiscard]] bool owes(DutyTie to) const { return owed_.contains(to); }

    /// The knowledge about an item of another node.
    struct HandedOn {
        DutyItem item;
        std::uint64_t told = 0;
        std::uint64_t told_version = 0;
        Doubt doubt;
        SharedBytes info;
        /// True when the item was told to be gone although its holder was lost, or was never met here: the holder may
        /// live.
        bool holder_lost = false;
    };
    /// Removes and returns the knowledge to be handed on.
    [[nodiscard]] std::vector<HandedOn> take_handed_on() { return std::exchange(handed_on_, {}); }
    /// Items of other nodes still under way at the shard, or waiting for take_handed_on().
    [[nodiscard]] std::size_t finishing() const { return finishing_ + handed_on_.size(); }

    /// Items of this node with a truth unknown to the world outside. Walks all items.
    [[nodiscard]] std::size_t untold() const;
    /// Items, without pure tombstones.
    [[nodiscard]] std::size_t items() const { return entries_.size() - only_tombstones_; }
    [[nodiscard]] std::size_t tombstones() const { return only_tombstones_; }
    /// The count dealt with last. Nothing for an unknown item.
    [[nodiscard]] std::optional<std::uint64_t> told(const DutyItem& item) const;

private:
    /// A member with a word about an item.
    struct Holder {
        DutyMember member;
        std::uint64_t current = 0;
        std::uint64_t revision = 0;
        /// The revision last told to the member as dealt with.
        std::uint64_t settled = 0;
        /// From here on: the contents of the member's last report.
        std::uint64_t doubt = 0;
        SharedBytes behind;
        std::uint64_t told = 0;
        std::uint64_t told_version = 0;
        bool was_desk = false;
        /// True for a lost member with its knowledge already passed on.
        bool handed_on = false;
        /// True for a member that was lost without an answer and may have been the desk: the member may have told
        /// otherwise than this copy says.
        bool unsure = false;
        /// True for a member that has left in order.
        bool left = false;
        /// True when by the member's view the duty moved to another node. The member's earlier words still count.
        bool moved = false;
        /// The `told_version` that the member certainly knows, by its last report or a later acknowledgement.
        std::uint64_t known = 0;
    };
    /// The state of an item.
    struct Entry {
        std::uint64_t key_hash = 0;
        /// True when this node is responsible for the item.
        bool own = true;
        /// True when this desk has dealt with the item during its present responsibility, or was handed the item by a
        /// former desk.
        bool dealt_here = false;
        /// True when the item is in `tombstones_`: nobody holds the item any more, or lost members held it.
        bool has_tombstone = false;
        /// True when lost members held the item, and nothing was told since except the end.
        bool holder_lost = false;
        /// True when this desk has known a holder.
        bool met = false;
        /// True when nothing but the tombstone is left.
        bool only_tombstone = false;
        /// True when no difference was found since the last news.
        bool calm = false;
        std::vector<Holder> holders;
        std::uint64_t told = 0;
        std::uint64_t told_version = 0;
        /// The world outside may have heard something other than `told` last.
        Doubt doubt;
        /// The change under way at the shard. 0: none.
        std::uint64_t token = 0;
        /// The count under the token.
        std::uint64_t announced = 0;
        /// The doubt that caused the token.
        Doubt doubted;
        /// True when the token is revoked.
        bool revoked = false;
        /// When the responsibility last changed. For an item told of by another desk and unknown here before: when the
        /// first report came.
        Instant moved_at;
        /// A reported doubt waits until this moment.
        Instant warned_until;
        /// The member that has handed the item over here, although by this node's view the member is responsible.
        DutyTie back;
        SharedBytes info;
    };
    using Entries = std::map<DutyItem, Entry>;

    /// The sum over all holders.
    [[nodiscard]] static std::uint64_t count(const Entry& entry);
    /// The count for DutyChanged::told. In a doubt about everybody no count was surely told, so a value different from
    /// `now` makes the shard tell the whole truth.
    [[nodiscard]] static std::uint64_t told_before(const Entry& entry, std::uint64_t now);
    /// The endpoints for DutyChanged::behind.
    [[nodiscard]] static SharedBytes behind(const Entry& entry);
    /// Takes in a report's word about the last told count. False: the word is the same as before.
    static bool learn(Entry& entry, const Holder& before, const DutyReport& report);
    /// True when the holder is in session and has not heard what was told last.
    [[nodiscard]] bool is_unaware(const Entry& entry, const Holder& holder) const {
        return holder.known < entry.told_version && members_.contains(holder.member.tie);
    }
    /// True when the holder was lost without a goodbye, is still in its grace, and had not heard what was told last.
    [[nodiscard]] bool was_lost_unaware(const Entry& entry, const Holder& holder) const {
        const auto grace = in_grace_.find(holder.member.tie);
        return holder.known < entry.told_version && grace != in_grace_.end() && grace->second;
    }
    /// True when the holder may take its word as dealt with. A holder without a count forgets the item then.
    [[nodiscard]] bool may_settle(const Entry& entry, const Holder& holder) const {
        const auto knows = [&](const Holder& other) {
            return &other == &holder || (!is_unaware(entry, other) && !was_lost_unaware(entry, other));
        };
        return entry.calm && members_.contains(holder.member.tie) &&
               (holder.current > 0 || std::all_of(entry.holders.begin(), entry.holders.end(), knows));
    }
    /// Queues settlements to holders that may settle and have not been told so.
    void owe_settled(const DutyItem& item, const Entry& entry);
    /// Tells the shard a difference. Without a difference the holders are told the item is settled.
    void announce(const DutyItem& item, Entry& entry, std::vector<DutyChanged>& out);
    /// Notes the count dealt with.
    static void settled(Entry& entry, std::uint64_t told);
    /// Queues the news that nothing is dealt with any more, to the settled holders in session.
    void unsettle(const DutyItem& item, Entry& entry);
    /// Queues settlements to all holders in session.
    void owe_all(const DutyItem& item, const Entry& entry);
    /// Queues the knowledge about an item for the source, unless others have all of the knowledge.
    void hand_on(const DutyItem& item, Entry& entry);
    /// Looks at an item after a change of members or the end of a grace.
    void look_through(Instant now, Entries::iterator it);
    /// Drops the counts of surely lost members. The knowledge of a lost desk is known here as the heir, and is passed
    /// on.
    void drop_ended_grace(const DutyItem& item, Entry& entry);
    /// Takes in "away": the member holds the item no more, or reports to another desk.
    void on_away(const DutyMember& from, const DutyReport& report);
    /// The duty has come to this node, or has gone from this node.
    void change_hands(Instant now, const DutyItem& item, Entry& entry);
    /// Keeps a tombstone of the item, and drops the oldest tombstone beyond the limit.
    void bury(const DutyItem& item, Entry& entry);
    /// Erases an entry with nothing to deal with and nobody to tell, or an entry of another node after handing on.
    void erase_if_over(Entries::iterator it);
    /// Notes whether the entry is a pure tombstone.
    void rest(Entry& entry, bool rests);
    /// Makes items due when their warnings, or their waits for the members, end.
    void heed_waits(Instant now);
    /// True for an item that must wait for the members. Notes the end of the wait.
    [[nodiscard]] bool is_early(Instant now, bool settled, const DutyItem& item, const Entry& entry);
    /// True for a member that counts no more: not sharing, not leaving, and not in its grace.
    [[nodiscard]] bool is_over(DutyTie tie) const {
        return !members_.contains(tie) && !in_grace_.contains(tie) && !leaving_.contains(tie);
    }

    // More fields than 15: an item is found by name, by token, by what is due and owed, and by when its doubt may be
    // settled; each of these ways is an index of the same entries.
    Timing timing_;
    Limits limits_;
    DutyMembers members_;
    std::set<DutyTie> leaving_;
    Entries entries_;
    // Items under way at the shard, by token.
    std::map<std::uint64_t, DutyItem> tokens_;
    // Items with news.
    std::set<DutyItem> due_;
    // By member: items to be settled.
    std::map<DutyTie, std::set<DutyItem>> owed_;
    std::vector<HandedOn> handed_on_;
    std::vector<DutyRevoked> revoked_;
    // Lost members with counts until the end of their grace; and whether they went without a goodbye.
    std::map<DutyTie, bool> in_grace_;
    struct Grace {
        Instant until;
        DutyTie member;
        bool left = false;
    };
    // By time.
    std::deque<Grace> grace_ends_;
    // Members lost without an answer, until all items have been looked at.
    std::set<DutyTie> unanswered_;
    // Members that have left in order, until all items have been looked at.
    std::set<DutyTie> left_;
    // Items with a waiting doubt, by the end of the wait.
    std::set<std::pair<Instant, DutyItem>> warned_;
    // Items that wait for all members to hand over, by the end of the wait.
    std::set<std::pair<Instant, DutyItem>> early_;
    /// True when all members had handed over at the last act().
    bool settled_ = false;
    // Oldest first.
    std::deque<DutyItem> tombstones_;
    std::size_t finishing_ = 0;
    std::size_t only_tombstones_ = 0;
    // Even. The inbox uses the odd tokens.
    std::uint64_t last_token_ = 0;
    bool hurried_ = false;
    /// Two parts of a split mesh have met, and not all items have been looked at since.
    bool reunited_ = false;
    bool scanning_ = false;
    // The next item to look at.
    DutyItem scanned_;
};

}  // namespace tulle::mesh
