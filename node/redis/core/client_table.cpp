#include "node/redis/core/client_table.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

namespace tulle::node::redis {
namespace {

std::string seconds(Duration duration) {
    return std::to_string(
        std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(duration).count()));
}

}  // namespace

std::shared_ptr<ClientTable::Card> ClientTable::enter(ClientOrigin origin, std::function<void()> kill) {
    auto card = std::make_shared<Card>();
    card->active_at_ = origin.opened_at.time_since_epoch().count();
    card->origin_ = std::move(origin);
    card->kill_ = std::move(kill);
    card->id_ = ++last_id_;
    cards_.emplace(card->id_, card);
    return card;
}

void ClientTable::leave(const Card& card) {
    cards_.erase(card.id_);
}

void ClientTable::set(Card& card, ClientFacts facts) {
    card.facts_ = std::move(facts);
}

bool ClientTable::fits(const Card& card, const ClientFilter& filter) {
    return filter.realm == card.facts_.realm && (!filter.address || *filter.address == card.origin_.address) &&
           (!filter.local_address || *filter.local_address == card.origin_.local_address) &&
           (!filter.user || *filter.user == card.facts_.user) &&
           (!filter.is_subscriber || *filter.is_subscriber == card.facts_.is_subscriber()) &&
           (!filter.except || *filter.except != card.id_);
}

/// The fields are those of Redis 7.2 as far as they say something here, in Redis' order.
std::string ClientTable::line(const Card& card, Instant now) {
    const ClientFacts& facts = card.facts_;
    const Instant active{Instant::duration(card.active_at_.load(std::memory_order_relaxed))};
    std::string text = "id=" + std::to_string(card.id_);
    text.append(" addr=").append(card.origin_.address);
    text.append(" laddr=").append(card.origin_.local_address);
    text.append(" fd=").append(std::to_string(card.origin_.descriptor));
    text.append(" name=").append(facts.name);
    text.append(" age=").append(seconds(now - card.origin_.opened_at));
    text.append(" idle=").append(seconds(now - active));
    text.append(" flags=").append(facts.queued ? "x" : facts.is_subscriber() ? "P" : "N");
    text.append(" db=").append(std::to_string(facts.database));
    text.append(" sub=").append(std::to_string(facts.channels));
    text.append(" psub=").append(std::to_string(facts.patterns));
    text.append(" ssub=").append(std::to_string(facts.shard_channels));
    text.append(" multi=").append(facts.queued ? std::to_string(*facts.queued) : "-1");
    text.append(" cmd=").append(card.command_.load(std::memory_order_relaxed));
    text.append(" user=").append(facts.user);
    text.append(" redir=-1 resp=").append(std::to_string(facts.resp));
    text.append(" lib-name=").append(facts.library);
    text.append(" lib-ver=").append(facts.library_version);
    text.push_back('\n');
    return text;
}

template <class Visit>
void ClientTable::each(const ClientFilter& filter, Visit&& visit) const {
    const auto look = [&](const Card& card) {
        if (fits(card, filter)) {
            visit(card);
        }
    };
    if (filter.ids.empty()) {
        for (const auto& [id, card] : cards_) {
            look(*card);
        }
        return;
    }
    // An id that is named twice counts once, as in Redis.
    const std::set<std::uint64_t> ids(filter.ids.begin(), filter.ids.end());
    for (const std::uint64_t id : ids) {
        if (const auto card = cards_.find(id); card != cards_.end()) {
            look(*card->second);
        }
    }
}

std::string ClientTable::list(const ClientFilter& filter, Instant now) const {
    std::string lines;
    each(filter, [&](const Card& card) { lines += line(card, now); });
    return lines;
}

std::size_t ClientTable::kill(const ClientFilter& filter, std::uint64_t self, bool& is_self) {
    std::size_t count = 0;
    each(filter, [&](const Card& card) {
        ++count;
        if (card.id_ == self) {
            is_self = true;
        } else {
            card.kill_();
        }
    });
    return count;
}

}  // namespace tulle::node::redis
