#pragma once

#include <cstdint>
#include <string>

#include "mesh/base/hash.hpp"
#include "mesh/core/node/port.hpp"
#include "node/core/grace_queue.hpp"
#include "node/edge/hub_port.hpp"
#include "node/edge/reactor.hpp"

namespace tulle::node {

/// How the mesh is told that a client of this shard has left.
enum class LeaveMode : std::uint8_t {
    kAtOnce,
    /// After a grace: clients that the node closes come back at another node within moments, and their users have never
    /// left then.
    kAfterGrace,
    /// Not at all: the node is about to leave the mesh, and the other nodes give its users a grace of their own.
    kNever,
};

/// Tells the hub of channels and users that come to this shard and leave it. The single way to the hub for
/// subscriptions and users, so that a coming after a leaving within the grace takes the leaving back.
///
/// Thread: the shard's.
/// Order:  what is told after the grace is told in the order of the calls.
/// Limits: as many waiting leavings as the shard's clients can make in the grace, at the rate of subscriptions that
///         sessions allow.
/// Errors: none.
class LeaveTeller {
public:
    LeaveTeller(Reactor& reactor, HubPort& hub, Duration grace)
        : reactor_(reactor), hub_(hub), leavings_(grace), grace_(grace) {}

    [[nodiscard]] LeaveMode mode() const { return mode_; }
    [[nodiscard]] Duration grace() const { return grace_; }
    /// With kNever, leavings that wait are forgotten: from the end of the session with this node on, the other nodes
    /// give all its users a grace. With kAtOnce they are told when their grace is over.
    void set_mode(LeaveMode mode);

    void subscribe(mesh::Subscribe message);
    /// `has_users`: the channel is a presence channel, whose users the hub would take out with the channel. The
    /// unsubscription of any other channel is never kept back.
    void unsubscribe(const std::string& channel, bool has_users);
    void join(mesh::MemberJoin message);
    void leave(const std::string& channel, const std::string& user);
    /// Tells the hub what has waited for its grace. Call once in each turn.
    void end_turn();

private:
    /// A channel, or a user of a channel, that has left.
    struct Leaving {
        std::string channel;
        /// Empty: the channel itself.
        std::string user;
    };
    /// Names a leaving in due_. With the length, as names may hold any bytes.
    [[nodiscard]] static std::string key_of(const std::string& channel, const std::string& user) {
        return std::to_string(channel.size()) + ':' + channel + user;
    }
    void wait(Leaving leaving);
    void tell(const Leaving& leaving);

    Reactor& reactor_;
    HubPort& hub_;
    GraceQueue<Leaving> leavings_;
    const Duration grace_;
    /// When a leaving is to be told. A leaving without an entry, or with a later time, has been taken back.
    StringMap<Instant> due_;
    LeaveMode mode_ = LeaveMode::kAtOnce;
};

}  // namespace tulle::node
