#include "mesh/core/session/link_receiver.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"
#include "mesh/core/node/numbers.hpp"

namespace tulle::mesh {
// The receiver of a link. Frames are numbered 1, 2, 3…; received_ is the last frame delivered in order. A frame beyond
// received_ + 1 waits in held_. A frame is missing when it lies between received_ and known_, the highest number
// certainly sent, and is not held.
//
// Three sources raise known_: a later frame, a Tail on the data path (both in order, so believed at once), and a
// heartbeat on the control path. A heartbeat may overtake data, so its claim is believed only after a quiet moment on
// the data path. A Nack goes out `nack_delay` after a hole was found, then with doubling pauses from `nack_retry` to
// `nack_retry_max`; every delivery starts the pauses from the beginning.
static_assert(16 * Limits{}.receipt_bytes == Limits{}.credit_bytes, "a receipt is not far from the end of the credit");
static_assert(Limits{}.credit_bytes <= Limits{}.hold_bytes, "what a sender may have on its way can be held");
static_assert(Timing{}.nack_delay <= Timing{}.nack_retry && Timing{}.nack_retry <= Timing{}.nack_retry_max);

namespace {

/// Memory of a frame with its place in the map. The other costs are in Frame::bytes, except for records reported as
/// gone.
constexpr std::size_t kFrameBytes = 320;
/// Memory of a gone channel's name and count. A name beyond 15 bytes has an allocation of its own.
constexpr std::size_t kGoneBytes = 64;

/// The memory that holding the frame takes, in bytes.
std::size_t memory_of(const Frame& frame) {
    std::size_t bytes = kFrameBytes + frame.bytes;
    for (const auto& [channel, missing] : frame.gone.channels) {
        bytes += kGoneBytes + channel.size();
    }
    return bytes;
}

}  // namespace

void LinkReceiver::on_frame(Instant now, const FramePtr& frame, LinkEffects& out, OriginId via) {
    // Data flows: an unproved claim may still be overtaken by the frames it speaks of, so believing waits again.
    if (believe_at_) {
        believe_at_ = now + timing_.claim_quiet;
    }
    if (frame->no <= received_ || held_.contains(frame->no)) {
        ++counts_.duplicates;
        return;
    }
    // No honest sender runs so far ahead, as its credit ends before.
    if (frame->no.value - received_.value > limits_.frames_ahead) {
        return;
    }
    considered_ = std::max(considered_, frame->upto);
    const Arrival arrival{frame->no <= holes_upto_, via};
    if (arrival.repaired) {
        ++counts_.repaired;
    }
    // A later frame proves a hole before it.
    if (frame->no != received_.next()) {
        hold(frame, arrival);
        learn(now, frame->no);
        return;
    }
    deliver(*frame, arrival, out);
    // The hole is filled: deliver all frames that waited for it.
    while (!held_.empty() && held_.begin()->first == received_.next()) {
        const Held next = held_.begin()->second;
        held_.erase(held_.begin());
        held_bytes_ -= next.bytes;
        deliver(*next.frame, next.arrival, out);
    }
    known_ = std::max(known_, received_);
    after_progress(now);
    // The credit is given back before the sender runs out of it.
    if (since_receipt_ >= limits_.receipt_bytes) {
        send_receipt(out);
    }
}

void LinkReceiver::send_receipt(LinkEffects& out) {
    since_receipt_ = 0;
    owes_receipt_ = false;
    out.push_back(SendReceipt{received_});
}

void LinkReceiver::deliver(const Frame& frame, const Arrival& arrival, LinkEffects& out) {
    TULLE_ASSERT(frame.no == received_.next());
    // The order of a frame's parts: gaps first, then lists and last events, then records.
    if (!frame.gone.empty()) {
        out.push_back(ReportGone{frame.gone, frame.upto});
    }
    for (const PresencePartPtr& part : frame.presence) {
        out.push_back(AcceptMembers{part});
    }
    for (const RetainedPartPtr& part : frame.retained) {
        out.push_back(AcceptRetained{part});
    }
    for (const RecordPtr& record : frame.records) {
        // The record came in an earlier session, or from another node during recovery.
        if (record->n <= delivered_) {
            ++counts_.duplicates;
            continue;
        }
        delivered_ = record->n;
        out.push_back(DeliverRecord{record, arrival});
    }
    // Records between the last one of the frame and `upto` were not due here.
    delivered_ = std::max(delivered_, frame.upto);
    received_ = frame.no;
    since_receipt_ += frame.bytes;
    owes_receipt_ = owes_receipt_ || frame.receipt_now;
}

void LinkReceiver::hold(const FramePtr& frame, const Arrival& arrival) {
    TULLE_ASSERT(received_.next() < frame->no);
    const std::size_t bytes = memory_of(*frame);
    held_.emplace(frame->no, Held{frame, arrival, bytes});
    held_bytes_ += bytes;
    while (held_bytes_ > limits_.hold_bytes) {
        TULLE_ASSERT(!held_.empty());
        // The highest frame goes: the lowest ones are needed first.
        const auto highest = std::prev(held_.end());
        held_bytes_ -= highest->second.bytes;
        held_.erase(highest);
    }
}

void LinkReceiver::on_claim(Instant now, FrameNo last_sent, RecordNo upto, bool in_order) {
    considered_ = std::max(considered_, upto);
    // No frame is under way, so all records up to `upto` were delivered or not due.
    if (last_sent == received_) {
        delivered_ = std::max(delivered_, upto);
    }
    // Nothing new, or an impossible claim.
    if (last_sent <= known_ || last_sent.value - received_.value > limits_.frames_ahead) {
        return;
    }
    if (in_order) {
        learn(now, last_sent);
        return;
    }
    claimed_ = std::max(claimed_, last_sent);
    if (!believe_at_) {
        believe_at_ = now + timing_.claim_quiet;
    }
}

void LinkReceiver::learn(Instant now, FrameNo known) {
    known_ = std::max(known_, known);
    // Each missing frame is counted once as a hole, when first found missing.
    const FrameNo counted = std::max(holes_upto_, received_);
    if (counted < known_) {
        const auto first_held = held_.upper_bound(counted);
        const auto held = static_cast<std::uint64_t>(std::distance(first_held, held_.upper_bound(known_)));
        counts_.holes += known_.value - counted.value - held;
    }
    holes_upto_ = std::max(holes_upto_, known_);
    // A short delay before the first Nack: a frame relayed by a witness may be overtaken.
    if (!nack_at_) {
        backoff_ = timing_.nack_retry;
        nack_at_ = now + timing_.nack_delay;
    }
}

void LinkReceiver::after_progress(Instant now) {
    if (claimed_ <= known_) {
        believe_at_.reset();
    }
    if (received_ == known_) {
        nack_at_.reset();
        return;
    }
    // Progress shows that repair works: ask for the rest soon.
    backoff_ = timing_.nack_retry;
    nack_at_ = nack_at_ ? std::min(*nack_at_, now + backoff_) : now + timing_.nack_delay;
}

std::vector<FrameRange> LinkReceiver::missing() const {
    std::vector<FrameRange> ranges;
    FrameNo expected = received_.next();
    for (const auto& [no, held] : held_) {
        if (ranges.size() == limits_.nack_ranges) {
            return ranges;
        }
        if (expected < no) {
            ranges.push_back({expected, FrameNo{no.value - 1}});
        }
        expected = no.next();
    }
    if (expected <= known_ && ranges.size() < limits_.nack_ranges) {
        ranges.push_back({expected, known_});
    }
    return ranges;
}

std::uint64_t LinkReceiver::lost() const {
    const FrameNo last = std::max(known_, claimed_);
    // No frame is missing, or all frames up to `last` are held.
    if (last <= received_ || last.value - received_.value <= held_.size()) {
        return 0;
    }
    // A hole without a countable record is reported as at least one lost record.
    const std::uint64_t held = held_records().size();
    const std::uint64_t passed = considered_ <= delivered_ ? 0 : considered_.value - delivered_.value;
    return passed > held ? passed - held : 1;
}

void LinkReceiver::hurry(Instant now) {
    if (nack_at_) {
        nack_at_ = now;
        backoff_ = timing_.nack_retry;
    }
}

void LinkReceiver::on_deadline(Instant now, LinkEffects& out) {
    // One receipt for all frames of the turn. The effects of the frames have been run, so the receipt says nothing that
    // is not true yet.
    if (owes_receipt_) {
        send_receipt(out);
    }
    if (believe_at_ && *believe_at_ <= now) {
        believe_at_.reset();
        // The data path is quiet, so the claimed frames did not just get overtaken: ask without further delay.
        if (claimed_ > known_) {
            learn(now, claimed_);
            nack_at_ = now;
        }
    }
    if (nack_at_ && *nack_at_ <= now) {
        out.push_back(SendNack{missing()});
        nack_at_ = now + backoff_;
        backoff_ = std::min(2 * backoff_, timing_.nack_retry_max);
    }
}

std::optional<Instant> LinkReceiver::next_deadline() const {
    if (nack_at_ && believe_at_) {
        return std::min(*nack_at_, *believe_at_);
    }
    return nack_at_ ? nack_at_ : believe_at_;
}

}  // namespace tulle::mesh
