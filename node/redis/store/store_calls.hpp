#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/ids.hpp"
#include "mesh/base/time.hpp"
#include "node/redis/store/store_commands.hpp"
#include "node/redis/store/store_effects.hpp"
#include "node/redis/store/store_messages.hpp"
#include "node/redis/store/store_sync.hpp"

namespace tulle::node::redis {

/// Commands that the owner of their key does: as the caller, which sends a command to the owner until a reply comes,
/// and as the owner, which does each call once.
///
/// A call has a number. An owner that is asked again gives the first reply; and as the records of an owner's writes
/// name the calls, the next owner knows after the death of an owner what has been done. Only a call whose record died
/// with the owner is done again, and of that nobody has heard.
///
/// Thread: confined to its owner.
/// Time:   `now` must not go backwards.
/// Limits: kMaxCalls under way; kCallTime for a call; kMaxDoneCalls replies remembered for kDoneCallTime.
class StoreCalls {
public:
    /// What an owner's command has come to.
    struct Done {
        std::string reply;
        /// The gate that opens when all nodes have its writes (Store::released); 0 without writes.
        std::uint64_t gate = 0;
    };
    /// Does a command at once. `caller`, `number`: named in the record of the writes, unless this node is the caller
    /// (0).
    using Execute = std::function<Done(Instant now, const Call& call, OriginId caller)>;
    /// True when this node has taken in a caller's records up to the number.
    using HasTakenIn = std::function<bool(OriginId caller, std::uint64_t number)>;
    /// The head of a question.
    using AskHead = std::function<StoreAsk(Instant now)>;

    StoreCalls(const StoreSync& sync, QuestionIds& ids, StoreCounts& counts, Execute execute, AskHead ask_head,
               HasTakenIn has_taken_in)
        : sync_(sync),
          ids_(ids),
          counts_(counts),
          execute_(std::move(execute)),
          ask_head_(std::move(ask_head)),
          has_taken_in_(std::move(has_taken_in)) {}

    // ---- the caller

    [[nodiscard]] bool is_full() const { return pending_.size() >= kMaxCalls; }
    /// Begins a call, and returns its number; its reply comes as an effect. REQUIRES: not is_full().
    std::uint64_t begin(Instant now, std::string key, Call call);
    /// Sends what is due to the owners, and does what this node owns.
    void send(Instant now, StoreEffects& out);
    /// The answer to a question; null when none came. False: the question is not of this object.
    bool on_result(Instant now, std::uint64_t id, const StoreAnswer* answer, StoreEffects& out);
    /// Owners may be others now.
    void retry_all(Instant now);
    [[nodiscard]] std::optional<Instant> next_deadline() const;

    // ---- the owner

    /// Another node asks, in the state `caller`: its writes before the question are taken in first. Answered by
    /// take_answered().
    void on_ask(Instant now, std::uint64_t token, const StoreState& caller, AskCalls asked);
    /// Does the calls whose callers' writes have been taken in.
    void serve_due(Instant now);
    /// Another owner has done a call.
    void on_done(Instant now, const DoneCall& call);
    /// The calls that their callers may repeat.
    [[nodiscard]] std::vector<DoneCall> recent(Instant now) const;
    /// The answers whose writes have been taken in by all nodes: tokens with the replies.
    [[nodiscard]] std::vector<std::pair<std::uint64_t, std::vector<CallReply>>> take_answered(std::uint64_t released);

private:
    struct Pending {
        std::string key;
        Call call;
        Instant deadline{};
        Instant next_at{};
        /// The question with the call; 0 for none.
        std::uint64_t question = 0;
    };
    using CallId = std::pair<OriginId, std::uint64_t>;
    struct Remembered {
        std::string reply;
        bool is_cut = false;
        std::uint64_t gate = 0;
    };
    /// A question that waits for the writes of its caller.
    struct Early {
        std::uint64_t token = 0;
        OriginId caller;
        std::uint64_t number = 0;
        AskCalls asked;
        Instant until{};
    };
    struct Answering {
        std::uint64_t token = 0;
        std::vector<CallReply> replies;
        std::uint64_t gate = 0;
    };

    void serve(Instant now, std::uint64_t token, OriginId caller, const AskCalls& asked);
    void remember(Instant now, const CallId& id, Remembered done);
    /// Does a call of this node for a key of this node.
    void do_own(Instant now, std::uint64_t number, const Call& call, StoreEffects& out);
    void fail(std::uint64_t number, StoreEffects& out);

    const StoreSync& sync_;
    QuestionIds& ids_;
    StoreCounts& counts_;
    const Execute execute_;
    const AskHead ask_head_;
    const HasTakenIn has_taken_in_;
    std::uint64_t last_number_ = 0;
    std::map<std::uint64_t, Pending> pending_;
    /// The calls of each question under way, in ascending order.
    std::map<std::uint64_t, std::vector<std::uint64_t>> asked_;
    std::map<CallId, Remembered> done_;
    /// The ends of done_, the oldest first.
    std::deque<std::pair<Instant, CallId>> done_until_;
    std::deque<Early> early_;
    std::deque<Answering> answering_;
};

}  // namespace tulle::node::redis
