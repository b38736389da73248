#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "mesh/base/event_kind.hpp"
#include "mesh/core/node/messages.hpp"
#include "mesh/core/node/port.hpp"

/// The inputs and the effects of a MeshNode: values that the shell feeds in, and values that tell the shell what to do.
namespace tulle::mesh {

/// An outward control connection (a DEALER). An id is never used again.
using ConnectionId = Strong<struct ConnectionIdTag, std::uint32_t>;

// ---- inputs
// ----------------------------------------------------------------------------------------------------------

/// The connection stands: the other side speaks our transport.
struct ConnectionUp {
    ConnectionId connection;
};
/// The connection stood and broke. The transport goes on trying by itself.
struct ConnectionDown {
    ConnectionId connection;
};
/// The other side of a connection refuses this node's mesh key, or has no mesh key of ours. The transport goes on
/// trying.
struct ConnectionRefused {
    ConnectionId connection;
};
/// kOpen: somebody listens. kRefused: the port is closed. kUnknown: no answer, or the check failed.
enum class EndpointState : std::uint8_t { kOpen, kRefused, kUnknown };
/// The answer to CheckEndpoint.
struct EndpointChecked {
    ConnectionId connection;
    EndpointState state = EndpointState::kUnknown;
};
/// The answer to ResolveName.
struct NameResolved {
    /// The name as asked.
    std::string name;
    /// "address:port" each, in any order, perhaps repeated.
    std::vector<std::string> endpoints;
    /// Why there are no endpoints; empty: no error.
    std::string error;
};
/// A peer's subscription has reached our publisher: frames to the peer no longer get lost for lack of a subscription.
/// Nothing proves the id.
struct SubscriberSeen {
    OriginId oid;
};
/// A subscription has ended. The end alone says nothing of the peer, as a newer subscription may stand already.
struct SubscriberGone {
    OriginId oid;
};
/// A shard's message.
struct PortInput {
    ShardIndex shard;
    ToHub message;
};
/// The node has no clients any more and will leave: tell the peers. If no other node stays for the duties,
/// the node does them itself until all is told or `telling` is over.
struct RetireRequest {
    Duration telling{};
};
/// The node's mesh keys are these from now on: tell the peers.
struct KeysChanged {
    MeshKeyIds ids;
};
/// The mesh key in use has changed: bind the ports again, after the peers have been told. Answered by Rebind.
struct RebindRequest {};
/// Begin to leave: wait for receipts until the drain deadline, then answer with Left. Retires first unless already
/// retired.
struct LeaveRequest {
    Duration deadline{};
};

/// Everything that can happen to a node.
using Input =
    std::variant<ConnectionUp, ConnectionDown, EndpointChecked, SubscriberSeen, SubscriberGone, Control, Data,
                 PortInput, RetireRequest, LeaveRequest, NameResolved, ConnectionRefused, KeysChanged, RebindRequest>;

// ---- effects
// ---------------------------------------------------------------------------------------------------------

/// Connect to the control endpoint, and keep trying; answered by ConnectionUp each time the connection stands.
struct OpenConnection {
    ConnectionId connection;
    std::string endpoint;
};
/// Close the connection. The transport tries for a moment to send waiting messages, such as a refusal.
struct CloseConnection {
    ConnectionId connection;
};
/// Find out whether anybody listens at the endpoint. Answered by EndpointChecked unless the connection is closed
/// before.
struct CheckEndpoint {
    ConnectionId connection;
    std::string endpoint;
};
/// Look up every address of the host in "host:port". Answered once by NameResolved.
struct ResolveName {
    std::string name;
};
/// Subscribe to the publisher at the endpoint.
struct ConnectData {
    std::string endpoint;
};
/// End the subscription at the endpoint.
struct DisconnectData {
    std::string endpoint;
};
/// Close both ports, bind them again, and dial every connection again: the keys of this node have changed.
struct Rebind {};
/// Best effort: dropped when the connection is not up.
struct SendControl {
    ConnectionId connection;
    Control message;
};
/// Best effort: dropped when the peer has not subscribed or its pipe is full.
struct SendData {
    Data message;
};
/// Deliver the record to each shard of the mask (bit = index), before any ToPort that follows.
struct DeliverLocal {
    RecordPtr record;
    std::uint64_t shards = 0;
    Numbered numbered = {};
};
/// Hand the message to the shard.
struct ToPort {
    ShardIndex shard;
    ToShard message;
};
/// The weight of a Notice in the log.
enum class Severity : std::uint8_t { kDebug, kInfo, kWarn, kError };
/// A line of the log, for people, and an event of the node.
struct Notice {
    Severity severity = Severity::kInfo;
    std::string text;
    EventKind kind = EventKind::kOther;
};
/// The node begins or ends to serve clients.
struct ReadinessChanged {
    bool ready = false;
};
/// Tell every port of a peer that has come or gone.
struct PeerChanged {
    PeerChange change;
};
/// The drain is over: every member has receipted, or the deadline has passed.
struct Left {};
/// The node can't go on, because another node holds its name. The process should end.
struct Fatal {
    std::string text;
};

/// Everything that a node can want done.
using Effect =
    std::variant<OpenConnection, CloseConnection, CheckEndpoint, ConnectData, DisconnectData, SendControl, SendData,
                 DeliverLocal, ToPort, Notice, ReadinessChanged, Left, Fatal, ResolveName, Rebind, PeerChanged>;
using Effects = std::vector<Effect>;

}  // namespace tulle::mesh
