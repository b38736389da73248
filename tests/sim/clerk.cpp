#include "tests/sim/clerk.hpp"

#include <algorithm>

namespace tulle::sim {

bool DutyLedger::asked(const mesh::DutyChanged& change, const Violation& violation) {
    const Item item{change.key, change.item};
    const auto found = told_.find(item);
    const std::uint64_t last = found == told_.end() ? 0 : found->second;
    // After a disturbance repetitions are allowed.
    if (!calm_) {
        return false;
    }
    if (change.told != last && moved_.erase(item) > 0) {
        return true;
    }
    const std::string what =
        change.key + "/" + change.item + ": " + std::to_string(change.told) + " -> " + std::to_string(change.count);
    if (change.told != last) {
        violation("P9 told twice, or not once: " + what + " after " + std::to_string(last));
    } else if (change.told == change.count) {
        violation("P9 told without need: " + what);
    }
    return false;
}

std::vector<Instant> DutyLedger::changes(const Item& item) const {
    const auto found = changed_.find(item);
    return found == changed_.end() ? std::vector<Instant>{} : found->second;
}

OriginId DutyLedger::last_speaker(const Item& item) const {
    const auto found = speakers_.find(item);
    return found == speakers_.end() ? OriginId{} : found->second.oid;
}

bool DutyLedger::is_lost(const Item& item) const {
    const auto found = speakers_.find(item);
    return found != speakers_.end() && found->second.lost;
}

void DutyLedger::dealt_with(const Item& item, std::uint64_t count, Speaker speaker) {
    ++events_;
    told_[item] = count;
    speakers_[item] = std::move(speaker);
    // Only the newest change is kept: all earlier changes are covered by this word.
    if (const auto found = changed_.find(item); found != changed_.end()) {
        found->second.erase(found->second.begin(), std::prev(found->second.end()));
    }
}

void DutyLedger::ended(OriginId oid, const std::map<OriginId, Instant>& met, const std::set<OriginId>& others) {
    // A word is lost when the speaker died without having met, after the word, a living process that had no session
    // with the speaker at the word.
    for (auto& [item, speaker] : speakers_) {
        const auto unmet = [&](OriginId other) {
            const auto last = met.find(other);
            return others.contains(other) && (last == met.end() || last->second < speaker.at);
        };
        speaker.lost =
            speaker.lost || (speaker.oid == oid && std::any_of(speaker.apart.begin(), speaker.apart.end(), unmet));
    }
}

void DutyLedger::performed(const std::string& task, const Violation& violation) {
    ++events_;
    Task& done = tasks_[task];
    if (++done.performed > 1 && calm_) {
        violation("P9 task " + task + " is done twice");
    }
}

bool Clerk::count(mesh::ShardIndex shard, const DutyLedger::Item& item, std::uint64_t count) {
    return std::exchange(counts_[item][shard], count) != count;
}

void Clerk::add_counts(std::map<DutyLedger::Item, std::uint64_t>& sums) const {
    for (const auto& [item, shards] : counts_) {
        for (const auto& [shard, count] : shards) {
            sums[item] += count;
        }
    }
}

bool Clerk::on_changed(const mesh::DutyChanged& change) {
    if (answered_.contains(change.token)) {
        return false;
    }
    return under_way_.insert_or_assign(change.token, std::pair(DutyLedger::Item{change.key, change.item}, change.count))
        .second;
}

mesh::DutyDone Clerk::answer(std::uint64_t token, DutyLedger& ledger, const DutyLedger::Speaker& speaker) {
    const auto found = under_way_.find(token);
    const auto [item, count] = found->second;
    under_way_.erase(found);
    answered_.insert(token);
    ledger.dealt_with(item, count, speaker);
    return {token, count};
}

mesh::DutyDone Clerk::drop(std::uint64_t token, mesh::DutyOutcome outcome, bool heard, DutyLedger& ledger,
                           const DutyLedger::Speaker& speaker) {
    const auto found = under_way_.find(token);
    const auto [item, count] = found->second;
    under_way_.erase(found);
    answered_.insert(token);
    if (heard) {
        ledger.dealt_with(item, count, speaker);
    }
    // Others have heard the word, and this world is behind.
    const bool partly = outcome == mesh::DutyOutcome::kPartly;
    return {token, partly ? count : 0, outcome, partly ? share("this") : nullptr};
}

std::vector<std::pair<DutyLedger::Item, std::uint64_t>> Clerk::last_breath() const {
    std::vector<std::pair<DutyLedger::Item, std::uint64_t>> words;
    for (const auto& [token, word] : under_way_) {
        words.push_back(word);
    }
    return words;
}

}  // namespace tulle::sim
