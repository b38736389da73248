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

/// What has been received in a run, one count for each message and receiver.
struct Tally {
    std::uint64_t received = 0;      ///< whole, in order, for the first time
    std::uint64_t duplicates = 0;    ///< received before
    std::uint64_t out_of_order = 0;  ///< overtaken by a later one of its stream; not counted as received
    std::uint64_t malformed = 0;     ///< of another size than was sent, or of a channel that the receiver has not
    std::uint64_t stale = 0;         ///< of an earlier run that was given up

    [[nodiscard]] bool clean() const { return duplicates == 0 && out_of_order == 0 && malformed == 0; }
};

/// Where a receiver's expectations begin, see Ledger::add_receiver.
struct Receiver {
    std::uint32_t first_channel = 0;
    std::uint32_t channels = 0;
    std::uint32_t base = 0;
};

/// Keeps account of one run after the other: what each receiver has got of each stream, and after how long.
///
/// A duplicate and a message that comes after a later one look the same (the number has been passed); it is called out
/// of order as long as the run has gaps that it may have filled, and a duplicate then.
///
/// Limits: 4 bytes for each subscription and stream of its channel. Nothing is allocated between begin() and the end of
/// a run. Thread: one.
class Ledger {
public:
    explicit Ledger(const Plan& plan);

    [[nodiscard]] Receiver add_receiver(std::uint32_t first_channel, std::uint32_t channels);

    /// Forgets the run before. `text_bytes`: of each message. `tail_bytes`: of what a message has from the beginning of
    /// its text to its end, as a first guess; it is corrected by the first message that shows another.
    void begin(std::size_t text_bytes, std::size_t tail_bytes);

    [[nodiscard]] std::uint32_t run() const { return run_; }

    /// Enters a message. False when it holds no text of ours: then nothing was entered, and it is something else.
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

    [[nodiscard]] const Tally& tally() const { return tally_; }
    [[nodiscard]] const Histogram& latency() const { return latency_; }
    /// Of tally().received, what came from this publisher.
    [[nodiscard]] std::uint64_t received_of(std::uint32_t publisher) const { return received_of_[publisher]; }

private:
    // More fields than 15: the arithmetic of streams, fixed for a run, and what is counted in it.
    /// What the first bytes of a text mean. Most messages are received more than once, by one subscriber after the
    /// other, so that comparing them with those that came lately is cheaper than reading them.
    struct Known {
        std::array<std::uint64_t, 4> bytes{};
        std::uint32_t number = 0;
        std::uint32_t channel = 0;
        std::uint32_t offset = 0;  ///< among the streams of its channel
        std::uint32_t publisher = 0;
        Instant intended{};

        [[nodiscard]] bool is(const char* text) const {
            return bytes[1] == detail::load8(text + 8) && bytes[0] == detail::load8(text) &&
                   bytes[2] == detail::load8(text + 16) && bytes[3] == detail::load8(text + 24);
        }
    };
    static constexpr std::size_t kKnown = 256;

    /// By the last digits of the number. REQUIRES: tail_bytes_ readable.
    [[nodiscard]] static std::size_t slot_of(const char* text) {
        return (static_cast<std::size_t>(text[14]) * 16 + static_cast<std::size_t>(text[15])) % kKnown;
    }

    void enter(const Receiver& receiver, const Known& known, Instant now) {
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

    /// Whether it counts as received: a later one than expected does.
    bool enter_unexpected(std::uint32_t number, std::uint32_t& next);
    bool take_unknown(const Receiver& receiver, std::string_view message, Instant now);

    std::uint32_t channels_;
    std::uint32_t published_channels_;
    std::uint32_t stride_;
    std::uint32_t streams_;
    std::uint32_t streams_per_channel_;
    std::uint32_t publishers_;
    std::uint32_t run_ = 0;
    std::size_t text_bytes_ = kStampBytes;
    std::size_t tail_bytes_ = kTimedStampBytes;  ///< never less, so that `take` may compare so many bytes
    bool timed_ = false;
    std::uint64_t missing_ = 0;
    Tally tally_;
    Histogram latency_;
    std::array<Known, kKnown> known_{};  ///< only of this run, and only with a time
    std::vector<std::uint32_t> next_;
    std::vector<std::uint64_t> received_of_;
};

}  // namespace tulle::load
