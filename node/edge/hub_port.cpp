#include "node/edge/hub_port.hpp"

#include <utility>

namespace tulle::node {

Push HubPort::offer(mesh::ToHub message) noexcept {
    // A message must not overtake the backlog.
    if (is_backed_up() || hub_.try_claim() == Push::kRefused) {
        return Push::kRefused;
    }
    gather({shard_, std::move(message)});
    return Push::kAccepted;
}

Push HubPort::send(mesh::ToHub message) noexcept {
    mesh::FromShard item{shard_, std::move(message)};
    if (!is_backed_up() && hub_.try_claim() == Push::kAccepted) {
        gather(std::move(item));
        return Push::kAccepted;
    }
    // The message waits behind the backlog. Gathered messages have their places already, so the order holds.
    backlog_.push_back(std::move(item));
    return Push::kRefused;
}

void HubPort::gather(mesh::FromShard item) noexcept {
    gathered_.push_back(std::move(item));
    if (gathered_.size() >= kMaxGathered) {
        hub_.push_claimed(gathered_);
    }
}

bool HubPort::flush() noexcept {
    while (!backlog_.empty() && hub_.try_claim() == Push::kAccepted) {
        gather(std::move(backlog_.front()));
        backlog_.pop_front();
    }
    hub_.push_claimed(gathered_);
    return backlog_.empty();
}

}  // namespace tulle::node
