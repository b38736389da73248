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
    std::string ending;       ///< as in EventKind::kEnd; empty: alive at the end of the history
    std::string oid;          ///< empty: never seen
    Instant reaped = kNever;  ///< when the system had ended the killed one; kNever: it does not say
};

struct Stop {
    std::uint32_t node = 0;
    Instant begin{};
    Instant end = kNever;
};

/// What was done to what one node sends to another.
struct Impairment {
    std::uint32_t from = 0;
    std::uint32_t to = 0;
    bool cut = false;  ///< dropped; else only slow
    Instant begin{};
    Instant end = kNever;

    [[nodiscard]] bool between(std::uint32_t a, std::uint32_t b) const {
        return (from == a && to == b) || (from == b && to == a);
    }
    [[nodiscard]] bool overlaps(Instant first, Instant last) const { return begin <= last && end >= first; }
};

struct MemorySample {
    Instant at{};
    std::uint64_t bytes = 0;
};

/// A fault begins, or it is calm again.
struct Turn {
    Instant at{};
    bool begins = false;
    std::string what;
};

struct View {
    Instant at{};
    std::string oid;
    std::string interest;
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
    bool canary = false;
    Instant sent{};
    Instant answered = kNever;
    EventKind outcome = EventKind::kUnknown;  ///< kAccepted, kRefused or kUnknown
    std::optional<std::size_t> process;       ///< the one that has it; nothing when one ended between sent and answered
};

struct Delivery {
    Instant at{};
    MessageId id;
};

/// The server has told a subscription that messages are lost.
struct GapTold {
    Instant at{};
    std::uint64_t missing = 0;
};

struct Subscribed {
    std::uint32_t id = 0;
    std::uint32_t node = 0;
    std::uint32_t channel = 0;
    std::optional<std::size_t> process;
    Instant begin{};
    Instant end = kNever;
    std::vector<GapTold> gaps;         ///< by time
    std::vector<Delivery> deliveries;  ///< likewise
};

/// A user in the presence channel, over one connection.
struct Stay {
    std::uint32_t node = 0;
    std::string user;
    Instant begin{};
    Instant end = kNever;
};

/// One user has been told that another has come or gone.
struct MemberTold {
    Instant at{};
    std::uint32_t node = 0;
    std::string user;
    std::string observer;
    bool has_come = false;
};

/// What a backend was told.
struct HookTold {
    Instant at{};
    std::string event;
    std::string channel;
};

/// What was read at rest.
struct Read {
    Instant at{};
    std::uint32_t node = 0;
    std::string what;
    std::string answer;
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
    std::vector<Turn> faults;
    std::vector<Stay> stays;       ///< by begin
    std::vector<MemberTold> told;  ///< by time, as the next
    std::vector<HookTold> hooks;
    std::vector<Read> reads;
    std::vector<Impairment> impairments;                        ///< by begin
    std::map<std::uint32_t, std::vector<MemorySample>> memory;  ///< by node, then time

    [[nodiscard]] std::optional<std::size_t> process_at(std::uint32_t node, Instant at) const;
    /// Whether the node was frozen at some moment of [from, to].
    [[nodiscard]] bool stopped_within(std::uint32_t node, Instant from, Instant to) const;
    /// Whether what goes from `from` to `to` was dropped at that moment.
    [[nodiscard]] bool is_cut(std::uint32_t from, std::uint32_t to, Instant at) const;
    /// Whether a third node lived at that moment and was cut from neither of the two.
    [[nodiscard]] bool has_witness(std::uint32_t a, std::uint32_t b, Instant at) const;
    /// Whether anything between the two, either way, was dropped at some moment of [from, to].
    [[nodiscard]] bool cut_within(std::uint32_t a, std::uint32_t b, Instant from, Instant to) const;
    /// The same of the node and anybody.
    [[nodiscard]] bool cut_within(std::uint32_t node, Instant from, Instant to) const;
    /// The stay of the user that was open at `at`; null: there was none.
    [[nodiscard]] const Stay* stay_at(const std::string& user, Instant at) const;
    /// The newest view of that very process at `at`, if there is one.
    [[nodiscard]] const View* view_at(const Process& process, Instant at) const;
};

[[nodiscard]] Timeline make_timeline(const History& history);

/// Whatever the doubts: there is a session with it.
[[nodiscard]] bool has_session(const Member& member);
[[nodiscard]] const Member* find_member(const View& view, const std::string& oid);
/// Alive, or not given up yet.
[[nodiscard]] bool holds_alive(const View& view, const std::string& oid);

}  // namespace tulle::chaos
