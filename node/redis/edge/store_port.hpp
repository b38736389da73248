#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/hash.hpp"
#include "mesh/base/ids.hpp"
#include "mesh/core/node/port.hpp"
#include "node/core/slot.hpp"
#include "node/edge/hub_port.hpp"
#include "node/edge/reactor.hpp"
#include "node/redis/core/realm.hpp"
#include "node/redis/core/realm_counters.hpp"
#include "node/redis/store/store.hpp"

namespace tulle::node::redis {

/// A connection, as its slot may have another one later.
struct ConnectionRef {
    Slot slot;
    std::uint64_t id = 0;
};

/// The keys of a realm on the shard that serves the clients of Redis: carries the words of a Store to the hub and the
/// words of the hub to the Store, and remembers which connection waits for what.
///
/// Thread: the shard's.
class StorePort {
public:
    /// `place`: of the realm in Realms::all(). `key`: the realm's records in the mesh.
    /// `counters`: the realm's, which outlive the port.
    StorePort(const Realm& realm, std::size_t place, std::string key, Reactor& reactor, HubPort& hub,
              RealmCounters& counters);

    /// For a change: the turn that ends next is one of the store.
    [[nodiscard]] Store& store() {
        is_touched_ = true;
        return store_;
    }
    [[nodiscard]] const Store& store() const { return store_; }
    /// The place of the realm whose store has asked the question with this id; kNoPlace when no store has.
    static constexpr std::size_t kNoPlace = static_cast<std::size_t>(-1);
    [[nodiscard]] static std::size_t place_of(std::uint64_t question);

    void begin(OriginId self);
    void on_peer(const mesh::PeerChange& change) {
        store().on_peer(reactor_.now(), change.oid, change.is_gone, effects_);
    }
    void on_record(const mesh::Record& record);
    void on_ask(std::uint64_t token, const StoreAsk& ask) { store().on_ask(reactor_.now(), token, ask, effects_); }
    void on_result(const mesh::QueryResult& result) {
        store().on_result(reactor_.now(), result.id, result.parts, result.missing.empty(), effects_);
    }

    /// The connection waits for the reply to the call.
    void await(std::uint64_t call, ConnectionRef who) { calls_.emplace(call, who); }
    /// An id for a gate, unlike those of other realms.
    [[nodiscard]] std::uint64_t gate_id(std::uint64_t gate) const { return question_base_ ^ gate; }
    /// The connection's replies wait for the gate.
    void hold(std::uint64_t gate, ConnectionRef who) { gates_.push_back({gate, who}); }
    /// What becomes of the waiting connections.
    struct Waiters {
        std::function<void(ConnectionRef who, const StoreEffects::Reply& reply)> on_reply;
        std::function<void(ConnectionRef who)> on_gate;
    };
    /// Something has happened since the last turn, or the store has something to do by itself.
    [[nodiscard]] bool is_due() const { return is_touched_ || reactor_.now() >= next_turn_; }
    /// Ends a turn: sends what the store has to say. REQUIRES: is_due().
    void end_turn(const Waiters& waiters);

private:
    void send_answer(StoreEffects::Answer answer);
    /// Shows the numbers of the store.
    void count();

    struct Gate {
        std::uint64_t number = 0;
        ConnectionRef who;
    };

    const std::string realm_;
    const std::string key_;
    const std::uint64_t question_base_;
    Reactor& reactor_;
    HubPort& hub_;
    RealmCounters& counters_;
    Store store_;
    StoreEffects effects_;
    /// Something has happened since the last turn of the store; and when the store has something to do by itself.
    bool is_touched_ = true;
    Instant next_turn_ = Instant::max();
    std::string self_text_;
    /// By the number of the call.
    IdMap<ConnectionRef> calls_;
    std::vector<Gate> gates_;
    Instant clock_told_at_{};
};

}  // namespace tulle::node::redis
