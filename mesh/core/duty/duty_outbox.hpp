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

/// Tasks from shards of this node, kept until the responsible node reports the end of each task.
///
/// Thread: confined to the hub.
/// Order:  tasks of a key go to a single node, in order, as long as a task of the key waits. Only when the node is lost
///         do all waiting tasks of the key go to another node. So a task is done twice only when a node is lost in the
///         middle of the task.
/// Limits: `duty_tasks` tasks and `duty_task_bytes` bytes. A further task is refused.
class DutyOutbox {
public:
    explicit DutyOutbox(const Limits& limits) : limits_(limits) {}

    /// Accepts a task. False when a limit is reached. REQUIRES: within the limits of port.hpp.
    [[nodiscard]] bool add(const DutyTask& task);
    /// Forgets done tasks. Unknown numbers are ignored.
    void on_done(const std::vector<std::uint64_t>& numbers);

    /// Sets the members with a share in the duties. Tasks of a lost member wait for work() again.
    void set_members(const DutyMembers& members);
    /// Assigns waiting tasks to members, about `duty_slice` comparisons a turn.
    void work();
    /// True when work() has tasks to assign.
    [[nodiscard]] bool working() const { return !unassigned_.empty() && !members_.empty(); }

    /// Appends unsent tasks of `to`, up to the limits of a mail. False: nothing to append.
    bool compose(DutyTie to, DutyMail& mail);
    /// True when compose() has something for `to`.
    [[nodiscard]] bool owes(DutyTie to) const { return unsent_.contains(to); }

    /// Tasks kept here: sent or not, but not done.
    [[nodiscard]] std::size_t waiting() const { return tasks_.size(); }

private:
    struct Task {
        DutyTask task;
        /// The member responsible for the task. 0: not assigned yet.
        DutyTie desk;  // 0: none yet
        /// Size of the task in bytes, with an allowance for the tables.
        [[nodiscard]] std::size_t cost() const { return 128 + task.key.size() + task.body->size(); }
    };
    /// A key with waiting tasks, and the member responsible for all of them.
    struct Key {
        DutyTie desk;
        std::size_t waiting = 0;
    };

    /// Removes a task from all tables.
    void forget(std::uint64_t number);

    Limits limits_;
    DutyMembers members_;
    // By number. Numbers grow with time, so the order is the order of arrival.
    std::map<std::uint64_t, Task> tasks_;
    std::map<std::string, Key> keys_;
    std::set<std::uint64_t> unassigned_;
    // Assigned tasks not yet in a mail.
    std::map<DutyTie, std::set<std::uint64_t>> unsent_;
    std::uint64_t last_number_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace tulle::mesh
