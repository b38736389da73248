#include "node/pusher/edge/pusher_census.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "node/pusher/core/channel_name.hpp"
#include "node/wire/first_rows.hpp"

namespace tulle::node {
namespace {

/// A connection in an order.
struct RankedClient {
    ConnectionPlace place;
    Slot slot;
};

/// A channel of the shard in an order.
struct CountedChannel {
    ChannelPlace place;
    std::string_view key;
};

}  // namespace

std::optional<std::set<Slot>> PusherCensus::of_user(const ClientQuestion& question) const {
    if (question.user.empty()) {
        return std::nullopt;
    }
    std::set<Slot> found;
    for (const App& app : from_.apps.all()) {
        if (question.app.empty() || question.app == app.id) {
            const std::vector<Slot> signed_in = from_.users.connections(app.id, question.user);
            const std::vector<Slot> brought = from_.rooms.connections(channel_key(app.id, {}), question.user);
            found.insert(signed_in.begin(), signed_in.end());
            found.insert(brought.begin(), brought.end());
        }
    }
    return found;
}

bool PusherCensus::fits(const PusherClient& client, const ClientQuestion& question, const ChannelTable& channels) {
    const std::string& app = client.session.app().id;
    return !client.session.is_closed() && (question.socket.empty() || client.session.socket_id() == question.socket) &&
           (question.app.empty() || question.app == app) &&
           (!question.address || *question.address == client.connection->peer().address()) &&
           (question.channel.empty() ||
            channels.is_confirmed(client.connection->slot(), channel_key(app, question.channel)));
}

ConnectionNumbers PusherCensus::numbers_of(Slot slot) const {
    const PusherClient& client = *client_at(slot);
    const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(from_.now - client.opened_at).count();
    return {static_cast<std::uint64_t>(std::max<std::int64_t>(age, 0)), from_.channels.channels_of(slot),
            client.connection->waiting_bytes(), client.received};
}

PusherCensus::Chosen PusherCensus::choose(const ClientQuestion& question) const {
    FirstRows<RankedClient> first(
        question.limit, [](const RankedClient& a, const RankedClient& b) { return comes_before(a.place, b.place); });
    const std::optional<std::set<Slot>> allowed = of_user(question);
    for (std::uint32_t i = 0; i < from_.clients.size(); ++i) {
        const PusherClient* client = from_.clients[i].get();
        if (client != nullptr && (!allowed || allowed->contains(Slot{i})) && fits(*client, question, from_.channels)) {
            const std::uint64_t rank = rank_of(numbers_of(Slot{i}), question.order);
            first.add(RankedClient{{rank, client->session.socket_id()}, Slot{i}});
        }
    }
    Chosen chosen;
    chosen.total = first.added();
    for (const RankedClient& client : first.take()) {
        chosen.slots.push_back(client.slot);
    }
    return chosen;
}

ConnectionRow PusherCensus::row_of(Slot slot, bool names_channels) const {
    const PusherClient& client = *client_at(slot);
    ConnectionRow row{.id = client.session.socket_id(),
                      .kind = "pusher",
                      .app = client.session.app().id,
                      .address = to_string(client.connection->peer().address()),
                      .numbers = numbers_of(slot)};
    if (const Member* user = client.session.user()) {
        row.user = user->user;
    } else if (const std::string* brought = from_.rooms.any_user_of(slot)) {
        row.user = *brought;
    }
    if (names_channels) {
        for (const std::string_view key : from_.channels.keys_of(slot)) {
            row.channels.emplace_back(channel_of_key(key));
        }
        std::sort(row.channels.begin(), row.channels.end());
    }
    return row;
}

std::vector<std::string> PusherCensus::answer(const ClientQuestion& question, std::size_t max_part) const {
    if (!is_for_us(question)) {
        return {std::string()};
    }
    switch (question.what) {
        case ClientQuestion::What::kConnections:
        case ClientQuestion::What::kKick:
            return answer_connections(question, choose(question), max_part);
        case ClientQuestion::What::kChannels:
            return answer_channels(question, max_part);
        case ClientQuestion::What::kPresence:
            return answer_presence(question, max_part);
    }
    return {std::string()};
}

std::vector<std::string> PusherCensus::answer_connections(const ClientQuestion& question, const Chosen& chosen,
                                                          std::size_t max_part) const {
    AnswerWriter out({.node = from_.node, .total = chosen.total}, max_part);
    for (const Slot slot : chosen.slots) {
        if (question.what == ClientQuestion::What::kKick) {
            out.add(client_at(slot)->session.socket_id());
        } else {
            out.add(row_of(slot, question.names_channels));
        }
    }
    return out.finish();
}

std::vector<std::string> PusherCensus::answer_channels(const ClientQuestion& question, std::size_t max_part) const {
    const ChannelOrder order = question.channel_order;
    FirstRows<CountedChannel> first(question.limit, [order](const CountedChannel& a, const CountedChannel& b) {
        return comes_before(a.place, b.place, order);
    });
    from_.channels.each([&](std::string_view key, std::uint64_t subscribers) {
        const bool is_wanted = (question.app.empty() || question.app == app_of_key(key)) &&
                               channel_of_key(key).starts_with(question.channel) && !is_internal_key(key);
        if (is_wanted) {
            first.add(CountedChannel{{app_of_key(key), channel_of_key(key), subscribers}, key});
        }
    });
    AnswerWriter out({.node = from_.node, .total = first.added()}, max_part);
    for (const CountedChannel& channel : first.take()) {
        const PresenceRooms::Users* users = from_.rooms.users(channel.key);
        out.add(ChannelRow{.app = std::string(channel.place.app),
                           .name = std::string(channel.place.name),
                           .subscribers = channel.place.subscribers,
                           .users = users == nullptr ? std::nullopt : std::optional<std::uint64_t>(users->size())});
    }
    return out.finish();
}

std::vector<std::string> PusherCensus::answer_presence(const ClientQuestion& question, std::size_t max_part) const {
    const std::string key = channel_key(question.app, question.channel);
    const PresenceRooms::Users* users = from_.rooms.users(key);
    std::size_t number = 0;
    const std::vector<std::string_view> ids = from_.rooms.own_ids(key, question.limit, number);
    AnswerWriter out({.node = from_.node,
                      .total = number,
                      .users = users == nullptr ? 0 : users->size(),
                      .subscribers = from_.channels.confirmed(key).size()},
                     max_part);
    for (const std::string_view id : ids) {
        out.add(id);
    }
    return out.finish();
}

}  // namespace tulle::node
