#include <algorithm>

#include "tests/sim/checkers.hpp"
#include "tests/sim/world.hpp"

// The notes of the world for the judges.
namespace tulle::sim {

bool World::calm(Instant from, Instant to) const {
    return std::none_of(faults_.begin(), faults_.end(),
                        [&](const Fault& fault) { return fault.from <= to && from <= fault.to; });
}

Instant World::due(Instant accepted, HostId a, HostId b) const {
    Instant due = accepted + kInTime;
    // A fault pushes the due time, and the new due time may reach into the next fault.
    for (bool moved = true; moved;) {
        moved = false;
        for (const Fault& fault : faults_) {
            if (fault.from <= due && due - kInTime <= fault.to && fault.concerned.concern(a, b)) {
                due = fault.to + kInTime + 1ns;
                moved = true;
            }
        }
    }
    return due;
}

/// P6: a user connected all the time is not said to have gone, unless a fault may have made a node believe so.
void World::check_flap(const Process& process, const mesh::MemberChanged& change) {
    constexpr Duration kConnected = 2s;
    // During and soon after a fault a flap is allowed.
    if (change.joined || !calm(now() - kConnected, now())) {
        return;
    }
    for (const auto& other : processes_) {
        const std::optional<Instant> since =
            other && !other->leaving_since ? other->roster.in_since(change.channel, change.member.user) : std::nullopt;
        if (!since || *since + kConnected > now()) {
            continue;
        }
        // A node knows nothing of the users of a node that it has not met.
        const auto met = other->first_session.find(process.oid);
        if (other.get() != &process && (met == other->first_session.end() || met->second + kConnected > now())) {
            exempt("P6: the two had not met");
        } else {
            violation("P6 " + name_of(process.oid) + " is told that " + change.member.user + " has left " +
                      change.channel + ", who is connected to " + name_of(other->oid));
        }
    }
}

bool World::quiet(Instant from, Instant to) const {
    return std::none_of(disturbances_.begin(), disturbances_.end(),
                        [&](const auto& span) { return span.first <= to && from <= span.second; });
}

// The notice's text is the only place with the origin and the last number of the missing messages.
void World::tell_gaps(Process& process, const std::string& notice, Gaps& gaps) {
    constexpr std::string_view kWhose = "messages of ";
    constexpr std::string_view kUpto = " up to number ";
    constexpr std::size_t kHex = 16;
    if (!notice.starts_with(kWhose)) {
        return;
    }
    const std::optional<OriginId> origin = origin_from_hex(notice.substr(kWhose.size(), kHex));
    if (!origin) {
        return;
    }
    const std::string_view rest = std::string_view(notice).substr(kWhose.size() + kHex);
    std::optional<mesh::RecordNo> upto;
    if (rest.starts_with(kUpto)) {
        upto = mesh::RecordNo{std::stoull(std::string(rest.substr(kUpto.size())))};
    }
    // All gaps told since the last notice belong to this notice.
    for (const auto& [shard, gap] : std::exchange(gaps, {})) {
        process.edge.on_gap(shard, gap.channel, {now(), *origin, upto, !gap.channel.empty(), gap.missing});
    }
}

// From here on: the last events of cache channels.

/// The stamp noted is the stamp of the event just accepted, or of a later event, which is known no less.
void World::note_retained(Process& process, const std::string& channel) {
    if (const mesh::RetainedEvent* event = process.node->retained().find(local_time(process, now()), channel)) {
        retained_accepted_.push_back({channel, event->stamp, now(), process.host});
    }
}

void World::watch_keepers(Process& process) const {
    std::vector<OriginId> members;
    for (const auto& [oid, peer] : process.node->membership().peers()) {
        if (peer.in_session()) {
            members.push_back(oid);
        }
    }
    // Keepers change only with the members.
    if (members == process.members) {
        return;
    }
    process.members = std::move(members);
    for (std::uint64_t i = 0; i < kCacheChannels; ++i) {
        const std::string channel = cache_channel(i);
        auto before = std::exchange(process.keepers[channel], {});
        for (const OriginId oid : process.node->retained().keepers(channel)) {
            // A keeper that stays keeps the moment of its beginning.
            process.keepers[channel][oid] = before.contains(oid) ? before[oid] : now();
        }
    }
}

/// The living nodes that this process holds for keepers of the channel, have been keepers for long enough to have been
/// given the last event, and can be given the event now.
std::set<OriginId> World::reached_keepers(const Process& process, const std::string& channel) const {
    std::set<OriginId> reached;
    const auto known = process.keepers.find(channel);
    for (const auto& other : processes_) {
        if (!other || other->oid == process.oid || known == process.keepers.end()) {
            continue;
        }
        const auto keeper = known->second.find(other->oid);
        if (keeper != known->second.end() && keeper->second + kHandOn <= now() &&
            network_.data_passes_since(process.host, other->host, now() - kHandOn) &&
            speak(process, process.host, *other, other->host) && speak(*other, other->host, process, process.host)) {
            reached.insert(other->oid);
        }
    }
    return reached;
}

void World::note_retained_losses(HostId host, const std::set<OriginId>& heirs) {
    const Process& process = *processes_[host];
    for (std::uint64_t i = 0; i < kCacheChannels; ++i) {
        const std::string channel = cache_channel(i);
        const mesh::RetainedEvent* event = process.node->retained().find(local_time(process, now()), channel);
        // The latest event of the channel that the other living processes hold. An older event at a process that is no
        // keeper does not count: the process may drop that event at any moment.
        mesh::Stamp left;
        for (const auto& other : processes_) {
            const mesh::RetainedEvent* held = other && other->oid != process.oid
                                                  ? other->node->retained().find(local_time(*other, now()), channel)
                                                  : nullptr;
            const bool is_stale = held != nullptr && event != nullptr && held->stamp < event->stamp &&
                                  !other->node->retained().keeps(other->oid, channel);
            left = held == nullptr || is_stale ? left : std::max(left, held->stamp);
        }
        if (event != nullptr && left < event->stamp) {
            retained_losses_.push_back(
                {channel, event->stamp, left, now(), process.oid, excuse_loss(process, heirs, channel, event->stamp)});
            note("the last copy of the last event of " + channel + " goes: " + retained_losses_.back().rule);
        }
    }
}

void World::judge_shelf(const Process& process, mesh::ShardIndex shard, const std::string& channel) {
    if (const auto held = process.shelf.held(shard, channel)) {
        check_held(*this, process, channel, *held);
    }
}

/// The clients of the process get nothing from now on.
void World::judge_shelves(const Process& process) {
    for (std::uint64_t i = 0; i < kCacheChannels && !process.leaving_since; ++i) {
        for (std::uint16_t shard = 0; shard < Shelf::kShards; ++shard) {
            judge_shelf(process, mesh::ShardIndex{shard}, cache_channel(i));
        }
    }
}

std::string World::excuse_loss(const Process& process, std::set<OriginId> heirs, const std::string& channel,
                               const mesh::Stamp& lost) const {
    // The end of a process; this moment for a living process.
    const auto ended = [&](OriginId oid) {
        const auto found =
            std::find_if(dead_.begin(), dead_.end(), [&](const Dead& dead) { return dead.process->oid == oid; });
        return found == dead_.end() ? now() : found->at;
    };
    // The origin had no time to hand the event on.
    for (const RetainedAccepted& event : retained_accepted_) {
        if (event.stamp == lost && event.at + kHandOn > ended(lost.origin)) {
            return "P10: accepted in the last second of its origin";
        }
    }
    // Processes that die within the time of handing on count as dying together.
    std::size_t together = 1;
    for (const Dead& dead : dead_) {
        if (dead.at + kHandOn >= now()) {
            ++together;
            // The dead process was of this part of the mesh. A process that the dead one could not reach is no heir of
            // the part.
            if (dead.heirs.contains(process.oid)) {
                std::erase_if(heirs, [&](OriginId heir) { return !dead.heirs.contains(heir); });
            }
        }
    }
    if (together >= mesh::kKeepers) {
        return "P10: three nodes died within a second";
    }
    if (heirs.empty()) {
        return "P10: the last of its part of the mesh died";
    }
    std::set<OriginId> keepers = reached_keepers(process, channel);
    // Only keepers that the origin reached as well had the event from both.
    for (const Dead& dead : dead_) {
        const auto reached = dead.keepers.find(channel);
        if (dead.process->oid == lost.origin && dead.at + kHandOn >= now() && reached != dead.keepers.end()) {
            std::erase_if(keepers, [&](OriginId keeper) { return !reached->second.contains(keeper); });
        }
    }
    return keepers.empty() ? "P10: no other keeper lived that could be reached" : "";
}

bool World::speak(const Process& a, HostId of_a, const Process& b, HostId of_b) const {
    const mesh::Peer* peer = a.node->membership().find(b.oid);
    const Path& path = network_.path(of_a, of_b);
    return !a.frozen && peer != nullptr && peer->in_session() &&
           peer->session_since + kHandOn <= local_time(a, now()) && !path.cut && path.control_loss_percent < 100;
}

std::set<OriginId> World::heirs_of(HostId host) const {
    std::set<OriginId> heirs;
    for (HostId other = 0; other < hosts(); ++other) {
        const Process* heir = processes_[other].get();
        if (other != host && heir != nullptr && speak(*processes_[host], host, *heir, other) &&
            speak(*heir, other, *processes_[host], host)) {
            heirs.insert(heir->oid);
        }
    }
    return heirs;
}

}  // namespace tulle::sim
