#include "node/redis/edge/redis_edge.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <unistd.h>
#include <boost/asio/post.hpp>

#include "mesh/base/assert.hpp"
#include "mesh/base/event_body.hpp"
#include "node/core/limits.hpp"
#include "node/redis/core/limits.hpp"

namespace tulle::node::redis {
namespace {

/// Begins the keys of the Redis edge in the mesh. No client's channel of another protocol begins with this byte.
constexpr char kRedisMark = '\x04';

std::string key_of(char use, const Realm& realm) {
    return std::string{kRedisMark, use, '/'} + realm.name;
}

}  // namespace

RedisEdge::RedisEdge(const EdgeContext& context, RedisOptions options)
    : options_(std::move(options)),
      reactor_(context.reactor),
      hub_(context.hub),
      limits_(context.limits),
      speaks_for_node_(context.speaks_for_node),
      outbox_limits_{kHardOutboxBytes, kBlockedTime},
      most_questions_(std::max<std::size_t>(kMaxQuestions / context.shards, 1)),
      fanout_(context.reactor, &recoder_),
      began_at_(context.reactor.now()),
      read_buffer_(kReadBytes) {
    TULLE_ASSERT(options_.node != nullptr && options_.node->receivers.size() == options_.realms.all().size());
    for (const Realm& realm : options_.realms.all()) {
        RealmPort& port = ports_.emplace_back();
        port.realm = &realm;
        port.receivers = &options_.node->receivers[ports_.size() - 1];
        open(port);
    }
}

void RedisEdge::open(RealmPort& port) {
    port.channels_key = key_of('m', *port.realm);
    port.shard_channels_key = key_of('s', *port.realm);
    port.counts_key = key_of('c', *port.realm);
    open_key(port.channels_key, port, Use::kChannels);
    open_key(port.shard_channels_key, port, Use::kShardChannels);
    if (speaks_for_node_) {
        open_key(port.counts_key, port, Use::kCounts);
        if (port.realm->store_bytes > 0) {
            port.store_key = key_of('k', *port.realm);
            port.store = std::make_unique<StorePort>(*port.realm, ports_.size() - 1, port.store_key, reactor_, hub_,
                                                     *port.counters);
            open_key(port.store_key, port, Use::kStore);
            // From the beginning, as others may hear before this shard that the mesh serves.
            is_taking_over_ = true;
            limits_->set_taking_over(true);
        }
        // An empty handler is enough: the turn that it makes ends in end_turn.
        options_.node->wake_speaker = [&context = reactor_.context()] { boost::asio::post(context, [] {}); };
    }
}

void RedisEdge::open_key(const std::string& key, RealmPort& port, Use use) {
    keys_.emplace(key, KeyUse{&port, use, false});
    ++unconfirmed_;
    hub_.send(mesh::Subscribe{key, 1, false, false});
}

RedisEdge::RealmPort& RedisEdge::port_of(const Realm& realm) {
    const auto place = static_cast<std::size_t>(&realm - options_.realms.all().data());
    TULLE_ASSERT(place < ports_.size());
    return ports_[place];
}

// ---- connections ----

void RedisEdge::accept(Socket socket, Peer peer) {
    if (is_serving()) {
        serve(std::move(socket), std::move(peer));
    } else if (!is_draining_ && early_.size() < kMaxEarlyConnections) {
        // The node joins, or has just joined, and the mesh confirms its realms.
        early_.push_back({std::move(socket), std::move(peer), reactor_.now() + kEarlyPatience});
        reactor_.wake_at(early_.back().until);
    }
    // Otherwise the connection is dropped: to a client that is as if nobody listened, and it tries again.
}

void RedisEdge::take_early() {
    while (!early_.empty() && (is_serving() || early_.front().until <= reactor_.now())) {
        Early early = std::move(early_.front());
        early_.pop_front();
        if (!is_serving()) {
            continue;
        }
        // An exception of end_turn would end the process; as in an accept, it ends the new connection alone.
        try {
            serve(std::move(early.socket), std::move(early.peer));
        } catch (const std::exception& error) {
            reactor_.count_failure(error);
        }
    }
    if (!early_.empty()) {
        reactor_.wake_at(early_.front().until);
    }
}

void RedisEdge::serve(Socket socket, Peer peer) {
    // A node that is full or short of memory takes no newcomers.
    if (limits_->is_refusing() || !peer.become_client()) {
        reactor_.counters().full_refusals_total.add();
        refuse(socket);
        return;
    }
    auto connection =
        std::make_shared<RedisConnection>(*this, reactor_, std::move(socket), std::move(peer), outbox_limits_);
    connection->start();
    // An exception must not leave a connection that is read and not known here.
    try {
        fanout_.reserve(connection->slot());
        connections_.resize(std::max<std::size_t>(connections_.size(), connection->slot().value + 1u));
        connection->begin();
    } catch (const std::exception& error) {
        reactor_.count_failure(error);
        connection->on_failure();
        return;
    }
    fanout_.add(*connection);
    connections_[connection->slot().value] = connection.get();
    ++clients_;
}

void RedisEdge::refuse(Socket& socket) {
    boost::system::error_code ignored;
    socket.write_some("-ERR max number of clients reached\r\n", ignored);
}

void RedisEdge::on_gone(RedisConnection& connection) {
    fanout_.end_run();
    const Slot slot = connection.slot();
    for (RealmPort& port : ports_) {
        for (std::size_t i = 0; i < kKinds; ++i) {
            const Kind kind = static_cast<Kind>(i);
            // Name by name: after an exception, on_gone is called again and finds the names that are left.
            for (const std::string& name : port.table.names_of(kind, slot)) {
                (void)unsubscribe(*port.realm, kind, slot, name);
            }
        }
    }
    fanout_.remove(slot);
    if (find(slot) == &connection) {
        connections_[slot.value] = nullptr;
        --clients_;
    }
}

void RedisEdge::wait_for_room(RedisConnection& connection) {
    waiting_.push_back(connection.slot());
}

void RedisEdge::on_hub_room() {
    list_pace_.begin_turn_end();
    if (waiting_.empty()) {
        list_pace_.finish_turn_end();
        return;
    }
    std::vector<Slot> waiting;
    waiting.swap(waiting_);
    for (const Slot slot : waiting) {
        if (RedisConnection* connection = find(slot)) {
            reactor_.guard(*connection, [&] { connection->on_room(); });
        }
    }
    list_pace_.finish_turn_end();
    // The turn has ended for the hub: what the sessions have said goes now, or soon.
    ask_echo();
    if (!hub_.flush() || !waiting_.empty()) {
        reactor_.wake_at(reactor_.now() + kHubRetryInterval);
    }
}

std::vector<Slot> RedisEdge::clients_to_move(bool is_for_balance) const {
    std::vector<Slot> clients;
    if (is_for_balance) {
        return clients;
    }
    for (const RedisConnection* connection : connections_) {
        if (connection != nullptr) {
            clients.push_back(connection->slot());
        }
    }
    return clients;
}

void RedisEdge::begin_drain() {
    is_draining_ = true;
    for (RealmPort& port : ports_) {
        if (port.store != nullptr) {
            port.store->store().leave();
        }
    }
    early_.clear();
}

// ---- what a session wants ----

Publishing RedisEdge::publish(const Realm& realm, Kind kind, Slot slot, std::string_view channel,
                              std::string_view payload, std::uint64_t& receivers) {
    TULLE_ASSERT(kind != Kind::kPattern);
    if (!is_ready_) {
        return Publishing::kNotReady;
    }
    // An EXEC may have subscribed: what is published from here on is for the new subscriptions as well.
    if (has_new_young_) {
        ask_echo();
    }
    RealmPort& port = port_of(realm);
    const RedisConnection* publisher = find(slot);
    mesh::Publish publish;
    publish.id = publisher == nullptr ? 0 : publisher->card().id();
    publish.channels = {kind == Kind::kChannel ? port.channels_key : port.shard_channels_key};
    publish.body = share(EventBody(channel, payload, DataKind::kBytes, self_text_));
    publish.answers = mesh::Publish::Answers::kRefusal;
    // Counted before, as the publish goes to those who are subscribed by now.
    receivers = port.receivers->with([&](const Receivers& all) { return all.of_publish(kind, channel); });
    if (hub_.offer(std::move(publish)) != Push::kAccepted) {
        return Publishing::kBusy;
    }
    port.counters->publishes_total.add();
    if (kind == Kind::kChannel && options_.map != nullptr) {
        // The command is done, so what belongs to it waits for room; the next publish is refused until there is room.
        if (auto further = options_.map->map(realm, *port.counters, channel, payload, reactor_.now())) {
            (void)hub_.send(std::move(*further));
        }
    }
    return Publishing::kDone;
}

bool RedisEdge::subscribe(const Realm& realm, Kind kind, Slot slot, std::string_view name) {
    fanout_.end_run();
    RealmPort& port = port_of(realm);
    if (port.table.holds(kind, slot, name)) {
        return false;
    }
    // Counted first: after an exception of the table the count is taken back, and nothing is left.
    count(port, kind, name, true);
    try {
        port.table.add(kind, slot, name);
    } catch (...) {
        count(port, kind, name, false);
        throw;
    }
    std::string key = young_key(port, kind, name);
    young_[key].push_back({slot, 0});
    unechoed_.push_back(std::move(key));
    has_new_young_ = true;
    return true;
}

bool RedisEdge::unsubscribe(const Realm& realm, Kind kind, Slot slot, std::string_view name) {
    fanout_.end_run();
    RealmPort& port = port_of(realm);
    const bool was_there = port.table.remove(kind, slot, name);
    if (was_there) {
        count(port, kind, name, false);
        forget_young(port, kind, slot, name);
    }
    return was_there;
}

std::vector<std::string> RedisEdge::names_of(const Realm& realm, Kind kind, Slot slot) {
    return port_of(realm).table.names_of(kind, slot);
}

bool RedisEdge::ask(Slot slot, const Question& question) {
    RedisConnection* connection = find(slot);
    TULLE_ASSERT(connection != nullptr);
    // A connection beyond the limit waits for its turn: the mesh leaves out the nodes that it may not ask any more.
    if (hub_.is_backed_up() || asked_.size() >= most_questions_) {
        return false;
    }
    if (question.what == Question::What::kNames && !list_pace_.take()) {
        return false;
    }
    Asked asked{slot, connection->card().id(), counters_of(connection->session().realm()),
                split(question, mesh::kMaxQueryBytes)};
    std::reverse(asked.rest.begin(), asked.rest.end());
    asked.counters->questions_total.add();
    ask_next(std::move(asked));
    return true;
}

void RedisEdge::ask_next(Asked asked) {
    const std::string text = encode(asked.rest.back());
    const Duration timeout = asked.rest.back().what == Question::What::kNames ? kListTimeout : kQuestionTimeout;
    asked.rest.pop_back();
    asked_.emplace(++last_id_, std::move(asked));
    hub_.send(mesh::Query{last_id_, text, timeout});
}

std::string RedisEdge::store_refusal(const Realm& realm, const Command& command,
                                     std::span<const std::string_view> arguments) {
    return port_of(realm).store == nullptr ? unknown_command(arguments) : redis::store_refusal(command, arguments);
}

Storing RedisEdge::store(const Realm& realm, Slot slot, const Command& command,
                         std::span<const std::string_view> arguments, unsigned database, RespWriter& out) {
    RealmPort& port = port_of(realm);
    RedisConnection* connection = find(slot);
    TULLE_ASSERT(connection != nullptr);
    // An AUTH between MULTI and EXEC may have changed the realm since the command was checked.
    if (port.store == nullptr) {
        out.error(unknown_command(arguments));
        return Storing::kDone;
    }
    // A command whose cost grows with the keys has a turn of the shard for itself.
    if (hub_.is_backed_up() || (is_costly(command) && std::exchange(had_costly_, true))) {
        return Storing::kBusy;
    }
    const auto result = port.store->store().run(reactor_.now(), command, arguments, database, out);
    if (!result) {
        return Storing::kBusy;
    }
    const ConnectionRef who{slot, connection->card().id()};
    if (result->call != 0) {
        port.store->await(result->call, who);
        return Storing::kAsked;
    }
    if (result->gate != 0 && connection->hold_replies(port.store->gate_id(result->gate))) {
        port.store->hold(result->gate, who);
    }
    return Storing::kDone;
}

bool RedisEdge::are_stores_ready() const {
    const bool is_patient = reactor_.now() < ready_since_ + kStoreJoinTime;
    return !is_patient || std::all_of(ports_.begin(), ports_.end(), [](const RealmPort& port) {
        return port.store == nullptr || std::as_const(*port.store).store().is_ready();
    });
}

void RedisEdge::end_stores() {
    had_costly_ = false;
    if (is_taking_over_ && is_ready_ && are_stores_ready()) {
        is_taking_over_ = false;
        limits_->set_taking_over(false);
    }
    const auto with = [this](ConnectionRef who, const auto& act) {
        RedisConnection* connection = find(who.slot);
        if (connection != nullptr && connection->card().id() == who.id) {
            reactor_.guard(*connection, [&] { act(*connection); });
        }
    };
    for (RealmPort& port : ports_) {
        if (port.store == nullptr || !port.store->is_due()) {
            continue;
        }
        StorePort& store = *port.store;
        store.end_turn({.on_reply =
                            [&](ConnectionRef who, const StoreEffects::Reply& reply) {
                                with(who, [&](RedisConnection& connection) {
                                    const bool waits = reply.gate > std::as_const(store).store().released();
                                    if (waits && connection.hold_replies(store.gate_id(reply.gate))) {
                                        store.hold(reply.gate, who);
                                    }
                                    connection.on_reply(reply.text);
                                });
                            },
                        .on_gate =
                            [&](ConnectionRef who) {
                                with(who, [](RedisConnection& connection) { connection.release_replies(); });
                            }});
    }
}

bool RedisEdge::settle(Slot slot) {
    const RedisConnection* connection = find(slot);
    TULLE_ASSERT(connection != nullptr);
    if (hub_.is_backed_up()) {
        return false;
    }
    settling_.push_back({slot, connection->card().id(), 0});
    return true;
}

void RedisEdge::on_protocol(Slot slot, Resp version) {
    RedisConnection* connection = find(slot);
    TULLE_ASSERT(connection != nullptr);
    fanout_.end_run();
    fanout_.remove(slot);
    connection->set_version(version);
    fanout_.add(*connection);
}

bool RedisEdge::on_wrong_password(Slot slot, std::string_view user) {
    reactor_.counters().auth_failures_total.add();
    if (RealmCounters* counters = counters_of(options_.realms.of_user(user))) {
        counters->wrong_passwords_total.add();
    }
    const RedisConnection* connection = find(slot);
    if (connection == nullptr) {
        return true;
    }
    const PeerAddress& address = connection->peer().address();
    limits_->on_auth_failure(address, reactor_.now());
    return limits_->shut_for(address, reactor_.now()) > Duration{};
}

ServerFacts RedisEdge::facts(const Realm& realm) {
    const Receivers::Totals totals = port_of(realm).receivers->with([](const Receivers& all) { return all.totals(); });
    return {.node = options_.name,
            .process_id = static_cast<std::uint32_t>(::getpid()),
            .version = options_.version,
            .port = port_,
            .is_loading = !is_serving(),
            .uptime = reactor_.now() - began_at_,
            .clients = clients_of_node().with([](const ClientTable& table) { return table.size(); }),
            .channels = totals.channels,
            .patterns = totals.patterns,
            .shard_channels = totals.shard_channels};
}

void RedisEdge::tell(ClientTable::Card& card, const ClientFacts& facts) {
    clients_of_node().with([&](ClientTable& table) { table.set(card, facts); });
}

std::string RedisEdge::list_clients(const ClientFilter& filter) {
    return clients_of_node().with([&](const ClientTable& table) { return table.list(filter, reactor_.now()); });
}

std::size_t RedisEdge::kill_clients(const ClientFilter& filter, std::uint64_t self, bool& is_self) {
    return clients_of_node().with([&](ClientTable& table) { return table.kill(filter, self, is_self); });
}

std::uint64_t RedisEdge::wall_us() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

// ---- turns ----

void RedisEdge::end_turn() {
    end_stores();
    take_early();
    ask_echo();
    if (speaks_for_node_ && is_ready_) {
        tell_counts();
        ask_told();
    }
    if (clients_ > 0 && reactor_.now() >= looked_for_slow_at_ + kSlowLookInterval) {
        end_slow();
    }
}

void RedisEdge::end_slow() {
    looked_for_slow_at_ = reactor_.now();
    for (RedisConnection* connection : connections_that([](const RedisConnection&) { return true; })) {
        reactor_.guard(*connection, [&] { connection->end_if_slow(reactor_.now()); });
    }
    reactor_.wake_at(reactor_.now() + kSlowLookInterval);
}

}  // namespace tulle::node::redis
