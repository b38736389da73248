#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/hash.hpp"
#include "node/redis/core/realm_table.hpp"
#include "node/redis/core/receivers.hpp"

/// What the nodes ask each other for PUBSUB, and tell each other for the number of PUBLISH. The mesh does not read
/// these texts. To the reader a text is input from a peer, and is checked like any input.
namespace tulle::node::redis {

/// A question about the subscribers in one realm, on every node.
struct Question {
    enum class What : std::uint8_t {
        /// The subscribers of `names`.
        kCounts,
        /// The names that match `pattern`, or all names (`is_all`).
        kNames,
        /// Everything that a node has told about its numbers of receivers.
        kTold
    };
    What what = What::kCounts;
    std::string realm;
    Kind kind = Kind::kChannel;
    std::vector<std::string> names = {};
    std::string pattern = {};
    bool is_all = false;
    /// What PUBSUB answers with: the names themselves, or how many different names there are (NUMPAT).
    bool wants_number = false;
    friend bool operator==(const Question&, const Question&) = default;
};

/// The text of the question. See split() for questions that are too long.
[[nodiscard]] std::string encode(const Question& question);
/// The question as questions whose texts have at most `max_bytes` bytes. The sum of their answers is the answer.
/// REQUIRES: each of the names and the pattern is at least 96 bytes shorter than `max_bytes`.
[[nodiscard]] std::vector<Question> split(const Question& question, std::size_t max_bytes);
/// Nothing for a text that encode() cannot have produced, for example a question of another protocol.
[[nodiscard]] std::optional<Question> decode_question(std::string_view text);

/// The answers of all nodes together.
struct Answers {
    /// By name: the subscribers, or 0 when only names were asked for.
    StringMap<std::uint64_t> counts;
};
/// This node's answer to kCounts or kNames, in parts of at most `max_part` bytes.
[[nodiscard]] std::vector<std::string> answer(const Question& question, const Receivers& receivers,
                                              std::size_t max_part);
/// Adds the answers up. Malformed parts are left out.
[[nodiscard]] Answers sum(const std::vector<std::string>& parts);

/// The text of a message about numbers of receivers.
[[nodiscard]] std::string encode(const CountChange& change);
[[nodiscard]] std::optional<CountChange> decode_count_change(std::string_view text);
/// The text of everything that a node has told, in parts of at most `max_part` bytes.
[[nodiscard]] std::vector<std::string> encode_told(const CountChange& all, std::size_t max_part);
/// Puts the parts of several nodes together. A node whose parts are not complete is left out.
[[nodiscard]] std::vector<CountChange> decode_told(const std::vector<std::string>& parts);

}  // namespace tulle::node::redis
