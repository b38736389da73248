#pragma once

#include <string_view>

#include "mesh/base/result.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/wire/http_api.hpp"

/// The bodies of POST /events and POST /batch_events.
namespace tulle::node::pusher {

struct PublishRefusal {
    unsigned status = 400;
    std::string_view reason;  ///< static text
};

[[nodiscard]] Result<ApiWork, PublishRefusal> parse_event(const App& app, std::string_view body);
/// All of the batch or nothing of it.
[[nodiscard]] Result<ApiWork, PublishRefusal> parse_batch(const App& app, std::string_view body);

}  // namespace tulle::node::pusher
