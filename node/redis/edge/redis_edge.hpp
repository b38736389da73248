#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/hash.hpp"
#include "mesh/base/ids.hpp"
#include "node/core/outbox.hpp"
#include "node/edge/edge.hpp"
#include "node/edge/fanout.hpp"
#include "node/redis/core/client_table.hpp"
#include "node/redis/core/limits.hpp"
#include "node/redis/core/list_pace.hpp"
#include "node/redis/core/realm.hpp"
#include "node/redis/core/realm_counters.hpp"
#include "node/redis/core/realm_table.hpp"
#include "node/redis/core/receivers.hpp"
#include "node/redis/edge/locked.hpp"
#include "node/redis/edge/message_frames.hpp"
#include "node/redis/edge/publish_map.hpp"
#include "node/redis/edge/redis_connection.hpp"
#include "node/redis/edge/store_port.hpp"
#include "node/redis/wire/session.hpp"
#include "node/wire/client_question.hpp"

namespace tulle::node::redis {

/// What the Redis edges of all shards of a node share.
///
/// Thread: any thread once all edges have been made; each member is locked for itself.
struct RedisNode {
    explicit RedisNode(const Realms& realms) : receivers(realms.all().size()) {}

    Locked<ClientTable> clients;
    /// By the place of the realm in Realms::all().
    std::deque<Locked<Receivers>> receivers;
    /// Makes the shard that speaks for the node end a turn. Set by its edge.
    std::function<void()> wake_speaker;
};

/// The settings of the edge.
struct RedisOptions {
    Realms realms;
    std::shared_ptr<RedisNode> node;
    /// Name of the node, and version of Tulle, for INFO.
    std::string name;
    std::string version;
    /// The shard's way into another protocol; null: there is none.
    std::shared_ptr<PublishMap> map = {};
};

/// The Redis protocol on a shard: publish and subscribe.
///
/// All that is published in a realm goes to every node that serves the realm, on a key of the mesh of its own. So a
/// SUBSCRIBE is answered at once, and what is published by any connection later arrives: Redis promises as much, and
/// the adapters for several servers rely on it.
///
/// Thread: the shard's.
/// Order:  what a connection publishes arrives everywhere in its order, whatever the channels.
/// Limits: node/redis/core/limits.hpp.
/// Errors: messages that are lost on their way end the connections of the realm's subscribers, which connect and
///         subscribe again: RESP2 has no other word for it.
class RedisEdge final : public Edge, public SessionHost {
public:
    RedisEdge(const EdgeContext& context, RedisOptions options);

    /// The port of the listener, for INFO. Call before the shard runs.
    void set_port(std::uint16_t port) { port_ = port; }
    /// What this shard counts of a realm, by the place of the realm in Realms::all(). Valid as long as the edge.
    [[nodiscard]] const RealmCounters& counters(std::size_t realm) const { return *ports_.at(realm).counters; }

    // ---- for the connections ----

    /// The counters of a realm; null for no realm.
    [[nodiscard]] RealmCounters* counters_of(const Realm* realm) {
        return realm == nullptr ? nullptr : port_of(*realm).counters.get();
    }
    /// Memory for a read, shared by the connections: valid until the next handler.
    [[nodiscard]] std::span<char> read_buffer() { return read_buffer_; }
    /// The connections of the node.
    [[nodiscard]] Locked<ClientTable>& clients_of_node() { return options_.node->clients; }
    /// Memory for replies, valid until the next handler.
    [[nodiscard]] std::string& replies() { return replies_; }
    /// The connection has left.
    void on_gone(RedisConnection& connection);
    /// The bytes that a connection keeps of a command that is not complete have changed. False: all connections keep
    /// too many together, so this one is to end.
    [[nodiscard]] bool note_held(std::size_t before, std::size_t after) {
        held_bytes_ += after;
        held_bytes_ -= before;
        return after <= before || held_bytes_ <= kMaxHeldBytes;
    }
    /// A command has been done. Has the hub told at once of new subscriptions: what any shard publishes from here on is
    /// for the subscribers.
    void on_command_done() {
        if (has_new_young_) {
            ask_echo();
            (void)hub_.flush();
        }
    }
    /// Has RedisConnection::on_room called when the hub has room.
    void wait_for_room(RedisConnection& connection);

