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

/// The items whose duty this node does: what each member holds of them, what has been dealt with, and what the shard is
/// dealing with just now.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
/// Acts:   only in act(), which the caller calls when it may: when all members have handed over (or have had their
///         time).
/// Moves:  a duty that is another node's from now on is revoked: the shard drops what it has not said. What it has said
///         is handed on.
/// Doubt:  where the world outside may have heard something else last than this desk believes, the truth is told again:
///         two desks that were cut off from each other have both dealt with an item, or a former desk has said
///         something late. A former desk that has told all but a few names these: then nobody else is told again.
/// Away:   a member that has seen the duty move before this node has counts as much as it did: were it counted no more,
///         this node would tell that what the member holds is gone.
/// Loss:   what a lost member held counts for `duty_grace` more. While a member is a ghost no doubt is settled: what it
///         said with its last breath may still be on its way. A doubt that is reported waits for `duty_grace` too: the
///         reporter has lost a member that this node may never have met.
/// Others: what is reported here though it is another node's duty is passed on, and the reporter is not rid of it: this
///         node may be lost, or leave, before the duty's node has heard of it.
/// Heir:   this node holds copies of what other desks counted and did themselves. When one of them is lost and the duty
///         becomes a third node's, as that of a newcomer, the copy is passed on when the grace is over.
/// Back:   a former desk that leaves hands items over while this node takes the duty for the leaver's still. They wait
///         here until the views agree; the leaver keeps what it knows until the next desk settles it.
/// Tombstones: that an item is gone, and was told so, is remembered of the last `duty_tombstones` of them: a desk that
/// was cut
///         off meanwhile, or a member that lives after all, may have told otherwise.
/// Slices: after a change of members work() looks through all items, `duty_slice` comparisons a turn.
class DutyDesk {
public:
    DutyDesk(const Timing& timing, const Limits& limits) : timing_(timing), limits_(limits) {}

    void on_report(Instant now, const DutyMember& from, const DutyReport& report);
    /// The shard's answer. False: not a token of ours that is under way.
    bool on_done(Instant now, const DutyDone& done);

    /// Who does not do a duty any more hands it over.
    /// `leaving` are none of them, but there still: what they hold counts.
    void set_members(const DutyMembers& members, std::set<DutyTie> leaving);
    /// `left`: in order, so that its clients went elsewhere.
    void lose(Instant now, DutyTie member, bool left);
    /// Nobody stays where those clients could go: members that have left in order count no more.
    void hurry();
    void work(Instant now);
    [[nodiscard]] bool working() const { return scanning_; }
    [[nodiscard]] std::optional<Instant> next_deadline() const;

    /// Tells the shard what differs from what was dealt with, at most `duty_items` items; of this node's own keys
    /// alone. (Were two desks to act on one key and to learn from each other, they would never end.)
    void act(Instant now, std::vector<DutyChanged>& out);
    [[nodiscard]] bool may_act() const { return !due_.empty(); }
    /// What is under way at the shard and has become another node's.
    [[nodiscard]] std::vector<DutyRevoked> take_revoked() { return std::exchange(revoked_, {}); }

    /// Appends what `to` has to learn, up to the limits of a mail. False: there was nothing.
    bool compose(DutyTie to, DutyMail& mail);
    [[nodiscard]] bool owes(DutyTie to) const { return owed_.contains(to); }

    struct HandedOn {
        DutyItem item;
        std::uint64_t told = 0;
        std::uint64_t told_version = 0;
        Doubt doubt;
        SharedBytes info;
        /// It was told to be gone, and who held it was lost, or was never met here: that member may live.
        bool holder_lost = false;
    };
    /// What has been dealt with here and is another node's from now on.
    [[nodiscard]] std::vector<HandedOn> take_handed_on() { return std::exchange(handed_on_, {}); }
    /// Items of other nodes that the shard is still dealing with, or that wait to be taken.
    [[nodiscard]] std::size_t finishing() const { return finishing_ + handed_on_.size(); }

