#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/hash.hpp"
#include "mesh/core/history/history.hpp"
#include "mesh/core/interest/local_interest.hpp"
#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/node/port.hpp"
#include "mesh/core/query/queries.hpp"

namespace tulle::mesh {

/// Says which messages a subscriber of a channel with history has missed.
///
/// The answer is made of this node's own history of the channel. Where that may lack messages, the histories of all
/// peers are brought here first: once for a channel with subscribers here, as from then on every message comes here
/// anyway. So many subscribers of a dead node are served from memory. The answer goes to the shard in the order in
/// which messages go there, so the messages after the answer are those that the answer does not have; HistoryProgress
/// tells those that may come although the answer has them.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Limits: `history_imports` channels are brought here at once, and the others wait; kTries tries for each, after which
///         nothing is claimed of what peers held. kWaiting subscribers of a channel wait; a further one is told at once
///         that something may be missing. kAnswers of those that have waited are answered in a turn.
class Resumes {
public:
    Resumes(MeshContext& context, HybridClock& clock, const LocalInterest& local, History& history, Queries& queries)
        : context_(context), clock_(clock), local_(local), history_(history), queries_(queries) {}

    /// A shard asks for what a subscriber has missed. Answered by Resumed.
    void on(Instant now, ShardIndex shard, const Resume& wanted, Effects& out);
    /// A shard has no subscriber of the channel any more.
    void on(const Unsubscribe& gone);
    /// Takes in what peers have answered, and answers subscribers.
    void tick(Instant now, Effects& out) {
        // Most turns bring nothing of this.
        if (queries_.has_own() || next_ || !ready_.empty()) {
            run(now, out);
        }
    }
    /// When a channel that waits may be brought here.
    [[nodiscard]] std::optional<Instant> next_deadline() const {
        return ready_.empty() ? next_ : std::optional(Instant{});
    }

    /// Channels that were brought here, and those on their way.
    [[nodiscard]] std::size_t imported() const { return imported_; }

    static constexpr int kTries = 3;
    static constexpr std::size_t kWaiting = 16'384;
    static constexpr std::size_t kAnswers = 256;

private:
    /// What is known since all peers were asked.
    struct Joined {
        std::uint64_t told_since_us = kNeverWhole;
        /// History::doubts() at the beginning.
        std::uint64_t doubts = 0;
    };
    /// A channel whose history is being brought here.
    struct Import {
        HistoryLimits limits;
        Joined joined;
        std::uint64_t dropped_us = 0;
        std::map<OriginId, std::uint64_t> floors = {};
        /// The peers that were asked first: a later page without one of them proves nothing.
        std::vector<OriginId> peers = {};
        /// The id of the question under way; 0: none.
        std::uint64_t asked = 0;
        int tries = 0;
        std::vector<std::pair<ShardIndex, Resume>> waiting = {};
    };
    using Imports = StringMap<Import>;

    /// The body of tick().
    void run(Instant now, Effects& out);
    /// Since when all messages of the channel have been told to this node, or to a node whose history is here.
    [[nodiscard]] std::uint64_t told_since_us(Instant now, const std::string& channel) const;
    /// True when this node's history is enough for the answer.
    [[nodiscard]] bool is_served(Instant now, const Resume& wanted) const;
    void answer(Instant now, ShardIndex shard, const Resume& wanted, Effects& out);
    /// Fills the messages and the outcome of an answer about a position.
    void recover(Instant now, const Resume& wanted, Resumed& answer) const;
    /// Fills the messages of an answer without a position.
    void rewind(Instant now, const Resume& wanted, Resumed& answer) const;
    /// The position of a subscriber that has got all that this node's history has.
    [[nodiscard]] HistoryPosition position(Instant now, const std::string& channel);

    /// Asks the peers for the entries behind one; time_us 0: from the newest on.
    void ask(Instant now, Imports::value_type& import, const Stamp& behind, Effects& out);
    /// Invalidates `import` when nobody is there to be asked.
    void begin(Instant now, Imports::value_type& import, Effects& out);
    /// Names what may still come although the answer or the client has it, and then makes the position of the answer
    /// the one before its messages: each message that comes moves the client's position on, and a client that is cut
    /// off meanwhile misses nothing.
    void end(const Resume& wanted, Resumed& answer) const;
    /// A page of the peers' histories has come.
    void take(Instant now, Imports::value_type& import, const QueryResult& result, Effects& out);
    /// `is_whole`: all has come that the peers hold.
    void finish(Instant now, Imports::value_type& import, bool is_whole);

    MeshContext& context_;
    HybridClock& clock_;
    const LocalInterest& local_;
    History& history_;
    Queries& queries_;
    StringMap<Joined> joined_;
    Imports imports_;
    /// The channels with a question under way, by its id.
    std::map<std::uint64_t, std::string> asked_;
    std::uint64_t last_id_ = 0;
    std::uint64_t settled_us_ = 0;
    std::size_t imported_ = 0;
    /// Subscribers whose history has come.
    std::deque<std::pair<ShardIndex, Resume>> ready_;
    std::optional<Instant> next_;
};

}  // namespace tulle::mesh