    // ---- Edge ----

    void accept(Socket socket, Peer peer) override;
    [[nodiscard]] bool make_room() override { return false; }
    void refuse(Socket& socket) override;
    void shed(std::uint64_t bytes) override { fanout_.shed(bytes); }
    [[nodiscard]] std::size_t clients() const override { return clients_; }
    void on_mail(mesh::ToShard& message) override;
    void end_mail() override {
        fanout_.end_run();
        end_exhausted();
    }
    void on_mail_lost(const mesh::ToShard& message, const std::exception& error) noexcept override;
    [[nodiscard]] std::optional<std::vector<std::string>> answer(const mesh::LocalQuery& query) override;
    void end_turn() override;
    void on_hub_room() override;
    /// Subscriptions of clients of Redis have no users, so the mesh is told of their ends at once.
    void set_moving(bool) override {}
    /// The few connections of servers are no load to balance.
    [[nodiscard]] std::vector<Slot> clients_to_move(bool is_for_balance) const override;
    /// Every connection is a client.
    void end_idle() override {}
    void begin_drain() override;

    // ---- SessionHost ----

    [[nodiscard]] Publishing publish(const Realm& realm, Kind kind, Slot slot, std::string_view channel,
                                     std::string_view payload, std::uint64_t& receivers) override;
    [[nodiscard]] bool subscribe(const Realm& realm, Kind kind, Slot slot, std::string_view name) override;
    [[nodiscard]] bool unsubscribe(const Realm& realm, Kind kind, Slot slot, std::string_view name) override;
    [[nodiscard]] std::vector<std::string> names_of(const Realm& realm, Kind kind, Slot slot) override;
    [[nodiscard]] bool ask(Slot slot, const Question& question) override;
    [[nodiscard]] std::string store_refusal(const Realm& realm, const Command& command,
                                            std::span<const std::string_view> arguments) override;
    [[nodiscard]] Storing store(const Realm& realm, Slot slot, const Command& command,
                                std::span<const std::string_view> arguments, unsigned database,
                                RespWriter& out) override;
    [[nodiscard]] bool settle(Slot slot) override;
    void on_protocol(Slot slot, Resp version) override;
    [[nodiscard]] bool on_wrong_password(Slot slot, std::string_view user) override;
    [[nodiscard]] ServerFacts facts(const Realm& realm) override;
    void tell(ClientTable::Card& card, const ClientFacts& facts) override;
    [[nodiscard]] std::string list_clients(const ClientFilter& filter) override;
    [[nodiscard]] std::size_t kill_clients(const ClientFilter& filter, std::uint64_t self, bool& is_self) override;
    [[nodiscard]] const Realms& realms() override { return options_.realms; }
    [[nodiscard]] Instant now() override { return reactor_.now(); }
    [[nodiscard]] std::uint64_t wall_us() override;

private:
    // More methods than 40: two interfaces with a caller each, and nothing else of size.

    /// What a key of the mesh is for.
    enum class Use : std::uint8_t { kChannels, kShardChannels, kCounts, kStore };
    /// A realm on this shard.
    struct RealmPort {
        const Realm* realm = nullptr;
        RealmTable table;
        Locked<Receivers>* receivers = nullptr;
        std::unique_ptr<RealmCounters> counters = std::make_unique<RealmCounters>();
        std::string channels_key;
        std::string shard_channels_key;
        std::string counts_key;
        std::string store_key;
        /// The realm's keys; null for a realm without, and on other shards than the one that speaks for the node.
        std::unique_ptr<StorePort> store;
        /// A question about everything told is under way, or is wanted, from `ask_at` on.
        bool is_asking = false;
        bool wants_told = false;
        Instant ask_at{};
        /// When the other nodes are reminded of this node's numbers.
        Instant remind_at{};
    };
    struct KeyUse {
        RealmPort* port = nullptr;
        Use use = Use::kChannels;
        /// Every member of the mesh holds this node's interest.
        bool is_confirmed = false;
    };
    /// A connection that came before the node served.
    struct Early {
        Socket socket;
        Peer peer;
        Instant until{};
    };
    /// A question of a connection, in one or more questions to the mesh, which are asked one after the other.
    struct Asked {
        Slot slot;
        /// The connection, as the slot may have another one by now.
        std::uint64_t client = 0;
        RealmCounters* counters = nullptr;
        /// The questions that have not been asked yet, the next one last.
        std::vector<Question> rest = {};
        std::vector<std::string> parts = {};
        /// A node has not answered in time.
        bool is_incomplete = false;
    };
    /// A subscription that began while publishes of this node may still be on their way to this shard. A message of
    /// this node that comes before the Echo was published before, and is not for the subscriber. Messages of other
    /// nodes are: nobody can tell which came first, and one too many does less harm than a lost one.
    struct Young {
        Slot slot;
        /// The Echo after which the subscription is like others; 0: not asked for yet.
        std::uint64_t echo = 0;
    };
    /// The audience of the frames that are gathered (Fanout).
    struct RunTarget {
        const RealmPort* port = nullptr;
        Kind kind = Kind::kChannel;
        std::span<const Slot> subscribers = {};
    };

