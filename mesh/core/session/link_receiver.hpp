#pragma once

#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "mesh/core/node/messages.hpp"
#include "mesh/core/node/numbers.hpp"

namespace tulle::mesh {

/// How a frame came.
struct Arrival {
    bool repaired = false;  ///< only after it was found missing
    OriginId via;           ///< the witness that relayed it; 0: directly
    friend bool operator==(const Arrival&, const Arrival&) = default;
};

/// Hand this record on: the next one of its origin.
struct DeliverRecord {
    RecordPtr record;
    Arrival arrival{};
    friend bool operator==(const DeliverRecord&, const DeliverRecord&) = default;
};
/// The origin no longer has these: tell the subscribers.
struct ReportGone {
    Gone gone;
    RecordNo upto;  ///< they are no later than this one
    friend bool operator==(const ReportGone&, const ReportGone&) = default;
};
/// The origin lists its users: before the records that follow.
struct AcceptMembers {
    PresencePartPtr part;
    friend bool operator==(const AcceptMembers&, const AcceptMembers&) = default;
};
/// What the origin holds as the last event of a channel: before the records that follow.
struct AcceptRetained {
    RetainedPartPtr part;
    friend bool operator==(const AcceptRetained&, const AcceptRetained&) = default;
};
struct SendNack {
    std::vector<FrameRange> missing;
    friend bool operator==(const SendNack&, const SendNack&) = default;
};
/// So much has come that the sender's credit should be given back before the next heartbeat.
struct SendReceipt {
    FrameNo received;
    friend bool operator==(const SendReceipt&, const SendReceipt&) = default;
};
using LinkEffect = std::variant<DeliverRecord, ReportGone, AcceptMembers, AcceptRetained, SendNack, SendReceipt>;
using LinkEffects = std::vector<LinkEffect>;

/// One direction of one link session, at the receiver: puts frames in order, asks for missing ones, drops what it has.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
/// Order:  records are delivered in order of n, each once; run the appended effects in order.
/// Limits: holds at most `hold_bytes` of memory beyond a hole, whatever a frame consists of; past that the highest
/// frames are dropped and asked for again.
/// Errors: none. A duplicate frame or record is dropped and counted, as the transport may repeat.
class LinkReceiver {
public:
    LinkReceiver(const Timing& timing, const Limits& limits, RecordNo delivered)
        : timing_(timing), limits_(limits), delivered_(delivered), backoff_(timing.nack_retry) {}

    /// `via`: the witness that has passed it on; 0: it came directly.
    void on_frame(Instant now, const FramePtr& frame, LinkEffects& out, OriginId via = {});
    /// The sender says how far it has come: `in_order` when it came behind the frames on the data path, else it may
    /// have overtaken them.
    void on_claim(Instant now, FrameNo last_sent, RecordNo upto, bool in_order);
    /// There is a new way to the sender: ask at once for what is missing.
    void hurry(Instant now);
    void on_deadline(Instant now, LinkEffects& out);
    [[nodiscard]] std::optional<Instant> next_deadline() const;

    /// All frames up to here were delivered.
    [[nodiscard]] FrameNo received() const { return received_; }
    /// All records of the origin up to here were delivered, or were of no interest.
    [[nodiscard]] RecordNo delivered() const { return delivered_; }
    /// The sender has come at least so far, as we have heard.
    [[nodiscard]] RecordNo considered() const { return considered_; }
    [[nodiscard]] std::uint64_t holes() const { return counts_.holes; }
    [[nodiscard]] std::uint64_t repaired() const { return counts_.repaired; }
    [[nodiscard]] std::uint64_t duplicates() const { return counts_.duplicates; }
    [[nodiscard]] std::size_t held_bytes() const { return held_bytes_; }
    /// How many records may be in the frames that are known to be missing; 0 when none is. No fewer than there are:
    /// those of no interest to us are numbered as well.
    [[nodiscard]] std::uint64_t lost() const;
    /// What came beyond a hole and waits for it.
    [[nodiscard]] std::vector<RecordPtr> held_records() const {
        std::vector<RecordPtr> records;
        for (const auto& [no, held] : held_) {
            records.insert(records.end(), held.frame->records.begin(), held.frame->records.end());
        }
        return records;
    }

private:
    struct Held {
        FramePtr frame;
        Arrival arrival;
        std::size_t bytes = 0;  ///< what it takes in memory
    };

    void deliver(const Frame& frame, const Arrival& arrival, LinkEffects& out);
    void hold(const FramePtr& frame, const Arrival& arrival);
    void learn(Instant now, FrameNo known);
    void after_progress(Instant now);
    [[nodiscard]] std::vector<FrameRange> missing() const;

    Timing timing_;
    Limits limits_;
    FrameNo received_;
    RecordNo delivered_;
    FrameNo known_;        // highest that was certainly sent
    RecordNo considered_;  // highest record that the sender has come to, as far as we know
    FrameNo claimed_;      // highest that was claimed; believed when the data path is quiet
    std::map<FrameNo, Held> held_;
    std::size_t held_bytes_ = 0;
    std::size_t since_receipt_ = 0;
    std::optional<Instant> nack_at_;
    std::optional<Instant> believe_at_;
    Duration backoff_;
    struct Counts {
        std::uint64_t holes = 0;
        std::uint64_t repaired = 0;
        std::uint64_t duplicates = 0;
    } counts_;
    FrameNo holes_upto_;  // frames up to here were already counted as holes
};

}  // namespace tulle::mesh
