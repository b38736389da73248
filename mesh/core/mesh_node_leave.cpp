#include <algorithm>

#include "mesh/core/mesh_node.hpp"

/// How a node leaves. It retires first: everybody learns that it takes no duties over any more. Then it hands its
/// duties over, or tells what is left to tell itself when nobody stays, and says goodbye.
namespace tulle::mesh {
namespace {

// before the deadline: a peer that does not answer is no reason to part from nobody else in order
constexpr Duration kPartingTime = 1s;

}  // namespace

void MeshNode::begin_retire(Instant now, const RetireRequest& request, Effects& out) {
    if (tell_by_) {
        return;
    }
    tell_by_ = now + request.telling;
    for (const auto& [waiting, publish] : held_) {
        out.push_back(ToPort{waiting, Published{publish.id, PublishOutcome::kNotReady, {}}});
    }
    held_.clear();
    membership_.stop_dialling(out);
    membership_.set_ready(false);
    duties_.retire(now);
    hurry_heartbeats(now);  // whoever leaves at the same moment must not hand over to this node
    if (ready_) {
        ready_ = false;
        out.push_back(ReadinessChanged{false});
    }
}

void MeshNode::hurry_heartbeats(Instant now) {
    for (auto& [oid, link] : links_) {
        link.heartbeat_at = now;
        touch(link);
    }
}

void MeshNode::begin_leave(Instant now, const LeaveRequest& request, Effects& out) {
    if (leave_by_) {
        return;
    }
    begin_retire(now, {request.deadline}, out);
    leave_by_ = now + request.deadline;
    leave_sent_at_ = now - options_.timing.heartbeat;
    if (!duties_.is_last()) {
        tell_by_ = leave_by_;  // should the others go meanwhile
    }
    duties_.leave(now);
}

/// Who is the last waits for those that leave too: they hand over to it.
bool MeshNode::tells_last_words(Instant now) const {
    return duties_.takes_over() && now < *tell_by_ && !(links_.empty() && duties_.all_told());
}

/// Whoever leaves at the same moment must know that this node leaves, and the other way round, before one of the two
/// has gone: after that nothing can be handed over to it any more. And all who are handed a part must have it, and say
/// that they do it, before anybody is told goodbye.
bool MeshNode::may_part(Instant now) const {
    return parted_ || *leave_by_ - now <= kPartingTime ||
           std::all_of(links_.begin(), links_.end(), [this](const auto& link) {
               return link.second.leaving_heard && duties_.may_part_from(link.first);
           });
}

void MeshNode::tick_leave(Instant now, Effects& out) {
    if (!tell_by_ || left_) {
        return;
    }
    if (duties_.takes_over() && duty_shard_ && !std::exchange(is_last_, true)) {
        out.push_back(ToPort{*duty_shard_, DutyLast{}});
    }
    if (std::exchange(takes_over_, duties_.takes_over()) != duties_.takes_over()) {
        hurry_heartbeats(now);  // somebody may wait for it
    }
    if (!leave_by_) {
        return;
    }
    if (tells_last_words(now)) {
        leave_look_at_ = std::min(*tell_by_, *leave_by_);
        if (now < *leave_by_) {
            return;
        }
    }
    const bool all = std::all_of(links_.begin(), links_.end(), [](const auto& l) { return l.second.leave_receipted; });
    if (all || *leave_by_ <= now) {
        end_leave(out);
        return;
    }
    say_leave(now, out);
    leave_look_at_ = std::min(*leave_by_, std::max(leave_sent_at_, now) + options_.timing.heartbeat);
}

void MeshNode::say_leave(Instant now, Effects& out) {
    if (now - leave_sent_at_ < options_.timing.heartbeat || !may_part(now)) {
        return;
    }
    leave_sent_at_ = now;
    for (const auto& [oid, link] : links_) {
        const RecordNo considered = link.sender.is_open() ? link.sender.upto(considered_) : link.resume_after;
        const bool drained = considered == ring_.last();
        if (!link.leave_receipted && drained && duties_.delivered(oid)) {
            parted_ = true;
            duties_.part();
            membership_.send(oid, Leave{link.sender.last_sent()}, out);
        }
    }
}

void MeshNode::end_leave(Effects& out) {
    left_ = true;
    if (const std::size_t untold = duties_.takes_over() ? duties_.untold() : 0; untold > 0) {
        out.push_back(Notice{Severity::kWarn,
                             "not told to webhooks: " + std::to_string(untold) +
                                 " changes and events, as this node has left and no other is there to tell them"});
    }
    out.push_back(Left{});
}

}  // namespace tulle::mesh
