#include "node/edge/mover.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "mesh/base/assert.hpp"
#include "node/core/limits.hpp"
#include "node/edge/clock.hpp"

namespace tulle::node {

void Mover::begin(const std::vector<Slot>& clients, Duration duration, bool is_of_all) {
    Round round{{}, Spread(reactor_.now(), duration, clients.size()), 0, is_of_all};
    round.clients.reserve(clients.size());
    for (const Slot slot : clients) {
        Connection* connection = reactor_.find(slot);
        // The slot may have another connection when its time has come.
        round.clients.push_back(connection == nullptr ? std::weak_ptr<Connection>() : connection->weak_from_this());
    }
    round_ = std::move(round);
    reactor_.wake_at(reactor_.now());
}

void Mover::move_all(Duration duration) {
    begin(list_(), duration, true);
}

void Mover::move_some(std::vector<Slot> clients, std::size_t count, Duration duration) {
    clients.resize(std::min(clients.size(), count));
    begin(clients, duration, false);
}

void Mover::run() {
    if (!round_) {
        return;
    }
    Round& round = *round_;
    const Instant end = monotonic_now() + kTurnTime;
    const std::size_t due = round.spread.due(reactor_.now());
    TULLE_ASSERT(due <= round.clients.size() && round.next <= round.clients.size());
    for (std::size_t left = kMaxWrites; round.next < due && left > 0;) {
        const std::shared_ptr<Connection> connection = round.clients[round.next++].lock();
        if (connection != nullptr && reactor_.find(connection->slot()) == connection.get()) {
            reactor_.guard(*connection, [&] { connection->drain(reactor_.now()); });
            left = monotonic_now() < end ? left - 1 : 0;
        }
    }
    if (round.next < due) {
        // More clients are due: the next turn begins at once.
        reactor_.wake_at(reactor_.now());
    } else if (round.next < round.clients.size()) {
        reactor_.wake_at(round.spread.next(reactor_.now()).value_or(reactor_.now()));
    } else if (!round.is_of_all) {
        round_.reset();
    } else if (!round.again_at) {
        round.again_at = reactor_.now() + kLookAgain;
        reactor_.wake_at(*round.again_at);
    } else if (reactor_.now() >= *round.again_at) {
        begin(list_(), Duration{}, true);
    } else {
        reactor_.wake_at(*round.again_at);
    }
}

}  // namespace tulle::node
