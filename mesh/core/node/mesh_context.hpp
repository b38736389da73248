#pragma once

#include <string>
#include <variant>

#include "mesh/core/interest/audience.hpp"
#include "mesh/core/node/effects.hpp"
#include "mesh/core/node/node_options.hpp"
#include "mesh/core/session/peer.hpp"
#include "mesh/core/session/sessions.hpp"

namespace tulle::mesh {

/// Everything that a service of a node knows of the rest: the node's identity, its sessions, the audience of a record,
/// and the ways out. Moments are arguments of the functions; effects are appended to `out`, to be run in order.
///
/// Thread: confined to the hub. Tests play the node by a context of their own
///         (tests/unit/mesh/core/played_context.hpp).
/// Ownership: refers to options, sessions and audience of the node; all of them outlive the context.
class MeshContext {
public:
    MeshContext(const NodeOptions& options, Sessions& sessions, const Audience& audience)
        : options_(&options), sessions_(&sessions), audience_(&audience) {}
    MeshContext(const MeshContext&) = delete;
    MeshContext& operator=(const MeshContext&) = delete;
    virtual ~MeshContext() = default;

    [[nodiscard]] const NodeOptions& options() const { return *options_; }
    [[nodiscard]] const Timing& timing() const { return options_->timing; }
    [[nodiscard]] const Limits& limits() const { return options_->limits; }
    [[nodiscard]] Sessions& sessions() const { return *sessions_; }
    [[nodiscard]] const Audience& audience() const { return *audience_; }
    /// The session's peer as a reader of records.
    [[nodiscard]] static Audience::Reader reader(const Session& session) {
        return {session.oid, session.interest.slot};
    }

    /// Delivers the record to the shards with subscribers of the record's channels.
    void deliver(const RecordPtr& record, Effects& out, const Numbered& numbered = {}) const {
        if (const std::uint64_t shards = audience_->shards_of(*record); shards != 0) {
            out.push_back(DeliverLocal{record, shards, numbered});
        }
    }
    /// Sends on control, by the session with `to`; dropped without a session.
    virtual void send(OriginId to, ControlBody body, Effects& out) = 0;
    /// Sends on the data path, by the session with `to`; dropped without a session.
    virtual void send_data(OriginId to, std::variant<FramePtr, Tail> body, Effects& out) = 0;
    /// Ends the session of a peer for which new subscriptions would wait in vain. `why` is for the log.
    virtual void give_up(Instant now, OriginId oid, const std::string& why, Effects& out) = 0;
    /// True when a session with the peer was given up lately.
    [[nodiscard]] virtual bool was_given_up(OriginId oid) const = 0;
    /// The peer; null for an unknown node.
    [[nodiscard]] virtual const Peer* find(OriginId oid) const = 0;
    /// The name of a node, this node included; the id in hex for an unknown node.
    [[nodiscard]] std::string name_of(OriginId oid) const {
        if (const Peer* peer = find(oid)) {
            return peer->name;
        }
        return oid == OriginId{} || oid == options_->oid ? options_->name : to_hex(oid);
    }

private:
    const NodeOptions* options_;
    Sessions* sessions_;
    const Audience* audience_;
};

}  // namespace tulle::mesh
