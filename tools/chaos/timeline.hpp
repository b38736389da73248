#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/chaos/history.hpp"

namespace tulle::chaos {

inline constexpr Instant kNever = Instant::max();

/// One incarnation of a node.
struct Process {
    std::uint32_t node = 0;
    Instant start{};
    Instant end = kNever;
    std::string ending;  ///< as in EventKind::kEnd; empty: alive at the end of the history
    std::string oid;     ///< empty: never seen
};

struct Stop {
    std::uint32_t node = 0;
    Instant begin{};
    Instant end = kNever;
};

struct View {
    Instant at{};
    std::string oid;
    std::vector<Member> members;
};

/// A publisher and a number in its sequence.
struct MessageId {
    std::uint32_t publisher = 0;
    std::uint64_t number = 0;
    friend auto operator<=>(const MessageId&, const MessageId&) = default;
};

struct Publication {
    MessageId id;
    std::uint32_t node = 0;
    std::uint32_t channel = 0;
    Instant sent{};
    Instant answered = kNever;
    EventKind outcome = EventKind::kUnknown;  ///< kAccepted, kRefused or kUnknown
    std::optional<std::size_t> process;       ///< the one that has it; nothing when one ended between sent and answered
};

struct Delivery {
    Instant at{};
    MessageId id;
};

struct Subscribed {
    std::uint32_t id = 0;
    std::uint32_t node = 0;
    std::uint32_t channel = 0;
    std::optional<std::size_t> process;
    Instant begin{};
    Instant end = kNever;
    std::uint64_t announced = 0;  ///< messages that gaps have told of
    std::vector<Delivery> deliveries;
};

/// A history, put in order for the checks.
struct Timeline {
    std::uint32_t nodes = 0;
    Instant end{};
    std::vector<Process> processes;                    ///< by start
    std::vector<Stop> stops;                           ///< by begin
    std::map<std::uint32_t, std::vector<View>> views;  ///< by node, then time
    std::vector<Publication> publications;             ///< by time sent
    std::map<MessageId, std::size_t> by_id;            ///< into publications
    std::map<std::uint32_t, Subscribed> subscriptions;
    std::vector<std::pair<Instant, bool>> faults;  ///< true: one begins, false: it is calm again

    [[nodiscard]] std::optional<std::size_t> process_at(std::uint32_t node, Instant at) const;
    /// Whether the node was frozen at some moment of [from, to].
    [[nodiscard]] bool stopped_within(std::uint32_t node, Instant from, Instant to) const;
    /// The newest view of that very process at `at`, if there is one.
    [[nodiscard]] const View* view_at(const Process& process, Instant at) const;
};

[[nodiscard]] Timeline make_timeline(const History& history);

[[nodiscard]] const Member* find_member(const View& view, const std::string& oid);
/// Alive, or not given up yet.
[[nodiscard]] bool holds_alive(const View& view, const std::string& oid);

}  // namespace tulle::chaos
