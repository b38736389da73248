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
#include "tools/chaos/plan.hpp"

namespace tulle::chaos {

/// Later than any moment of a history.
inline constexpr Instant kNever = Instant::max();

/// An incarnation of a node.
struct Process {
    std::uint32_t node = 0;
    Instant start{};
    Instant end = kNever;
    /// As in EventKind::kEnd. Empty: alive at the end of the history.
    std::string ending;
    /// Empty: no view has shown the oid.
    std::string oid;
    /// When the system had ended the killed process. kNever: the history does not say.
    Instant reaped = kNever;
};

/// A freeze of a node, from SIGSTOP to SIGCONT or to the end of the process.
struct Stop {
    std::uint32_t node = 0;
    Instant begin{};
    Instant end = kNever;
};

/// A cut or a slowness in the direction from a node to another.
struct Impairment {
    std::uint32_t from = 0;
    std::uint32_t to = 0;
    /// True: packets are dropped. False: packets are only slow.
    bool cut = false;
    Instant begin{};
    Instant end = kNever;

    /// True when the impairment concerns the two nodes, in either direction.
    [[nodiscard]] bool between(std::uint32_t a, std::uint32_t b) const {
        return (from == a && to == b) || (from == b && to == a);
    }
    /// True when the impairment holds at some moment of [first, last].
    [[nodiscard]] bool overlaps(Instant first, Instant last) const { return begin <= last && end >= first; }
};

/// The resident memory of a node at a moment.
struct MemorySample {
    Instant at{};
    std::uint64_t bytes = 0;
};

/// The begin or the end of a fault.
struct Turn {
    Instant at{};
    /// False: the fault is over and the mesh is calm again.
    bool begins = false;
    std::string what;
};

/// How a node sees the mesh from this moment on. The oid tells the process.
struct View {
    Instant at{};
    std::string oid;
    /// The node's own interest, "VERSION:DIGEST"; empty when not told.
    std::string interest;
    std::vector<Member> members;
};

/// A publisher and a number in the sequence of the publisher.
struct MessageId {
    std::uint32_t publisher = 0;
    std::uint64_t number = 0;
    friend auto operator<=>(const MessageId&, const MessageId&) = default;
};

/// A message, from the call to publish to the answer.
struct Publication {
    MessageId id;
    std::uint32_t node = 0;
    std::uint32_t channel = 0;
    /// A message meant to show deaf pairs of nodes.
    bool canary = false;
    Instant sent{};
    /// kNever: the history ends before the answer.
    Instant answered = kNever;
    /// kAccepted, kRefused or kUnknown.
    EventKind outcome = EventKind::kUnknown;
    /// The process with the message, as an index into Timeline::processes. Nothing when the process changed between
    /// sending and answer: the message then has no certain origin.
    std::optional<std::size_t> process;
};

/// The arrival of a message at a subscription.
struct Delivery {
    Instant at{};
    MessageId id;
};

/// The server has told a subscription: messages are lost. `missing` is the announced number, 0 for an unknown number.
struct GapTold {
    Instant at{};
    std::uint64_t missing = 0;
};

/// A subscription: belongs to a connection to a process, from confirmation to the end of the connection.
struct Subscribed {
    std::uint32_t id = 0;
    std::uint32_t node = 0;
    std::uint32_t channel = 0;
    /// The process of the node at the confirmation, as an index into Timeline::processes.
    std::optional<std::size_t> process;
    Instant begin{};
    Instant end = kNever;
    /// In the order of time.
    std::vector<GapTold> gaps;
    /// In the order of time, with duplicates.
    std::vector<Delivery> deliveries;
};

/// The time of a user in the presence channel, over a single connection.
struct Stay {
    std::uint32_t node = 0;
    std::string user;
    Instant begin{};
    Instant end = kNever;
};

/// The node has told an observer: a user has come or gone.
struct MemberTold {
    Instant at{};
    std::uint32_t node = 0;
    std::string user;
    std::string observer;
    bool has_come = false;
};

/// A webhook event, as received by the backend.
struct HookTold {
    Instant at{};
    std::string event;
    std::string channel;
};

/// An answer read at rest; `what` is one of the k…Read constants.
struct Read {
    Instant at{};
    std::uint32_t node = 0;
    std::string what;
    std::string answer;
};

/// A history, put in order for the checks. Built by make_timeline(), and only read afterwards.
///
/// Ownership: pointers returned by the functions are valid as long as the Timeline lives unchanged.
struct Timeline {
    std::uint32_t nodes = 0;
    /// The time of the last event.
    Instant end{};
    /// By start.
    std::vector<Process> processes;
    /// By begin.
    std::vector<Stop> stops;
    /// By node, then time.
    std::map<std::uint32_t, std::vector<View>> views;
    /// By time sent.
    std::vector<Publication> publications;
    /// Indexes into publications.
    std::map<MessageId, std::size_t> by_id;
    /// By the number of the subscription.
    std::map<std::uint32_t, Subscribed> subscriptions;
    /// By time: begins and ends of faults alternate.
    std::vector<Turn> faults;
    /// By begin.
    std::vector<Stay> stays;
    /// By time, as hooks and reads.
    std::vector<MemberTold> told;
    std::vector<HookTold> hooks;
    std::vector<Read> reads;
    /// By begin.
    std::vector<Impairment> impairments;
    /// By node, then time.
    std::map<std::uint32_t, std::vector<MemorySample>> memory;

    /// The index of the node's process that ran at `at`; nothing when none ran.
    [[nodiscard]] std::optional<std::size_t> process_at(std::uint32_t node, Instant at) const;
    /// True when the node was frozen at some moment of [from, to].
    [[nodiscard]] bool stopped_within(std::uint32_t node, Instant from, Instant to) const;
    /// True when packets from `from` to `to` were dropped at `at`.
    [[nodiscard]] bool is_cut(std::uint32_t from, std::uint32_t to, Instant at) const;
    /// True when a third node lived at `at`, not frozen and with no cut to either of the two.
    [[nodiscard]] bool has_witness(std::uint32_t a, std::uint32_t b, Instant at) const;
    /// True when packets between the two nodes, either way, were dropped at some moment of [from, to].
    [[nodiscard]] bool cut_within(std::uint32_t a, std::uint32_t b, Instant from, Instant to) const;
    /// True when packets between the node and any other node were dropped at some moment of [from, to].
    [[nodiscard]] bool cut_within(std::uint32_t node, Instant from, Instant to) const;
    /// True when a fault of the kind was going on at `at`.
    [[nodiscard]] bool is_within(FaultKind kind, Instant at) const;
    /// The stay of the user that was open at `at`; null without an open stay.
    [[nodiscard]] const Stay* stay_at(const std::string& user, Instant at) const;
    /// The newest view of the given process at `at`; null without a view.
    [[nodiscard]] const View* view_at(const Process& process, Instant at) const;
};

/// Puts a history in order. Events that fit nowhere, such as an answer to an unknown message, are left out.
[[nodiscard]] Timeline make_timeline(const History& history);

/// True when the node has a session with the peer, whatever the doubts about the peer.
[[nodiscard]] bool has_session(const Member& member);
/// The peer with the oid in a view; null when the view has no such peer.
[[nodiscard]] const Member* find_member(const View& view, const std::string& oid);
/// True when the view has the peer and holds the peer for neither dead nor left.
[[nodiscard]] bool holds_alive(const View& view, const std::string& oid);

}  // namespace tulle::chaos
