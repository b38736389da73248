#pragma once

#include "mesh/base/result.hpp"
#include "mesh/core/messages.hpp"
#include "mesh/wire/codec.hpp"

namespace tulle::mesh::v1 {
class ControlEnvelope;
class DutyMail;
class Frame;
}  // namespace tulle::mesh::v1

/// Between the core's values and the generated classes, one pair of functions for each kind of message.
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
void put(const QueryAnswer& body, v1::ControlEnvelope& to);
void put(const Leave& body, v1::ControlEnvelope& to);
void put(const LeaveReceipt& body, v1::ControlEnvelope& to);
void put(const Ping& body, v1::ControlEnvelope& to);
void put(const Pong& body, v1::ControlEnvelope& to);
void put(const Relay& body, v1::ControlEnvelope& to);
void put(const Wake& body, v1::ControlEnvelope& to);
void put(const Fill& body, v1::ControlEnvelope& to);
void put(const TraceReport& body, v1::ControlEnvelope& to);
void put(const Usage& body, v1::ControlEnvelope& to);
void put(const DutyMail& body, v1::ControlEnvelope& to);
void put(const Frame& frame, v1::Frame& to);

/// What is inside a Relay: never a Relay again, or a few bytes a layer would take us down the stack for ever.
[[nodiscard]] Result<Control, CodecError> decode_inner_control(std::string_view bytes);

/// Checks every limit; takes what it can out of the generated object instead of copying it.
[[nodiscard]] Result<ControlBody, CodecError> get_control(v1::ControlEnvelope& from);
/// The same for one kind of message. False: over a limit.
[[nodiscard]] bool get_duty_mail(v1::DutyMail& from, DutyMail& to);
[[nodiscard]] Result<FramePtr, CodecError> get_frame(v1::Frame& from);

}  // namespace tulle::mesh::wire
