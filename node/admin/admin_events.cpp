#include "node/admin/admin_events.hpp"

#include <algorithm>
#include <chrono>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "node/admin/admin_answers.hpp"

namespace tulle::node {
namespace {

namespace json = boost::json;

json::string text_of(std::string_view view) {
    return json::string(view.data(), view.size());
}

std::string rendered(const EventLog::Page& page) {
    json::array events;
    for (const NodeEvent& event : page.events) {
        events.push_back({{"seq", event.seq},
                          {"at_ms", event.at_ms},
                          {"kind", text_of(to_text(event.kind))},
                          {"text", text_of(event.text)}});
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

void AdminEvents::ask(HttpTicket ticket, std::string_view query) {
    std::string why;
    const std::optional<EventsQuery> given = parse_events_query(query, why);
    if (!given) {
        room_.respond(ticket, admin_refusal(400, why));
        return;
    }
    // From here on each event wakes this thread, so no event comes unnoticed between the look and the wait.
    log_.set_followed(true);
    if (answer(ticket, *given, given->wait == Duration{})) {
        return;
    }
    if (followers_.size() >= kMaxAdminFollowers) {
        counters_.questions_refused_total.add();
        room_.respond(ticket, admin_refusal(503, "too many requests wait for events"));
        return;
    }
    followers_.push_back({ticket, *given, reactor_.now() + given->wait});
}

void AdminEvents::watch(HttpTicket ticket, std::string_view query) {
    std::string why;
    const std::optional<LogQuery> given = parse_log_query(query, why);
    if (!given) {
        room_.respond(ticket, admin_refusal(400, why));
    } else if (refusals_ == nullptr || !refusals_->watch({given->app, given->address}, given->time, reactor_.now())) {
        counters_.questions_refused_total.add();
        room_.respond(ticket, admin_refusal(503, "refused clients are being told of for 16 questions already"));
    } else {
        room_.respond(ticket, admin_answer(202, kAdminJson, "{\"since\":" + std::to_string(log_.last()) + "}"));
    }
}

void AdminEvents::end_turn() {
    const Instant now = reactor_.now();
    reactor_.wake_at(from_counters_.tick(now));
    std::erase_if(followers_,
                  [&](const Follower& each) { return answer(each.ticket, each.query, each.deadline <= now); });
    for (const Follower& each : followers_) {
        reactor_.wake_at(each.deadline);
    }
    log_.set_followed(!followers_.empty());
}

}  // namespace tulle::node
