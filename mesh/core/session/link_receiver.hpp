#pragma once

#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "mesh/core/node/messages.hpp"
#include "mesh/core/node/numbers.hpp"

namespace tulle::mesh {

/// By which way a frame came.
struct Arrival {
    /// The frame was found missing before it came.
    bool repaired = false;
    /// The witness that relayed the frame; 0: the frame came directly.
    OriginId via;
    [[nodiscard]] TracePath path() const {
        return repaired ? TracePath::kRepaired : via != OriginId{} ? TracePath::kRelayed : TracePath::kDirect;
    }
    friend bool operator==(const Arrival&, const Arrival&) = default;
};

/// Hand on the record, the next due record of its origin.
struct DeliverRecord {
    RecordPtr record;
    Arrival arrival{};
    friend bool operator==(const DeliverRecord&, const DeliverRecord&) = default;
};
/// The origin no longer has these records: tell the subscribers concerned.
struct ReportGone {
    Gone gone;
    /// All lost records have numbers up to this.
    RecordNo upto;
    friend bool operator==(const ReportGone&, const ReportGone&) = default;
};
/// Take in a piece of the origin's list of users, before the records that follow.
struct AcceptMembers {
    PresencePartPtr part;
    friend bool operator==(const AcceptMembers&, const AcceptMembers&) = default;
};
/// Take in the event that the origin holds as the last of a channel, before the records that follow.
struct AcceptRetained {
    RetainedPartPtr part;
    friend bool operator==(const AcceptRetained&, const AcceptRetained&) = default;
};
/// Ask the sender for the missing frames (at most `nack_ranges` ranges, ascending).
struct SendNack {
    std::vector<FrameRange> missing;
    friend bool operator==(const SendNack&, const SendNack&) = default;
};
/// Tell the sender at once what has been received: `receipt_bytes` have come since the last such receipt, and the
/// sender's credit must not wait for the next heartbeat; or somebody waits for copies of what has been received.
struct SendReceipt {
    FrameNo received;
    friend bool operator==(const SendReceipt&, const SendReceipt&) = default;
};
/// The work that a LinkReceiver wants done; run in order.
using LinkEffect = std::variant<DeliverRecord, ReportGone, AcceptMembers, AcceptRetained, SendNack, SendReceipt>;
using LinkEffects = std::vector<LinkEffect>;

/// One direction of a link session, at the receiver: puts frames in order, asks for missing frames, drops repeated
/// ones. The head of link_receiver.cpp explains the algorithm.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Order:  records are delivered in order of n, each once; run the appended effects in order.
/// Ownership: shares frames with the caller; copies `timing` and `limits`.
/// Limits: holds at most `hold_bytes` of memory beyond a hole, whatever a frame consists of. Past that limit the
///         highest frames are dropped and asked for again. A frame more than `frames_ahead` beyond the last delivered
///         one is dropped.
/// Errors: none. A duplicate frame or record is dropped and counted, as the transport may repeat.
class LinkReceiver {
public:
    /// `delivered`: the last record of the origin known here; records up to this number are dropped.
    LinkReceiver(const Timing& timing, const Limits& limits, RecordNo delivered)
        : timing_(timing), limits_(limits), delivered_(delivered), backoff_(timing.nack_retry) {}

    /// Takes in a frame. `via`: the witness that has passed on the frame; 0: the frame came directly.
    void on_frame(Instant now, const FramePtr& frame, LinkEffects& out, OriginId via = {});
    /// The sender says how far its link has come: `last_sent` is the last frame, `upto` the last record considered.
    /// `in_order`: the claim came behind the frames, on the data path. Otherwise the claim may have overtaken frames,
    /// and is believed only after `claim_quiet` without a frame.
    void on_claim(Instant now, FrameNo last_sent, RecordNo upto, bool in_order);
    /// There is a new way to the sender: asks for missing frames at the next on_deadline().
    void hurry(Instant now);
    /// Asks for missing frames when due, and sends the receipt that a frame of the turn has asked for. Call at the end
    /// of a turn with frames, and at next_deadline() or later.
    void on_deadline(Instant now, LinkEffects& out);
    /// The moment of the next on_deadline() with something to do; nothing when no frame is missing. A receipt is not
    /// named, as it is due at the end of the turn anyway.
    [[nodiscard]] std::optional<Instant> next_deadline() const;

