#include <algorithm>
#include <deque>
#include <iostream>
#include <optional>
#include <string>
#include <utility>

#include "tools/cli/admin.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/events_question.hpp"
#include "tools/cli/events_text.hpp"
#include "tools/cli/exit_code.hpp"

namespace tulle::cli {
namespace {

void print(const EventRow& event, bool is_json) {
    std::cout << (is_json ? event.json + "\n" : event_line(event));
}

/// The latest events of all nodes. Returns the exit code.
int run_mesh_events(Admin& admin, const EventsOptions& options) {
    const std::size_t limit = std::clamp<std::size_t>(options.last, 1, kMostMeshEvents);
    const std::optional<EventsPage> page = ask_mesh_events(admin, options.admin.server, options.kind, limit);
    if (!page) {
        return kUnreachable;
    }
    for (const EventRow& event : page->events) {
        print(event, options.admin.json);
    }
    std::cout.flush();
    return say_missing(page->missing);
}

}  // namespace

int run_events(const EventsOptions& options) {
    Admin admin(options.admin.server, options.admin.timeout + kEventsHold, read_admin_token(options.admin.token_file));
    if (options.is_of_mesh) {
        return run_mesh_events(admin, options);
    }
    // All pages, of which the last events are shown.
    std::deque<EventRow> last;
    std::uint64_t next = 0;
    for (bool is_more = true; is_more;) {
        std::optional<EventsPage> page = ask_events(admin, options.admin.server, options.kind, next, {});
        if (!page) {
            return kUnreachable;
        }
        next = page->next;
        is_more = page->events.size() == kEventsPage;
        for (EventRow& event : page->events) {
            last.push_back(std::move(event));
            if (last.size() > options.last) {
                last.pop_front();
            }
        }
    }
    for (const EventRow& event : last) {
        print(event, options.admin.json);
    }
    std::cout.flush();
    while (options.follows) {
        const std::optional<EventsPage> page = ask_events(admin, options.admin.server, options.kind, next, kEventsHold);
        if (!page) {
            return kUnreachable;
        }
        if (page->lost > 0) {
            std::cerr << "tulle: " << page->lost << " events came too fast and are not shown\n";
        }
        for (const EventRow& event : page->events) {
            print(event, options.admin.json);
        }
        std::cout.flush();
        // Nobody reads any more.
        if (!std::cout) {
            return kOk;
        }
        next = page->next;
    }
    return kOk;
}

}  // namespace tulle::cli
