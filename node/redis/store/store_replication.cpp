#include "node/redis/store/store_replication.hpp"

#include <algorithm>
#include <utility>

#include "mesh/base/assert.hpp"
#include "node/redis/core/limits.hpp"

namespace tulle::node::redis {

void StoreReplication::ask(const std::vector<OriginId>& nodes, StoreAsk ask, StoreEffects& out) {
    TULLE_ASSERT(is_ask_due());
    if (nodes.empty()) {
        asked_number_ = number_;
        released_ = number_;
        return;
    }
    asked_number_ = number_;
    ask.what = AskTakenIn{number_};
    const std::uint64_t id = ids_.next();
    asked_.emplace(id, Asked{number_, nodes});
    out.questions.push_back({id, nodes, encode(ask), kReplicationTimeout});
}

void StoreReplication::on_result(std::uint64_t id, const std::vector<StoreAnswer>& answers,
                                 const std::function<bool(OriginId)>& is_met) {
    TULLE_ASSERT(has_asked(id));
    const Asked asked = std::move(asked_.extract(id).mapped());
    const auto has_taken_in = [&](OriginId node) {
        return std::any_of(answers.begin(), answers.end(), [&](const StoreAnswer& answer) {
            return answer.state.node == node && answer.taken_in >= asked.number;
        });
    };
    const bool is_late = std::any_of(asked.nodes.begin(), asked.nodes.end(),
                                     [&](OriginId node) { return is_met(node) && !has_taken_in(node); });
    if (is_late) {
        ++counts_.late_records;
    }
    released_ = std::max(released_, asked.number);
}

void StoreReplication::forget(OriginId node) {
    heard_.erase(node);
    std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.from == node; });
}

bool StoreReplication::on_record(OriginId from, std::uint64_t number) {
    Heard& heard = heard_[from];
    // The first record after the meeting: the writes of earlier ones come with the node's keys.
    if (heard.upto == 0 && heard.beyond_gap == 0) {
        heard.upto = number;
        return true;
    }
    if (heard.beyond_gap != 0) {
        heard.beyond_gap = std::max(heard.beyond_gap, number);
        return true;
    }
    if (number > heard.upto + 1) {
        heard.beyond_gap = number;
        ++counts_.gaps;
        return false;
    }
    heard.upto = std::max(heard.upto, number);
    return true;
}

void StoreReplication::on_pulled(OriginId from, std::uint64_t number) {
    Heard& heard = heard_[from];
    heard.upto = std::max(heard.upto, number);
    if (heard.beyond_gap != 0) {
        // Records after the gap have been taken in as they came, unless a further gap is among them, which the keys
        // show that are compared once a second.
        heard.upto = std::max(heard.upto, heard.beyond_gap);
        heard.beyond_gap = 0;
    }
}

std::uint64_t StoreReplication::taken_in(OriginId from) const {
    const auto found = heard_.find(from);
    return found == heard_.end() ? 0 : found->second.upto;
}

void StoreReplication::on_ask(Instant now, std::uint64_t token, OriginId from, std::uint64_t number) {
    if (waiting_.size() >= kMaxWaitingQuestions) {
        waiting_.pop_front();
    }
    waiting_.push_back({token, from, number, now + 2 * kReplicationTimeout});
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> StoreReplication::take_answered(
    const std::function<bool(OriginId)>& has_settled) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> answered;
    std::erase_if(waiting_, [&](const Waiting& waiting) {
        const std::uint64_t upto = taken_in(waiting.from);
        if (upto < waiting.number || !has_settled(waiting.from)) {
            return false;
        }
        answered.emplace_back(waiting.token, upto);
        return true;
    });
    return answered;
}

void StoreReplication::tick(Instant now) {
    std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.until <= now; });
}

}  // namespace tulle::node::redis
