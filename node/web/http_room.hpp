#pragma once

#include <array>
#include <cstddef>
#include <list>
#include <vector>

#include "mesh/base/time.hpp"
#include "node/core/slot.hpp"
#include "node/web/core/http_message.hpp"
#include "node/web/core/limits.hpp"
#include "node/web/http_service.hpp"

namespace tulle::node {

class HttpConnection;

/// The HTTP connections of one listener, in the order in which they can be done without.
///
/// Thread: the reactor's.
/// Limits: `most`; past it make_room ends one for each new one, or the new one is refused.
class HttpRoom {
public:
    enum class Rank {
        kIdle,        ///< between two requests, or only read to its end
        kIncomplete,  ///< has not said all of what it wants, or nothing yet
        kBusy,        ///< waits for our answer
    };
    /// A connection's place.
    struct Place {
        Rank rank = Rank::kIncomplete;
        std::list<HttpConnection*>::iterator at;
    };

    /// `patience`: how long one of them may be idle.
    explicit HttpRoom(std::size_t most, Duration patience = kHttpIdleTimeout) : most_(most), patience_(patience) {}

    [[nodiscard]] Duration patience() const { return patience_; }

    [[nodiscard]] bool is_full() const { return size_ >= most_; }
    [[nodiscard]] Place enter(HttpConnection& connection);
    void leave(Place& place);
    /// The connection has its slot of the reactor, until `leave_slot`.
    void take_slot(Slot slot, HttpConnection& connection);
    void leave_slot(Slot slot);
    /// Answers a request; nothing happens when nobody waits for the answer any more.
    void respond(const HttpTicket& ticket, HttpResponse response);
    /// It has come to `rank` just now, if it was not there.
    void move(Place& place, Rank rank);

    /// Ends the one that has been idle for longest, else the one that has been incomplete for longest; false: all are
    /// busy.
    bool make_room();
    /// Ends all whose request is incomplete.
    void end_incomplete();

private:
    [[nodiscard]] std::list<HttpConnection*>& of(Rank rank) { return ranks_[static_cast<std::size_t>(rank)]; }

    const std::size_t most_;
    const Duration patience_;
    std::size_t size_ = 0;
    std::array<std::list<HttpConnection*>, 3> ranks_;
    std::vector<HttpConnection*> by_slot_;
};

}  // namespace tulle::node
