#include "node/admin/admin_events.hpp"

#include <algorithm>
#include <chrono>
#include <exception>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "mesh/base/assert.hpp"
#include "node/admin/admin_answers.hpp"
#include "node/admin/event_json.hpp"

namespace tulle::node {
namespace {

namespace json = boost::json;

std::string rendered(const EventLog::Page& page) {
    json::array events;
    for (const NodeEvent& event : page.events) {
        events.push_back(to_json(event));
    }
    return json::serialize(json::object{{"events", std::move(events)}, {"next", page.next}, {"lost", page.lost}});
}

}  // namespace

bool AdminEvents::answer(HttpTicket ticket, const EventsQuery& query, bool is_last) {
    const EventLog::Page page = log_.read(query.since, query.limit, query.kind);
    if (page.events.empty() && !is_last) {
        return false;
    }
    room_.respond(ticket, admin_answer(200, kAdminJson, rendered(page)));
    return true;
}

void AdminEvents::ask(HttpTicket ticket, const EventsQuery& query) {
    // From here on each event wakes this thread, so no event comes unnoticed between the look and the wait.
    log_.set_followed(true);
    if (answer(ticket, query, query.wait == Duration{})) {
        return;
    }
    if (followers_.size() >= kMaxAdminFollowers) {
        counters_.questions_refused_total.add();
        room_.respond(ticket, admin_refusal(503, "too many requests wait for events"));
        return;
    }
    followers_.push_back({ticket, query, reactor_.now() + query.wait});
    TULLE_ASSERT(followers_.size() <= kMaxAdminFollowers);
}

void AdminEvents::watch(HttpTicket ticket, const LogQuery& query) {
    if (refusals_ == nullptr) {
        room_.respond(ticket, admin_refusal(503, "this node tells of no refused clients"));
    } else if (!refusals_->watch({query.app, query.address}, query.time, reactor_.now())) {
        counters_.questions_refused_total.add();
        room_.respond(ticket, admin_refusal(503, "refused clients are being told of for " +
                                                     std::to_string(RefusalWatch::kMaxWatches) + " questions already"));
    } else {
        room_.respond(ticket, admin_answer(202, kAdminJson, "{\"since\":" + std::to_string(log_.last()) + "}"));
    }
}

void AdminEvents::end_turn() {
    const Instant now = reactor_.now();
    reactor_.wake_at(from_counters_.tick(now));
    std::erase_if(followers_, [&](const Follower& each) {
        try {
            return answer(each.ticket, each.query, each.deadline <= now);
        } catch (const std::exception& error) {
            // A list of events that finds no memory ends its connection alone.
            if (Connection* connection = reactor_.find(each.ticket.slot)) {
                reactor_.fail(*connection, error);
            }
            return true;
        }
    });
    for (const Follower& each : followers_) {
        reactor_.wake_at(each.deadline);
    }
    log_.set_followed(!followers_.empty());
}

}  // namespace tulle::node
