#include "tests/sim/edge.hpp"

#include <algorithm>

namespace tulle::sim {

std::optional<Instant> Client::saw(OriginId origin, mesh::RecordNo n) const {
    const auto found = seen.find(origin);
    if (found == seen.end()) {
        return std::nullopt;
    }
    // Deliveries are in the order of n.
    const auto at = std::lower_bound(found->second.begin(), found->second.end(), n,
                                     [](const Seen& one, mesh::RecordNo wanted) { return one.n < wanted; });
    return at == found->second.end() || at->n != n ? std::nullopt : std::optional(at->at);
}

Edge::Joined Edge::subscribe(Instant now, mesh::ShardIndex shard, const std::string& channel) {
    Entry& entry = shards_[shard.value][channel];
    if (entry.clients.size() == kClients) {
        return {};
    }
    Joined joined{++last_client_, std::nullopt};
    // The first client asks the hub. The generation tells the answer from answers to earlier subscriptions.
    if (entry.clients.empty()) {
        entry.generation = ++last_generation_;
        entry.since = now;
        joined.ask = mesh::Subscribe{channel, entry.generation};
    }
    entry.clients.push_back({.id = joined.client, .channel = channel, .shard = shard});
    // A later client needs no answer.
    if (entry.confirmed) {
        entry.clients.back().confirmed = now;
    }
    return joined;
}

std::optional<mesh::Unsubscribe> Edge::unsubscribe(Instant now, mesh::ShardIndex shard, const std::string& channel) {
    const auto found = shards_[shard.value].find(channel);
    if (found == shards_[shard.value].end()) {
        return std::nullopt;
    }
    // Only a client that was confirmed is owed anything, so only such a client is kept for the judge.
    if (Client& leaver = found->second.clients.back(); leaver.confirmed) {
        leaver.ended = now;
        ended_.push_back(std::move(leaver));
    }
    found->second.clients.pop_back();
    if (!found->second.clients.empty()) {
        return std::nullopt;
    }
    shards_[shard.value].erase(found);
    return mesh::Unsubscribe{channel};
}

std::vector<const Client*> Edge::on_subscribed(Instant now, mesh::ShardIndex shard, const mesh::Subscribed& answer) {
    std::vector<const Client*> fresh;
    const auto found = shards_[shard.value].find(answer.channel);
    // An answer to a subscription that has ended in the meantime.
    if (found == shards_[shard.value].end() || found->second.generation != answer.generation) {
        return fresh;
    }
    found->second.confirmed = true;
    for (Client& client : found->second.clients) {
        client.confirmed = now;
        fresh.push_back(&client);
    }
    return fresh;
}

void Edge::on_deliver(Instant now, std::uint64_t shards, OriginId origin, const mesh::RecordPtr& record,
                      const Violation& violation) {
    for (std::size_t shard = 0; shard < kShards; ++shard) {
        if (((shards >> shard) & 1) == 0) {
            continue;
        }
        for (const std::string& channel : record->channels) {
            const auto found = shards_[shard].find(channel);
            if (found == shards_[shard].end() || !found->second.confirmed) {
                continue;
            }
            for (Client& client : found->second.clients) {
                std::vector<Client::Seen>& seen = client.seen[origin];
                // Numbers of an origin must grow for every client.
                if (!seen.empty() && record->n <= seen.back().n) {
                    violation("client " + std::to_string(client.id) + " got " + std::to_string(record->n.value) +
                              " after " + std::to_string(seen.back().n.value));
                }
                seen.push_back({record->n, now});
            }
        }
    }
}

void Edge::on_gap(mesh::ShardIndex shard, const std::string& channel, const Client::Gap& gap) {
    for (auto& [name, entry] : shards_[shard.value]) {
        // A gap without a channel may be on any channel of the shard.
        if (!entry.confirmed || (gap.named && channel != name)) {
            continue;
        }
        for (Client& client : entry.clients) {
            client.gaps.push_back(gap);
        }
    }
}

void Edge::for_each_confirmed(const std::function<void(const Client&)>& visit) const {
    for (const auto& shard : shards_) {
        for (const auto& [channel, entry] : shard) {
            for (const Client& client : entry.clients) {
                if (client.confirmed) {
                    visit(client);
                }
            }
        }
    }
}

std::vector<const Client*> Edge::audience(const std::string& channel) const {
    std::vector<const Client*> clients;
    for (const auto& shard : shards_) {
        const auto found = shard.find(channel);
        if (found == shard.end() || !found->second.confirmed) {
            continue;
        }
        for (const Client& client : found->second.clients) {
            clients.push_back(&client);
        }
    }
    return clients;
}

std::optional<std::pair<std::string, Instant>> Edge::longest_pending() const {
    std::optional<std::pair<std::string, Instant>> longest;
    for (const auto& shard : shards_) {
        for (const auto& [channel, entry] : shard) {
            if (!entry.confirmed && (!longest || entry.since < longest->second)) {
                longest = {channel, entry.since};
            }
        }
    }
    return longest;
}

}  // namespace tulle::sim
