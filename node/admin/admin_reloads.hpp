#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string_view>
#include <utility>

#include "node/admin/admin_counters.hpp"
#include "node/admin/reload_outcome.hpp"
#include "node/web/http_room.hpp"

namespace tulle::node {

/// Requests that wait for the end of a reload. A further request gets 503.
inline constexpr std::size_t kMaxAdminReloads = 4;
/// The error of a node that is going away.
inline constexpr std::string_view kStopping = "the node is stopping";

/// The requests for a reload: each asks the owner of the server, and is answered at the end of a reload that began
/// later.
///
/// Thread: the listener's; asked() any.
/// Ownership: `room` and `counters` outlive the object.
/// Limits: kMaxAdminReloads.
class AdminReloads {
public:
    /// `ask` must not wait; the owner answers by answer().
    AdminReloads(HttpRoom& room, AdminCounters& counters, std::function<void()> ask)
        : room_(room), counters_(counters), ask_(std::move(ask)) {}

    void ask(HttpTicket ticket);
    /// How many requests have asked so far.
    [[nodiscard]] std::uint64_t asked() const { return asked_.load(); }
    /// A reload that began when asked() was `asked` has ended so: answers the requests that had asked by then. `apps`:
    /// the number of apps that the node serves now.
    void answer(std::uint64_t asked, const ReloadOutcome& outcome, std::size_t apps);

private:
    /// A request that waits. `number` counts the requests.
    struct Waiting {
        std::uint64_t number;
        HttpTicket ticket;
    };

    HttpRoom& room_;
    AdminCounters& counters_;
    const std::function<void()> ask_;
    std::deque<Waiting> waiting_;
    /// The listener's thread writes.
    std::atomic<std::uint64_t> asked_{0};
};

}  // namespace tulle::node
