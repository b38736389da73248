#include "node/edge/mover.hpp"

#include <algorithm>
#include <utility>

#include "node/core/limits.hpp"
#include "node/edge/clock.hpp"

namespace tulle::node {

void Mover::move_all(Duration duration) {
    std::vector<Slot> clients = list_();
    const Spread spread(reactor_.now(), duration, clients.size());
    round_ = Round{std::move(clients), spread, 0, true};
    reactor_.wake_at(reactor_.now());
}

void Mover::move_some(std::size_t count, Duration duration) {
    std::vector<Slot> clients = list_();
    clients.resize(std::min(clients.size(), count));
    const Spread spread(reactor_.now(), duration, clients.size());
    round_ = Round{std::move(clients), spread, 0, false};
    reactor_.wake_at(reactor_.now());
}

void Mover::run() {
    if (!round_) {
        return;
    }
    Round& round = *round_;
    const Instant end = monotonic_now() + kTurnTime;
    const std::size_t due = round.spread.due(reactor_.now());
    // A slot may have another client by now. That client has come after the beginning, and goes as well.
    for (std::size_t left = kMaxWrites; round.next < due && left > 0;) {
        if (Connection* connection = reactor_.find(round.clients[round.next++])) {
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
    } else if (std::vector<Slot> late = list_(); !late.empty()) {
        const Spread spread(reactor_.now(), kLookAgain, late.size());
        round_ = Round{std::move(late), spread, 0, true};
        reactor_.wake_at(reactor_.now() + Spread::kStep);
    } else {
        reactor_.wake_at(reactor_.now() + kLookAgain);
    }
}

}  // namespace tulle::node
