#include <algorithm>
#include <string_view>
#include <utility>

#include "mesh/core/session/seeds.hpp"

// What is known of the seeds, for people.
namespace tulle::mesh {
namespace {

/// The port of "host:port"; empty without a port.
std::string_view port_of(std::string_view endpoint) {
    const std::size_t colon = endpoint.rfind(':');
    return colon == std::string_view::npos ? std::string_view() : endpoint.substr(colon + 1);
}

/// Says that the endpoint is another port of a node that is known here, and which; empty: it is none.
std::string other_port(const PeerTable& table, const std::string& endpoint) {
    for (const auto& [oid, peer] : table.peers()) {
        const bool is_data = peer.endpoints.data == endpoint;
        if (is_data || peer.endpoints.listen == endpoint) {
            return "is the port of " + peer.name + (is_data ? " for data" : " for clients") +
                   ", and its mesh port is " + peer.endpoints.control;
        }
    }
    return {};
}

/// What the number of the port tells, if nodes have the same ports on each machine; empty: nothing.
std::string port_hint(const PeerTable& table, const std::string& endpoint) {
    const Endpoints& own = table.options().endpoints;
    const std::string_view port = port_of(endpoint);
    const bool is_data = port == port_of(own.data);
    if (port != port_of(own.control) && (is_data || port == port_of(own.listen))) {
        return " " + std::string(port) + " is the port of " + (is_data ? "mesh_data" : "listen") +
               " here, and peers names mesh ports: here " + std::string(port_of(own.control));
    }
    return {};
}

}  // namespace

bool Seeds::has_address(const SeedName& name) const {
    return std::any_of(seeds_.begin(), seeds_.end(), [&name](const Seed& seed) { return seed.name == name.name; });
}

void Seeds::note_session(Instant now, Seed& seed) const {
    const Peer* peer = seed.oid ? table_.find(*seed.oid) : nullptr;
    if (seed.is_self || (peer != nullptr && peer->in_session())) {
        seed.unmet_since.reset();
        seed.attempts = 0;
    } else if (!seed.unmet_since) {
        seed.unmet_since = now;
    }
}

std::vector<SeedView> Seeds::views() const {
    std::vector<SeedView> views;
    for (const SeedName& name : names_) {
        // Nodes at the addresses of an earlier look-up speak for themselves.
        if (!has_address(name)) {
            views.push_back({.endpoint = name.name,
                             .reason = name.failure.empty() ? Unmet::kWaiting : Unmet::kNoAddress,
                             .text = name.failure.empty() ? "the name is being looked up" : name.failure,
                             .since = name.unmet_since,
                             .attempts = name.attempts});
        }
    }
    for (const Seed& seed : seeds_) {
        views.push_back(view(seed));
    }
    return views;
}

SeedView Seeds::view(const Seed& seed) const {
    SeedView view{.endpoint = seed.endpoint, .name = seed.name};
    const Peer* peer = seed.oid ? table_.find(*seed.oid) : nullptr;
    if (seed.is_self) {
        view.state = SeedView::State::kSelf;
        view.text = "is this node itself";
        return view;
    }
    if (peer != nullptr && peer->in_session()) {
        view.state = SeedView::State::kMet;
        return view;
    }
    view.since = seed.unmet_since;
    view.attempts = seed.attempts;
    // The most telling reason wins: a farewell, unless somebody else is there now; a failure; the state of the node.
    const bool is_empty =
        seed.failure.value_or(Unmet::kClosed) == Unmet::kClosed || seed.failure == Unmet::kUnreachable;
    if (peer != nullptr && peer->state == PeerState::kLeft && is_empty) {
        view.reason = Unmet::kLeft;
    } else if (seed.failure) {
        view.reason = *seed.failure;
    } else if (peer != nullptr) {
        view.reason = peer->state == PeerState::kDead ? Unmet::kDead : Unmet::kHandshake;
    }
    view.text = phrase(view.reason);
    // Behind a port for data a mesh key looks like a wrong key, so what is known of the port says more.
    if (view.reason == Unmet::kWrongPort || view.reason == Unmet::kSilent || view.reason == Unmet::kKey) {
        if (std::string other = other_port(table_, seed.endpoint); !other.empty()) {
            view.reason = Unmet::kWrongPort;
            view.text = std::move(other);
        } else if (view.reason == Unmet::kWrongPort) {
            view.text += port_hint(table_, seed.endpoint);
        }
    }
    return view;
}

bool Seeds::is_missing_any() const {
    return std::any_of(seeds_.begin(), seeds_.end(),
                       [](const Seed& seed) { return !seed.is_self && seed.unmet_since.has_value(); }) ||
           std::any_of(names_.begin(), names_.end(), [this](const SeedName& name) { return !has_address(name); });
}

}  // namespace tulle::mesh
