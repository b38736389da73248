#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/assert.hpp"
#include "mesh/core/node/messages.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/records/record_ring.hpp"

namespace tulle::mesh {

/// One direction of one link session, at the sender: a cursor over the record ring that skips what the peer has no
/// interest in, what the peer is owed beside (lists of presence members, last events), and the frames that are not
/// receipted yet.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
/// Level:  a link that has looked at the whole ring and may send is level. Whoever numbers a record then tells it only
///         of what is due to it (note_due); the rest it jumps over unseen. One that is behind, as its credit is used
///         up, looks at each record with the interest that the peer has by then.
/// Order:  a list is read when it is sent and says up to which record it holds all changes; the records that the cursor
///         comes to later are known to the receiver by that. Nothing comes between the pieces of one list.
/// Limits: at most `credit_bytes` of frames unreceipted; the rest waits in the ring. What the ring has dropped
///         meanwhile is reported in the next frame as Gone, never skipped in silence.
class LinkSender {
public:
    /// What a link reads of its node.
    struct Sources {
        const RecordRing& ring;
        std::function<bool(const std::string& channel)> interested;
        /// The record is due to the peer.
        std::function<bool(const Record& record)> due;
        /// What we hold of a channel; all but the version and `at` is filled in.
        std::function<RetainedPart(const std::string& channel)> retained;
        /// Our own users of a presence channel, by user.
        std::function<std::vector<PresenceMember>(const std::string& channel)> members;
        /// The version of the peer's interest that we hold.
        InterestVersion version;
    };

    LinkSender(const Timing& timing, const Limits& limits) : timing_(timing), limits_(limits) {}

    /// The peer's interest is known: send what comes after `after`. It has got `extras` (ascending) from others: those
    /// are skipped, and what lies between `after` and the last of them is reported as gone, as it would come out of
    /// order.
    void open(RecordNo after, std::vector<RecordNo> extras = {});
    [[nodiscard]] bool is_open() const { return open_; }

    /// The peer's interest of that version includes what `key`, a marked key, asks for (or it is to keep that, though
    /// it has not asked): send it. What is owed for several versions is an answer to the newest, whichever was named
    /// last: while a snapshot of the peer's interest is under way, its first chunks name a newer version than the
    /// interest that is held.
    void owe(const std::string& key, InterestVersion version) {
        TULLE_ASSERT(is_marked_key(key));
        InterestVersion& newest = owed_[key];
        newest = std::max(newest, version);
    }
    [[nodiscard]] bool is_level() const { return level_; }
    /// `record` is due to the peer: the first such beyond `before`, up to which all was considered at the last flush(),
    /// or the next one. (The one that was noted last may be named again.) Does nothing when the link is behind: it will
    /// look itself.
    /// REQUIRES: before the next flush() all is noted that is due of what is beyond `before`, and is whole in the ring
    /// then.
    void note_due(RecordNo before, const RecordPtr& record);
    /// Not all that was numbered since `before` has been looked at for the level links: look at each record.
    void fall_behind(RecordNo before);
    /// flush() has something to look at.
    [[nodiscard]] bool has_work() const { return !level_ || !owed_.empty(); }
    /// Appends the frames to be sent now.
    void flush(Instant now, const Sources& sources, std::vector<FramePtr>& out);
    void on_receipt(FrameNo received);
    /// Appends the very frames again; each at most once per `repair_again`, at most `repair_frames` a call.
    void on_nack(Instant now, const std::vector<FrameRange>& missing, std::vector<FramePtr>& out);
    /// True when a Tail is due.
    [[nodiscard]] bool on_deadline(Instant now);
    [[nodiscard]] std::optional<Instant> next_deadline() const { return tail_at_; }

    [[nodiscard]] FrameNo last_sent() const { return last_sent_; }
    /// Records up to here were sent, or were not due. `considered`: what has been looked at for the level links.
    [[nodiscard]] RecordNo upto(RecordNo considered) const { return level_ ? considered : cursor_; }
    [[nodiscard]] FrameNo receipted() const { return receipted_; }
    [[nodiscard]] std::size_t unreceipted_bytes() const { return unreceipted_.bytes; }
    /// Some of our records are lost for this peer and it is not known which: what it is owed must be told anew.
    [[nodiscard]] bool take_unknown_lost() { return std::exchange(unknown_lost_, false); }
    /// Records reported as gone by this link.
    [[nodiscard]] std::uint64_t gone() const { return counts_.gone; }
    [[nodiscard]] std::uint64_t repeated() const { return counts_.repeated; }

private:
    struct Sent {
        FramePtr frame;
        Instant again_after;
    };

    /// The record is gone for this peer, although the ring has it.
    [[nodiscard]] bool is_late(RecordNo n) const { return !extras_.empty() && n <= extras_.back(); }
    FramePtr next_frame(const Sources& sources);
    void add_records(const Sources& sources, Frame& frame);
    void add_noted(const Sources& sources, Frame& frame);
    [[nodiscard]] bool is_full(const Frame& frame, const Record& next) const;
    void add_owed(const Sources& sources, Frame& frame);
    void add_members(Frame& frame);
    void add_retained(const Sources& sources, const std::string& channel, InterestVersion version, Frame& frame);
    void owe_stub(const Sources& sources, const Record& stub);
    void pass_over_gone(const Sources& sources, Frame& frame);

    /// A list of members on its way.
    struct List {
        std::string channel;
        InterestVersion version;
        RecordNo at;
        std::vector<PresenceMember> members;
        std::size_t sent = 0;
    };

    Timing timing_;
    Limits limits_;
    bool open_ = false;
    RecordNo cursor_;  // of a level link, set when it is next needed
    bool level_ = false;
    /// What whoever numbers records has said to be due.
    struct Noted {
        bool is_complete = false;  // the records are all that is due beyond cursor_
        std::vector<RecordPtr> records;
        std::size_t sent = 0;
    } noted_;
    std::vector<RecordNo> extras_;
    std::map<std::string, InterestVersion> owed_;
    std::optional<List> list_;
    FrameNo last_sent_;
    FrameNo receipted_;
    /// Frames receipted_+1 … last_sent_.
    struct Unreceipted {
        std::deque<Sent> frames;
        std::size_t bytes = 0;
    } unreceipted_;
    std::optional<Instant> tail_at_;
    bool unknown_lost_ = false;
    struct Counts {
        std::uint64_t gone = 0;
        std::uint64_t repeated = 0;
    } counts_;
};

}  // namespace tulle::mesh
