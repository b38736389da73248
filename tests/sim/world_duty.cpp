#include "tests/sim/world.hpp"

// Duties of the simulated processes: the counts and orders of the shards, and the answers of the shards that do duties.
namespace tulle::sim {

void World::count(HostId host, mesh::ShardIndex shard, const DutyLedger::Item& item, std::uint64_t count) {
    // A count set again is no change.
    if (processes_[host]->clerk.count(shard, item, count)) {
        ledger_.changed(now(), item);
    }
    note(name_of(processes_[host]->oid) + " counts " + std::to_string(count) + " of " + item.first + "/" + item.second);
    input(host, mesh::PortInput{shard, mesh::DutyCount{item.first, item.second, count, nullptr}});
}

void World::order(HostId host, const std::string& key) {
    Process& process = *processes_[host];
    // No two bodies are alike, so that the ledger can tell tasks apart.
    std::string body = name_of(process.oid) + ":" + std::to_string(process.clerk.next_task());
    ledger_.ordered(process.oid, body);
    input(host, mesh::PortInput{mesh::ShardIndex{0}, mesh::DutyTask{key, share(std::move(body))}});
}

Duration World::duty_time() {
    const Duration longest = prng_.chance(10) ? duty_takes_.second : duty_takes_.first;
    return Duration{static_cast<Duration::rep>(prng_.below(static_cast<std::uint64_t>(longest.count())))};
}

void World::answer_later(HostId host, std::uint64_t token, Duration pause) {
    scheduler_.after(pause, [this, host, token, oid = processes_[host]->oid] {
        Process* process = processes_[host].get();
        if (process == nullptr || process->oid != oid) {
            return;
        }
        // A frozen shard answers after the thaw.
        if (process->frozen) {
            answer_later(host, token, 50ms);
            return;
        }
        // The duty was revoked in the meantime.
        if (!process->clerk.is_under_way(token)) {
            return;  // revoked
        }
        const mesh::DutyDone done = process->clerk.answer(token, ledger_, speaker(*process));
        note(name_of(process->oid) + " has done duty " + std::to_string(token) + ", told " + std::to_string(done.told));
        input(host, mesh::PortInput{Clerk::kShard, done});
    });
}

/// A revoked duty is in one of three states, drawn. Not gone out yet: dropped at once. In flight: the duty comes to an
/// end as usual. Unknown, or heard in part: half of such words are said to have been heard by others.
void World::revoke(HostId host, std::uint64_t token) {
    Process& process = *processes_[host];
    const std::uint64_t dice = prng_.below(100);
    if (!process.clerk.is_under_way(token)) {
        return;
    }
    ledger_.moved_under_way(process.clerk.item(token));
    if (dice < 30) {
        return;
    }
    if (dice < 70) {
        const mesh::DutyDone done =
            process.clerk.drop(token, mesh::DutyOutcome::kDropped, false, ledger_, speaker(process));
        input(host, mesh::PortInput{Clerk::kShard, done});
        return;
    }
    const Duration pause{static_cast<Duration::rep>(prng_.below(3'000'000'000))};
    const mesh::DutyOutcome outcome = dice % 2 == 0 ? mesh::DutyOutcome::kUnknown : mesh::DutyOutcome::kPartly;
    scheduler_.after(pause, [this, host, token, heard = dice < 85, outcome, oid = process.oid] {
        Process* p = processes_[host].get();
        if (p != nullptr && p->oid == oid && p->clerk.is_under_way(token)) {
            input(host, mesh::PortInput{Clerk::kShard, p->clerk.drop(token, outcome, heard, ledger_, speaker(*p))});
        }
    });
}

DutyLedger::Speaker World::speaker(const Process& process) const {
    DutyLedger::Speaker speaker{process.oid, now(), living_beside(process), false};
    // A peer in session will learn of the word, or of the speaker's death. A session that stands on the speaker's side
    // alone is none: a frozen process does not know that the others have given the process up.
    for (const auto& other : processes_) {
        const mesh::Peer* there = other ? process.node->membership().find(other->oid) : nullptr;
        const mesh::Peer* here = other ? other->node->membership().find(process.oid) : nullptr;
        if (there != nullptr && there->in_session() && here != nullptr && here->in_session()) {
            speaker.apart.erase(other->oid);
        }
    }
    return speaker;
}

std::set<OriginId> World::living_beside(const Process& process) const {
    std::set<OriginId> living;
    for (const auto& other : processes_) {
        if (other && !other->left && other->oid != process.oid) {
            living.insert(other->oid);
        }
    }
    return living;
}

/// Words that a process was just telling may be heard after the death.
void World::breathe_last(const Process& process) {
    constexpr std::uint64_t kUnderWay = 300'000'000;
    DutyLedger::Speaker last = speaker(process);
    last.lost = !last.apart.empty();
    std::map<DutyLedger::Item, std::uint64_t> own;
    process.clerk.add_counts(own);
    for (const auto& [item, count] : process.clerk.last_breath()) {
        if (prng_.chance(30)) {
            // Of a count of the process itself perhaps nobody else knew.
            last.lost = !last.apart.empty() || (own.contains(item) && own[item] != 0);
            scheduler_.after(Duration{static_cast<Duration::rep>(prng_.below(kUnderWay))},
                             [this, item = item, count = count, last] {
                                 note("a last word: " + item.first + "/" + item.second + " " + std::to_string(count));
                                 ledger_.dealt_with(item, count, last);
                             });
        }
    }
}

void World::perform_later(HostId host, const mesh::DutyPerform& task, Duration pause) {
    scheduler_.after(pause, [this, host, task, oid = processes_[host]->oid] {
        const Process* process = processes_[host].get();
        if (process == nullptr || process->oid != oid) {
            return;
        }
        if (process->frozen) {
            perform_later(host, task, 50ms);
            return;
        }
        ledger_.performed(*task.body, [&](const std::string& what) { violation(what); });
        input(host, mesh::PortInput{Clerk::kShard, mesh::DutyDone{task.token, 0}});
    });
}

void World::to_clerk(HostId host, Process& process, const mesh::ToShard& message) {
    const auto accuse = [&](const std::string& what) { violation(what + " (" + name_of(process.oid) + ")"); };
    if (const auto* changed = std::get_if<mesh::DutyChanged>(&message)) {
        note(name_of(process.oid) + " duty " + std::to_string(changed->token) + " " + changed->key + "/" +
             changed->item + " told " + std::to_string(changed->told) + " now " + std::to_string(changed->count));
        if (process.clerk.on_changed(*changed)) {
            const std::set<OriginId> apart = speaker(process).apart;
            // Two serving nodes that have not met yet may each tell the item.
            if (std::any_of(apart.begin(), apart.end(), [this](OriginId other) { return is_serving(other); })) {
                ledger_.disturbed();
            }
            if (ledger_.asked(*changed, accuse)) {
                exempt("P9: told again, as the duty moved while a word was under way");
            }
            answer_later(host, changed->token, duty_time());
        }
    } else if (const auto* revoked = std::get_if<mesh::DutyRevoked>(&message)) {
        revoke(host, revoked->token);
    } else if (const auto* task = std::get_if<mesh::DutyPerform>(&message)) {
        perform_later(host, *task, duty_time());
    }
}

}  // namespace tulle::sim