    /// This shard's answer to a question about clients. Carries out an order to close connections.
    [[nodiscard]] std::vector<std::string> answer_clients(const ClientQuestion& question);
    /// The channels and patterns of a connection in all realms, sorted.
    [[nodiscard]] std::vector<std::string> names_of(Slot slot) const;
    /// Begins to serve a client.
    void serve(Socket socket, Peer peer);
    /// Serves the connections of early_ as soon as the node serves, and drops those that have waited for too long.
    void take_early();
    /// Asks the next question.
    void ask_next(Asked asked);
    void handle(const mesh::Deliver& deliver);
    void handle(const mesh::Subscribed& confirmed);
    void handle(const mesh::Gap& gap);
    void handle(const mesh::Published& refused);
    void handle(mesh::QueryResult& result);
    void handle(const mesh::Readiness& readiness);
    void handle(const mesh::PeerChange& change);
    void handle(const mesh::Echoed& echoed);

    [[nodiscard]] RealmPort& port_of(const Realm& realm);
    /// Makes the realm's keys known to the hub.
    void open(RealmPort& port);
    void open_key(const std::string& key, RealmPort& port, Use use);
    /// Sends a message to the subscribers of its channel, and of the patterns that match.
    /// `is_own`: published on this node.
    void deliver(RealmPort& port, Kind kind, std::string_view channel, std::string_view payload, bool is_own);
    /// The subscribers of `name`, for a message of this node without the young subscriptions. Valid until the next
    /// change of a table or call.
    [[nodiscard]] std::span<const Slot> audience(const RealmPort& port, Kind kind, std::string_view name, bool is_own);
    /// Matches within the steps of the pattern's owner.
    [[nodiscard]] bool matches(const RealmPort& port, std::string_view pattern, std::string_view channel);
    /// The connection that the steps of a pattern count for. REQUIRES: the pattern has a subscriber on this shard.
    [[nodiscard]] RedisConnection* find_owner(const RealmPort& port, std::string_view pattern) const;
    /// Ends the connections whose patterns have used up their steps.
    void end_exhausted();
    [[nodiscard]] static std::string young_key(const RealmPort& port, Kind kind, std::string_view name);
    /// The subscription has ended.
    void forget_young(const RealmPort& port, Kind kind, Slot slot, std::string_view name);
    /// Asks for an echo for the young subscriptions of this turn, and for the connections that settle.
    void ask_echo();
    /// Sends a message to the subscribers of `name`, which are not none.
    void send(const RealmPort& port, Kind kind, std::string_view name, std::string_view channel,
              std::string_view payload, std::span<const Slot> subscribers);
    /// Counts a subscription of this shard for the numbers of receivers.
    void count(RealmPort& port, Kind kind, std::string_view name, bool is_added);
    /// Takes in what another node tells of its subscribers.
    void take_counts(RealmPort& port, std::string_view text);
    /// Tells the other nodes of this node's subscribers, as far as they have changed, and reminds them now and then.
    void tell_counts();
    void tell(RealmPort& port, CountChange change);
    /// Asks the other nodes for everything that they have told.
    void ask_told();
    /// Ends the connections with a subscription in the realm.
    void end_subscribers(RealmPort& port);
    /// Ends connections whose bytes have waited for too long.
    void end_slow();
    /// Ends a turn of the stores.
    void end_stores();
    /// Every realm has its keys, or the time for it is over.
    [[nodiscard]] bool are_stores_ready() const;
    [[nodiscard]] bool is_serving() const {
        return is_ready_ && unconfirmed_ == 0 && !is_draining_ && are_stores_ready();
    }
    [[nodiscard]] RedisConnection* find(Slot slot) const {
        return slot.value < connections_.size() ? connections_[slot.value] : nullptr;
    }
    /// The connections that fit. A copy, because a connection that ends leaves the list.
    template <class Fits>
    [[nodiscard]] std::vector<RedisConnection*> connections_that(Fits&& fits) const {
        std::vector<RedisConnection*> found;
        for (RedisConnection* connection : connections_) {
            if (connection != nullptr && fits(*connection)) {
                found.push_back(connection);
            }
        }
        return found;
    }

