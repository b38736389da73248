#include "node/web/http_room.hpp"

#include <iterator>
#include <utility>

#include "node/web/http_connection.hpp"

namespace tulle::node {

HttpRoom::Place HttpRoom::enter(HttpConnection& connection) {
    std::list<HttpConnection*>& incomplete = of(Rank::kIncomplete);
    incomplete.push_back(&connection);
    ++size_;
    return {Rank::kIncomplete, std::prev(incomplete.end())};
}

void HttpRoom::leave(Place& place) {
    of(place.rank).erase(place.at);
    --size_;
}

void HttpRoom::take_slot(Slot slot, HttpConnection& connection) {
    if (by_slot_.size() <= slot.value) {
        // Slots of the reactor are small numbers that are used again, so the vector grows no larger than the reactor.
        by_slot_.resize(slot.value + 1u);
    }
    by_slot_[slot.value] = &connection;
}

void HttpRoom::leave_slot(Slot slot) {
    if (slot.value < by_slot_.size()) {
        by_slot_[slot.value] = nullptr;
    }
}

void HttpRoom::respond(const HttpTicket& ticket, HttpResponse response) {
    if (ticket.slot.value < by_slot_.size() && by_slot_[ticket.slot.value] != nullptr) {
        by_slot_[ticket.slot.value]->respond(ticket.serial, std::move(response));
    }
}

void HttpRoom::move(Place& place, Rank rank) {
    if (place.rank != rank) {
        std::list<HttpConnection*>& to = of(rank);
        // A splice allocates nothing and keeps the iterator in `place` valid.
        to.splice(to.end(), of(place.rank), place.at);
        place.rank = rank;
    }
}

bool HttpRoom::make_room() {
    for (const Rank rank : {Rank::kIdle, Rank::kIncomplete, Rank::kStalled}) {
        if (!of(rank).empty()) {
            // The connection leaves the room in make_way.
            of(rank).front()->make_way();
            return true;
        }
    }
    return false;
}

void HttpRoom::end_incomplete() {
    // Each call removes the front from the list.
    while (!of(Rank::kIncomplete).empty()) {
        of(Rank::kIncomplete).front()->make_way();
    }
}

void HttpRoom::drain(Instant now) {
    for (std::list<HttpConnection*>& rank : ranks_) {
        // A connection that ends at once leaves the list.
        for (auto next = rank.begin(); next != rank.end();) {
            HttpConnection& connection = **next++;
            connection.drain(now);
        }
    }
}

}  // namespace tulle::node
