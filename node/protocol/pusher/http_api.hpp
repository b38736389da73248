#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mesh/base/time.hpp"
#include "node/core/apps.hpp"
#include "node/core/http_message.hpp"

namespace tulle::node::pusher {

/// Answer at once.
struct Respond {
    HttpResponse response;
    friend bool operator==(const Respond&, const Respond&) = default;
};

/// Publish, and answer with `published` or `unavailable`.
struct PublishEvent {
    std::vector<std::string> channels;  ///< keys of the mesh
    std::string body;
    std::string exclude_socket;
    friend bool operator==(const PublishEvent&, const PublishEvent&) = default;
};

/// Ask every node, and answer with `channel_list`.
struct ListChannels {
    std::string query;
    friend bool operator==(const ListChannels&, const ListChannels&) = default;
};

/// Ask every node, and answer with `channel_info`.
struct DescribeChannel {
    std::string query;
    std::string channel;
    friend bool operator==(const DescribeChannel&, const DescribeChannel&) = default;
};

using ApiAction = std::variant<Respond, PublishEvent, ListChannels, DescribeChannel>;

/// Whether the target belongs to the API ("/apps/…").
[[nodiscard]] bool is_api_target(std::string_view path);

/// What an API request asks for, after its app, its signature and its body have been checked. `now` is the wall clock, for
/// the age of the signature alone.
[[nodiscard]] ApiAction handle(const HttpRequest& request, const AppTable& apps, WallSeconds now);

// ---- answers ---------------------------------------------------------------------------------------------------------

[[nodiscard]] HttpResponse api_error(unsigned status, std::string_view message);
[[nodiscard]] HttpResponse published();
/// 503: nothing was numbered, so that the publish may be sent again.
[[nodiscard]] HttpResponse unavailable(std::string_view reason);
/// `parts` are what the nodes answered, `missing` those that did not in time: named in the header Tulle-Partial.
[[nodiscard]] HttpResponse channel_list(const std::vector<std::string>& parts, const std::vector<std::string>& missing);
[[nodiscard]] HttpResponse channel_info(std::string_view channel, const std::vector<std::string>& parts,
                                        const std::vector<std::string>& missing);

}  // namespace tulle::node::pusher
