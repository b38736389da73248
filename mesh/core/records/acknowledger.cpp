#include "mesh/core/records/acknowledger.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"

namespace tulle::mesh {

std::size_t Acknowledger::reachable() const {
    const Sessions& sessions = context_.sessions();
    return 1 + static_cast<std::size_t>(std::count_if(sessions.begin(), sessions.end(),
                                                      [](const auto& entry) { return entry.second.interest.synced; }));
}

void Acknowledger::await(Instant now, ShardIndex shard, std::uint64_t id, const Record& record) {
    TULLE_ASSERT(!is_full() && record.copies > 1 && record.n == ring_.last());
    waiting_.emplace_hint(waiting_.end(), record.n,
                          Waiting{shard, id, record.copies, now + context_.timing().copies_wait});
}

std::uint32_t Acknowledger::copies(const WaitingByNo::value_type& waiting) const {
    const bool is_here = waiting.first >= ring_.first_whole();
    return static_cast<std::uint32_t>(waiting.second.holders.size()) + (is_here ? 1 : 0);
}

void Acknowledger::on_copy(OriginId holder, RecordNo n, Effects& out) {
    const auto found = waiting_.find(n);
    if (found == waiting_.end()) {
        return;
    }
    std::vector<OriginId>& holders = found->second.holders;
    if (std::find(holders.begin(), holders.end(), holder) == holders.end()) {
        holders.push_back(holder);
    }
    if (copies(*found) >= found->second.wanted) {
        ++acknowledged_;
        answer(found, PublishOutcome::kAccepted, out);
    }
}

void Acknowledger::answer(WaitingByNo::iterator waiting, PublishOutcome outcome, Effects& out) {
    const auto& [n, publish] = *waiting;
    out.push_back(ToPort{publish.shard, Published{publish.id, outcome, n, copies(*waiting), publish.wanted}});
    waiting_.erase(waiting);
}

void Acknowledger::session_down(OriginId oid) {
    for (auto& [n, waiting] : waiting_) {
        std::erase(waiting.holders, oid);
    }
}

void Acknowledger::forgive(Duration late) {
    for (auto& [n, waiting] : waiting_) {
        waiting.until += late;
    }
}

void Acknowledger::tick(Instant now, Effects& out) {
    while (!waiting_.empty() && waiting_.begin()->second.until <= now) {
        ++given_up_;
        answer(waiting_.begin(), PublishOutcome::kFewCopies, out);
    }
}

void Acknowledger::give_up_all(Effects& out) {
    while (!waiting_.empty()) {
        ++given_up_;
        answer(waiting_.begin(), PublishOutcome::kFewCopies, out);
    }
}

std::optional<Instant> Acknowledger::next_deadline() const {
    return waiting_.empty() ? std::nullopt : std::optional(waiting_.begin()->second.until);
}

}  // namespace tulle::mesh