    /// All frames up to this number were delivered.
    [[nodiscard]] FrameNo received() const { return received_; }
    /// All records of the origin up to this number were delivered, or were not due here.
    [[nodiscard]] RecordNo delivered() const { return delivered_; }
    /// The sender has looked at records up to this number at least, as far as is known here.
    [[nodiscard]] RecordNo considered() const { return considered_; }
    /// Frames that were found missing; frames of those that came later; duplicates among frames and records.
    [[nodiscard]] std::uint64_t holes() const { return counts_.holes; }
    [[nodiscard]] std::uint64_t repaired() const { return counts_.repaired; }
    [[nodiscard]] std::uint64_t duplicates() const { return counts_.duplicates; }
    /// Memory of the frames that wait beyond a hole.
    [[nodiscard]] std::size_t held_bytes() const { return held_bytes_; }
    /// An upper bound of the records in the frames known to be missing; 0 when no frame is missing. Records that are
    /// not due here are numbered as well, so the true number may be lower.
    [[nodiscard]] std::uint64_t lost() const;
    /// The records of all frames that wait beyond a hole, in order of n.
    [[nodiscard]] std::vector<RecordPtr> held_records() const {
        std::vector<RecordPtr> records;
        for (const auto& [no, held] : held_) {
            records.insert(records.end(), held.frame->records.begin(), held.frame->records.end());
        }
        return records;
    }

private:
    /// A frame that waits for the frames before it.
    struct Held {
        FramePtr frame;
        Arrival arrival;
        /// The frame's size in memory.
        std::size_t bytes = 0;
    };

    /// Appends the effects of the next frame.
    void deliver(const Frame& frame, const Arrival& arrival, LinkEffects& out);
    void send_receipt(LinkEffects& out);
    /// Keeps a frame beyond a hole; drops the highest frames past `hold_bytes`.
    void hold(const FramePtr& frame, const Arrival& arrival);
    /// The sender has certainly sent frames up to `known`: counts new holes and schedules a Nack.
    void learn(Instant now, FrameNo known);
    /// After a delivery: stops asking when nothing is missing, else asks soon.
    void after_progress(Instant now);
    /// The missing frames as at most `nack_ranges` ranges, ascending.
    [[nodiscard]] std::vector<FrameRange> missing() const;

    Timing timing_;
    Limits limits_;
    FrameNo received_;
    RecordNo delivered_;
    /// Highest frame that was certainly sent.
    FrameNo known_;
    /// Highest record that the sender is known to have looked at.
    RecordNo considered_;
    /// Highest frame of an unproved claim, believed when the data path is quiet.
    FrameNo claimed_;
    /// Frames beyond a hole, with the sum of their sizes in memory.
    std::map<FrameNo, Held> held_;
    std::size_t held_bytes_ = 0;
    /// Bytes delivered since the last SendReceipt.
    std::size_t since_receipt_ = 0;
    /// A frame that asks for a receipt has been delivered since the last SendReceipt.
    bool owes_receipt_ = false;
    /// The next Nack, while a frame is missing.
    std::optional<Instant> nack_at_;
    /// The moment at which claimed_ is believed.
    std::optional<Instant> believe_at_;
    /// Pause after the next Nack; doubles up to `nack_retry_max`.
    Duration backoff_;
    struct Counts {
        std::uint64_t holes = 0;
        std::uint64_t repaired = 0;
        std::uint64_t duplicates = 0;
    } counts_;
    /// Missing frames up to this number were already counted as holes.
    FrameNo holes_upto_;
};

}  // namespace tulle::mesh
