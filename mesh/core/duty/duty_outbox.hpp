#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "mesh/core/duty/duty_members.hpp"
#include "mesh/core/node/messages.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/node/port.hpp"

namespace tulle::mesh {

/// Tasks that arose at this node, kept until the node that does them says that they are done.
///
/// Thread: confined to the hub.
/// Order:  tasks of one key go to one node, in order, for as long as one of them is waiting; only when that node is
///         lost do they go to another, all of them again. So a task is done twice only if its node was lost while doing
///         it.
/// Limits: `duty_tasks` and `duty_task_bytes`; a further task is refused.
class DutyOutbox {
public:
    explicit DutyOutbox(const Limits& limits) : limits_(limits) {}

    /// False: refused. REQUIRES: within the limits of port.hpp.
    [[nodiscard]] bool add(const DutyTask& task);
    void on_done(const std::vector<std::uint64_t>& numbers);

    void set_members(const DutyMembers& members);
    void work();
    [[nodiscard]] bool working() const { return !unassigned_.empty() && !members_.empty(); }

    /// Appends what `to` has to do and has not been sent. False: there was nothing.
    bool compose(DutyTie to, DutyMail& mail);
    [[nodiscard]] bool owes(DutyTie to) const { return unsent_.contains(to); }

    [[nodiscard]] std::size_t waiting() const { return tasks_.size(); }

private:
    struct Task {
        DutyTask task;
        DutyTie desk;  // 0: none yet
        [[nodiscard]] std::size_t cost() const { return 128 + task.key.size() + task.body->size(); }
    };
    struct Key {
        DutyTie desk;
        std::size_t waiting = 0;
    };

    void forget(std::uint64_t number);

    Limits limits_;
    DutyMembers members_;
    std::map<std::uint64_t, Task> tasks_;
    std::map<std::string, Key> keys_;
    std::set<std::uint64_t> unassigned_;
    std::map<DutyTie, std::set<std::uint64_t>> unsent_;
    std::uint64_t last_number_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace tulle::mesh
