#pragma once

#include <map>
#include <optional>
#include <vector>

#include "mesh/core/duty/duty_desk.hpp"
#include "mesh/core/duty/duty_inbox.hpp"
#include "mesh/core/duty/duty_outbox.hpp"
#include "mesh/core/duty/duty_source.hpp"

namespace tulle::mesh {

/// Duties are done once over the whole mesh. Duties brings the counts and tasks of this node's shards to the
/// responsible node of each key, as named by rendezvous hashing, and does the duties of this node for all members. This
/// node is a member like the others, served without mail.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Use:    the words of shards and members as they come, then work() once a turn.
/// Order:  this node acts upon items when every member has handed over the items moved here by the last change of
///         members; the heartbeats tell. After `duty_patience` this node acts without waiting any longer, and something
///         may be dealt with twice.
/// Limits: the limits of DutySource, DutyOutbox, DutyDesk and DutyInbox. A word beyond the limits of port.hpp is
///         refused and counted.
class Duties {
public:
    /// `self`: this node.
    Duties(OriginId self, const Timing& timing, const Limits& limits);

    /// Takes in a shard's count of an item. A bad word is ignored and counted.
    void count(ShardIndex shard, const DutyCount& word);
    /// Takes in a shard's task. False when the task was refused.
    [[nodiscard]] bool task(const DutyTask& task);
    /// Takes in the shard's answer to a DutyChanged, a DutyRevoked or a DutyPerform. Unknown tokens are ignored.
    void done(Instant now, const DutyDone& done);

    /// A session with `oid` stands: the node shares the duties from now on. `serves`: the node serves clients already,
    /// so this node and the other node were in two parts of a mesh.
    void member_up(Instant now, OriginId oid, bool serves);
    /// The session with `oid` has ended. REQUIRES: member_up() was called.
    void member_down(Instant now, OriginId oid, DutyEnd end);
    /// This node has joined and may act. A node with few of the members in sight would take the items of all others
    /// over.
    void begin() {
        begun_ = true;
        changed_ = true;
    }
    /// This node will leave, and has no clients any more. As long as a member stays, everything goes on as before. When
    /// no member stays, the leaver with the greatest id does all duties alone, and the other leavers hand over to the
    /// greatest.
    void retire(Instant now);
    /// This node leaves: its duties fall to the staying members, if any.
    void leave(Instant now);
    /// A member's heartbeat announces the member's leaving. `last`: by its own view the member is the last, and does
    /// all duties. False when the leaving was known before. REQUIRES: the member is in session.
    bool on_leaving(Instant now, OriginId from, bool last);
    /// True when `from` has received everything due, and takes care of it: a member with duties by this node's view
    /// must stay or be the last.
    [[nodiscard]] bool may_part_from(OriginId from) const;
    /// A member has been told goodbye: this node's part is done. From now on this node takes nothing in, tells nothing,
    /// and ignores other leavers.
    void part() { parted_ = true; }
    /// Takes in a mail of a member. REQUIRES: the member is in session.
    void on_mail(Instant now, OriginId from, const DutyMail& mail);
    /// Takes in a heartbeat's claim: `from` has handed everything over to this node among the members with the digest
    /// `view`. `view_no`: the number of the view of `from`.
    void on_claim(OriginId from, std::uint64_t view, std::uint64_t view_no);
    /// The claim for a heartbeat to `to`. 0 while this node still has something to hand over.
    [[nodiscard]] std::uint64_t claim(Instant now, OriginId to) const;
    /// How often this node's view of the members has changed.
    [[nodiscard]] std::uint64_t view_no() const { return view_no_; }

    /// The results of a turn's work: mails for members; changes, revocations and tasks for the shard.
    struct Out {
        std::vector<std::pair<OriginId, DutyMail>> mails;
        std::vector<DutyChanged> changed;
        std::vector<DutyRevoked> revoked;
        std::vector<DutyPerform> perform;
    };
    /// Does a turn's work and fills `out`. Cheap when nothing has happened and no deadline has come.
    void work(Instant now, Out& out);
    /// When work() has something to do. Instant{} stands for "at once".
    [[nodiscard]] std::optional<Instant> next_deadline() const;

    /// True when `to` has acknowledged everything due from this node.
    [[nodiscard]] bool delivered(OriginId to) const;
    [[nodiscard]] bool retiring() const { return retiring_; }
    /// True when this node leaves, and no other member stays or takes over: the last words are this node's.
    [[nodiscard]] bool is_last() const { return retiring_ && members_.size() == 1 && members_.contains(kOwnTie); }
    /// True for the last node before its parting: other leavers can rely on this node.
    [[nodiscard]] bool takes_over() const { return is_last() && !parted_; }
    /// True when the world outside knows everything and every task is done.
    [[nodiscard]] bool all_told() const;
    /// Items with a truth unknown to the world outside, and unfinished tasks of this node.
    [[nodiscard]] std::size_t untold() const { return desk_.untold() + outbox_.waiting(); }

