#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/unknown_field_set.h>

#include <cstdint>
#include <vector>

#include "mesh/wire/convert.hpp"
#include "proto/mesh/v1/envelope.pb.h"

namespace tulle::mesh::wire {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

/// Counts the unknown fields of a message and of all nested messages. Reflection visits every field, so no field can be
/// forgotten. For control messages only, as reflection is slow and control messages are few.
// NOLINT(misc-no-recursion): as deep as the messages of proto/ are nested
std::uint64_t unknown_in(const Message& message) {
    const Reflection& reflection = *message.GetReflection();
    auto count = static_cast<std::uint64_t>(reflection.GetUnknownFields(message).field_count());
    std::vector<const FieldDescriptor*> fields;
    reflection.ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
        if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
            continue;
        }
        if (!field->is_repeated()) {
            count += unknown_in(reflection.GetMessage(message, field));
            continue;
        }
        for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
            count += unknown_in(reflection.GetRepeatedMessage(message, field, i));
        }
    }
    return count;
}

/// Counts the unknown fields of the message alone, without nested messages.
template <class M>
std::uint64_t unknown_at(const M& message, const Reflection& reflection = *M::GetReflection()) {
    return static_cast<std::uint64_t>(reflection.GetUnknownFields(message).field_count());
}

/// Counts the unknown fields of each message of a list, without nested messages.
template <class M>
std::uint64_t unknown_at_each(const google::protobuf::RepeatedPtrField<M>& messages) {
    const Reflection& reflection = *M::GetReflection();
    std::uint64_t count = 0;
    for (const M& message : messages) {
        count += unknown_at(message, reflection);
    }
    return count;
}

}  // namespace

std::uint64_t unknown_fields(const v1::ControlEnvelope& envelope) {
    return unknown_in(envelope);
}

/// Walks down level by level, without a list of fields for each message, because thousands of records pass in a second.
/// A new nested message must be added here by hand.
std::uint64_t unknown_fields(const v1::DataEnvelope& envelope) {
    std::uint64_t count = unknown_at(envelope);
    if (envelope.has_tail()) {
        return count + unknown_at(envelope.tail());
    }
    const v1::Frame& frame = envelope.frame();
    count += unknown_at(frame) + unknown_at_each(frame.gone()) + unknown_at_each(frame.records());
    for (const v1::Record& record : frame.records()) {
        count += record.has_stamp() ? unknown_at(record.stamp()) : 0;
    }
    for (const v1::PresencePart& part : frame.presence()) {
        count += unknown_at(part) + unknown_at_each(part.members());
    }
    for (const v1::RetainedPart& part : frame.retained()) {
        count += unknown_at(part) + (part.has_stamp() ? unknown_at(part.stamp()) : 0);
    }
    return count;
}

}  // namespace tulle::mesh::wire
