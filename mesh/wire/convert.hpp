#pragma once

#include "mesh/base/result.hpp"
#include "mesh/core/node/messages.hpp"
#include "mesh/wire/codec.hpp"

namespace tulle::mesh::v1 {
class ControlEnvelope;
class DataEnvelope;
class DutyMail;
class Frame;
class Heartbeat;
class Hello;
class Knock;
class Members;
class QueryAnswer;
class QueryAsk;
class Refuse;
class RetainedPart;
class Welcome;
}  // namespace tulle::mesh::v1

/// Conversions between the core's values and the generated classes: a pair of functions for each kind of message. A
/// function with a `protocol` writes a part with differences between the protocol versions.
namespace tulle::mesh::wire {

// ---- finding each other, and sessions

// Each function fills the envelope's body with a message of one kind. The caller sets the rest of the envelope.
void put(const Knock& body, v1::ControlEnvelope& to);
void put(const Hello& body, v1::ControlEnvelope& to);
void put(const Welcome& body, v1::ControlEnvelope& to);
void put(const Refuse& body, v1::ControlEnvelope& to);
void put(const Heartbeat& body, v1::ControlEnvelope& to);
void put(const Members& body, v1::ControlEnvelope& to);

// ---- interest
void put(const InterestDelta& body, v1::ControlEnvelope& to);
void put(const InterestAck& body, v1::ControlEnvelope& to);
void put(const InterestPull& body, v1::ControlEnvelope& to);
void put(const InterestChunk& body, v1::ControlEnvelope& to);

// ---- links: receipts, and requests for lost frames
void put(const Receipt& body, v1::ControlEnvelope& to);
void put(const Nack& body, v1::ControlEnvelope& to);

// ---- witnesses
void put(const ProbeAsk& body, v1::ControlEnvelope& to);
void put(const ProbeAnswer& body, v1::ControlEnvelope& to);

// ---- questions of one node to all nodes
void put(const QueryAsk& body, v1::ControlEnvelope& to);
void put(const QueryAnswer& body, v1::ControlEnvelope& to, std::uint32_t protocol);

// ---- the end of a node, and the check of a session after a long sleep
void put(const Leave& body, v1::ControlEnvelope& to);
void put(const LeaveReceipt& body, v1::ControlEnvelope& to);
void put(const Ping& body, v1::ControlEnvelope& to);
void put(const Pong& body, v1::ControlEnvelope& to);
/// Writes the relayed message in the version of the relay's own session. The witness reads the message in the same
/// version, and writes the message again for the receiver.
void put(const Relay& body, v1::ControlEnvelope& to, std::uint32_t protocol);

// ---- recovery after the death of an origin
void put(const Wake& body, v1::ControlEnvelope& to);
void put(const Fill& body, v1::ControlEnvelope& to, std::uint32_t protocol);

// ---- marked messages, rationed limits and duties
void put(const TraceReport& body, v1::ControlEnvelope& to);
void put(const Usage& body, v1::ControlEnvelope& to);
void put(const DutyMail& body, v1::ControlEnvelope& to);

// ---- data: a frame of a link
void put(const Frame& frame, v1::Frame& to, std::uint32_t protocol);

/// Encodes `message` in the version `protocol`, regardless of message.protocol.
[[nodiscard]] std::string encode_in(const Control& message, std::uint32_t protocol);
[[nodiscard]] std::string encode_in(const Data& message, std::uint32_t protocol);

/// Decodes the message inside a Relay. A Relay inside a Relay is refused: each further layer would cost only a few
/// bytes, and the recursion would exhaust the stack.
[[nodiscard]] Result<Control, CodecError> decode_inner_control(std::string_view bytes, std::uint64_t& skipped);

/// The number of fields unknown to this build in the whole envelope, except the message inside a Relay.
[[nodiscard]] std::uint64_t unknown_fields(const v1::ControlEnvelope& envelope);
[[nodiscard]] std::uint64_t unknown_fields(const v1::DataEnvelope& envelope);

/// Decodes the body and checks every limit. Strings are moved out of `from` where possible, not copied. The unknown
/// fields of a message inside a Relay are added to `skipped`.
[[nodiscard]] Result<ControlBody, CodecError> get_control(v1::ControlEnvelope& from, std::uint64_t& skipped);
/// Decodes one kind of message. Returns false when a limit is exceeded; `to` is then unusable.
[[nodiscard]] bool get(const v1::Knock& from, Knock& to);
[[nodiscard]] bool get(const v1::Hello& from, Hello& to);
[[nodiscard]] bool get(const v1::Welcome& from, Welcome& to);
[[nodiscard]] bool get(const v1::Refuse& from, Refuse& to);
[[nodiscard]] bool get(const v1::Heartbeat& from, Heartbeat& to);
[[nodiscard]] bool get(const v1::Members& from, Members& to);
[[nodiscard]] bool get(v1::QueryAsk& from, QueryAsk& to);
[[nodiscard]] bool get(v1::QueryAnswer& from, QueryAnswer& to);
/// A channel's retained event, in a frame or in an answer.
[[nodiscard]] bool get(v1::RetainedPart& from, RetainedPart& to);
[[nodiscard]] bool get_duty_mail(v1::DutyMail& from, DutyMail& to);
/// Decodes a frame of records and checks every limit. Strings are moved out of `from` where possible.
[[nodiscard]] Result<FramePtr, CodecError> get_frame(v1::Frame& from);

}  // namespace tulle::mesh::wire
