#pragma once

#include <string>
#include <string_view>

#include "node/edge/clock.hpp"
#include "node/edge/span_queue.hpp"
#include "node/pusher/core/channel_name.hpp"

namespace tulle::node {

/// A span about an event, begun now, below `parent` and with a new id. `name`: what is done with the event; `type`: the
/// word of OpenTelemetry's conventions for messaging for that; `key`: the mesh's key of the event's first channel.
/// Thread: any. Throws std::bad_alloc.
[[nodiscard]] inline Span event_span(SpanQueue& spans, const TraceContext& parent, Span::Kind kind,
                                     std::string_view name, std::string_view type, std::string_view key) {
    Span span;
    span.context = spans.child_of(parent);
    span.parent = parent.span;
    span.kind = kind;
    span.name = name;
    span.begun_ns = wall_ns();
    span.attributes = {{"messaging.system", "tulle"},
                       {"messaging.operation.name", std::string(name)},
                       {"messaging.operation.type", std::string(type)},
                       {"messaging.destination.name", std::string(channel_of_key(key))},
                       {"tulle.app", std::string(app_of_key(key))}};
    return span;
}

}  // namespace tulle::node
