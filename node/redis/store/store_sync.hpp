#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "mesh/base/ids.hpp"
#include "mesh/base/time.hpp"
#include "node/redis/store/store_effects.hpp"
#include "node/redis/store/store_messages.hpp"
#include "node/redis/store/store_replication.hpp"
#include "node/redis/store/store_table.hpp"

namespace tulle::node::redis {

/// The other nodes that keep the keys of a realm: who they are, whether this node holds what they hold, and which node
/// owns a key.
///
/// A node that joins takes over the keys of every node that is ready, page by page, and is ready then. Later, a node
/// looks into the keys of another one after they have met anew, after records were lost, and when their digests have
/// differed for some seconds: digests of buckets first, then the cells of the buckets that differ. Cells merge in any
/// order, so writes may go on meanwhile.
///
/// The owner of a key is the node that rendezvous hashing names among the nodes that are ready. A node does an owner's
/// work only while every other ready node knows this node to be ready, and while this node has what they had when they
/// met: so two nodes that can talk to each other are not both the owner of a key.
///
/// Thread: confined to its owner.
/// Time:   `now` must not go backwards.
/// Limits: a single look at another node's keys at a time; kPageTimeout a step, after which the look begins anew.
class StoreSync {
public:
    /// What the object needs of the store.
    class Host {
    public:
        Host() = default;
        Host(const Host&) = delete;
        Host& operator=(const Host&) = delete;
        virtual ~Host() = default;
        /// This node's state, and the head of a question.
        [[nodiscard]] virtual StoreAsk ask_head(Instant now) = 0;
        /// Takes in what another node holds.
        virtual void take_in(Instant now, const std::vector<KeyedCell>& cells) = 0;
        virtual void take_in(const std::vector<Flush>& flushes) = 0;
        virtual void take_in(Instant now, const std::vector<DoneCall>& calls) = 0;
    };

    StoreSync(Host& host, const StoreTable& table, StoreReplication& replication, QuestionIds& ids, StoreCounts& counts)
        : host_(host), table_(table), replication_(replication), ids_(ids), counts_(counts) {}

    /// The mesh serves, and this node is called so.
    void begin(Instant now, OriginId self);
    /// The node leaves: it owns nothing from here on.
    void leave() { phase_ = Phase::kLeaving; }
    void meet(Instant now, OriginId node, StoreEffects& out);
    void forget(OriginId node);
    /// Another node has told its state. `is_periodic`: by a record without writes, about the moment of the record.
    void learn(const StoreState& state, bool is_periodic);
    /// This node has not run for a while: whether the others still know this node to be ready is to be asked anew.
    void doubt_all(Instant now);
    /// The clock of the node is too far away: nothing is exchanged with it.
    void set_apart(const StoreState& state);
    /// Records of the node, or of any node (0), were lost.
    void on_gap(OriginId node);
    /// The answer to a question; null when none came. `is_complete`: the node has ended its answer. False: the question
    /// is not of this object.
    bool on_result(Instant now, std::uint64_t id, const StoreAnswer* answer, bool is_complete, StoreEffects& out);
    /// Goes on with what is due.
    void tick(Instant now, StoreEffects& out);
    /// After tick(now).
    [[nodiscard]] std::optional<Instant> next_deadline(Instant now) const;

    [[nodiscard]] OriginId self() const { return self_; }
    /// This node has taken over all keys.
    [[nodiscard]] bool is_ready() const { return phase_ == Phase::kReady; }
    /// This node may do an owner's work.
    [[nodiscard]] bool is_acting() const;
    /// The node that owns a key, as far as this node knows; 0 when none is ready.
    [[nodiscard]] OriginId owner_of(std::string_view key) const;
    /// The other nodes that are ready.
    [[nodiscard]] std::vector<OriginId> ready_nodes() const;
    /// The other nodes that keep the realm's keys: ready, or about to be.
    [[nodiscard]] std::vector<OriginId> store_nodes() const;
    /// This node has what the other one had when they met.
    [[nodiscard]] bool has_settled(OriginId oid) const {
        const auto found = nodes_.find(oid);
        return found != nodes_.end() && found->second.is_settled;
    }
    [[nodiscard]] bool is_met(OriginId oid) const { return nodes_.contains(oid); }
    [[nodiscard]] bool has_store_nodes() const;

private:
    enum class Phase : std::uint8_t { kWaiting, kJoining, kReady, kLeaving };
    enum class Kind : std::uint8_t { kUnknown, kKeepsNone, kKeeps, kApart, kApartAndReady };

    struct Node {
        Kind kind = Kind::kUnknown;
        bool is_ready = false;
        /// The clock of the word behind is_ready. Questions and records come by different ways: a word from before the
        /// node was ready may come late, and would make this node the owner of the node's keys again.
        std::uint64_t told_us = 0;
        /// Knows that this node is ready.
        bool has_confirmed = false;
        /// The node's writes up to this number came before it gave keys up to others: when it heard that this node is
        /// ready, or left. Its records may come later than its word.
        std::uint64_t gave_up_at = 0;
        /// This node has what the other node had when they met.
        bool is_settled = false;
        bool is_pull_wanted = false;
        unsigned mismatches = 0;
        /// A question who the node is, under way: 0 for none; and whether it said that this node is ready.
        std::uint64_t hello = 0;
        bool hello_said_ready = false;
        unsigned hellos = 0;
        Instant hello_at{};
        Instant pull_at{};
    };
    /// A look into the keys of another node.
    struct Pull {
        OriginId node;
        std::uint64_t question = 0;
        /// The number of the node's last record when its digests were taken.
        std::uint64_t number = 0;
        /// Empty before the digests have come.
        std::vector<bool> wanted;
    };

    void say_hello(Instant now, OriginId oid, Node& node, StoreEffects& out);
    /// Takes in whether the node serves.
    static void learn_readiness(const StoreState& state, Node& node);
    static void on_hello_result(Instant now, Node& node, const StoreAnswer* answer, bool is_complete);
    void on_pull_result(Instant now, const StoreAnswer* answer, StoreEffects& out);
    void ask_page(Instant now, StoreTable::Place from, StoreEffects& out);
    void end_pull(Instant now, bool is_done);
    void begin_pull(Instant now, StoreEffects& out);
    /// Decides whether a joining node is ready.
    void judge_joining(Instant now, StoreEffects& out);

    Host& host_;
    const StoreTable& table_;
    StoreReplication& replication_;
    QuestionIds& ids_;
    StoreCounts& counts_;
    OriginId self_;
    Phase phase_ = Phase::kWaiting;
    Instant joining_since_{};
    std::map<OriginId, Node> nodes_;
    std::optional<Pull> pull_;
};

}  // namespace tulle::node::redis
