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

/// Tasks of all members that this node has been given to do: each is handed to the shard once, and when it is done its
/// source is told until it knows.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
/// Limits: each source keeps at most `duty_tasks`, so there are no more here of each.
class DutyInbox {
public:
    explicit DutyInbox(const Timing& timing) : timing_(timing) {}

    void on_order(const DutyMember& from, const DutyOrder& order, std::vector<DutyPerform>& out);
    /// The shard's answer. False: not a token of ours that is under way.
    bool on_done(std::uint64_t token);

    void add(const DutyMember& member);
    void lose(Instant now, const DutyMember& member);
    void work(Instant now);
    [[nodiscard]] std::optional<Instant> next_deadline() const;

    /// Appends what of `to`'s is done and has not been said. False: there was nothing.
    bool compose(const DutyMember& to, const Limits& limits, DutyMail& mail);
    [[nodiscard]] bool owes(OriginId to) const;
    /// The source knows.
    void on_known(OriginId source, const std::vector<std::uint64_t>& done);

    [[nodiscard]] std::size_t under_way() const { return tokens_.size(); }

private:
    struct Source {
        DutyTie tie;                                    // 0: lost
        std::map<std::uint64_t, std::uint64_t> tokens;  // under way, by the source's number
        std::set<std::uint64_t> done;                   // until the source knows
        std::set<std::uint64_t> unsaid;                 // of those, in this standing
    };

    Timing timing_;
    std::map<OriginId, Source> sources_;
    std::map<std::uint64_t, std::pair<OriginId, std::uint64_t>> tokens_;
    std::deque<std::pair<Instant, DutyMember>> lost_;  // to be forgotten then, if it has not come again
    std::uint64_t last_token_ = 1;
};

}  // namespace tulle::mesh
