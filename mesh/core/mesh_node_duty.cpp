#include "mesh/base/assert.hpp"
#include "mesh/core/mesh_node.hpp"

namespace tulle::mesh {

/// False: the word is about something else.
bool MeshNode::on_duty_word(Instant now, ShardIndex shard, const ToHub& message) {
    if (const auto* count = std::get_if<DutyCount>(&message)) {
        duties_.count(shard, *count);
    } else if (const auto* task = std::get_if<DutyTask>(&message)) {
        static_cast<void>(duties_.task(*task));
    } else if (const auto* done = std::get_if<DutyDone>(&message)) {
        duties_.done(now, *done);
    } else {
        return false;
    }
    return true;
}

void MeshNode::work_duties(Instant now, Effects& out) {
    Duties::Out todo;
    duties_.work(now, todo);
    for (auto& [to, mail] : todo.mails) {
        membership_.send(to, std::move(mail), out);
    }
    TULLE_ASSERT(duty_shard_ || (todo.changed.empty() && todo.perform.empty()));
    for (const DutyRevoked& revoked : todo.revoked) {
        out.push_back(ToPort{*duty_shard_, revoked});
    }
    for (DutyChanged& changed : todo.changed) {
        out.push_back(ToPort{*duty_shard_, std::move(changed)});
    }
    for (DutyPerform& task : todo.perform) {
        out.push_back(ToPort{*duty_shard_, std::move(task)});
    }
}

}  // namespace tulle::mesh
