#include <algorithm>

#include "tests/sim/checkers.hpp"

namespace tulle::sim {
namespace {

/// By item: the sum of the counts of all living shards.
std::map<DutyLedger::Item, std::uint64_t> true_counts(World& world) {
    std::map<DutyLedger::Item, std::uint64_t> truth;
    for (HostId host = 0; host < world.hosts(); ++host) {
        if (const Process* process = world.process(host); process != nullptr && !process->left) {
            process->clerk.add_counts(truth);
        }
    }
    return truth;
}

/// The count held as dealt with by the node that rendezvous hashing names; 0 when no node lives.
std::uint64_t held_by_duty_node(World& world, const DutyLedger::Item& item) {
    std::vector<OriginId> alive;
    for (HostId host = 0; host < world.hosts(); ++host) {
        if (const Process* process = world.process(host); process != nullptr && !process->left) {
            alive.push_back(process->oid);
        }
    }
    const OriginId responsible = mesh::duty_node(alive, item.first);
    for (HostId host = 0; host < world.hosts(); ++host) {
        if (Process* process = world.process(host); process != nullptr && process->oid == responsible) {
            return process->node->duties().desk().told({item.first, item.second}).value_or(0);
        }
    }
    return 0;
}

/// True when two deaths were so close to a change of the item that the item, and the words told about the item, may
/// have died with both.
bool excused_at(World& world, const DutyLedger::Item& item, Instant changed) {
    constexpr Duration kBefore = World::kFoundOut;
    // Found out, the grace, the patience and a slow shard.
    constexpr Duration kAfter = 12s;
    const auto close = std::count_if(world.dead().begin(), world.dead().end(), [&](const World::Dead& dead) {
        return changed - kBefore <= dead.at && dead.at <= changed + kAfter;
    });
    // A process cut off, and killed before anybody had found out: its counts and its deeds were known to nobody else.
    // The count may have changed a moment earlier, when the process that had told the last word was still telling the
    // change.
    constexpr Duration kTelling = 4s;
    const bool unseen = std::any_of(world.dead().begin(), world.dead().end(), [&](const World::Dead& dead) {
        const bool was_telling = world.ledger().last_speaker(item) == dead.process->oid && changed <= dead.at &&
                                 dead.at <= changed + kTelling;
        return (dead.at == changed || was_telling) && !world.quiet(changed - kBefore, dead.at);
    });
    return unseen || close > 1;
}

/// A loss lasts until something is told of the item again, even if the item comes and goes meanwhile.
bool excused(World& world, const DutyLedger::Item& item) {
    const std::vector<Instant> changes = world.ledger().changes(item);
    return std::any_of(changes.begin(), changes.end(),
                       [&](Instant changed) { return excused_at(world, item, changed); });
}

}  // namespace

void check_duties(World& world, Outcome& outcome) {
    const DutyLedger& ledger = world.ledger();
    std::map<DutyLedger::Item, std::uint64_t> truth = true_counts(world);
    // An item told of but no longer counted anywhere has a true count of 0.
    for (const auto& [item, told] : ledger.told()) {
        truth.try_emplace(item, 0);
    }
    for (const auto& [item, count] : truth) {
        const auto told = ledger.told().find(item);
        const std::uint64_t last = told == ledger.told().end() ? 0 : told->second;
        const std::uint64_t held = held_by_duty_node(world, item);
        const std::string name = item.first + "/" + item.second;
        if (held != count) {
            world.violation("P9 the duty node of " + name + " holds " + std::to_string(held) + ", there are " +
                            std::to_string(count));
        } else if (last == count) {
            ++outcome.checked;
        } else if (ledger.is_lost(item)) {
            ++outcome.exempted["P9: said by one that died before the others knew"];
        } else if (excused(world, item)) {
            ++outcome.exempted["P9: lost with two nodes"];
        } else {
            world.violation("P9 of " + name + " " + std::to_string(last) + " was told last, there are " +
                            std::to_string(count));
        }
    }
    for (const auto& [body, task] : ledger.tasks()) {
        for (HostId host = 0; host < world.hosts(); ++host) {
            const Process* process = world.process(host);
            if (process != nullptr && process->oid == task.source && task.performed == 0) {
                world.violation("P9 task " + body + " of " + world.name_of(task.source) + " was never done");
            }
        }
    }
    outcome.reached["duties_dealt_with"] = ledger.events();
}

}  // namespace tulle::sim
