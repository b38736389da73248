#include "tests/sim/annals.hpp"

#include <algorithm>
#include <set>

#include "tests/sim/world.hpp"

namespace tulle::sim {

struct Annals::Entry {
    Accepted message;
    mesh::Stamp stamp;
};

Annals::Annals(World& world) : world_(world) {}
Annals::~Annals() = default;

void Annals::note(const Process& origin, Instant local, const Accepted& message) {
    const mesh::HistoryAsk ask{.channel = message.channel, .limit = mesh::kMaxHistoryPage};
    for (const mesh::HistoryEntry* entry : origin.node->history().page(local, ask).entries) {
        if (entry->stamp.origin == origin.oid && entry->n == message.n) {
            accepted_[message.channel].push_back({message, entry->stamp});
        }
    }
}

bool Annals::sees_all(const Process& process) const {
    for (HostId host = 0; host < world_.hosts(); ++host) {
        const Process* other = world_.process(host);
        if (other == nullptr || other == &process || other->left) {
            continue;
        }
        const mesh::Peer* there = process.node->membership().find(other->oid);
        if (there == nullptr || !there->in_session()) {
            return false;
        }
    }
    return true;
}

bool Annals::is_excused(const Process& asker, const Entry& entry) const {
    const Accepted& message = entry.message;
    std::uint32_t ended = 0;
    bool is_killed = false;
    for (const World::Dead& dead : world_.dead()) {
        // A leaver that had its time has given away what it had accepted, to those that it was in session with, but
        // takes its copies along.
        const mesh::Peer* peer = dead.process->node->membership().find(asker.oid);
        const bool gave_away = dead.process->left && !dead.process->left_late && peer != nullptr && peer->in_session();
        is_killed = is_killed || (dead.process->oid == message.origin && !gave_away);
        ended += dead.at >= message.asked ? 1u : 0u;
    }
    return is_killed && (message.copies < 2 || ended >= message.copies);
}

Annals::Missing Annals::missing(const Process& at, const std::string& channel, Instant from, Instant until,
                                const std::set<std::pair<OriginId, mesh::RecordNo>>& got) const {
    Missing found;
    const auto entries = accepted_.find(channel);
    if (entries == accepted_.end()) {
        return found;
    }
    for (const Entry& entry : entries->second) {
        const Accepted& message = entry.message;
        if (message.asked <= from || message.at >= until) {
            continue;
        }
        ++found.judged;
        if (got.contains({message.origin, message.n})) {
            continue;
        }
        if (is_excused(at, entry)) {
            ++found.excused;
        } else {
            found.messages.push_back(std::to_string(message.n.value) + " of " + world_.name_of(message.origin) +
                                     " on " + channel + ", accepted at " +
                                     std::to_string(message.at.time_since_epoch() / 1us) + " us");
        }
    }
    return found;
}

void Annals::judge(const Process& asker, const std::string& channel, Instant asked, const mesh::QueryResult& result) {
    ++tally_.answers;
    if (!result.missing.empty()) {
        ++tally_.partial;
        return;
    }
    if (!sees_all(asker)) {
        ++tally_.split;
        return;
    }
    if (result.history->whole_since_us == mesh::kNeverWhole) {
        ++tally_.unclaimed;
        return;
    }
    std::set<std::pair<OriginId, mesh::RecordNo>> held;
    for (const mesh::HistoryItem& item : result.history->items) {
        if (!held.insert({item.stamp.origin, item.n}).second) {
            world_.violation("P12 an answer holds a message twice (" + world_.name_of(asker.oid) + ")");
        }
    }
    for (const Entry& entry : accepted_[channel]) {
        if (entry.message.at >= asked || entry.stamp.time_us < result.history->whole_since_us) {
            continue;
        }
        ++tally_.claimed;
        const bool is_held = held.contains({entry.message.origin, entry.message.n});
        const bool is_killed = std::any_of(world_.dead().begin(), world_.dead().end(), [&](const World::Dead& dead) {
            return dead.process->oid == entry.message.origin && !dead.process->left;
        });
        tally_.of_killed += is_killed && is_held ? 1u : 0u;
        if (is_held) {
            continue;
        }
        if (is_excused(asker, entry)) {
            ++tally_.excused;
            continue;
        }
        world_.violation("P12 " + world_.name_of(asker.oid) + ": the history of " + channel +
                         " claims to be whole and lacks " + std::to_string(entry.message.n.value) + " of " +
                         world_.name_of(entry.message.origin) + ", stamped " +
                         std::to_string(entry.stamp.time_us - result.history->whole_since_us) + " us after the claim");
    }
}

}  // namespace tulle::sim
