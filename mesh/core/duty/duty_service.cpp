#include "mesh/core/duty/duty_service.hpp"

#include <utility>

#include "mesh/base/assert.hpp"

namespace tulle::mesh {

bool DutyService::on(Instant now, OriginId from, const Heartbeat& heartbeat) {
    duties_.on_claim(from, heartbeat.duty_view, heartbeat.duty_view_no);
    return heartbeat.leaving && duties_.on_leaving(now, from, heartbeat.last);
}

void DutyService::write(Instant now, OriginId to, Heartbeat& heartbeat) const {
    heartbeat.duty_view = duties_.claim(now, to);
    heartbeat.duty_view_no = duties_.view_no();
    heartbeat.leaving = duties_.retiring();
    heartbeat.last = duties_.takes_over();
}

void DutyService::tick(Instant now, Effects& out) {
    Duties::Out todo;
    duties_.work(now, todo);
    for (auto& [to, mail] : todo.mails) {
        context_.send(to, std::move(mail), out);
    }
    // Changes and tasks need a shard to deal with them.
    TULLE_ASSERT(shard_ || (todo.changed.empty() && todo.perform.empty()));
    for (const DutyRevoked& revoked : todo.revoked) {
        out.push_back(ToPort{*shard_, revoked});
    }
    for (DutyChanged& changed : todo.changed) {
        out.push_back(ToPort{*shard_, std::move(changed)});
    }
    for (DutyPerform& task : todo.perform) {
        out.push_back(ToPort{*shard_, std::move(task)});
    }
}

}  // namespace tulle::mesh
