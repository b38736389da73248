#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mesh/core/node/effects.hpp"
#include "mesh/core/node/numbers.hpp"

namespace tulle::mesh {

/// Questions to every shard of every member, gathered until a deadline. Bodies are opaque.
///
/// Thread: confined to the hub. Limits: `queries` under way at once; a further one is answered at once with everybody
/// missing. `query_parts` and `query_bytes` per query; whoever sends more counts as missing, this node too.
class QueryTable {
public:
    explicit QueryTable(const Limits& limits) : limits_(limits) {}

    /// All shards of this node that answer, as a mask.
    void set_shards(std::uint64_t shards) { shards_ = shards; }

    /// A shard of ours asks; `held` is what this node holds of the last events asked for. Appends LocalQuery for our
    /// shards; the caller sends QueryAsk{token} to `members`. Returns the token, or nothing when the table is full (the
    /// answer is appended then).
    std::optional<std::uint64_t> ask(Instant now, ShardIndex shard, const Query& query, std::set<OriginId> members,
                                     const std::vector<RetainedPartPtr>& held, Effects& out);
    /// A member asks. One that has `queries_per_peer` under way gets no answer.
    void on_ask(Instant now, OriginId from, const QueryAsk& ask, Effects& out);

    /// What a member's answer has to carry on, if it is for a remote asker.
    struct Forward {
        OriginId to;
        QueryAnswer answer;
    };
    std::optional<Forward> on_local_answer(ShardIndex shard, LocalAnswer answer, Effects& out);
    void on_answer(Instant now, OriginId from, QueryAnswer answer, Effects& out);
    /// Nobody waits for it any longer; it counts as missing.
    void member_gone(OriginId oid, Effects& out);
    void on_deadline(Instant now, Effects& out);
    [[nodiscard]] std::optional<Instant> next_deadline() const;

    /// Members that did not answer at the deadline, by oid; the caller turns them into names.
    using NameOf = std::function<std::string(OriginId)>;
    void set_names(NameOf name_of) { name_of_ = std::move(name_of); }

private:
    struct Pending {
        ShardIndex asker;
        std::uint64_t asker_id = 0;
        OriginId remote;  // asks, when not one of our shards
        std::uint64_t waiting_shards = 0;
        std::set<OriginId> waiting;
        std::set<OriginId> missing;
        bool incomplete = false;  // something that our own shards have said did not fit
        std::vector<std::string> parts;
        std::size_t bytes = 0;                          // of the parts
        std::map<std::string, RetainedEvent> retained;  // asked for; the newest so far, or without stamp
        Instant deadline;
    };

    /// Keeps a part. False when the query has as many as it may.
    [[nodiscard]] bool add(Pending& pending, std::string part) const;
    static void take(Instant now, Pending& pending, const RetainedPart& part);
    std::uint64_t begin(Pending pending, const std::string& body, Effects& out);
    void finish_if_done(std::map<std::uint64_t, Pending>::iterator it, Effects& out);
    void finish(std::map<std::uint64_t, Pending>::iterator it, Effects& out);

    Limits limits_;
    NameOf name_of_;
    std::uint64_t shards_ = 0;
    std::uint64_t last_token_ = 0;
    std::map<std::uint64_t, Pending> pending_;
};

}  // namespace tulle::mesh
