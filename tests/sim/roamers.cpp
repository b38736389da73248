#include "tests/sim/roamers.hpp"

#include <algorithm>

#include "tests/sim/world.hpp"

namespace tulle::sim {
namespace {

constexpr std::size_t kRoamers = 6;

}  // namespace

void Roamers::start(Instant until) {
    for (std::size_t i = 0; i < kRoamers; ++i) {
        roamers_.push_back({.channel = "app/c" + std::to_string(i % world_.channels())});
        move(i, until);
    }
}

void Roamers::move(std::size_t which, Instant until) {
    // Some moves come faster than a question is answered.
    const Duration pause = prng_.chance(20) ? Duration{static_cast<Duration::rep>(prng_.below(5'000'000))}
                                            : 20ms + Duration{static_cast<Duration::rep>(prng_.below(1'500'000'000))};
    world_.scheduler().after(pause, [this, which, until] {
        Roamer& roamer = roamers_[which];
        if (roamer.stage != Stage::kAway) {
            leave(roamer);
        } else {
            come(roamer, prng_.below(world_.hosts()));
        }
        if (world_.now() < until) {
            move(which, until);
        }
    });
}

void Roamers::settle() {
    for (Roamer& roamer : roamers_) {
        leave(roamer);
        for (HostId host = 0; host < world_.hosts() && roamer.stage == Stage::kAway; ++host) {
            come(roamer, (host + roamer.id) % world_.hosts());
        }
    }
}

void Roamers::come(Roamer& roamer, HostId host) {
    const Process* process = world_.process(host);
    if (process == nullptr || process->frozen || process->leaving_since || process->fatal || !process->node->ready()) {
        return;
    }
    roamer.host = host;
    roamer.process = process->oid;
    roamer.id = ++last_id_;
    const auto [room, is_new] = rooms_.try_emplace({process->oid, roamer.channel});
    if (is_new) {
        room->second.generation = ++last_id_;
        world_.input(host, mesh::PortInput{kShard, mesh::Subscribe{roamer.channel, room->second.generation}});
    }
    roamer.stage = Stage::kSubscribing;
    if (room->second.is_confirmed) {
        ask(roamer);
    }
}

void Roamers::leave(Roamer& roamer) {
    if (roamer.stage == Stage::kAway) {
        return;
    }
    roamer.stage = Stage::kAway;
    roamer.ahead.clear();
    const bool is_last = std::none_of(roamers_.begin(), roamers_.end(), [&](const Roamer& other) {
        return other.stage != Stage::kAway && other.process == roamer.process && other.channel == roamer.channel;
    });
    const Process* process = world_.process(roamer.host);
    if (is_last) {
        rooms_.erase({roamer.process, roamer.channel});
        if (process != nullptr && process->oid == roamer.process) {
            world_.input(roamer.host, mesh::PortInput{kShard, mesh::Unsubscribe{roamer.channel}});
        }
    }
}

void Roamers::ask(Roamer& roamer) {
    roamer.stage = Stage::kAsking;
    mesh::Resume wanted{.id = roamer.id,
                        .channel = roamer.channel,
                        .limits = World::history_limits(roamer.channel),
                        .since = roamer.position,
                        .most = 500,
                        .most_bytes = 1u << 20};
    world_.input(roamer.host, mesh::PortInput{kShard, std::move(wanted)});
}

void Roamers::begin_anew(Roamer& roamer) {
    roamer.begun = world_.now();
    roamer.got.clear();
    roamer.last.clear();
    roamer.is_split = false;
}

void Roamers::on_resumed(const Process& process, const mesh::Resumed& answer) {
    const auto found = std::find_if(roamers_.begin(), roamers_.end(), [&](const Roamer& roamer) {
        return roamer.stage == Stage::kAsking && roamer.id == answer.id && roamer.process == process.oid;
    });
    if (found == roamers_.end()) {
        return;  // moved on meanwhile
    }
    Roamer& roamer = *found;
    roamer.stage = Stage::kThere;
    const bool is_recovered = answer.outcome == mesh::ResumeOutcome::kRecovered;
    if (!is_recovered) {
        tally_.lost += answer.outcome == mesh::ResumeOutcome::kLost ? 1u : 0u;
        tally_.evicted += answer.outcome == mesh::ResumeOutcome::kEvicted ? 1u : 0u;
        begin_anew(roamer);
    }
    tally_.recovered += is_recovered ? 1u : 0u;
    roamer.is_split = roamer.is_split || !world_.annals().sees_all(process);
    roamer.position = answer.at == mesh::HistoryPosition{} ? std::nullopt : std::optional(answer.at);
    roamer.ahead = answer.ahead;
    // Some clients are cut off within the replay.
    const std::size_t gets =
        prng_.chance(80) ? answer.items.size() : static_cast<std::size_t>(prng_.below(answer.items.size() + 1));
    for (std::size_t i = 0; i < gets; ++i) {
        ++tally_.replayed;
        take(roamer, answer.items[i].stamp, answer.items[i].n, "by replay");
    }
    if (gets < answer.items.size()) {
        leave(roamer);
    }
}

void Roamers::take(Roamer& roamer, const mesh::Stamp& stamp, mesh::RecordNo n, const char* how) {
    const auto text = [&] {
        return std::to_string(n.value) + " of " + world_.name_of(stamp.origin) + " on " + roamer.channel + " (" + how +
               ", at " + world_.name_of(roamer.process) + ")";
    };
    if (!roamer.got.insert({stamp.origin, n}).second) {
        world_.violation("P12 a client that has moved got a message twice: " + text());
    } else if (n < roamer.last[stamp.origin]) {
        world_.violation("P12 a client that has moved got a message after a later one: " + text());
    }
    roamer.last[stamp.origin] = std::max(roamer.last[stamp.origin], n);
    if (roamer.position) {
        // As clients do: the latest of each origin.
        std::vector<mesh::Stamp>& seen = roamer.position->seen;
        const auto at = std::lower_bound(seen.begin(), seen.end(), stamp.origin,
                                         [](const mesh::Stamp& one, OriginId origin) { return one.origin < origin; });
        if (at != seen.end() && at->origin == stamp.origin) {
            at->time_us = std::max(at->time_us, stamp.time_us);
        } else {
            seen.insert(at, stamp);
        }
    }
}

void Roamers::deliver(const Process& process, const mesh::Record& record) {
    if (!record.history || record.history->of(0) == nullptr) {
        return;
    }
    for (Roamer& roamer : roamers_) {
        if (roamer.stage != Stage::kThere || roamer.process != process.oid || roamer.channel != record.channels[0]) {
            continue;
        }
        const bool is_had = std::any_of(roamer.ahead.begin(), roamer.ahead.end(), [&record](const mesh::Stamp& upto) {
            return upto.origin == record.stamp.origin && record.stamp.time_us <= upto.time_us;
        });
        tally_.skipped += is_had ? 1u : 0u;
        if (!is_had) {
            take(roamer, record.stamp, record.n, "by delivery");
        }
    }
}

void Roamers::to_shard(HostId host, const Process& process, const mesh::ToShard& message) {
    if (const auto* subscribed = std::get_if<mesh::Subscribed>(&message)) {
        const auto room = rooms_.find({process.oid, subscribed->channel});
        if (room == rooms_.end() || room->second.generation != subscribed->generation) {
            return;
        }
        room->second.is_confirmed = true;
        for (Roamer& roamer : roamers_) {
            if (roamer.stage == Stage::kSubscribing && roamer.process == process.oid &&
                roamer.channel == subscribed->channel) {
                ask(roamer);
            }
        }
    } else if (const auto* resumed = std::get_if<mesh::Resumed>(&message)) {
        on_resumed(process, *resumed);
    } else if (const auto* gap = std::get_if<mesh::Gap>(&message)) {
        for (Roamer& roamer : roamers_) {
            if (roamer.stage == Stage::kThere && roamer.process == process.oid &&
                (gap->channel.empty() || gap->channel == roamer.channel)) {
                begin_anew(roamer);
            }
        }
    } else if (const auto* query = std::get_if<mesh::LocalQuery>(&message)) {
        world_.input(host, mesh::PortInput{kShard, mesh::LocalAnswer{query->token, {}, true}});
    }
}

void Roamers::judge() {
    // The last messages are still under way.
    constexpr Duration kInTime = 3s;
    for (const Roamer& roamer : roamers_) {
        const Process* process = world_.process(roamer.host);
        if (roamer.stage != Stage::kThere || process == nullptr || process->oid != roamer.process) {
            continue;
        }
        if (roamer.is_split || !world_.annals().sees_all(*process)) {
            ++tally_.split;
            continue;
        }
        const Annals::Missing missing =
            world_.annals().missing(*process, roamer.channel, roamer.begun, world_.now() - kInTime, roamer.got);
        tally_.judged += missing.judged;
        tally_.excused += missing.excused;
        for (const std::string& what : missing.messages) {
            world_.violation("P12 a client that has moved to " + world_.name_of(roamer.process) +
                             ", and was told that it has all, lacks " + what);
        }
    }
}

}  // namespace tulle::sim
