#include "mesh/core/node/departure.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "mesh/core/node/numbers.hpp"

namespace tulle::mesh {
static_assert(Timing{}.drain < Timing{}.left_for_good, "a leaver that drains has not come again");

namespace {

// before the deadline: a peer that does not answer is no reason to part from nobody else in order
constexpr Duration kPartingTime = 1s;

}  // namespace

void Departure::on(Instant now, const RetireRequest& request, Effects& out) {
    if (tell_by_) {
        return;
    }
    tell_by_ = now + request.telling;
    publisher_.refuse_held(out);
    serving_.retire(out);
    duty_.duties().retire(now);
    pulse_.hurry_all(now);  // whoever leaves at the same moment must not hand over to this node
    serving_.tell_retired(out);
}

void Departure::on(Instant now, const LeaveRequest& request, Effects& out) {
    if (leave_by_) {
        return;
    }
    on(now, RetireRequest{request.deadline}, out);
    leave_by_ = now + request.deadline;
    sent_at_ = now - context_.timing().heartbeat;
    if (!duty_.duties().is_last()) {
        tell_by_ = leave_by_;  // should the others go meanwhile
    }
    duty_.duties().leave(now);
}

void Departure::on(Instant now, Session& session, const Leave& goodbye, Effects& out) {
    session.parting.last_frame = goodbye.last_frame;
    session.data.receiver.on_claim(now, goodbye.last_frame, {}, false);
    check(now, session, out);
}

void Departure::on(Session& session, const Heartbeat& heartbeat) {
    Parting& parting = session.parting;
    parting.heard = parting.heard || (parting.said_us != 0 && heartbeat.echo_us >= parting.said_us);
}

void Departure::note_sent(Session& session, const Heartbeat& heartbeat) {
    if (heartbeat.leaving && session.parting.said_us == 0) {
        session.parting.said_us = heartbeat.sent_at_us;
    }
}

void Departure::check(Instant now, Session& session, Effects& out) {
    const std::optional<FrameNo>& last = session.parting.last_frame;
    if (last && *last <= session.data.receiver.received()) {
        context_.send(session.oid, LeaveReceipt{}, out);
        membership_.on_left(now, session.oid, out);
    }
}

/// Who is the last waits for those that leave too: they hand over to it.
bool Departure::tells_last_words(Instant now) const {
    const Duties& duties = duty_.duties();
    return duties.takes_over() && now < *tell_by_ && !(context_.sessions().empty() && duties.all_told());
}

/// Whoever leaves at the same moment must know that this node leaves, and the other way round, before one of the two
/// has gone: after that nothing can be handed over to it any more. And all who are handed a part must have it, and say
/// that they do it, before anybody is told goodbye.
bool Departure::may_part(Instant now) const {
    const Sessions& sessions = context_.sessions();
    return done_.parted || *leave_by_ - now <= kPartingTime ||
           std::all_of(sessions.begin(), sessions.end(), [this](const auto& entry) {
               return entry.second.parting.heard && duty_.duties().may_part_from(entry.first);
           });
}

void Departure::tick(Instant now, Effects& out) {
    if (!tell_by_ || done_.left) {
        return;
    }
    const bool takes_over = duty_.duties().takes_over();
    if (takes_over && duty_.shard() && !std::exchange(done_.is_last, true)) {
        out.push_back(ToPort{*duty_.shard(), DutyLast{}});
    }
    if (std::exchange(done_.takes_over, takes_over) != takes_over) {
        pulse_.hurry_all(now);  // somebody may wait for it
    }
    if (!leave_by_) {
        return;
    }
    if (tells_last_words(now)) {
        look_at_ = std::min(*tell_by_, *leave_by_);
        if (now < *leave_by_) {
            return;
        }
    }
    const Sessions& sessions = context_.sessions();
    const bool all =
        std::all_of(sessions.begin(), sessions.end(), [](const auto& entry) { return entry.second.parting.receipted; });
    if (all || *leave_by_ <= now) {
        end(out);
        return;
    }
    say_goodbye(now, out);
    look_at_ = std::min(*leave_by_, std::max(sent_at_, now) + context_.timing().heartbeat);
}

void Departure::say_goodbye(Instant now, Effects& out) {
    if (now - sent_at_ < context_.timing().heartbeat || !may_part(now)) {
        return;
    }
    sent_at_ = now;
    for (const auto& [oid, session] : context_.sessions()) {
        const bool drained = streams_.sent_upto(session) == ring_.last();
        if (!session.parting.receipted && drained && duty_.duties().delivered(oid)) {
            done_.parted = true;
            duty_.duties().part();
            context_.send(oid, Leave{session.data.sender.last_sent()}, out);
        }
    }
}

void Departure::end(Effects& out) {
    done_.left = true;
    const Duties& duties = duty_.duties();
    if (const std::size_t untold = duties.takes_over() ? duties.untold() : 0; untold > 0) {
        out.push_back(Notice{Severity::kWarn,
                             "not told to webhooks: " + std::to_string(untold) +
                                 " changes and events, as this node has left and no other is there to tell them"});
    }
    out.push_back(Left{});
}

std::optional<Instant> Departure::next_deadline() const {
    return leave_by_ && !done_.left ? std::optional(look_at_) : std::nullopt;
}

}  // namespace tulle::mesh
