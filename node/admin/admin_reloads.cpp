#include "node/admin/admin_reloads.hpp"

#include "mesh/base/assert.hpp"
#include "node/admin/admin_answers.hpp"

namespace tulle::node {

void AdminReloads::ask(HttpTicket ticket) {
    if (waiting_.size() >= kMaxAdminReloads) {
        counters_.questions_refused_total.add();
        room_.respond(ticket, admin_refusal(503, "too many requests wait for a reload"));
        return;
    }
    waiting_.push_back({asked_.fetch_add(1) + 1, ticket});
    TULLE_ASSERT(waiting_.size() <= kMaxAdminReloads);
    ask_();
}

void AdminReloads::answer(std::uint64_t asked, const ReloadOutcome& outcome, std::size_t apps) {
    while (!waiting_.empty() && waiting_.front().number <= asked) {
        const HttpTicket ticket = waiting_.front().ticket;
        waiting_.pop_front();
        room_.respond(ticket,
                      outcome.error == kStopping ? admin_refusal(503, kStopping) : admin_reload_answer(outcome, apps));
    }
}

}  // namespace tulle::node
