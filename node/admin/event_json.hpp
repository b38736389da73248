#pragma once

#include <boost/json/object.hpp>

#include "node/edge/event_log.hpp"

namespace tulle::node {

/// An event as the admin listener shows it: {"seq":…,"at_ms":…,"kind":…,"text":…}.
[[nodiscard]] inline boost::json::object to_json(const NodeEvent& event) {
    const std::string_view kind = to_text(event.kind);
    return {{"seq", event.seq},
            {"at_ms", event.at_ms},
            {"kind", boost::json::string(kind.data(), kind.size())},
            {"text", boost::json::string(event.text.data(), event.text.size())}};
}

}  // namespace tulle::node
