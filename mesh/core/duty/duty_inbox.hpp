#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "mesh/core/duty/duty_members.hpp"
#include "mesh/core/node/messages.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/node/port.hpp"

namespace tulle::mesh {

/// The tasks given to this node by all members, this node included. Each task is handed to the shard once. When the
/// shard has done a task, the source of the task is told until the source has confirmed.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Limits: no limit here: each source has at most `duty_tasks` tasks waiting, so no more of a source are under way. The
///         done tasks of a lost source are remembered for `duty_memory`, so that a repeated order of a returned source
///         is recognised.
class DutyInbox {
public:
    explicit DutyInbox(const Timing& timing) : timing_(timing) {}

    /// Takes in a task of `from`. Appends a DutyPerform for a new task. A done task is reported once more; a task under
    /// way is ignored.
    void on_order(const DutyMember& from, const DutyOrder& order, std::vector<DutyPerform>& out);
    /// The shard has done the task with `token`. False when no task has such a token.
    bool on_done(std::uint64_t token);

    /// A member has a new session: tells the member of its done tasks once more.
    void add(const DutyMember& member);
    /// A member's session has ended. Its done tasks are forgotten after `duty_memory`, unless the member comes again.
    void lose(Instant now, const DutyMember& member);
    /// Forgets lost members past their time.
    void work(Instant now);
    [[nodiscard]] std::optional<Instant> next_deadline() const;

    /// Appends numbers of done tasks of `to` that have not been told, at most `duty_mail_entries`. False: nothing to
    /// append.
    bool compose(const DutyMember& to, const Limits& limits, DutyMail& mail);
    /// True when compose() has something for `to`.
    [[nodiscard]] bool owes(OriginId to) const;
    /// The source has confirmed these numbers: they can be forgotten.
    void on_known(OriginId source, const std::vector<std::uint64_t>& done);

    /// Tasks handed to the shard and not done yet.
    [[nodiscard]] std::size_t under_way() const { return tokens_.size(); }

private:
    /// A member that gives tasks.
    struct Source {
        /// The present standing of the member. 0: lost.
        DutyTie tie;
        /// Tasks under way: the source's number, the token.
        std::map<std::uint64_t, std::uint64_t> tokens;
        /// Done tasks, until the source has confirmed.
        std::set<std::uint64_t> done;
        /// The part of `done` that the source has not been told in its present standing.
        std::set<std::uint64_t> unsaid;
    };

    Timing timing_;
    std::map<OriginId, Source> sources_;
    // Tasks under way: the token, the source and its number.
    std::map<std::uint64_t, std::pair<OriginId, std::uint64_t>> tokens_;
    // Lost members, each with the moment of forgetting.
    std::deque<std::pair<Instant, DutyMember>> lost_;
    // Odd. The desk uses the even tokens, so a DutyDone finds the right part by its token.
    std::uint64_t last_token_ = 1;
};

}  // namespace tulle::mesh
