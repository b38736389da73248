#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/assert.hpp"
#include "mesh/core/node/messages.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/records/record_ring.hpp"

namespace tulle::mesh {

/// One direction of a link session, at the sender: a cursor over the record ring that skips records not due to the
/// peer, the debts to the peer beside the records (lists of presence members, last events), and the frames without a
/// receipt. The head of link_sender.cpp explains the algorithm.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Level:  a link that has looked at the whole ring and may send is level. The code that numbers a record then tells a
///         level link only of records due to the peer (note_due); the link jumps over the rest unseen. A link that is
///         behind, as its credit is used up, looks at each record with the interest that the peer has by then.
/// Order:  a list is read when it is sent and says up to which record it holds all changes; by this the receiver knows
///         the records that the cursor comes to later. Nothing comes between the pieces of one list.
/// Ownership: shares frames with the caller; copies `timing` and `limits`. Sources are read during flush() only.
/// Limits: at most `credit_bytes` of frames without a receipt, and one frame beyond; the rest waits in the ring.
///         Records dropped by the ring meanwhile are reported in the next frame as Gone, never skipped in silence.
/// Errors: none. A receipt or a Nack of frames never sent is ignored.
class LinkSender {
public:
    /// Everything that a link reads of its node.
    struct Sources {
        /// The log of this node.
        const RecordRing& ring;
        /// True when the peer has interest in the channel or key.
        std::function<bool(const std::string& channel)> interested;
        /// True when the record is due to the peer.
        std::function<bool(const Record& record)> due;
        /// True when the peer is a keeper of the record.
        std::function<bool(const Record& record)> keeps;
        /// Returns the last event held here for the channel. The link fills in the channel, the version and `at`.
        std::function<RetainedPart(const std::string& channel)> retained;
        /// Returns this node's own users of a presence channel, sorted by user.
        std::function<std::vector<PresenceMember>(const std::string& channel)> members;
        /// The version of the peer's interest held here.
        InterestVersion version;
    };

    LinkSender(const Timing& timing, const Limits& limits) : timing_(timing), limits_(limits) {}

    /// The peer's interest is known: sending begins behind record `after`. `extras` (ascending) are records that the
    /// peer has got from others: those are skipped. The other records between `after` and the last extra are reported
    /// as gone, because they would come out of order.
    /// REQUIRES: not open yet.
    void open(RecordNo after, std::vector<RecordNo> extras = {});
    /// True after open(). A link that is not open sends nothing.
    [[nodiscard]] bool is_open() const { return open_; }

    /// The peer is to be sent the contents of the marked key: its interest of that version asks for the key, or the
    /// peer is to keep the event without having asked. Of several versions the newest is answered, whichever was named
    /// last.
    void owe(const std::string& key, InterestVersion version) {
        TULLE_ASSERT(is_marked_key(key));
        InterestVersion& newest = owed_[key];
        newest = std::max(newest, version);
    }
    /// A snapshot of the peer's interest begins. Keys of a snapshot before are in the new one, if the peer still asks
    /// for them.
    void begin_snapshot() { coming_ = {}; }
    /// As owe(), for a key in a chunk of the snapshot: the answer waits for end_snapshot().
    void owe_with_snapshot(const std::string& key) {
        TULLE_ASSERT(is_marked_key(key));
        coming_.keys.insert(key);
    }
    /// The last chunk has come, and the snapshot is the peer's interest of that version. Changes of its keys are due as
    /// records from now on, not before, so a change between an earlier answer and now would never reach the peer.
    void end_snapshot(InterestVersion version) { coming_.version = version; }
    /// True when nothing is left to look at: note_due() must then name each record that is due.
    [[nodiscard]] bool is_level() const { return level_; }
    /// `record` is due to the peer. `before`: the record up to which all were considered at the last flush(). Naming
    /// the record noted last again has no effect. A link that is behind ignores the call, as it will look at all
    /// records itself.
    /// REQUIRES: by the next flush(), all due records beyond `before` have been noted, and are whole in the ring.
    void note_due(RecordNo before, const RecordPtr& record);
    /// Not all records beyond `before` were named to the level links: the next flush() looks at each record.
    void fall_behind(RecordNo before);
    /// True when flush() has something to look at.
    [[nodiscard]] bool has_work() const {
        return !level_ || !owed_.empty() || (coming_.version && !coming_.keys.empty());
    }
    /// Appends the frames to be sent now, as far as the credit allows. Call after each turn with work.
    void flush(Instant now, const Sources& sources, std::vector<FramePtr>& out);
    /// The peer has received all frames up to `received`: frees the frames and their credit. Appends to `held` the
    /// records in those frames that somebody wants copies of, in order of n.
    void on_receipt(FrameNo received, std::vector<RecordPtr>& held);
    /// Appends the missing frames again, unchanged. Each frame is repeated at most once per `repair_again`, and at most
    /// `repair_frames` are repeated per call; the peer asks again for the rest.
    void on_nack(Instant now, const std::vector<FrameRange>& missing, std::vector<FramePtr>& out);
    /// True when a Tail is due now; the caller sends the Tail.
    [[nodiscard]] bool on_deadline(Instant now);
    [[nodiscard]] std::optional<Instant> next_deadline() const { return tail_at_; }

