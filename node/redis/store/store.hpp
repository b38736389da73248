#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/ids.hpp"
#include "mesh/base/time.hpp"
#include "mesh/core/records/hybrid_clock.hpp"
#include "node/redis/store/store_calls.hpp"
#include "node/redis/store/store_commands.hpp"
#include "node/redis/store/store_effects.hpp"
#include "node/redis/store/store_replication.hpp"
#include "node/redis/store/store_sync.hpp"
#include "node/redis/store/store_table.hpp"
#include "node/redis/store/store_writes.hpp"

namespace tulle::node::redis {

struct StoreOptions {
    std::string realm;
    std::uint64_t most_bytes = 0;
    /// Ids of questions are greater; no other store of the shard may use ids in the 2^48 above.
    std::uint64_t question_base = 0;
    /// The wall clock at a moment, in microseconds since 1970.
    std::function<std::uint64_t(Instant now)> wall_us;
};

/// The keys of a realm on a node: every node that serves the realm holds all of them.
///
/// A read looks into this node's table. A plain write (SET, DEL, EXPIRE) is done here, goes to all nodes as a record,
/// and its client is answered when every node has taken the record in; of two writes the one with the later stamp wins
/// everywhere. A command that decides by what it finds (SET NX, INCR, the known scripts) is done by the owner of its
/// key. In a mesh that is split both sides go on, each with owners of its own, and the later stamp wins when they meet:
/// a session store, a cache and a limiter can live with that, and a lock cannot.
///
/// Promises, of nodes that are not split:
///   RB1 a write that has been answered is seen by reads at every node (or is counted in late_records);
///   RB2 within 5 s after the nodes have met, their tables are equal;
///   RB3 no two commands of the owner's kind decide by the same state of a key;
///   RB4 what has been deleted does not come back, unless a later write brings it.
///
/// Thread: confined to its owner.
/// Time:   `now` must not go backwards. Expiry follows the hybrid clock: the fastest wall clock of the mesh.
/// Limits: most_bytes for the keys; node/redis/core/limits.hpp.
/// Errors: none. What other nodes send wrongly is dropped and counted.
class Store final : private StoreSync::Host {
public:
    Store(StoreOptions options, Instant now);

    // ---- the mesh

    /// The mesh serves, and this node is called so.
    void begin(Instant now, OriginId self) {
        writes_.set_self(self);
        sync_.begin(now, self);
    }
    /// The node leaves: other nodes own its keys from the end of this turn on.
    void leave() { is_leaving_ = true; }
    void on_peer(Instant now, OriginId node, bool is_gone, StoreEffects& out);
    /// A record of another node.
    void on_record(Instant now, std::string_view bytes);
    /// Records of some node were lost.
    void on_gap() { sync_.on_gap(OriginId{}); }
    /// Another node asks. The answer comes as an effect.
    void on_ask(Instant now, std::uint64_t token, const StoreAsk& ask, StoreEffects& out);
    /// The result of a question: the parts of the answers, and whether all nodes have answered to the end.
    void on_result(Instant now, std::uint64_t id, const std::vector<std::string>& parts, bool is_complete,
                   StoreEffects& out);
    /// Ends a turn: sends what has been written, and goes on with what is due. Call after any of the above and below.
    void end_turn(Instant now, StoreEffects& out);
    [[nodiscard]] std::optional<Instant> next_deadline(Instant now) const;

    // ---- commands

    struct Result {
        /// The call whose reply comes as an effect; 0: the reply has been appended.
        std::uint64_t call = 0;
        /// The reply may go out when released() has reached the number; 0: at once.
        std::uint64_t gate = 0;
    };
    /// Does a command, or has its owner do it. Nothing: too many calls are under way; try again later. REQUIRES:
    /// command.is_store, the command takes so many arguments, and store_refusal() is empty.
    [[nodiscard]] std::optional<Result> run(Instant now, const Command& command,
                                            std::span<const std::string_view> arguments, unsigned database,
                                            RespWriter& out);
    /// The greatest gate that is open: all nodes have taken in the writes before it, as end_turn() has found.
    [[nodiscard]] std::uint64_t released() const { return gates_.open; }
    /// This node has taken over all keys. Before, every command is answered with -LOADING.
    [[nodiscard]] bool is_ready() const { return sync_.is_ready(); }

    [[nodiscard]] const StoreTable& table() const { return *table_; }
    [[nodiscard]] const StoreCounts& counts() const { return counts_; }
    [[nodiscard]] std::uint64_t most_bytes() const { return options_.most_bytes; }

private:
    [[nodiscard]] StoreAsk ask_head(Instant now) override;
    void take_in(Instant now, const std::vector<KeyedCell>& cells) override;
    void take_in(const std::vector<Flush>& flushes) override;
    void take_in(Instant now, const std::vector<DoneCall>& calls) override;

    [[nodiscard]] StoreState state(Instant now) const;
    /// Something is to be done now. Notices when this node has not run for a while.
    void begin_turn(Instant now);
    /// A time that another node has told is near enough to this node's time. False is counted.
    [[nodiscard]] bool is_near(Instant now, std::uint64_t clock_us);
    [[nodiscard]] StoreAccess access(Instant now, unsigned database);
    /// Does a call of this node or of another one.
    [[nodiscard]] StoreCalls::Done execute(Instant now, const Call& call, OriginId caller);
    /// Sends the gathered writes as records.
    void publish(Instant now, StoreEffects& out);
    void send_record(Instant now, StoreWriteSet writes, StoreEffects& out);
    /// The gate for what has been written since the last records.
    [[nodiscard]] std::uint64_t next_gate() const { return gates_.last + 1; }

    const StoreOptions options_;
    mesh::HybridClock clock_;
    /// On the heap, as it is large.
    std::unique_ptr<StoreTable> table_;
    StoreWrites writes_;
    StoreCounts counts_;
    QuestionIds ids_;
    StoreReplication replication_;
    StoreSync sync_;
    StoreCalls calls_;
    /// The gate of the last records that have gone out, and the last open one; and the gates between with the number of
    /// the last record of each.
    struct Gates {
        std::uint64_t last = 0;
        std::uint64_t open = 0;
        std::deque<std::pair<std::uint64_t, std::uint64_t>> closed;
    } gates_;
    bool is_leaving_ = false;
    bool has_told_leaving_ = false;
    Instant state_at_{};
    Instant last_turn_{};
};

}  // namespace tulle::node::redis
