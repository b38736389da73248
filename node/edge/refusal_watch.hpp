#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/time.hpp"
#include "node/core/peer_address.hpp"
#include "node/edge/event_log.hpp"

namespace tulle::node {

/// Says who was refused, and why: in the log at the level debug, and for a while also for those that somebody asked
/// about, in the log at the level info and as events (EventKind::kClient). A node that nobody asks pays an atomic read
/// for each refusal.
///
/// Thread: any; set_events before other threads have the object.
/// Limits: kMaxWatches at once, kLongest each; kLinesPerSecond lines, of which each has kLineBytes of a client's text
///         at most. Further refusals are counted, and the next line says how many.
class RefusalWatch {
public:
    static constexpr std::size_t kMaxWatches = 16;
    static constexpr std::uint32_t kLinesPerSecond = 15;
    static_assert(kLinesPerSecond * 60 < EventLog::kEventsPerKind, "each line finds its place among the events");
    static constexpr std::size_t kLineBytes = 600;
    static constexpr Duration kLongest = 3600s;

    /// Whom to tell of. Without an app, and without an address, of all.
    struct Whom {
        std::string app = {};
        std::optional<PeerAddress> address = {};
        friend bool operator==(const Whom&, const Whom&) = default;
    };

    /// The log for what the watches find.
    void set_events(std::shared_ptr<EventLog> events) { events_ = std::move(events); }
    /// Tells of the refusals of `whom` for `time`, counted from `now`; a watch of the same whom is replaced. False:
    /// there are kMaxWatches.
    [[nodiscard]] bool watch(Whom whom, Duration time, Instant now);

    /// True when tell() may have something to do: makes the text worth its making.
    [[nodiscard]] bool is_on() const;
    /// `app`: the id of the app, or empty where the client has named none that exists. `what`: what was refused, why,
    /// and what to do. Never a secret.
    void tell(Instant now, std::string_view app, const PeerAddress& address, std::string_view what);

private:
    struct Watch {
        Whom whom;
        Instant until;
    };

    /// True when a line may be written in this second; counts it otherwise. Called with the lock.
    [[nodiscard]] bool may_write(Instant now);

    std::shared_ptr<EventLog> events_;
    std::atomic<bool> has_watches_{false};
    std::mutex mutex_;
    std::vector<Watch> watches_;
    Instant second_ = Instant::min();
    std::uint32_t lines_ = 0;
    std::uint64_t dropped_ = 0;
};

}  // namespace tulle::node
