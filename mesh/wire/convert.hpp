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
class Refuse;
class Welcome;
}  // namespace tulle::mesh::v1

/// Between the core's values and the generated classes, one pair of functions for each kind of message. What differs by
/// version takes the `protocol` that it is to be written in.
namespace tulle::mesh::wire {

void put(const Knock& body, v1::ControlEnvelope& to);
void put(const Hello& body, v1::ControlEnvelope& to);
void put(const Welcome& body, v1::ControlEnvelope& to);
void put(const Refuse& body, v1::ControlEnvelope& to);
void put(const Heartbeat& body, v1::ControlEnvelope& to);
void put(const Members& body, v1::ControlEnvelope& to);
void put(const InterestDelta& body, v1::ControlEnvelope& to);
void put(const InterestAck& body, v1::ControlEnvelope& to);
void put(const InterestPull& body, v1::ControlEnvelope& to);
void put(const InterestChunk& body, v1::ControlEnvelope& to);
void put(const Receipt& body, v1::ControlEnvelope& to);
void put(const Nack& body, v1::ControlEnvelope& to);
void put(const ProbeAsk& body, v1::ControlEnvelope& to);
void put(const ProbeAnswer& body, v1::ControlEnvelope& to);
void put(const QueryAsk& body, v1::ControlEnvelope& to);
void put(const QueryAnswer& body, v1::ControlEnvelope& to, std::uint32_t protocol);
void put(const Leave& body, v1::ControlEnvelope& to);
void put(const LeaveReceipt& body, v1::ControlEnvelope& to);
void put(const Ping& body, v1::ControlEnvelope& to);
void put(const Pong& body, v1::ControlEnvelope& to);
/// What is passed on is written in the version of the session that it travels by: that is what the witness reads, and
/// it writes it again.
void put(const Relay& body, v1::ControlEnvelope& to, std::uint32_t protocol);
void put(const Wake& body, v1::ControlEnvelope& to);
void put(const Fill& body, v1::ControlEnvelope& to, std::uint32_t protocol);
void put(const TraceReport& body, v1::ControlEnvelope& to);
void put(const Usage& body, v1::ControlEnvelope& to);
void put(const DutyMail& body, v1::ControlEnvelope& to);
void put(const Frame& frame, v1::Frame& to, std::uint32_t protocol);

/// `message` as if message.protocol were `protocol`.
[[nodiscard]] std::string encode_in(const Control& message, std::uint32_t protocol);
[[nodiscard]] std::string encode_in(const Data& message, std::uint32_t protocol);

/// What is inside a Relay: never a Relay again, or a few bytes a layer would take us down the stack for ever.
[[nodiscard]] Result<Control, CodecError> decode_inner_control(std::string_view bytes, std::uint64_t& skipped);

/// Fields that this build does not know, in all that the envelope holds but what a Relay passes on.
[[nodiscard]] std::uint64_t unknown_fields(const v1::ControlEnvelope& envelope);
[[nodiscard]] std::uint64_t unknown_fields(const v1::DataEnvelope& envelope);

/// Checks every limit; takes what it can out of the generated object instead of copying it. Adds unknown fields of what
/// a Relay passes on to `skipped`.
[[nodiscard]] Result<ControlBody, CodecError> get_control(v1::ControlEnvelope& from, std::uint64_t& skipped);
/// One kind of message each. False: over a limit.
[[nodiscard]] bool get(const v1::Knock& from, Knock& to);
[[nodiscard]] bool get(const v1::Hello& from, Hello& to);
[[nodiscard]] bool get(const v1::Welcome& from, Welcome& to);
[[nodiscard]] bool get(const v1::Refuse& from, Refuse& to);
[[nodiscard]] bool get(const v1::Heartbeat& from, Heartbeat& to);
[[nodiscard]] bool get(const v1::Members& from, Members& to);
[[nodiscard]] bool get_duty_mail(v1::DutyMail& from, DutyMail& to);
[[nodiscard]] Result<FramePtr, CodecError> get_frame(v1::Frame& from);

}  // namespace tulle::mesh::wire