    /// Items of this node that the world outside has not heard the truth of.
    [[nodiscard]] std::size_t untold() const;
    /// Those in tombstones alone not included.
    [[nodiscard]] std::size_t items() const { return entries_.size() - only_tombstones_; }
    [[nodiscard]] std::size_t tombstones() const { return only_tombstones_; }
    /// What is held to be dealt with; nothing for an item that is not here.
    [[nodiscard]] std::optional<std::uint64_t> told(const DutyItem& item) const;

private:
    struct Holder {
        DutyMember member;
        std::uint64_t current = 0;
        std::uint64_t revision = 0;
        std::uint64_t settled = 0;  // the revision as of which it has been told that all is dealt with
        std::uint64_t doubt = 0;    // by its last report, as is what follows
        SharedBytes behind;
        std::uint64_t told = 0;
        std::uint64_t told_version = 0;
        bool was_desk = false;
        bool handed_on = false;  // lost, and what it did has been passed on
        bool moved = false;      // by its view the duty is another node's: what it said before still holds
    };
    struct Entry {
        std::uint64_t key_hash = 0;
        bool own = true;
        // this desk has dealt with it since it is the one, or has been handed it by one that had
        bool dealt_here = false;
        bool has_tombstone = false;   // nobody holds it any more, or members that did were lost: in a tombstone
        bool holder_lost = false;     // members that held it were lost, and nothing was told since but that it is gone
        bool met = false;             // some member has held it, to this desk's knowledge
        bool only_tombstone = false;  // in a tombstone, and nothing else is left of it
        bool calm = false;            // looked at since the last news, and nothing differs
        std::vector<Holder> holders;
        std::uint64_t told = 0;
        std::uint64_t told_version = 0;
        Doubt doubt;                  // the world outside may have heard something else than `told` last
        std::uint64_t token = 0;      // under way
        std::uint64_t announced = 0;  // count under that token
        Doubt doubted;                // that the token has come of
        bool revoked = false;         // the token is
        Instant moved_at;             // when it became another node's
        Instant warned_until;         // a doubt that was reported waits until then
        DutyTie back;                 // has handed it over here, though by this node's view the duty is its own
        SharedBytes info;
    };
    using Entries = std::map<DutyItem, Entry>;

    [[nodiscard]] static std::uint64_t count(const Entry& entry);
    [[nodiscard]] static std::uint64_t told_before(const Entry& entry, std::uint64_t now);
    /// As in DutyChanged.
    [[nodiscard]] static SharedBytes behind(const Entry& entry);
    /// False: it said the same before.
    static bool learn(Entry& entry, const Holder& before, const DutyReport& report);
    void announce(const DutyItem& item, Entry& entry, std::vector<DutyChanged>& out);
    static void settled(Entry& entry, std::uint64_t told);
    void owe_all(const DutyItem& item, const Entry& entry);
    void hand_on(const DutyItem& item, Entry& entry);
    void look_through(Instant now, Entries::iterator it);
    void drop_ended_grace(const DutyItem& item, Entry& entry);
    void on_away(const DutyMember& from, const DutyReport& report);
    void change_hands(Instant now, const DutyItem& item, Entry& entry);
    void bury(const DutyItem& item, Entry& entry);
    void erase_if_over(Entries::iterator it);
    void rest(Entry& entry, bool rests);
    void heed_warnings(Instant now);
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
    std::map<std::uint64_t, DutyItem> tokens_;
    std::set<DutyItem> due_;  // news of them
    std::map<DutyTie, std::set<DutyItem>> owed_;
    std::vector<HandedOn> handed_on_;
    std::vector<DutyRevoked> revoked_;
    std::set<DutyTie> in_grace_;  // lost, and counted until their time is over
    struct Grace {
        Instant until;
        DutyTie member;
        bool left = false;
    };
    std::deque<Grace> grace_ends_;                   // when that is
    std::set<std::pair<Instant, DutyItem>> warned_;  // items whose doubt waits, and until when
    std::deque<DutyItem> tombstones_;
    std::size_t finishing_ = 0;
    std::size_t only_tombstones_ = 0;
    std::uint64_t last_token_ = 0;
    bool hurried_ = false;
    bool scanning_ = false;
    DutyItem scanned_;
};

}  // namespace tulle::mesh
