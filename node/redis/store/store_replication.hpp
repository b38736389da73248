#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "mesh/base/ids.hpp"
#include "mesh/base/time.hpp"
#include "node/redis/core/limits.hpp"
#include "node/redis/store/store_effects.hpp"
#include "node/redis/store/store_messages.hpp"

namespace tulle::node::redis {

/// Which records have been taken in where: of this node by the others, so that a write is answered when every node has
/// it, and of the others by this node.
///
/// Records carry numbers. After records have gone out, the other nodes are asked to answer when they have taken in the
/// last one. The question takes another way than the records and may overtake them; then its answer waits here, at the
/// node that is asked, for the record. (A receipt of the mesh would say only that the records have reached the hub of
/// the other node, and a client there could still read the old value.)
///
/// Thread: confined to its owner.
/// Time:   `now` must not go backwards.
/// Limits: kMaxReplicationQuestions, kMaxWaitingQuestions.
class StoreReplication {
public:
    StoreReplication(QuestionIds& ids, StoreCounts& counts) : ids_(ids), counts_(counts) {}

    // ---- records of this node

    /// The number for the next record.
    [[nodiscard]] std::uint64_t take_number() { return ++number_; }
    /// The number of the last record.
    [[nodiscard]] std::uint64_t number() const { return number_; }
    /// All nodes have taken in the records up to this number, or had the time for it.
    [[nodiscard]] std::uint64_t released() const { return released_; }
    /// Records have gone out since the last question, and another question may be asked.
    [[nodiscard]] bool is_ask_due() const {
        return number_ != asked_number_ && asked_.size() < kMaxReplicationQuestions;
    }
    /// Asks the nodes about the records that have gone out since the last question. `ask`: the head of the question.
    /// REQUIRES: is_ask_due().
    void ask(const std::vector<OriginId>& nodes, StoreAsk ask, StoreEffects& out);
    /// The question with this id is of this object.
    [[nodiscard]] bool has_asked(std::uint64_t id) const { return asked_.contains(id); }
    /// The answers to a question. `is_met`: the node is still met. REQUIRES: has_asked(id).
    void on_result(std::uint64_t id, const std::vector<StoreAnswer>& answers,
                   const std::function<bool(OriginId)>& is_met);

    // ---- records of other nodes

    /// A node is met, from here on, or met anew.
    void meet(OriginId node) { heard_[node] = {}; }
    void forget(OriginId node);
    /// A record of another node has been taken in. False: records before are missing.
    bool on_record(OriginId from, std::uint64_t number);
    /// All of a node's keys have been taken in, with the writes of its records up to the number.
    void on_pulled(OriginId from, std::uint64_t number);
    [[nodiscard]] std::uint64_t taken_in(OriginId from) const;
    /// A node asks to be told when its record has been taken in. Answered by take_answered().
    void on_ask(Instant now, std::uint64_t token, OriginId from, std::uint64_t number);
    /// The tokens of questions that can be answered now, each with the number taken in. `has_settled`: this node has
    /// what the other one had when they met.
    [[nodiscard]] std::vector<std::pair<std::uint64_t, std::uint64_t>> take_answered(
        const std::function<bool(OriginId)>& has_settled);
    /// Drops questions whose askers wait no longer.
    void tick(Instant now);

private:
    /// What has been heard of another node.
    struct Heard {
        /// Records up to here have been taken in, or were before the node was met; 0: no record has come.
        std::uint64_t upto = 0;
        /// The last record, when records before it are missing; 0: none are.
        std::uint64_t beyond_gap = 0;
    };
    struct Waiting {
        std::uint64_t token = 0;
        OriginId from;
        std::uint64_t number = 0;
        Instant until{};
    };
    struct Asked {
        std::uint64_t number = 0;
        std::vector<OriginId> nodes;
    };

    QuestionIds& ids_;
    StoreCounts& counts_;
    std::uint64_t number_ = 0;
    std::uint64_t asked_number_ = 0;
    std::uint64_t released_ = 0;
    std::map<std::uint64_t, Asked> asked_;
    std::map<OriginId, Heard> heard_;
    std::deque<Waiting> waiting_;
};

}  // namespace tulle::node::redis
