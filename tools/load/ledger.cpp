#include "tools/load/ledger.hpp"

#include <algorithm>
#include <cstring>

#include "mesh/base/assert.hpp"
#include "tools/load/text.hpp"

namespace tulle::load {

Ledger::Ledger(const Plan& plan)
    : channels_(plan.channels),
      published_channels_(plan.published_channels),
      stride_(plan.channels / plan.published_channels),
      streams_(plan.streams()),
      streams_per_channel_(plan.streams_per_channel()),
      publishers_(std::max(plan.publishers, 1U)),
      received_of_(publishers_) {}

Receiver Ledger::add_receiver(std::uint32_t first_channel, std::uint32_t channels) {
    const Receiver receiver{
        .first_channel = first_channel, .channels = channels, .base = static_cast<std::uint32_t>(next_.size())};
    // A range of expectations for each receiver: channel by channel, and within a channel stream by stream.
    next_.resize(next_.size() + std::size_t{channels} * streams_per_channel_);
    return receiver;
}

void Ledger::begin(std::size_t text_bytes, std::size_t tail_bytes) {
    TULLE_ASSERT(text_bytes >= kStampBytes && tail_bytes >= text_bytes);
    // A new number, so that messages of the run before are recognised as stale.
    run_ = (run_ + 1) % kRuns;
    text_bytes_ = text_bytes;
    // take() compares kTimedStampBytes bytes, so a shorter tail is never assumed. Texts without a time are shorter and
    // go the slow way.
    tail_bytes_ = std::max(tail_bytes, kTimedStampBytes);
    timed_ = text_bytes >= kTimedStampBytes;
    known_.fill({});
    missing_ = 0;
    tally_ = {};
    latency_.clear();
    std::fill(next_.begin(), next_.end(), 0);
    std::fill(received_of_.begin(), received_of_.end(), 0);
}

bool Ledger::enter_unexpected(std::uint32_t number, std::uint32_t& next) {
    // The numbers between are missing for now. A later arrival of such a number is out of order.
    if (number > next) {
        missing_ += number - next;
        next = number;
        return true;
    }
    // The Ledger keeps no list of gaps, only their number, so the message is assumed to have filled a gap.
    if (missing_ > 0) {
        --missing_;
        ++tally_.out_of_order;
    } else {
        ++tally_.duplicates;
    }
    return false;
}

bool Ledger::take_unknown(const Receiver& receiver, std::string_view message, Instant now) {
    // Looks first where the text of the message before began, counted from the end.
    const bool as_before = message.size() >= tail_bytes_ && message[message.size() - tail_bytes_] == kStampMark;
    const std::size_t at = as_before ? message.size() - tail_bytes_ : message.find(kStampMark);
    if (at == std::string_view::npos) {
        return false;
    }
    const std::string_view tail = message.substr(at);
    if (tail.size() < kStampBytes) {
        ++tally_.malformed;
        return true;
    }
    const Stamp stamp = read_stamp(tail.data());
    const std::uint32_t stream = stamp.run_and_stream & (kMaxStreams - 1);
    if (stamp.run_and_stream >> kStreamBits != run_) {
        ++tally_.stale;
        return true;
    }
    // A text found at the usual place has the usual length; any other text is measured.
    if (stream >= streams_ || !(as_before || text_length(tail) == text_bytes_)) {
        ++tally_.malformed;
        return true;
    }
    Known known{.number = stamp.number,
                .channel = stream % published_channels_ * stride_,
                .offset = stream / published_channels_,
                .publisher = stream % publishers_};
    // Remembers the meaning for the next receiver. Only texts with a time have the 32 bytes that take() compares.
    if (timed_) {
        std::memcpy(known.bytes.data(), tail.data(), kTimedStampBytes);
        known.intended = read_intended_time(tail.data());
        known_[slot_of(tail.data())] = known;
        // A message of another size has the mark elsewhere, so take() will not find the mark at the remembered place.
        tail_bytes_ = tail.size();
    }
    enter(receiver, known, now);
    return true;
}

}  // namespace tulle::load
