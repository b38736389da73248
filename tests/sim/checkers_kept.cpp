#include <algorithm>

#include "tests/sim/checkers.hpp"

namespace tulle::sim {
namespace {

constexpr Duration kAnswer = 1500ms;
constexpr Duration kHandOn = 1s;   ///< P10: that handing an event on takes
constexpr Duration kSettled = 5s;  ///< an event that was accepted so long before anything happened has reached its keepers

std::string cache_channel(std::size_t i) { return "app/cache-" + std::to_string(i); }

std::vector<Process*> serving(World& world) {
    std::vector<Process*> processes;
    for (HostId host = 0; host < world.hosts(); ++host) {
        if (Process* process = world.process(host); process != nullptr && !process->left) {
            processes.push_back(process);
        }
    }
    return processes;
}

/// Somebody outlived the death who had been there long enough to have a copy.
bool has_heir(World& world, const World::Dead& dead) {
    const auto outlives = [&](const Process& other) { return other.oid != dead.process->oid && other.started + kSettled <= dead.at; };
    for (HostId host = 0; host < world.hosts(); ++host) {
        if (const Process* process = world.process(host); process != nullptr && outlives(*process)) {
            return true;
        }
    }
    return std::any_of(world.dead().begin(), world.dead().end(), [&](const World::Dead& other) {
        return other.at > dead.at + kSettled && outlives(*other.process);
    });
}

/// P10 promises nothing of events whose three holders may have died within the second that handing on takes.
bool keepers_died(const World& world, Instant from, Instant to) {
    const auto killed = [](const World::Dead& dead) { return !dead.process->left; };
    return std::any_of(world.dead().begin(), world.dead().end(), [&](const World::Dead& dead) {
        const auto together = std::count_if(world.dead().begin(), world.dead().end(), [&](const World::Dead& other) {
            return killed(other) && other.at >= dead.at && other.at <= dead.at + kHandOn;
        });
        return killed(dead) && dead.at >= from && dead.at <= to && together >= static_cast<std::ptrdiff_t>(mesh::kKeepers);
    });
}

/// No more keepers have died together, or out of everybody's sight, than there are copies, nor has the last node.
bool survived(World& world, Instant since) {
    return !keepers_died(world, since, world.now()) &&
           std::none_of(world.dead().begin(), world.dead().end(), [&](const World::Dead& dead) {
               const bool unseen = !world.quiet(dead.at - kSettled, dead.at + kSettled);
               return dead.at >= since && (unseen || !has_heir(world, dead));
           });
}

/// The latest event of the channel that all must know: of an origin that lives, or had sent it when it died.
mesh::Stamp due_stamp(World& world, const std::vector<Process*>& processes, const std::string& channel) {
    mesh::Stamp latest;
    for (const World::KeptAccepted& event : world.kept_accepted()) {
        const bool alive = std::any_of(processes.begin(), processes.end(), [&](const Process* p) { return p->oid == event.stamp.origin; });
        const auto death = std::find_if(world.dead().begin(), world.dead().end(),
                                        [&](const World::Dead& dead) { return dead.process->oid == event.stamp.origin; });
        const bool arrived = death != world.dead().end() && death->at > event.at + kSettled &&
                             world.quiet(event.at - kSettled, event.at + kSettled);
        if (event.channel == channel && (alive || arrived) && survived(world, event.at - kSettled)) {
            latest = std::max(latest, event.stamp);
        }
    }
    return latest;
}

}  // namespace

void check_kept(World& world, Outcome& outcome) {
    for (HostId host = 0; host < world.hosts(); ++host) {
        for (std::size_t i = 0; world.process(host) != nullptr && i < kCacheChannels; ++i) {
            world.ask_kept(host, cache_channel(i));
        }
    }
    world.run_for(kAnswer);
    for (const auto& [rule, count] : world.exempted()) {
        outcome.exempted[rule] += count;
    }
    const std::vector<Process*> processes = serving(world);
    for (std::size_t i = 0; i < kCacheChannels; ++i) {
        const std::string channel = cache_channel(i);
        const mesh::Stamp due = due_stamp(world, processes, channel);
        for (const Process* process : processes) {
            const auto found = process->kept_found.find(channel);
            ++outcome.checked;
            if (found == process->kept_found.end()) {
                world.violation("P6 " + world.name_of(process->oid) + " was not answered for the last event of " + channel);
            } else if (found->second < due) {
                world.violation("P1 " + world.name_of(process->oid) + " does not know the last event of " + channel + ", of " +
                                world.name_of(due.origin));
            } else if (found->second != processes.front()->kept_found[channel]) {
                world.violation("P6 " + world.name_of(process->oid) + " knows another last event of " + channel + " than " +
                                world.name_of(processes.front()->oid));
            }
        }
    }
    for (const Process* process : processes) {
        process->shelf.for_each([&](const std::string& channel, const mesh::Stamp& last) {
            outcome.reached["last_events_on_shelves"] += last.time_us != 0 ? 1 : 0;
            if (last != processes.front()->kept_found[channel]) {
                world.violation("P6 " + world.name_of(process->oid) + " gives its clients another last event of " + channel);
            }
        });
    }
}

/// Who subscribes where others are subscribed already gets what is under way as a live event.
void check_answer(World& world, const Process& process, const std::string& channel, const Shelf::Answered& answered) {
    for (const World::KeptAccepted& event : world.kept_accepted()) {
        const auto met = process.first_session.find(event.stamp.origin);
        const bool known = met == process.first_session.end() ? event.stamp.origin == process.oid : met->second < answered.asked;
        const bool before = answered.first && known && event.channel == channel && event.at < answered.asked;
        if (before && answered.last < event.stamp && world.is_serving(event.stamp.origin) &&
            world.quiet(event.at - kSettled, world.now())) {
            if (keepers_died(world, event.at - kHandOn, answered.asked)) {
                world.exempt("P10: three nodes died within a second");
                continue;
            }
            world.violation("P1 " + world.name_of(process.oid) + " subscribed to " + channel + " and was given an older event than one of " +
                            world.name_of(event.stamp.origin) + " accepted " + std::to_string((answered.asked - event.at) / 1ms) +
                            " ms before" + (answered.last.time_us == 0 ? ": none" : ""));
        }
    }
}

}  // namespace tulle::sim
