#pragma once

#include <cstdint>

#include "mesh/core/node/port.hpp"
#include "node/web/core/http_message.hpp"

namespace tulle::node {

/// The answer to a request that publishes, made of the hub's answers to its events, which come in any order. A single
/// refused event decides the answer. A value, of one thread.
class PublishAnswer {
public:
    /// Takes in the answer to an event of the request.
    void note(const mesh::Published& published);

    [[nodiscard]] bool is_accepted() const { return outcome_ == mesh::PublishOutcome::kAccepted; }
    /// True when nothing but the state of this node, or of its mesh, keeps the request from being published.
    [[nodiscard]] bool is_put_off() const;
    /// The answer to a request with a refused event. REQUIRES: not is_accepted().
    [[nodiscard]] HttpResponse refusal() const;
    /// Says in an answer of success how many nodes hold the events, if an event wants copies.
    void add_copies(HttpResponse& response) const;

private:
    mesh::PublishOutcome outcome_ = mesh::PublishOutcome::kAccepted;
    /// Nodes that hold the event that lacks most copies, or, of several such events, the event with the fewest; and
    /// nodes that should. 0: no event wants copies.
    std::uint32_t held_ = 0;
    std::uint32_t wanted_ = 0;
    /// An event was numbered, with copies or without.
    bool is_any_delivered_ = false;
};

}  // namespace tulle::node
