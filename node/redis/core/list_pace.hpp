#pragma once

namespace tulle::node::redis {

/// Spreads the questions for lists of names over the turns of a shard. A list of many names is much work twice: this
/// node's answer has the turn after the question, and the reply has the turn after that. So a question is asked at the
/// end of every second turn at most, and what all other clients wait for is half of the work for one list.
///
/// What nodes do for the clients of other nodes does not count, so nobody can keep a list waiting for ever.
///
/// Thread: the shard's.
class ListPace {
public:
    /// The end of a turn, at which those that wait may ask, in the order in which they came.
    void begin_turn_end() {
        is_end_ = true;
        pause_ -= pause_ > 0 ? 1 : 0;
    }
    void finish_turn_end() { is_end_ = false; }
    /// True when a list may be asked for now; the next one then waits.
    [[nodiscard]] bool take() {
        if (!is_end_ || pause_ > 0) {
            return false;
        }
        pause_ = kPause;
        return true;
    }

private:
    static constexpr unsigned kPause = 2;

    bool is_end_ = false;
    unsigned pause_ = 0;
};

}  // namespace tulle::node::redis
