#include "mesh/core/node/departure.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "mesh/core/node/numbers.hpp"

namespace tulle::mesh {
static_assert(Timing{}.drain < Timing{}.left_for_good, "a leaver that drains has not come again");

namespace {

/// The last part of the drain. A single peer without an answer must not keep this node from an orderly goodbye to all
/// others.
constexpr Duration kPartingTime = 1s;

}  // namespace

void Departure::on(Instant now, const RetireRequest& request, Effects& out) {
    if (tell_by_) {
        return;
    }
    // In this order: held publishes are refused and the duties move, before the shards hear that the node no longer
    // serves.
    tell_by_ = now + request.telling;
    publisher_.refuse_held(out);
    serving_.retire(out);
    duty_.duties().retire(now);
    // At once, or another leaver could hand its duties over to this node.
    pulse_.hurry_all(now);
    serving_.tell_retired(out);
}

void Departure::on(Instant now, const LeaveRequest& request, Effects& out) {
    if (leave_by_) {
        return;
    }
    on(now, RetireRequest{request.deadline}, out);
    leave_by_ = now + request.deadline;
    // The first goodbyes may go without waiting for a heartbeat.
    sent_at_ = now - context_.timing().heartbeat;
    if (!duty_.duties().is_last()) {
        // Not the last so far, but the others may go meanwhile.
        tell_by_ = leave_by_;
    }
    duty_.duties().leave(now);
}

void Departure::on(Instant now, Session& session, const Leave& goodbye, Effects& out) {
    session.parting.last_frame = goodbye.last_frame;
    // The goodbye travels by control and may have overtaken frames.
    session.data.receiver.on_claim(now, goodbye.last_frame, {}, false);
    check(now, session, out);
}

void Departure::on(Session& session, const Heartbeat& heartbeat) {
    Parting& parting = session.parting;
    // Every later heartbeat says `leaving` too, so an echo of any of them counts.
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

// With sessions left the node waits, although all is told: other leavers may still hand duties over to this node.
bool Departure::tells_last_words(Instant now) const {
    const Duties& duties = duty_.duties();
    return duties.takes_over() && now < *tell_by_ && !(context_.sessions().empty() && duties.all_told());
}

// Two nodes that leave at the same moment must know of each other's leaving before either has gone: afterwards nothing
// can be handed over any more. And every node that is handed a part must have the part, and say so, before the first
// goodbye.
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
    // No other node stays: the shard must tell everything without delay.
    if (takes_over && duty_.shard() && !std::exchange(done_.is_last, true)) {
        out.push_back(ToPort{*duty_.shard(), DutyLast{}});
    }
    if (std::exchange(done_.takes_over, takes_over) != takes_over) {
        // Another leaver may wait for a node that takes over.
        pulse_.hurry_all(now);
    }
    if (!leave_by_) {
        return;
    }
    // The deadline of leaving holds even if duties are untold.
    if (tells_last_words(now)) {
        look_at_ = std::min(*tell_by_, *leave_by_);
        if (now < *leave_by_) {
            return;
        }
    }
    const Sessions& sessions = context_.sessions();
    const bool all =
        std::all_of(sessions.begin(), sessions.end(), [](const auto& entry) { return entry.second.parting.receipted; });
    // Without sessions `all` is true: nobody needs a goodbye.
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
        // A goodbye names the last frame, so the whole log must be in frames first.
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
    acknowledger_.give_up_all(out);
    const Duties& duties = duty_.duties();
    // Only the last node loses untold duties; others have handed theirs over.
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
