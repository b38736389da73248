#pragma once

#include <cstddef>

#include "mesh/base/time.hpp"

namespace tulle::mesh {

/// Chooses the messages that say when they were numbered (Record::numbered_us), so that deliveries can be measured: the
/// first message in each millisecond, and every kEvery-th message of those that follow closer. So a slow stream is
/// measured whole, and of a fast stream a sixteenth pays for the 8 bytes on the wire and for the measurement. Traced
/// messages (Record::context) say so too, chosen or not.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Errors: none.
class TimedRecords {
public:
    static constexpr std::size_t kEvery = 16;
    static constexpr Duration kInterval = 1ms;

    /// True when the message that is numbered at `now` is to say so.
    [[nodiscard]] bool take(Instant now) {
        if (++since_ < kEvery && now < last_ + kInterval) {
            return false;
        }
        since_ = 0;
        last_ = now;
        return true;
    }

private:
    /// When the last chosen message was numbered, and the messages numbered since.
    Instant last_{};
    std::size_t since_ = kEvery;
};

}  // namespace tulle::mesh
