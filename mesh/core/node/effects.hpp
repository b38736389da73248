#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "mesh/core/node/messages.hpp"
#include "mesh/core/node/port.hpp"

/// What comes into a mesh_node and what goes out of it.
namespace tulle::mesh {

/// One outward control connection (a DEALER). Never reused.
using ConnectionId = Strong<struct ConnectionIdTag, std::uint32_t>;

// ---- inputs
// ----------------------------------------------------------------------------------------------------------

/// The connection stands: the other side speaks our transport.
struct ConnectionUp {
    ConnectionId connection;
};
/// It stood and broke. The transport goes on trying by itself.
struct ConnectionDown {
    ConnectionId connection;
};
enum class EndpointState : std::uint8_t { kOpen, kRefused, kUnknown };
/// The answer to CheckEndpoint.
struct EndpointChecked {
    ConnectionId connection;
    EndpointState state = EndpointState::kUnknown;
};
/// The answer to ResolveName.
struct NameResolved {
    std::string name;                    ///< as asked
    std::vector<std::string> endpoints;  ///< "address:port", in any order, perhaps repeated
    std::string error;                   ///< why there are none; empty: there is no error
};
/// A peer's subscription has reached our publisher: frames to it no longer fall on the floor.
struct SubscriberSeen {
    OriginId oid;
};
/// A pipe that a peer had subscribed by has ended. Says nothing: a newer one may stand already.
struct SubscriberGone {
    OriginId oid;
};
struct PortInput {
    ShardIndex shard;
    ToHub message;
};
/// This node has no clients any more, and will leave: say so. When no other node stays to do its duties it does them
/// itself, until all is told or `telling` is over.
struct RetireRequest {
    Duration telling{};
};
/// Begin to leave: wait for receipts until the drain deadline, then answer with Left. Retires first if that has not
/// been asked for.
struct LeaveRequest {
    Duration deadline{};
};

using Input = std::variant<ConnectionUp, ConnectionDown, EndpointChecked, SubscriberSeen, SubscriberGone, Control, Data,
                           PortInput, RetireRequest, LeaveRequest, NameResolved>;

// ---- effects
// ---------------------------------------------------------------------------------------------------------

struct OpenConnection {
    ConnectionId connection;
    std::string endpoint;
};
struct CloseConnection {
    ConnectionId connection;
};
/// Try whether anybody listens there; answered by EndpointChecked unless the connection is closed before.
struct CheckEndpoint {
    ConnectionId connection;
    std::string endpoint;
};
/// Look up every address of the host in "host:port"; answered once by NameResolved.
struct ResolveName {
    std::string name;
};
struct ConnectData {
    std::string endpoint;
};
struct DisconnectData {
    std::string endpoint;
};
/// Best effort: dropped when the connection is not up.
struct SendControl {
    ConnectionId connection;
    Control message;
};
/// Best effort: dropped when the peer has not subscribed or its pipe is full.
struct SendData {
    Data message;
};
/// To each shard of the mask (bit = index), before any ToPort that follows.
struct DeliverLocal {
    RecordPtr record;
    std::uint64_t shards = 0;
};
struct ToPort {
    ShardIndex shard;
    ToShard message;
};
enum class Severity : std::uint8_t { kDebug, kInfo, kWarn, kError };
/// For people.
struct Notice {
    Severity severity = Severity::kInfo;
    std::string text;
};
struct ReadinessChanged {
    bool ready = false;
};
/// The drain is over: every member has receipted, or the deadline has passed.
struct Left {};
/// The node can't go on: its name is held by another.
struct Fatal {
    std::string text;
};

using Effect = std::variant<OpenConnection, CloseConnection, CheckEndpoint, ConnectData, DisconnectData, SendControl,
                            SendData, DeliverLocal, ToPort, Notice, ReadinessChanged, Left, Fatal, ResolveName>;
using Effects = std::vector<Effect>;

}  // namespace tulle::mesh