    /// The number of the last frame that was built; 0: none.
    [[nodiscard]] FrameNo last_sent() const { return last_sent_; }
    /// Records up to the returned number were sent, or were not due. `considered`: the record up to which level links
    /// have been told the due records.
    [[nodiscard]] RecordNo upto(RecordNo considered) const { return level_ ? considered : cursor_; }
    /// The last frame with a receipt, and the size of the later ones.
    [[nodiscard]] FrameNo receipted() const { return receipted_; }
    [[nodiscard]] std::size_t unreceipted_bytes() const { return unreceipted_.bytes; }
    /// True once after records were lost for this peer of which nothing is known: all debts to the peer (lists, last
    /// events) must be told again.
    [[nodiscard]] bool take_unknown_lost() { return std::exchange(unknown_lost_, false); }
    /// Records reported as gone by this link, and frames sent again.
    [[nodiscard]] std::uint64_t gone() const { return counts_.gone; }
    [[nodiscard]] std::uint64_t repeated() const { return counts_.repeated; }

private:
    /// A frame without a receipt. `again_after`: not repeated before that moment.
    struct Sent {
        FramePtr frame;
        Instant again_after;
    };

    /// True when the record counts as gone for this peer although the ring has it, as later records were filled in by
    /// others.
    [[nodiscard]] bool is_late(RecordNo n) const { return !extras_.empty() && n <= extras_.back(); }
    /// Builds the next frame; null when there is nothing to send.
    FramePtr next_frame(const Sources& sources);
    /// Adds due records by looking at each record, until the frame is full or the ring is at its end.
    void add_records(const Sources& sources, Frame& frame);
    /// Adds due records from those that were noted, without looking at the others.
    void add_noted(const Sources& sources, Frame& frame);
    /// True when `next` must wait for another frame. An empty frame takes any record.
    [[nodiscard]] bool is_full(const Frame& frame, const Record& next) const;
    /// Only keepers are asked for a receipt at once: a record may have many readers, and needs few copies.
    static void add_record(const Sources& sources, const RecordPtr& record, Frame& frame);
    /// A marked key to be answered, and the version of the peer's interest to be answered.
    struct Owed {
        std::string key;
        InterestVersion version;
    };
    /// Takes the next key to be answered now; nothing when there is none.
    [[nodiscard]] std::optional<Owed> take_owed();
    /// Adds lists and last events that the peer is owed, until the frame is full or nothing is owed.
    void add_owed(const Sources& sources, Frame& frame);
    /// Adds the next piece of the list under way.
    void add_members(Frame& frame);
    /// Adds the last event of a channel. A single event may exceed the frame's size.
    void add_retained(const Sources& sources, const std::string& channel, InterestVersion version, Frame& frame);
    /// Makes up for a lost record: the lists and last events that it changed are owed again.
    void owe_stub(const Sources& sources, const Record& stub);
    /// Moves the cursor over records that the ring has dropped, and over late ones, and reports them in the frame.
    void pass_over_gone(const Sources& sources, Frame& frame);

    /// A list of members under way: the first `sent` members have gone out.
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
    /// The last record looked at. Of a level link the value is old, and is set when next needed.
    RecordNo cursor_;
    bool level_ = false;
    /// The records that note_due() has named since the last flush().
    struct Noted {
        /// True when `records` are all due records beyond cursor_.
        bool is_complete = false;
        std::vector<RecordPtr> records;
        std::size_t sent = 0;
    } noted_;
    /// Records that the peer has got from others, ascending.
    std::vector<RecordNo> extras_;
    /// Marked keys owed to the peer, with the version of the peer's interest to be answered.
    std::map<std::string, InterestVersion> owed_;
    /// Marked keys of the last snapshot that are not answered yet, and its version once it is complete.
    struct Coming {
        std::set<std::string> keys;
        std::optional<InterestVersion> version;
    } coming_;
    std::optional<List> list_;
    FrameNo last_sent_;
    FrameNo receipted_;
    /// Frames receipted_+1 … last_sent_, with the sum of their sizes.
    struct Unreceipted {
        std::deque<Sent> frames;
        std::size_t bytes = 0;
    } unreceipted_;
    /// The moment of the next Tail; nothing before the first flush().
    std::optional<Instant> tail_at_;
    bool unknown_lost_ = false;
    struct Counts {
        std::uint64_t gone = 0;
        std::uint64_t repeated = 0;
    } counts_;
};

}  // namespace tulle::mesh
