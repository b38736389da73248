#include "node/pusher/edge/leave_teller.hpp"

#include <utility>

#include "mesh/base/assert.hpp"

namespace tulle::node {

void LeaveTeller::set_mode(LeaveMode mode) {
    mode_ = mode;
    if (mode == LeaveMode::kNever) {
        leavings_.clear();
        due_.clear();
    }
}

void LeaveTeller::subscribe(mesh::Subscribe message) {
    due_.erase(key_of(message.channel, {}));
    hub_.send(std::move(message));
}

void LeaveTeller::unsubscribe(const std::string& channel, bool has_users) {
    // Users that wait for their grace would leave with their channel.
    if (has_users && (mode_ == LeaveMode::kAfterGrace || (mode_ == LeaveMode::kAtOnce && leavings_.next()))) {
        wait({channel, {}});
    } else if (mode_ != LeaveMode::kNever) {
        hub_.send(mesh::Unsubscribe{channel});
    }
}

void LeaveTeller::join(mesh::MemberJoin message) {
    due_.erase(key_of(message.channel, message.member.user));
    hub_.send(std::move(message));
}

void LeaveTeller::leave(const std::string& channel, const std::string& user) {
    if (mode_ == LeaveMode::kAfterGrace) {
        wait({channel, user});
    } else if (mode_ == LeaveMode::kAtOnce) {
        hub_.send(mesh::MemberLeave{channel, user});
    }
}

void LeaveTeller::wait(Leaving leaving) {
    TULLE_ASSERT(mode_ != LeaveMode::kNever && !leaving.channel.empty());
    std::string key = key_of(leaving.channel, leaving.user);
    due_[std::move(key)] = leavings_.push(reactor_.now(), std::move(leaving));
    reactor_.wake_at(*leavings_.next());
}

void LeaveTeller::end_turn() {
    if (!leavings_.next()) {
        return;
    }
    leavings_.take_due(reactor_.now(), [this](const Leaving& leaving) { tell(leaving); });
    if (const std::optional<Instant> next = leavings_.next()) {
        reactor_.wake_at(*next);
    }
}

void LeaveTeller::tell(const Leaving& leaving) {
    const auto due = due_.find(key_of(leaving.channel, leaving.user));
    // Taken back, or left once more: a later entry of the queue tells that.
    if (due == due_.end() || due->second > reactor_.now()) {
        return;
    }
    due_.erase(due);
    if (leaving.user.empty()) {
        hub_.send(mesh::Unsubscribe{leaving.channel});
    } else {
        hub_.send(mesh::MemberLeave{leaving.channel, leaving.user});
    }
}

}  // namespace tulle::node
