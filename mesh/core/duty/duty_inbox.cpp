#include "mesh/core/duty/duty_inbox.hpp"

#include "mesh/base/assert.hpp"

namespace tulle::mesh {

void DutyInbox::add(const DutyMember& member) {
    Source& source = sources_[member.oid];
    source.tie = member.tie;
    source.unsaid = source.done;
}

void DutyInbox::lose(Instant now, const DutyMember& member) {
    const auto found = sources_.find(member.oid);
    if (found != sources_.end()) {
        found->second.tie = {};
        found->second.unsaid.clear();
        lost_.emplace_back(now + timing_.duty_memory, member);
    }
}

void DutyInbox::on_order(const DutyMember& from, const DutyOrder& order, std::vector<DutyPerform>& out) {
    Source& source = sources_[from.oid];
    // The source repeats an order, so the word about its end was lost.
    if (source.done.contains(order.number)) {
        source.unsaid.insert(order.number);
        return;
    }
    if (source.tokens.contains(order.number)) {
        return;
    }
    // Tasks have odd tokens, items have even tokens.
    last_token_ += 2;
    TULLE_ASSERT(last_token_ % 2 == 1);
    source.tokens.emplace(order.number, last_token_);
    tokens_.emplace(last_token_, std::pair(from.oid, order.number));
    out.push_back({last_token_, order.key, order.body});
}

bool DutyInbox::on_done(std::uint64_t token) {
    const auto found = tokens_.find(token);
    if (found == tokens_.end()) {
        return false;
    }
    const auto [oid, number] = found->second;
    tokens_.erase(found);
    const auto at = sources_.find(oid);
    if (at == sources_.end()) {
        // The source was lost and forgotten: nobody can be told.
        return true;
    }
    at->second.tokens.erase(number);
    at->second.done.insert(number);
    if (at->second.tie.value != 0) {
        at->second.unsaid.insert(number);
    }
    return true;
}

void DutyInbox::work(Instant now) {
    while (!lost_.empty() && lost_.front().first <= now) {
        const auto found = sources_.find(lost_.front().second.oid);
        // A source with a new standing has come again and stays.
        if (found != sources_.end() && found->second.tie.value == 0) {
            sources_.erase(found);
        }
        lost_.pop_front();
    }
}

std::optional<Instant> DutyInbox::next_deadline() const {
    return lost_.empty() ? std::nullopt : std::optional(lost_.front().first);
}

bool DutyInbox::owes(OriginId to) const {
    const auto found = sources_.find(to);
    return found != sources_.end() && !found->second.unsaid.empty();
}

bool DutyInbox::compose(const DutyMember& to, const Limits& limits, DutyMail& mail) {
    if (!owes(to.oid)) {
        return false;
    }
    std::set<std::uint64_t>& unsaid = sources_.at(to.oid).unsaid;
    while (!unsaid.empty() && mail.done.size() < limits.duty_mail_entries) {
        mail.done.push_back(*unsaid.begin());
        unsaid.erase(unsaid.begin());
    }
    return true;
}

void DutyInbox::on_known(OriginId source, const std::vector<std::uint64_t>& done) {
    const auto found = sources_.find(source);
    if (found == sources_.end()) {
        return;
    }
    for (const std::uint64_t number : done) {
        found->second.done.erase(number);
    }
}

}  // namespace tulle::mesh
