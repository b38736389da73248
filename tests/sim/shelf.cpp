#include "tests/sim/shelf.hpp"

#include <algorithm>

namespace tulle::sim {

void Shelf::subscribe(Instant now, mesh::ShardIndex shard, const std::string& channel, const Ask& ask) {
    const auto [place, fresh] = shards_[shard.value].try_emplace(channel);
    // Later clients on the shard share the first client's subscription.
    if (fresh) {
        place->second.generation = ++last_generation_;
        place->second.asked = now;
        place->second.first = !shards_[0].contains(channel) || !shards_[1].contains(channel);
        ask(shard, mesh::Subscribe{.channel = channel, .generation = last_generation_, .retained = true});
    }
}

void Shelf::unsubscribe(mesh::ShardIndex shard, const std::string& channel, const Ask& ask) {
    if (shards_[shard.value].erase(channel) > 0) {
        ask(shard, mesh::Unsubscribe{channel});
    }
}

std::optional<Shelf::Answered> Shelf::on_subscribed(Instant now, mesh::ShardIndex shard,
                                                    const mesh::Subscribed& answer) {
    const auto place = shards_[shard.value].find(answer.channel);
    // An answer to a subscription that has ended in the meantime.
    if (place == shards_[shard.value].end() || place->second.generation != answer.generation) {
        return std::nullopt;
    }
    place->second.confirmed = now;
    place->second.last = answer.last ? answer.last->stamp : mesh::Stamp{};
    return Answered{place->second.asked, place->second.last, place->second.first};
}

void Shelf::on_last(mesh::ShardIndex shard, const mesh::RetainedFound& last) {
    const auto place = shards_[shard.value].find(last.channel);
    if (place != shards_[shard.value].end() && place->second.confirmed) {
        // A found event may be older than a delivery since the answer.
        place->second.last = std::max(place->second.last, last.event.stamp);
    }
}

void Shelf::on_deliver(std::uint64_t shards, const mesh::Record& record) {
    for (std::size_t shard = 0; shard < kShards; ++shard) {
        // The first `retained` channels of a record keep the record as their last event.
        for (std::size_t i = 0; i < record.retained && ((shards >> shard) & 1) != 0; ++i) {
            const auto place = shards_[shard].find(record.channels[i]);
            if (place != shards_[shard].end() && place->second.confirmed) {
                place->second.last = std::max(place->second.last, record.stamp);
            }
        }
    }
}

std::optional<Shelf::Held> Shelf::held(mesh::ShardIndex shard, const std::string& channel) const {
    const auto place = shards_[shard.value].find(channel);
    const bool is_confirmed = place != shards_[shard.value].end() && place->second.confirmed;
    return is_confirmed ? std::optional(Held{*place->second.confirmed, place->second.last}) : std::nullopt;
}

void Shelf::for_each(const std::function<void(const std::string& channel, const mesh::Stamp& last)>& visit) const {
    for (const auto& shard : shards_) {
        for (const auto& [channel, place] : shard) {
            if (place.confirmed) {
                visit(channel, place.last);
            }
        }
    }
}

}  // namespace tulle::sim
