#include "mesh/core/duty/duty_outbox.hpp"

#include "mesh/base/assert.hpp"

namespace tulle::mesh {

bool DutyOutbox::add(const DutyTask& task) {
    TULLE_ASSERT(!task.key.empty() && task.key.size() <= kMaxChannelBytes);
    TULLE_ASSERT(task.body && task.body->size() <= kMaxBodyBytes);
    Task made{task, {}};
    if (tasks_.size() >= limits_.duty_tasks || bytes_ + made.cost() > limits_.duty_task_bytes) {
        return false;
    }
    bytes_ += made.cost();
    ++keys_[task.key].waiting;
    unassigned_.insert(++last_number_);
    tasks_.emplace(last_number_, std::move(made));
    return true;
}

void DutyOutbox::forget(std::uint64_t number) {
    const auto it = tasks_.find(number);
    if (it == tasks_.end()) {
        // The task was done twice, because a second node had to be given the task.
        return;
    }
    unassigned_.erase(number);
    if (const auto unsent = unsent_.find(it->second.desk); unsent != unsent_.end()) {
        unsent->second.erase(number);
        if (unsent->second.empty()) {
            unsent_.erase(unsent);
        }
    }
    const auto key = keys_.find(it->second.task.key);
    TULLE_ASSERT(key != keys_.end() && key->second.waiting > 0);
    TULLE_ASSERT(it->second.cost() <= bytes_);
    if (--key->second.waiting == 0) {
        keys_.erase(key);
    }
    bytes_ -= it->second.cost();
    tasks_.erase(it);
}

void DutyOutbox::on_done(const std::vector<std::uint64_t>& numbers) {
    for (const std::uint64_t number : numbers) {
        forget(number);
    }
}

void DutyOutbox::set_members(const DutyMembers& members) {
    members_ = members;
    for (auto& [number, task] : tasks_) {
        if (task.desk.value != 0 && !members_.contains(task.desk)) {
            unsent_.erase(task.desk);
            task.desk = {};
            keys_[task.task.key].desk = {};
            unassigned_.insert(number);
        }
    }
}

// Tasks are assigned in the order of their numbers, so tasks of a key keep their order.
void DutyOutbox::work() {
    std::size_t compared = 0;
    while (working() && compared < limits_.duty_slice) {
        const std::uint64_t number = *unassigned_.begin();
        Task& task = tasks_.at(number);
        Key& key = keys_.at(task.task.key);
        // The first waiting task of a key chooses the member; further tasks of the key follow.
        if (key.desk.value == 0) {
            key.desk = members_.responsible(stable_hash(task.task.key));
            compared += members_.size();
        }
        task.desk = key.desk;
        // working() is true only with a member to share the duties.
        TULLE_ASSERT(task.desk != DutyTie{});
        unsent_[task.desk].insert(number);
        unassigned_.erase(unassigned_.begin());
        ++compared;
    }
}

bool DutyOutbox::compose(DutyTie to, DutyMail& mail) {
    const auto found = unsent_.find(to);
    if (found == unsent_.end()) {
        return false;
    }
    std::set<std::uint64_t>& numbers = found->second;
    std::size_t bytes = 0;
    while (!numbers.empty() && bytes < limits_.duty_mail_bytes && mail.orders.size() < limits_.duty_mail_entries) {
        const std::uint64_t number = *numbers.begin();
        const Task& task = tasks_.at(number);
        mail.orders.push_back({number, task.task.key, task.task.body});
        bytes += task.cost();
        numbers.erase(numbers.begin());
    }
    if (numbers.empty()) {
        unsent_.erase(found);
    }
    return true;
}

}  // namespace tulle::mesh
