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

/// The HTTP connections of a listener, in the order in which the listener can do without them. A full room
/// ends the connection that is idle for longest.
///
/// Thread: the reactor's.
/// Ownership: refers to the connections; each connection enters when it starts and leaves when it ends.
/// Limits: `most` connections. The room itself refuses nobody: the caller asks is_full and make_room before a new
/// connection starts, and refuses the new connection when make_room returns false.
class HttpRoom {
public:
    /// How well the listener can do without a connection. Connections of kBusy are never ended to make room.
    enum class Rank {
        /// Between two requests, or lingering after an answer.
        kIdle,
        /// Has sent a part of a request, or nothing yet.
        kIncomplete,
        /// Has not taken the whole answer: the kernel takes no more bytes for the peer.
        kStalled,
        /// Has sent a whole request, and waits for our answer.
        kBusy,
    };
    /// Where a connection stands in the room. The connection keeps its place and gives the place back in leave().
    struct Place {
        Rank rank = Rank::kIncomplete;
        std::list<HttpConnection*>::iterator at;
    };

    /// `most`: number of connections. `patience`: how long a connection may be idle between two requests.
    explicit HttpRoom(std::size_t most, Duration patience = kHttpIdleTimeout) : most_(most), patience_(patience) {}

    [[nodiscard]] Duration patience() const { return patience_; }

    /// True when a further connection needs make_room first.
    [[nodiscard]] bool is_full() const { return size_ >= most_; }
    /// Adds a connection with the rank kIncomplete.
    [[nodiscard]] Place enter(HttpConnection& connection);
    /// Removes the connection of `place`.
    void leave(Place& place);
    /// Tells the room the slot of the connection in the reactor, for respond(). Valid until leave_slot().
    void take_slot(Slot slot, HttpConnection& connection);
    void leave_slot(Slot slot);
    /// Sends the answer to the request of `ticket`. Nothing happens when the connection has ended or the request does
    /// not wait any more.
    void respond(const HttpTicket& ticket, HttpResponse response);
    /// Moves a connection to the end of `rank`. A connection that has `rank` already keeps its place in the order.
    void move(Place& place, Rank rank);

    /// Ends the connection that has been idle for longest; without idle connections, the connection that has been
    /// incomplete for longest; without those, the connection that has been stalled for longest: peers that ask for much
    /// and read nothing would keep all others out. False: all connections are busy, and none has ended.
    bool make_room();
    /// Ends all connections with an incomplete request.
    void end_incomplete();
    /// Tells every connection to finish the request in work and to end (HttpConnection::drain).
    void drain(Instant now);

private:
    /// The connections of a rank, the longest in this rank first.
    [[nodiscard]] std::list<HttpConnection*>& of(Rank rank) { return ranks_[static_cast<std::size_t>(rank)]; }

    const std::size_t most_;
    const Duration patience_;
    std::size_t size_ = 0;
    std::array<std::list<HttpConnection*>, 4> ranks_;
    /// By the value of the slot; null for a slot without a connection of this room.
    std::vector<HttpConnection*> by_slot_;
};

}  // namespace tulle::node
