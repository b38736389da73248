#include <algorithm>

#include "tests/sim/checkers.hpp"

namespace tulle::sim {
namespace {

/// By then every question for a last event is answered: the question itself waits for a second at most.
constexpr Duration kAnswer = 1500ms;

/// The living processes that have not left.
std::vector<Process*> serving(World& world) {
    std::vector<Process*> processes;
    for (HostId host = 0; host < world.hosts(); ++host) {
        if (Process* process = world.process(host); process != nullptr && !process->left) {
            processes.push_back(process);
        }
    }
    return processes;
}

/// True when three nodes were killed within a second: all keepers of a channel may have been among the three. A further
/// holder of the event, for another reason, need not know of being the last.
bool keepers_died(const World& world, Instant from) {
    const auto killed = [](const World::Dead& dead) { return !dead.process->left; };
    return std::any_of(world.dead().begin(), world.dead().end(), [&](const World::Dead& dead) {
        const auto together = std::count_if(world.dead().begin(), world.dead().end(), [&](const World::Dead& other) {
            return killed(other) && other.at >= dead.at && other.at <= dead.at + World::kHandOn;
        });
        return killed(dead) && dead.at >= from && together >= static_cast<std::ptrdiff_t>(mesh::kKeepers);
    });
}

/// The rule by which `held` may be known as the last event of a channel instead of the later `event`: the last copy of
/// `event`, or of an event in its place, has gone in a way that P10 excuses. Empty without a rule.
std::string excuse(const World& world, const World::RetainedAccepted& event, const mesh::Stamp& held) {
    for (const World::RetainedLoss& loss : world.retained_losses()) {
        const bool is_it = loss.channel == event.channel && loss.left < event.stamp && event.stamp <= loss.lost;
        if (is_it && !loss.rule.empty() && held <= loss.lost) {
            return loss.rule;
        }
    }
    return keepers_died(world, event.at - World::kHandOn) ? "P10: three nodes died within a second" : "";
}

/// P10: every event that was ever accepted is known, or has been followed by another.
void check_latest(World& world, Outcome& outcome, const Process& process, const std::string& channel,
                  const mesh::Stamp& found) {
    std::set<std::string> rules;
    for (const World::RetainedAccepted& event : world.retained_accepted()) {
        if (event.channel != channel || event.stamp <= found) {
            continue;
        }
        const std::string rule = excuse(world, event, found);
        if (rule.empty()) {
            world.violation("P10 " + world.name_of(process.oid) + " does not know the last event of " + channel +
                            ", of " + world.name_of(event.stamp.origin) + ", accepted " +
                            std::to_string((world.now() - event.at) / 1ms) + " ms ago");
            return;
        }
        rules.insert(rule);
    }
    for (const std::string& rule : rules) {
        ++outcome.exempted[rule];
    }
    outcome.checked += rules.empty() ? 1u : 0u;
}

}  // namespace

void check_retained(World& world, Outcome& outcome) {
    for (HostId host = 0; host < world.hosts(); ++host) {
        for (std::size_t i = 0; world.process(host) != nullptr && i < kCacheChannels; ++i) {
            world.ask_retained(host, cache_channel(i));
        }
    }
    world.run_for(kAnswer);
    for (const auto& [rule, count] : world.exempted()) {
        outcome.exempted[rule] += count;
    }
    outcome.checked += world.times_checked();
    const std::vector<Process*> processes = serving(world);
    for (std::size_t i = 0; i < kCacheChannels; ++i) {
        const std::string channel = cache_channel(i);
        for (const Process* process : processes) {
            const auto found = process->retained_found.find(channel);
            if (found == process->retained_found.end()) {
                world.violation("P6 " + world.name_of(process->oid) + " was not answered for the last event of " +
                                channel);
                continue;
            }
            check_latest(world, outcome, *process, channel, found->second);
            if (found->second != processes.front()->retained_found[channel]) {
                world.violation("P6 " + world.name_of(process->oid) + " knows another last event of " + channel +
                                " than " + world.name_of(processes.front()->oid));
            }
        }
    }
    for (const Process* process : processes) {
        process->shelf.for_each([&](const std::string& channel, const mesh::Stamp& last) {
            outcome.reached["retained_events_on_shelves"] += last.time_us != 0 ? 1 : 0;
            if (last != processes.front()->retained_found[channel]) {
                world.violation("P6 " + world.name_of(process->oid) + " gives its clients another last event of " +
                                channel);
            }
        });
    }
}

namespace {

/// True when the process had a session with the other before `by`, or is the other.
bool had_met(const Process& process, OriginId other, Instant by) {
    const auto met = process.first_session.find(other);
    return met == process.first_session.end() ? other == process.oid : met->second < by;
}

/// True within the second after the death of the node, while the node's events may still be handed on.
bool has_just_died(const World& world, OriginId oid) {
    return std::any_of(world.dead().begin(), world.dead().end(), [&](const World::Dead& dead) {
        return dead.process->oid == oid && dead.at + World::kHandOn > world.now();
    });
}

/// Judges whether `last` is as late as every event of the channel with `is_due`. `what` is the text about a missing
/// event. An `answer` may be older than the deliveries that follow.
void judge(World& world, const Process& process, const std::string& channel, const mesh::Stamp& last,
           const std::function<bool(const World::RetainedAccepted&)>& is_due, const std::string& what, bool answer) {
    for (const World::RetainedAccepted& event : world.retained_accepted()) {
        if (event.channel != channel || event.stamp <= last || !is_due(event)) {
            continue;
        }
        const std::string rule = excuse(world, event, last);
        if (!rule.empty()) {
            world.exempt(rule);
        } else if (!world.quiet(event.at - kSessions, world.now())) {
            world.exempt("P10: looked at while the mesh was split, or soon after");
        } else if (answer && has_just_died(world, event.stamp.origin)) {
            world.exempt("P10: answered in the second after the death of its origin");
        } else {
            world.violation("P10 " + world.name_of(process.oid) + what + channel + " an older event than one of " +
                            world.name_of(event.stamp.origin) + " accepted " +
                            std::to_string((world.now() - event.at) / 1ms) + " ms before" +
                            (last.time_us == 0 ? ": none" : ""));
        }
        // A channel has one last event, so a single judgement is enough.
        return;
    }
    world.checked();
}

}  // namespace

void check_answer(World& world, const Process& process, const std::string& channel, const Shelf::Answered& answered) {
    const auto is_due = [&](const World::RetainedAccepted& event) {
        return event.at < answered.asked && had_met(process, event.stamp.origin, answered.asked);
    };
    // Where another shard is subscribed already, an event under way comes as a live event instead.
    if (answered.first) {
        judge(world, process, channel, answered.last, is_due, " answered who subscribed with, of ", true);
    }
}

void check_held(World& world, const Process& process, const std::string& channel, const Shelf::Held& held) {
    const auto is_due = [&](const World::RetainedAccepted& event) {
        return held.confirmed < event.at && had_met(process, event.stamp.origin, event.at) &&
               world.due(event.at, event.host, process.host) < world.now();
    };
    judge(world, process, channel, held.last, is_due, " gave its clients that go now, of ", false);
}

}  // namespace tulle::sim
