#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mesh/base/ids.hpp"
#include "mesh/base/time.hpp"

namespace tulle::node::redis {

/// What a store wants done, each list in order; records before questions.
struct StoreEffects {
    /// A question to some nodes. The answers, or their absence after the time, come to Store::on_result.
    struct Question {
        std::uint64_t id = 0;
        std::vector<OriginId> to;
        std::string body;
        Duration timeout{};
    };
    /// The answer to a question of another node.
    struct Answer {
        std::uint64_t token = 0;
        std::string body;
    };
    /// The reply to a command that has waited.
    struct Reply {
        std::uint64_t call = 0;
        std::string text;
        /// The reply may go out when Store::released() has reached the number.
        std::uint64_t gate = 0;
    };

    /// To be published to all nodes that keep the keys of the realm.
    std::vector<std::string> records;
    std::vector<Question> questions;
    std::vector<Answer> answers;
    std::vector<Reply> replies;
};

/// What has happened in a store since it was made.
struct StoreCounts {
    std::uint64_t writes = 0;
    /// Records that not all nodes had taken in when the time was over.
    std::uint64_t late_records = 0;
    /// Commands that another node did as the owner of their key, and that this node did for others.
    std::uint64_t calls = 0;
    std::uint64_t calls_served = 0;
    /// Commands that no owner answered in time.
    std::uint64_t failed_calls = 0;
    /// Looks into another node's keys because they differed.
    std::uint64_t pulls = 0;
    std::uint64_t pulled_cells = 0;
    /// Records of other nodes that were missed.
    std::uint64_t gaps = 0;
    /// Messages of other nodes that were not heard as their clock is too far away.
    std::uint64_t clock_refusals = 0;
    /// Messages of other nodes that could not be read.
    std::uint64_t bad_messages = 0;
};

/// Numbers for the questions of a store.
class QuestionIds {
public:
    /// All ids are greater than `base`.
    explicit QuestionIds(std::uint64_t base) : last_(base) {}
    [[nodiscard]] std::uint64_t next() { return ++last_; }

private:
    std::uint64_t last_;
};

}  // namespace tulle::node::redis