    const RedisOptions options_;
    Reactor& reactor_;
    HubPort& hub_;
    const std::shared_ptr<NodeLimits> limits_;
    /// True for one shard of the node, which tells and asks for the node.
    const bool speaks_for_node_;
    const OutboxLimits outbox_limits_;
    /// This shard's part of kMaxQuestions.
    const std::size_t most_questions_;
    MessageRecoder recoder_;
    Fanout fanout_;
    /// By the place of the realm in Realms::all().
    std::deque<RealmPort> ports_;
    /// Filled by the constructor alone.
    StringMap<KeyUse> keys_;
    /// The entry of keys_ for the last record.
    const StringMap<KeyUse>::value_type* last_key_ = nullptr;
    /// Keys that the mesh has not confirmed.
    std::size_t unconfirmed_ = 0;
    bool is_ready_ = false;
    Instant ready_since_{};
    /// A realm of this node keeps keys, and has not got those of the other nodes yet.
    bool is_taking_over_ = false;
    /// A command whose cost grows with the keys has been done in this turn.
    bool had_costly_ = false;
    ListPace list_pace_;
    bool is_draining_ = false;
    OriginId self_;
    /// self_ as the sender of records.
    std::string self_text_;
    /// The nodes with a session, whose numbers count.
    std::set<OriginId> met_;
    /// The oldest first.
    std::deque<Early> early_;
    /// By slot.
    std::vector<RedisConnection*> connections_;
    /// Entries of connections_ that are not null.
    std::size_t clients_ = 0;
    RunTarget run_;
    /// By the id of the question to the mesh.
    IdMap<Asked> asked_;
    /// Questions about everything told, likewise.
    IdMap<RealmPort*> told_asked_;
    std::uint64_t last_id_ = 0;
    /// The young subscriptions, by young_key().
    StringMap<std::vector<Young>> young_;
    /// The keys of those with an Echo, by the id of the Echo, and the keys of those without.
    std::deque<std::pair<std::uint64_t, std::string>> echoing_;
    std::vector<std::string> unechoed_;
    /// unechoed_ is not empty.
    bool has_new_young_ = false;
    /// Connections whose session settles, with the ids of the connection and of the Echo (0: not asked for yet).
    struct Settling {
        Slot slot;
        std::uint64_t client = 0;
        std::uint64_t echo = 0;
    };
    std::vector<Settling> settling_;
    /// Connections whose patterns have used up their steps, by slot.
    std::vector<Slot> exhausted_;
    Instant exhausted_told_at_{};
    /// The steps of all connections since match_second_.
    std::size_t match_steps_ = 0;
    Instant match_second_{};
    /// Bytes of commands that are not complete, of all connections.
    std::size_t held_bytes_ = 0;
    /// The result of audience().
    std::vector<Slot> old_subscribers_;
    /// Connections that wait for room in the hub, by slot.
    std::vector<Slot> waiting_;
    Instant looked_for_slow_at_{};
    const Instant began_at_;
    std::uint16_t port_ = 0;
    std::vector<char> read_buffer_;
    std::string replies_;
};

}  // namespace tulle::node::redis
