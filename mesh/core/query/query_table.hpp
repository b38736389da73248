#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mesh/core/history/history_merge.hpp"
#include "mesh/core/node/effects.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/node/part_numbers.hpp"

namespace tulle::mesh {

/// Questions to every shard of every node, with the answers gathered until a deadline. Bodies are opaque.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Limits: `Limits::queries` questions under way, own and peers' together, and `Limits::history_reads` own questions
///         about histories, as the answers travel by control. A further question of a shard is answered at once, with
///         every node missing; a further question of a peer gets no answer. At most `query_parts` parts and
///         `query_bytes` bytes for each question: a node with more counts as missing, this node included.
class QueryTable {
public:
    explicit QueryTable(const Limits& limits) : limits_(limits) {}

    /// Sets the shards of this node that answer, as a mask: bit i stands for shard i.
    void set_shards(std::uint64_t shards) { shards_ = shards; }

    /// What this node holds of what is asked for: the first pieces of this node's answer.
    struct Held {
        std::vector<RetainedPartPtr> retained = {};
        std::vector<HistoryPartPtr> history = {};
    };
    /// A shard of this node asks. `members`: the peers to ask. Appends a LocalQuery for each shard, unless the question
    /// names its nodes (Query::to): the named nodes that are not in `members` count as missing. Returns a token: the
    /// caller sends QueryAsk with the token to `members`. Nothing when the table is full: the answer is appended
    /// already.
    std::optional<std::uint64_t> ask(Instant now, ShardIndex shard, const Query& query,
                                     const std::set<OriginId>& members, const Held& held, Effects& out);
    /// A peer asks. Appends a LocalQuery for each shard, and returns the parts of the answer that the caller sends at
    /// once. A peer with `queries_per_peer` questions under way gets no answer, so its own deadline ends the question.
    [[nodiscard]] std::vector<QueryAnswer> on_ask(Instant now, OriginId from, const QueryAsk& ask, const Held& held,
                                                  Effects& out);

    /// Stands for this node's hub as the shard that asks.
    static constexpr ShardIndex kHub{0xffff};
    /// The answers to the hub's own questions since the last call.
    [[nodiscard]] bool has_own() const { return !own_.empty(); }
    [[nodiscard]] std::vector<QueryResult> take_own() { return std::exchange(own_, {}); }

    /// A part of an answer that the caller sends to a peer.
    struct Forward {
        OriginId to;
        QueryAnswer answer;
    };
    /// A shard of this node answers. Returns a part to send when a peer asked. A late answer is ignored.
    std::optional<Forward> on_local_answer(ShardIndex shard, LocalAnswer answer, Effects& out);
    /// A peer answers a question of this node. Ignored when the peer's answer is no longer awaited.
    void on_answer(Instant now, OriginId from, QueryAnswer answer, Effects& out);
    /// Node `oid` is gone: its answers count as missing, and its own questions are dropped.
    void member_gone(OriginId oid, Effects& out);
    /// Ends questions past their deadline. Nodes without a complete answer count as missing. A peer's question ends
    /// without a word, since the peer has a deadline of its own.
    void on_deadline(Instant now, Effects& out);
    [[nodiscard]] std::optional<Instant> next_deadline() const;

    /// Turns the id of a missing node into the name for the result. Id 0 stands for this node. To be set before the
    /// first question.
    using NameOf = std::function<std::string(OriginId)>;
    void set_names(NameOf name_of) { name_of_ = std::move(name_of); }

private:
    /// A question under way.
    struct Pending {
        ShardIndex asker;
        std::uint64_t asker_id = 0;
        /// The peer that asks. 0 when a shard of this node asks.
        OriginId remote;
        /// Shards of this node without a last part, as a mask.
        std::uint64_t waiting_shards = 0;
        /// Of a peer's question: the parts sent so far.
        std::uint32_t sent = 0;
        /// Peers without a whole answer so far.
        std::map<OriginId, PartNumbers> waiting;
        /// Peers without a complete answer.
        std::set<OriginId> missing;
        /// True when a part of this node's own shards did not fit.
        bool incomplete = false;
        std::vector<std::string> parts;
        /// Sum of the sizes of `parts`.
        std::size_t bytes = 0;
        /// By channel asked for: the newest event so far. Without a stamp: no event so far.
        std::map<std::string, RetainedEvent> retained;
        /// The history asked for, as far as the answers have come; and the peers of which a piece has come.
        std::optional<HistoryMerge> history;
        std::set<OriginId> told_history = {};
        Instant deadline;
    };

    /// Parts of a peer's answer that are told apart.
    [[nodiscard]] std::size_t most_parts() const { return limits_.query_parts + kMaxQueryRetained + kMaxHistoryPage; }
    /// True when no further question like this one is taken.
    [[nodiscard]] bool is_full(const Query& query) const;
    /// Keeps a part. False when the question has as many parts or bytes as allowed.
    [[nodiscard]] bool add(Pending& pending, std::string part) const;
    /// Takes in a retained event, if newer than the event held.
    static void take(Instant now, Pending& pending, const RetainedPart& part);
    /// Gives the asker the answer.
    void tell(ShardIndex asker, QueryResult result, Effects& out);
    /// Enters a question and returns the token.
    std::uint64_t enter(Pending pending);
    /// Enters a question, asks this node's shards, and returns the token.
    std::uint64_t begin(Pending pending, const std::string& body, Effects& out);
    /// Ends a question when no answer is awaited any more.
    void finish_if_done(std::map<std::uint64_t, Pending>::iterator it, Effects& out);
    /// Ends a question and, for a shard of this node, appends the result.
    void finish(std::map<std::uint64_t, Pending>::iterator it, Effects& out);

    Limits limits_;
    NameOf name_of_;
    std::uint64_t shards_ = 0;
    std::uint64_t last_token_ = 0;
    // By token.
    std::map<std::uint64_t, Pending> pending_;
    std::vector<QueryResult> own_;
};

}  // namespace tulle::mesh
