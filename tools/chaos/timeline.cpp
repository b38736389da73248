#include "tools/chaos/timeline.hpp"

#include <algorithm>

namespace tulle::chaos {
namespace {

/// Ends the freeze of a node under way. The death of a frozen process ends the freeze, too.
void close_stop(Timeline& timeline, std::uint32_t node, Instant at) {
    for (Stop& stop : timeline.stops) {
        if (stop.node == node && stop.end == kNever) {
            stop.end = at;
        }
    }
}

/// Takes kStart, kEnd, kStop and kContinue.
void on_process(Timeline& timeline, const Event& event) {
    switch (event.kind) {
        case EventKind::kStart:
            timeline.processes.push_back({event.node, event.at, kNever, {}, {}, kNever});
            break;
        case EventKind::kEnd:
            if (const auto index = timeline.process_at(event.node, event.at)) {
                timeline.processes[*index].end = event.at;
                timeline.processes[*index].ending = event.text;
            }
            close_stop(timeline, event.node, event.at);
            break;
        case EventKind::kStop:
            timeline.stops.push_back({event.node, event.at, kNever});
            break;
        default:
            close_stop(timeline, event.node, event.at);
            break;
    }
}

/// A view belongs to the process with the view's oid. The first view with an unknown oid gives the oid to the running
/// process.
void on_view(Timeline& timeline, const Event& event) {
    // A view may arrive after the end of its process. Such a view must not name the next process.
    const bool known = std::any_of(timeline.processes.begin(), timeline.processes.end(),
                                   [&event](const Process& process) { return process.oid == event.text; });
    const auto running = timeline.process_at(event.node, event.at);
    if (!known && running && timeline.processes[*running].oid.empty()) {
        timeline.processes[*running].oid = event.text;
    }
    timeline.views[event.node].push_back({event.at, event.text, event.interest, event.members});
}

/// Takes kPublish and the three answers.
void on_publication(Timeline& timeline, const Event& event) {
    const MessageId id{event.publisher, event.number};
    if (event.kind == EventKind::kPublish) {
        timeline.by_id.emplace(id, timeline.publications.size());
        Publication publication;
        publication.id = id;
        publication.node = event.node;
        publication.channel = event.channel;
        publication.canary = event.text == kCanary;
        publication.sent = event.at;
        publication.process = timeline.process_at(event.node, event.at);
        timeline.publications.push_back(publication);
        return;
    }
    const auto found = timeline.by_id.find(id);
    if (found == timeline.by_id.end()) {
        return;
    }
    Publication& publication = timeline.publications[found->second];
    publication.answered = event.at;
    publication.outcome = event.kind;
    // The process changed in the meantime, so nobody knows which of the two took the message.
    if (timeline.process_at(publication.node, event.at) != publication.process) {
        publication.process.reset();
    }
}

/// Takes kSubscribed, kUnsubscribed, kDelivered and kGap.
void on_subscription(Timeline& timeline, const Event& event) {
    Subscribed& subscription = timeline.subscriptions[event.subscription];
    switch (event.kind) {
        case EventKind::kSubscribed:
            subscription.id = event.subscription;
            subscription.node = event.node;
            subscription.channel = event.channel;
            subscription.process = timeline.process_at(event.node, event.at);
            subscription.begin = event.at;
            break;
        case EventKind::kUnsubscribed:
            subscription.end = event.at;
            break;
        case EventKind::kDelivered:
            subscription.deliveries.push_back({event.at, {event.publisher, event.number}});
            break;
        default:
            subscription.gaps.push_back({event.at, event.number});
            break;
    }
}

/// The killed process is the newest process of the node, as the next starts only after the end.
void on_reaped(Timeline& timeline, const Event& event) {
    const auto last = std::find_if(timeline.processes.rbegin(), timeline.processes.rend(),
                                   [&event](const Process& process) { return process.node == event.node; });
    if (last != timeline.processes.rend()) {
        last->reaped = event.at;
    }
}

/// Takes presence, webhooks and reads.
void on_user(Timeline& timeline, const Event& event) {
    switch (event.kind) {
        case EventKind::kEntered:
            timeline.stays.push_back({event.node, event.text, event.at, kNever});
            break;
        case EventKind::kParted:
            // The newest open stay of the user at the node.
            for (auto stay = timeline.stays.rbegin(); stay != timeline.stays.rend(); ++stay) {
                if (stay->user == event.text && stay->node == event.node && stay->end == kNever) {
                    stay->end = event.at;
                    break;
                }
            }
            break;
        case EventKind::kMemberTold:
            timeline.told.push_back({event.at, event.node, event.text, event.interest, event.number != 0});
            break;
        case EventKind::kHook:
            timeline.hooks.push_back({event.at, event.text, event.interest});
            break;
        default:
            timeline.reads.push_back({event.at, event.node, event.text, event.interest});
            break;
    }
}

/// Ends all open cuts (kHealed) or slownesses (kEased) in a direction.
void end_impairment(Timeline& timeline, const Event& event) {
    for (Impairment& impairment : timeline.impairments) {
        if (impairment.from == event.node && impairment.to == event.other && impairment.end == kNever &&
            impairment.cut == (event.kind == EventKind::kHealed)) {
            impairment.end = event.at;
        }
    }
}

/// Puts an event in place.
void add(Timeline& timeline, const Event& event) {
    switch (event.kind) {
        case EventKind::kRun:
            timeline.nodes = static_cast<std::uint32_t>(event.number);
            break;
        case EventKind::kStart:
        case EventKind::kEnd:
        case EventKind::kStop:
        case EventKind::kContinue:
            on_process(timeline, event);
            break;
        case EventKind::kFault:
        case EventKind::kCalm:
            timeline.faults.push_back({event.at, event.kind == EventKind::kFault, event.text});
            break;
        case EventKind::kPublish:
        case EventKind::kAccepted:
        case EventKind::kRefused:
        case EventKind::kUnknown:
            on_publication(timeline, event);
            break;
        case EventKind::kView:
            on_view(timeline, event);
            break;
        case EventKind::kCut:
        case EventKind::kSlowed:
            timeline.impairments.push_back({event.node, event.other, event.kind == EventKind::kCut, event.at, kNever});
            break;
        case EventKind::kHealed:
        case EventKind::kEased:
            end_impairment(timeline, event);
            break;
        case EventKind::kReaped:
            on_reaped(timeline, event);
            break;
        case EventKind::kEntered:
        case EventKind::kParted:
        case EventKind::kMemberTold:
        case EventKind::kHook:
        case EventKind::kRead:
            on_user(timeline, event);
            break;
        case EventKind::kMemory:
            timeline.memory[event.node].push_back({event.at, event.number});
            break;
        default:
            on_subscription(timeline, event);
            break;
    }
}

}  // namespace

std::optional<std::size_t> Timeline::process_at(std::uint32_t node, Instant at) const {
    for (std::size_t i = processes.size(); i-- > 0;) {
        // From the newest process backwards: the first with a start before `at` decides.
        if (processes[i].node == node && processes[i].start <= at) {
            return processes[i].end > at ? std::optional(i) : std::nullopt;
        }
    }
    return std::nullopt;
}

bool Timeline::stopped_within(std::uint32_t node, Instant from, Instant to) const {
    return std::any_of(stops.begin(), stops.end(),
                       [&](const Stop& stop) { return stop.node == node && stop.begin <= to && stop.end >= from; });
}

bool Timeline::is_cut(std::uint32_t from, std::uint32_t to, Instant at) const {
    return std::any_of(impairments.begin(), impairments.end(), [&](const Impairment& impairment) {
        return impairment.cut && impairment.from == from && impairment.to == to && impairment.overlaps(at, at);
    });
}

bool Timeline::has_witness(std::uint32_t a, std::uint32_t b, Instant at) const {
    for (std::uint32_t third = 1; third <= nodes; ++third) {
        if (third != a && third != b && process_at(third, at) && !stopped_within(third, at, at) &&
            !cut_within(third, a, at, at) && !cut_within(third, b, at, at)) {
            return true;
        }
    }
    return false;
}

bool Timeline::cut_within(std::uint32_t a, std::uint32_t b, Instant from, Instant to) const {
    return std::any_of(impairments.begin(), impairments.end(), [&](const Impairment& impairment) {
        return impairment.cut && impairment.between(a, b) && impairment.overlaps(from, to);
    });
}

bool Timeline::cut_within(std::uint32_t node, Instant from, Instant to) const {
    return std::any_of(impairments.begin(), impairments.end(), [&](const Impairment& impairment) {
        return impairment.cut && (impairment.from == node || impairment.to == node) && impairment.overlaps(from, to);
    });
}

bool Timeline::is_within(FaultKind kind, Instant at) const {
    // The last turn at or before `at`.
    const auto after = std::upper_bound(faults.begin(), faults.end(), at,
                                        [](Instant moment, const Turn& turn) { return moment < turn.at; });
    // The text of a turn begins with the name of its kind.
    return after != faults.begin() && std::prev(after)->begins && std::prev(after)->what.starts_with(to_string(kind));
}

const Stay* Timeline::stay_at(const std::string& user, Instant at) const {
    const auto found = std::find_if(stays.begin(), stays.end(), [&](const Stay& stay) {
        return stay.user == user && stay.begin <= at && stay.end > at;
    });
    return found == stays.end() ? nullptr : &*found;
}

const View* Timeline::view_at(const Process& process, Instant at) const {
    const auto list = views.find(process.node);
    if (list == views.end() || process.oid.empty()) {
        return nullptr;
    }
    for (auto view = list->second.rbegin(); view != list->second.rend(); ++view) {
        if (view->at <= at && view->oid == process.oid) {
            return &*view;
        }
    }
    return nullptr;
}

Timeline make_timeline(const History& history) {
    Timeline timeline;
    for (const Event& event : history) {
        add(timeline, event);
        timeline.end = event.at;
    }
    return timeline;
}

const Member* find_member(const View& view, const std::string& oid) {
    const auto found = std::find_if(view.members.begin(), view.members.end(),
                                    [&oid](const Member& member) { return member.oid == oid; });
    return found == view.members.end() ? nullptr : &*found;
}

bool has_session(const Member& member) {
    return member.state == "alive" || member.state == "suspect" || member.state == "partial";
}

bool holds_alive(const View& view, const std::string& oid) {
    const Member* member = find_member(view, oid);
    return member != nullptr && member->state != "dead" && member->state != "left";
}

}  // namespace tulle::chaos
