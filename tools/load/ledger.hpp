#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "mesh/base/time.hpp"
#include "tools/load/histogram.hpp"
#include "tools/load/plan.hpp"
#include "tools/load/stamp.hpp"

namespace tulle::load {

/// Counts of a run. A message to several receivers counts once for each receiver.
struct Tally {
    /// Complete, in order, and for the first time.
    std::uint64_t received = 0;
    /// Received before.
    std::uint64_t duplicates = 0;
    /// Overtaken by a later message of the stream. Not counted as received.
    std::uint64_t out_of_order = 0;
    /// Of another size than the sent messages, or of a channel without a subscription of the receiver.
    std::uint64_t malformed = 0;
    /// Of an earlier run that was given up before all messages had come.
    std::uint64_t stale = 0;

    /// True without any error. Missing messages and stale messages are no errors here.
    [[nodiscard]] bool clean() const { return duplicates == 0 && out_of_order == 0 && malformed == 0; }
};

/// Identifies a receiver to the Ledger, see Ledger::add_receiver().
struct Receiver {
    std::uint32_t first_channel = 0;
    std::uint32_t channels = 0;
    /// Where the receiver's expectations begin among the expectations of all receivers.
    std::uint32_t base = 0;
};

/// Keeps account of a run after another: how many messages of each stream each receiver has got, and after how long.
///
/// A duplicate and a message overtaken by a later message look alike: the number has been passed. The Ledger calls such
/// a message out of order as long as the run has gaps for the message to have filled, and a duplicate otherwise.
///
/// Thread: one thread.
/// Limits: 4 bytes for each subscription and stream of the subscription's channel. Nothing is allocated between begin()
///         and the end of a run.
class Ledger {
public:
    /// `plan` must have no complaint().
    explicit Ledger(const Plan& plan);

    /// Adds a receiver of `channels` channels in a row. To be called before the first begin().
    [[nodiscard]] Receiver add_receiver(std::uint32_t first_channel, std::uint32_t channels);

    /// Begins a run and forgets the run before.
    ///
    /// `text_bytes`: bytes of each message's text, at least kStampBytes. `tail_bytes`: bytes from the beginning of a
    /// text to the end of the message, as a first guess. The first message with another tail corrects the guess.
    void begin(std::size_t text_bytes, std::size_t tail_bytes);

    /// The number of the run, as stamped into the run's messages.
    [[nodiscard]] std::uint32_t run() const { return run_; }

    /// Enters a message. Returns false when the message holds no stamped text: nothing was entered then, and the
    /// dialect has to deal with the piece.
    [[nodiscard]] bool take(const Receiver& receiver, std::string_view message, Instant now) {
        if (message.size() >= tail_bytes_) {
            const char* const text = message.data() + (message.size() - tail_bytes_);
            const Known& known = known_[slot_of(text)];
            if (known.is(text)) {
                enter(receiver, known, now);
                return true;
            }
        }
        return take_unknown(receiver, message, now);
    }

    /// The counts since begin().
    [[nodiscard]] const Tally& tally() const { return tally_; }
    /// From the intended time to the arrival, for messages with room for a time.
    [[nodiscard]] const Histogram& latency() const { return latency_; }
    /// The messages of a publisher among tally().received.
    [[nodiscard]] std::uint64_t received_of(std::uint32_t publisher) const { return received_of_[publisher]; }

private:
    // More fields than 15: the arithmetic of streams, fixed for a run, and what is counted in it.
    /// The meaning of the first bytes of a text. Most messages are received more than once, by a subscriber after
    /// another, so a comparison with recent messages is cheaper than reading the stamp again.
    struct Known {
        std::array<std::uint64_t, 4> bytes{};
        std::uint32_t number = 0;
        std::uint32_t channel = 0;
        /// The place of the stream among the streams of the channel.
        std::uint32_t offset = 0;
        std::uint32_t publisher = 0;
        Instant intended{};

        /// Compares all 32 bytes, the likeliest difference (the number) first.
        [[nodiscard]] bool is(const char* text) const {
            return bytes[1] == detail::load8(text + 8) && bytes[0] == detail::load8(text) &&
                   bytes[2] == detail::load8(text + 16) && bytes[3] == detail::load8(text + 24);
        }
    };
    /// Recent messages remembered. slot_of() looks at the last two hexadecimal digits of the number: 256 combinations.
    static constexpr std::size_t kKnown = 256;

    /// The slot of a text, by the last digits of the number. REQUIRES: tail_bytes_ readable bytes.
    [[nodiscard]] static std::size_t slot_of(const char* text) {
        return (static_cast<std::size_t>(text[14]) * 16 + static_cast<std::size_t>(text[15])) % kKnown;
    }

    /// Enters a message with a known stamp.
    void enter(const Receiver& receiver, const Known& known, Instant now) {
        // The receiver's channels wrap round behind the last channel.
        const std::uint32_t local = known.channel >= receiver.first_channel
                                        ? known.channel - receiver.first_channel
                                        : known.channel + channels_ - receiver.first_channel;
        if (local >= receiver.channels) {
            ++tally_.malformed;
            return;
        }
        std::uint32_t& next = next_[receiver.base + local * streams_per_channel_ + known.offset];
        if (known.number != next && !enter_unexpected(known.number, next)) {
            return;
        }
        ++next;
        ++tally_.received;
        ++received_of_[known.publisher];
        if (timed_) {
            latency_.record(now - known.intended);
        }
    }

    /// Deals with a number other than the expected. Returns true for a later number: the message counts as received.
    bool enter_unexpected(std::uint32_t number, std::uint32_t& next);
    /// The slow path of take(): looks for the stamp and remembers the meaning.
    bool take_unknown(const Receiver& receiver, std::string_view message, Instant now);

    std::uint32_t channels_;
    std::uint32_t published_channels_;
    /// The distance between two published channels.
    std::uint32_t stride_;
    std::uint32_t streams_;
    std::uint32_t streams_per_channel_;
    std::uint32_t publishers_;
    std::uint32_t run_ = 0;
    std::size_t text_bytes_ = kStampBytes;
    /// Never less than kTimedStampBytes, so that take() may compare that many bytes.
    std::size_t tail_bytes_ = kTimedStampBytes;
    /// True when texts have room for a time.
    bool timed_ = false;
    /// Numbers passed over in this run and not yet seen.
    std::uint64_t missing_ = 0;
    Tally tally_;
    Histogram latency_;
    /// Of this run only, and only with a time.
    std::array<Known, kKnown> known_{};
    /// The expected number for each receiver, channel and stream.
    std::vector<std::uint32_t> next_;
    std::vector<std::uint64_t> received_of_;
};

}  // namespace tulle::load
