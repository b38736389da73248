#include "mesh/core/interest/interest_window.hpp"

#include <algorithm>
#include <limits>

#include "mesh/core/node/numbers.hpp"

// The window bounds two things: the changes under way to a peer, and the wait of a new channel, which gets a version
// only inside the window.
namespace tulle::mesh {

// Every change under way must still be in the log, so that the change can be sent again.
static_assert(Limits{}.interest_window <= Limits{}.interest_log, "what is under way can be sent again");
// Room for two of the largest deltas: the next delta can be sent while the acknowledgement of the last is on the way.
static_assert(2 * Limits{}.delta_changes <= Limits{}.interest_window);

InterestVersion InterestWindow::acked_by_all() const {
    InterestVersion least{std::numeric_limits<std::uint64_t>::max()};
    for (const auto& [oid, session] : context_.sessions()) {
        const InterestFeed& feed = session.interest.feed;
        if (feed.counted()) {
            least = std::min(least, feed.acked());
        }
    }
    return least;
}

bool InterestWindow::is_unheard() const {
    const Sessions& sessions = context_.sessions();
    return std::none_of(sessions.begin(), sessions.end(),
                        [](const auto& entry) { return entry.second.interest.feed.counted(); });
}

void InterestWindow::open() {
    // Without a counted peer nobody has to be waited for: the window opens from the present version on.
    InterestVersion needed = local_.log().version();
    for (const auto& [oid, session] : context_.sessions()) {
        const InterestFeed& feed = session.interest.feed;
        if (feed.counted()) {
            needed = std::min(needed, feed.needs());
        }
    }
    const Limits& limits = context_.limits();
    local_.open_window(needed.plus(std::min(limits.interest_window, limits.interest_log)));
}

Duration InterestWindow::most_patience() const {
    const Timing& timing = context_.timing();
    // Each thousand channels costs about a chunk or two of a snapshot, and each chunk takes a round trip.
    const auto thousands = static_cast<std::int64_t>(local_.log().size() / 1000);
    return std::max(timing.interest_patience_most, thousands * timing.interest_patience_thousand);
}

}  // namespace tulle::mesh
