#pragma once

#include <string>
#include <utility>

#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/session/membership.hpp"

namespace tulle::mesh {

/// The context of the services in a real node: messages go by the sessions of Membership.
///
/// Thread: confined to the hub.
/// Ownership: refers to Membership, which outlives the context.
class NodeContext final : public MeshContext {
public:
    NodeContext(const NodeOptions& options, Sessions& sessions, const Audience& audience, Membership& membership)
        : MeshContext(options, sessions, audience), membership_(membership) {}

    void send(OriginId to, ControlBody body, Effects& out) override {
        membership_.sender().send(to, std::move(body), out);
    }
    void send_data(OriginId to, std::variant<FramePtr, Tail> body, Effects& out) override {
        membership_.sender().send_data(to, std::move(body), out);
    }
    void give_up(Instant now, OriginId oid, const std::string& why, Effects& out) override {
        membership_.give_up_stuck(now, oid, why, out);
    }
    [[nodiscard]] bool was_given_up(OriginId oid) const override { return membership_.liveness().was_stuck(oid); }
    [[nodiscard]] const Peer* find(OriginId oid) const override { return membership_.find(oid); }

private:
    Membership& membership_;
};

}  // namespace tulle::mesh
