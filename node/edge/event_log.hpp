#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/event_kind.hpp"
#include "mesh/base/time.hpp"
#include "node/edge/clock.hpp"

namespace tulle::node {

/// Something that has happened at a node.
struct NodeEvent {
    /// 1, 2, 3…; begins anew with the process.
    std::uint64_t seq = 0;
    /// Milliseconds since the Unix epoch.
    std::uint64_t at_ms = 0;
    EventKind kind = EventKind::kOther;
    std::string text;
};

/// The flight recorder of a node: the latest events, for whoever asks what has just happened.
///
/// Thread: any.
/// Limits: kEvents events, and kEventsPerKind of a kind, so that one kind cannot push out all others: for a further
///         event the oldest goes, of the kind or of all. A text is cut to kTextBytes. Of a kind kEventsPerKind within
///         kSpan: further ones are counted, and the next event of the kind says how many.
class EventLog {
public:
    static constexpr std::size_t kEvents = 4096;
    static constexpr std::size_t kTextBytes = 1024;
    /// A quarter of all.
    static constexpr std::uint32_t kEventsPerKind = 1024;
    static constexpr Duration kSpan = 60s;
    static_assert(kEventsPerKind * 4 <= kEvents, "a kind leaves room for others");

    /// Notes an event. A lock, and a wake-up while somebody follows.
    void add(EventKind kind, std::string text, Instant now = monotonic_now());

    /// Some events in their order.
    struct Page {
        std::vector<NodeEvent> events;
        /// The number to ask for the events behind these with.
        std::uint64_t next = 0;
        /// Events behind the asked number that were no longer there, whatever their kind.
        std::uint64_t lost = 0;
    };
    /// The first `limit` events with a number above `since`, of `kind` alone if given. A number that was never given
    /// counts as 0: the process is another one than the asker's.
    [[nodiscard]] Page read(std::uint64_t since, std::size_t limit, std::optional<EventKind> kind) const;

    /// The latest `limit` events, of `kind` alone if given, in their order.
    [[nodiscard]] std::vector<NodeEvent> latest(std::size_t limit, std::optional<EventKind> kind) const;
    /// The number of the latest event; 0: none yet.
    [[nodiscard]] std::uint64_t last() const;

    /// `wake` is called after each event while is_followed, on the thread of the event; `wake` must not wait, nor call
    /// this object. Null: nobody is called any more.
    void on_add(std::function<void()> wake);
    void set_followed(bool is_followed);

private:
    /// Lets an event go when there is no room for one of the kind.
    void make_room(EventKind kind);

    /// What came of a kind since `begin`.
    struct Span {
        Instant begin = Instant::min();
        std::uint32_t events = 0;
        std::uint64_t left_out = 0;
    };

    std::function<void()> wake_;
    mutable std::mutex mutex_;
    std::deque<NodeEvent> events_;
    std::uint64_t last_ = 0;
    bool is_followed_ = false;
    std::array<Span, kEventKindNames.size()> spans_{};
    /// The events in events_ of each kind.
    std::array<std::uint32_t, kEventKindNames.size()> kept_{};
};

}  // namespace tulle::node
