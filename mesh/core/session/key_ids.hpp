#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "mesh/core/node/messages.hpp"

namespace tulle::mesh {

/// The ids of the mesh keys that this node and the other nodes have, for the words of a refusal. A handshake that fails
/// for its key tells neither side which keys the other side has, so the ids come from the heartbeats of earlier
/// sessions.
///
/// Thread: confined to the hub.
/// Limits: kMaxMembers nodes, living and dead; the node heard of first is forgotten.
class KeyIds {
public:
    explicit KeyIds(MeshKeyIds own) : own_(std::move(own)) {}

    /// This node's keys; empty without keys.
    [[nodiscard]] const MeshKeyIds& own() const { return own_; }
    void set_own(MeshKeyIds ids) { own_ = std::move(ids); }
    /// A peer in session has these keys. Without any, the peer says nothing: it has no keys, or is of a version that
    /// does not tell.
    void heard(OriginId oid, const MeshKeyIds& ids);
    /// Why a connection to a node has failed for its key. `oid`: the node that was there last; nothing for a node never
    /// met.
    [[nodiscard]] std::string why_refused(std::optional<OriginId> oid) const;

private:
    MeshKeyIds own_;
    /// In the order in which the nodes were first heard of.
    std::deque<std::pair<OriginId, MeshKeyIds>> heard_;
};

}  // namespace tulle::mesh