    /// Counters; all only grow.
    struct Tally {
        std::uint64_t reports_sent = 0;
        /// DutyChanged messages to the shard.
        std::uint64_t changes = 0;
        /// Tasks handed to the shard.
        std::uint64_t tasks = 0;
        /// Changes under way at the shard, revoked because the duty moved to another node.
        std::uint64_t revoked = 0;
        std::uint64_t counts_refused = 0;
        std::uint64_t tasks_refused = 0;
        /// Mails, repetitions included.
        std::uint64_t mails_sent = 0;
        /// Turns in which some member had not handed over, and the patience was over.
        std::uint64_t impatient = 0;
    };
    [[nodiscard]] const Tally& tally() const { return tally_; }
    /// Items counted on this node.
    [[nodiscard]] std::size_t items() const { return source_.items(); }
    /// Items in the care of this node's desk.
    [[nodiscard]] std::size_t duties() const { return desk_.items(); }
    /// Unfinished tasks of this node.
    [[nodiscard]] std::size_t tasks_waiting() const { return outbox_.waiting(); }
    [[nodiscard]] const DutyDesk& desk() const { return desk_; }
    [[nodiscard]] const DutySource& source() const { return source_; }

private:
    /// The mails to and from a member, for the time of a session. One mail at a time in each direction, repeated until
    /// acknowledged.
    struct Line {
        DutyTie tie;
        /// Number of the last mail.
        std::uint64_t sent = 0;
        /// The last mail, until acknowledged.
        std::optional<DutyMail> outstanding;
        /// When the outstanding mail is sent again.
        Instant again_at;
        /// Number of the last mail taken in.
        std::uint64_t taken = 0;
        bool ack_due = false;
        /// The view in which the member has handed everything over to this node. 0: none.
        std::uint64_t claimed = 0;
        /// How often the member's view has changed, by its last word.
        std::uint64_t view_no = 0;
        /// The number of this node's view in which this node has handed everything over to the member.
        std::uint64_t handed_over = 0;
        /// The member leaves, by its own word, and takes nothing over …
        bool leaving = false;
        /// … unless the member is the last, by its own word.
        bool last = false;
    };

    /// True when this node leaves and so does every other member.
    [[nodiscard]] bool nobody_stays() const;
    /// The members with a share in the duties, as this node sees them: all members, unless this node leaves.
    [[nodiscard]] DutyMembers sharing() const;
    /// Takes a word about a leaver into account.
    void share_anew(Instant now);
    /// Gives the four parts the present members, and begins a new view.
    void members_changed(Instant now);
    /// Hands the contents of a mail to the four parts.
    void take_in(Instant now, const DutyMember& from, const DutyMail& mail);
    /// Moves the desk's knowledge about lost duties to the source, to be handed on. Knowledge from a held-up move
    /// belongs to the move, so this node's claims begin again.
    void hand_on(Instant now);
    /// Delivers the words of source and outbox to desk and inbox of this node, in place of a mail.
    void hear_self(Instant now);
    /// Delivers the answers of desk and inbox to source and outbox of this node, in place of a mail.
    void answer_self(Instant now);
    /// Lets the desk act, if allowed.
    void act(Instant now, Out& out);
    /// Composes, repeats or acknowledges mails of a member.
    void serve(Instant now, OriginId oid, Line& line, Out& out);
    /// Notes a member's view. A newer view voids the member's last claim: an item taken away now belongs to another
    /// node.
    static void note_view(Line& line, std::uint64_t view_no);
    /// Notes the end of the handing over to a member. No mail may be outstanding, since a mail composed before the last
    /// change of members may still be on the way.
    void note_handed_over(Line& line) const;
    /// The earliest deadline of the four parts and the mails.
    [[nodiscard]] std::optional<Instant> first_deadline() const;
    /// True when a part has something for a member's next mail.
    [[nodiscard]] bool owes(OriginId oid, DutyTie tie) const;
    /// True when every member, this node included, has handed over in the present view.
    [[nodiscard]] bool settled() const;
    /// True when work() has work at once.
    [[nodiscard]] bool busy() const;

    // More methods than 40 and fields than 15: the machine has four parts and a state of its own, the view that all
    // members must share before anybody acts. Every change of the view looks at the whole state.
    OriginId self_;
    Timing timing_;
    Limits limits_;
    DutySource source_;
    DutyOutbox outbox_;
    DutyDesk desk_;
    DutyInbox inbox_;
    DutyMembers members_;
    std::map<OriginId, Line> lines_;
    // Tasks of this turn.
    std::vector<DutyPerform> performs_;
    // Digest and number of the present view.
    std::uint64_t view_ = 0;
    std::uint64_t view_no_ = 0;
    std::uint64_t last_tie_ = kOwnTie.value;
    bool begun_ = false;
    bool retiring_ = false;
    bool leaving_ = false;
    bool parted_ = false;
    // The last change of members.
    Instant changed_at_;
    // When the members ceased to be settled. Nothing while settled.
    std::optional<Instant> unsettled_since_;
    // True when something happened since the last work(), so that there may be work.
    bool changed_ = true;
    // Without a change there is no work before. Nothing: no work at all.
    std::optional<Instant> quiet_until_;
    Tally tally_;
};

}  // namespace tulle::mesh
