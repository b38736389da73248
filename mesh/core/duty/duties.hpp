#pragma once

#include <map>
#include <optional>
#include <vector>

#include "mesh/core/duty/duty_desk.hpp"
#include "mesh/core/duty/duty_inbox.hpp"
#include "mesh/core/duty/duty_outbox.hpp"
#include "mesh/core/duty/duty_source.hpp"

namespace tulle::mesh {

/// Duties done once over the mesh: what this node's shards count and order, brought to the node that rendezvous hashing
/// names for each key, and what this node does of it for the others. This node is a member like the others, served
/// without mail.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
/// Use:    the words of shards and members as they come, then one work() a turn.
/// View:   items are acted upon when every member has handed over what became this node's by the last change of members
///         (each heartbeat says so), or after `duty_patience`: then what is dealt with may be dealt with again.
class Duties {
public:
    Duties(OriginId self, const Timing& timing, const Limits& limits);

    void count(ShardIndex shard, const DutyCount& word);
    /// False: refused.
    [[nodiscard]] bool task(const DutyTask& task);
    void done(Instant now, const DutyDone& done);

    void member_up(Instant now, OriginId oid);
    /// `left`: it has handed over all that it knew.
    /// `left`: in order. `deaf`: its control messages had not come for a while when it was lost, though it lived.
    void member_down(Instant now, OriginId oid, bool left, bool deaf);
    /// This node has joined: it may act. A node that knows only some of the members would take their items for its own.
    void begin() {
        begun_ = true;
        changed_ = true;
    }
    /// This node will leave, and has no clients any more. As long as a member stays all goes on as before. When nobody
    /// does, the leaver with the greatest id alone does all duties, and the other leavers hand over to it.
    void retire(Instant now);
    /// This node leaves: its duties fall to those that stay from now on, if anybody does.
    void leave(Instant now);
    /// A member's heartbeat says that it leaves, too; `last`: as the last one, by its own view. False: that it leaves
    /// was known.
    bool on_leaving(Instant now, OriginId from, bool last);
    /// It has all that it is to have, and if that includes duties it stays, or is the last.
    [[nodiscard]] bool may_part_from(OriginId from) const;
    /// A member has been told goodbye: this node's part is done. It takes nothing in any more, tells nothing, and who
    /// leaves from now on changes nothing for it.
    void part() { parted_ = true; }
    void on_mail(Instant now, OriginId from, const DutyMail& mail);
    /// What a member's heartbeat says, and ours to it.
    void on_claim(OriginId from, std::uint64_t view, std::uint64_t view_no);
    [[nodiscard]] std::uint64_t claim(Instant now, OriginId to) const;
    [[nodiscard]] std::uint64_t view_no() const { return view_no_; }

    struct Out {
        std::vector<std::pair<OriginId, DutyMail>> mails;
        std::vector<DutyChanged> changed;
        std::vector<DutyRevoked> revoked;
        std::vector<DutyPerform> perform;
    };
    void work(Instant now, Out& out);
    [[nodiscard]] std::optional<Instant> next_deadline() const;

    /// Nothing of this node's is only here any more, as far as `to` is to have it.
    [[nodiscard]] bool delivered(OriginId to) const;
    [[nodiscard]] bool retiring() const { return retiring_; }
    /// This node leaves and nobody stays, or is left to be told by: it tells what there is to tell.
    [[nodiscard]] bool is_last() const { return retiring_ && members_.size() == 1 && members_.contains(kOwnTie); }
    /// As the last: those that leave too can rely on it.
    [[nodiscard]] bool takes_over() const { return is_last() && !parted_; }
    /// The world outside knows all, and every task is done.
    [[nodiscard]] bool all_told() const;
    /// Items that it does not know the truth of, and tasks of this node that are not done.
    [[nodiscard]] std::size_t untold() const { return desk_.untold() + outbox_.waiting(); }

    struct Tally {
        std::uint64_t reports_sent = 0;
        std::uint64_t changes = 0;  ///< told to the shard
        std::uint64_t tasks = 0;    ///< handed to the shard
        std::uint64_t revoked = 0;  ///< changes under way at the shard that became another node's
        std::uint64_t counts_refused = 0;
        std::uint64_t tasks_refused = 0;
        std::uint64_t mails_sent = 0;  ///< repetitions included
        /// turns in which not everybody had handed over, and the patience was over
        std::uint64_t impatient = 0;
    };
    [[nodiscard]] const Tally& tally() const { return tally_; }
    [[nodiscard]] std::size_t items() const { return source_.items(); }
    [[nodiscard]] std::size_t duties() const { return desk_.items(); }
    [[nodiscard]] std::size_t tasks_waiting() const { return outbox_.waiting(); }
    [[nodiscard]] const DutyDesk& desk() const { return desk_; }
    [[nodiscard]] const DutySource& source() const { return source_; }

private:
    /// The mails to and from one member, as long as its session stands.
    struct Line {
        DutyTie tie;
        std::uint64_t sent = 0;               // seq of the last mail
        std::optional<DutyMail> outstanding;  // not acknowledged
        Instant again_at;
        std::uint64_t taken = 0;  // seq of the last mail taken in
        bool ack_due = false;
        std::uint64_t claimed = 0;      // the view in which it has handed all over to us
        std::uint64_t view_no = 0;      // how often its view has changed, by its last word
        std::uint64_t handed_over = 0;  // the number of our view in which we have handed all over to it
        bool leaving = false;           // by its own word: it takes nothing over …
        bool last = false;              // … unless it says this
    };

    [[nodiscard]] bool nobody_stays() const;
    [[nodiscard]] DutyMembers sharing() const;
    void share_anew(Instant now);
    void members_changed(Instant now);
    void take_in(Instant now, const DutyMember& from, const DutyMail& mail);
    void hand_on(Instant now);
    void serve_self(Instant now);
    void act(Instant now, Out& out);
    void serve(Instant now, OriginId oid, Line& line, Out& out);
    static void note_view(Line& line, std::uint64_t view_no);
    void note_handed_over(Line& line) const;
    [[nodiscard]] std::optional<Instant> first_deadline() const;
    [[nodiscard]] bool owes(OriginId oid, DutyTie tie) const;
    [[nodiscard]] bool settled() const;
    [[nodiscard]] bool busy() const;

    // More methods than 40 and fields than 15: the machine has four parts, and one state of its own, the view that all
    // members must share before anybody acts. What changes that state looks at all of it.
    OriginId self_;
    Timing timing_;
    Limits limits_;
    DutySource source_;
    DutyOutbox outbox_;
    DutyDesk desk_;
    DutyInbox inbox_;
    DutyMembers members_;
    std::map<OriginId, Line> lines_;
    std::vector<DutyPerform> performs_;  // of this turn
    std::uint64_t view_ = 0;
    std::uint64_t view_no_ = 0;
    std::uint64_t last_tie_ = kOwnTie.value;
    bool begun_ = false;
    bool retiring_ = false;
    bool leaving_ = false;
    bool parted_ = false;
    Instant changed_at_;
    std::optional<Instant> unsettled_since_;
    bool changed_ = true;                 // since the last work(): there may be some
    std::optional<Instant> quiet_until_;  // without a change there is none before; nothing: ever
    Tally tally_;
};

}  // namespace tulle::mesh
