#include "node/io/hub_link.hpp"

#include <utility>

namespace tulle::node {

Push HubLink::offer(mesh::ToHub message) {
    if (is_backed_up()) {
        return Push::kRefused;
    }
    return hub_.try_push({shard_, std::move(message)});
}

Push HubLink::send(mesh::ToHub message) {
    mesh::FromShard item{shard_, std::move(message)};
    if (!is_backed_up() && hub_.try_push(std::move(item)) == Push::kAccepted) {
        return Push::kAccepted;
    }
    backlog_.push_back(std::move(item));
    return Push::kRefused;
}

bool HubLink::retry() {
    while (!backlog_.empty() && hub_.try_push(std::move(backlog_.front())) == Push::kAccepted) {
        backlog_.pop_front();
    }
    return backlog_.empty();
}

}  // namespace tulle::node
