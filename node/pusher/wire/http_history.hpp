#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/event_body.hpp"
#include "mesh/base/ids.hpp"
#include "mesh/base/result.hpp"
#include "mesh/base/time.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/wire/auth.hpp"
#include "node/pusher/wire/history_position.hpp"

/// GET /channels/NAME/history. The parameters and the paging are those of Sockudo.
namespace tulle::node::pusher {

/// Events in an answer, unless the request says otherwise, and at most.
inline constexpr std::size_t kDefaultHistoryPage = 100;
inline constexpr std::size_t kMaxHistoryPageEvents = 1000;

/// What a request asks for.
struct HistoryRead {
    /// Key of the channel.
    std::string channel;
    bool newest_first = true;
    std::size_t limit = kDefaultHistoryPage;
    /// Both included.
    std::uint64_t from_us = 0;
    std::uint64_t to_us = std::numeric_limits<std::uint64_t>::max();
    /// The last event of the answer before.
    HistoryPlace behind = {};
    /// How long the channel's history holds an event.
    Duration ttl{};
    friend bool operator==(const HistoryRead&, const HistoryRead&) = default;
};

/// An event of an answer.
struct HistoryEvent {
    HistoryPlace place;
    SharedBody body;
    /// The connection that did not get the event; empty: none.
    std::string exclude_socket;
};

/// What the nodes hold.
struct HistoryFindings {
    std::vector<HistoryEvent> events;
    bool has_more = false;
    /// Every event from this moment on is held by a node that has answered; nothing: nobody can say.
    std::optional<std::uint64_t> whole_since_us;
    /// When the last node answered.
    std::uint64_t answered_us = 0;
};

/// Reads the parameters of a request for a channel with the rule `rule`. The error says which parameter is wrong;
/// static text.
[[nodiscard]] Result<HistoryRead, std::string_view> parse_history_read(const QueryParameters& parameters,
                                                                       const HistoryRule& rule);

/// The body of the answer. `is_partial`: a node has not answered.
[[nodiscard]] std::string render_history(const HistoryRead& read, const HistoryFindings& found, bool is_partial);

}  // namespace tulle::node::pusher
