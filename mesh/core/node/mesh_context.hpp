#pragma once

#include <string>
#include <variant>

#include "mesh/core/interest/audience.hpp"
#include "mesh/core/node/effects.hpp"
#include "mesh/core/node/node_options.hpp"
#include "mesh/core/session/peer.hpp"
#include "mesh/core/session/sessions.hpp"

namespace tulle::mesh {

/// All that a service of a node knows of the rest: who the node is, its sessions, whom something is due to, and the
/// ways out. Moments are arguments of what is called; effects are appended to `out`, to be run in order.
///
/// Thread: confined to the hub. Tests play the node by a context of their own
/// (tests/unit/mesh/core/played_context.hpp).
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
    [[nodiscard]] static Audience::Reader reader(const Session& session) {
        return {session.oid, session.interest.slot};
    }

    /// To the shards that have subscribers of the record's channels.
    void deliver(const RecordPtr& record, Effects& out) const {
        if (const std::uint64_t shards = audience_->shards_of(*record); shards != 0) {
            out.push_back(DeliverLocal{record, shards});
        }
    }
    /// By the session with `to`; dropped when there is none.
    virtual void send(OriginId to, ControlBody body, Effects& out) = 0;
    virtual void send_data(OriginId to, std::variant<FramePtr, Tail> body, Effects& out) = 0;
    /// Ends the session of a peer that new subscriptions would wait for in vain.
    virtual void give_up(Instant now, OriginId oid, const std::string& why, Effects& out) = 0;
    /// A session with the peer has ended in that way lately.
    [[nodiscard]] virtual bool was_given_up(OriginId oid) const = 0;
    /// Null for a node that is not known.
    [[nodiscard]] virtual const Peer* find(OriginId oid) const = 0;
    /// The name of a node, this one's included; the id of one that is not known.
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
