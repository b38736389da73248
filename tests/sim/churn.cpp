#include "tests/sim/churn.hpp"

namespace tulle::sim {

void Churn::next() {
    world_.scheduler().after(1ms, [this] {
        const Process* process = world_.process(host_);
        // A host without a serving process makes no changes.
        if (process != nullptr && !process->frozen && process->node->ready()) {
            act(*process);
        }
        if (world_.now() < until_) {
            next();
        }
    });
}

void Churn::act(const Process& process) {
    // The channels of another process are gone with the process.
    if (process.oid != of_) {
        of_ = process.oid;
        first_ = last_;  // what another process had is gone with it
    }
    const bool is_over = world_.now() >= until_;
    for (std::uint64_t i = 0; i < load_.a_millisecond && !is_over; ++i, ++changes_) {
        world_.subscribe(host_, mesh::ShardIndex{0}, channel(last_++));
        if (last_ - first_ > load_.lag) {
            world_.unsubscribe(host_, mesh::ShardIndex{0}, channel(first_++));
        }
    }
    // At the end nothing stays subscribed.
    while (is_over && first_ < last_) {
        world_.unsubscribe(host_, mesh::ShardIndex{0}, channel(first_++));
    }
}

}  // namespace tulle::sim
