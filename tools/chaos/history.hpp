#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/result.hpp"
#include "mesh/base/time.hpp"

namespace tulle::chaos {

/// The kinds of events of a history. The comment of a kind names the fields in use; other fields stay zero or empty.
enum class EventKind : std::uint8_t {
    /// number: nodes; text: seed of the run. The first event of a history.
    kRun,
    /// node: a process is about to be started.
    kStart,
    /// node; text: "kill" (recorded just before the kill), "leave" (gone after SIGTERM) or "exit" (ended by itself).
    kEnd,
    /// node: about to be frozen.
    kStop,
    /// node: has been thawed.
    kContinue,
    /// text: the fault that begins.
    kFault,
    /// text: the fault that is over, with all processes running again.
    kCalm,
    /// publisher, number (in the sequence of the publisher), node, channel; text: kCanary or empty. About to be sent.
    kPublish,
    /// publisher, number: answered with 200.
    kAccepted,
    /// publisher, number: certainly not published.
    kRefused,
    /// publisher, number: no usable answer, so perhaps published.
    kUnknown,
    /// subscription, node, channel: confirmed by the node.
    kSubscribed,
    /// subscription: the connection of the subscription is gone.
    kUnsubscribed,
    /// subscription, publisher, number.
    kDelivered,
    /// subscription, number: messages announced as lost; 0 when the server does not know how many.
    kGap,
    /// node, text (oid of the node), interest, members: the answer of GET /v1/status, recorded when changed.
    kView,
    /// node, other: packets from the first to the second are about to be dropped without a word.
    kCut,
    /// node, other: packets from the first reach the second again.
    kHealed,
    /// node, other: packets from the first to the second are about to be delayed or throttled.
    kSlowed,
    /// node, other: packets from the first to the second go at full speed again.
    kEased,
    /// node, number: resident bytes of the process.
    kMemory,
    /// node: the system has ended the killed process, so all connections of the process are closed.
    kReaped,
    /// node, text (user): the user is subscribed to the presence channel at the node.
    kEntered,
    /// node, text (user): the connection of the user has ended.
    kParted,
    /// node, text (user), number: 1 for a user who has come, 0 for a user who has gone; interest: the observing user.
    kMemberTold,
    /// text: the event of a webhook; interest: the channel of the event.
    kHook,
    /// node, text (one of the k…Read constants), interest: the answer. Recorded when all is at rest.
    kRead,
};
/// The number of kinds; the table of names in history.cpp has as many entries.
inline constexpr std::size_t kEventKinds = 27;

/// The text of a kFault without any harm: the run only watches the mesh.
inline constexpr const char* kNoFault = "none";

/// The text of a kPublish meant to show: the pair of nodes is not deaf.
inline constexpr const char* kCanary = "canary";

/// The reads at rest, as texts of kRead. Lists in answers are sorted and joined by commas.
///
/// Answer: the users present, as a client in the presence channel holds them.
inline constexpr const char* kMembersRead = "members";
/// Answer: the users of the presence channel, as the API names them.
inline constexpr const char* kUsersRead = "users";
/// Answer: the occupied channels, as the API names them.
inline constexpr const char* kChannelsRead = "channels";
/// Followed by the channel's number. Answer: "PUBLISHER:NUMBER", or "nothing".
inline constexpr const char* kCacheRead = "cache ";

/// Without an answer. From this moment on every webhook owed must have been told.
inline constexpr const char* kHooksRead = "webhooks";

/// The presence channel of a run.
inline constexpr const char* kPresenceChannel = "presence-chaos";
/// Ordinary channels of a run, numbered 1 to kChannels. Publishers draw a channel for each message.
inline constexpr std::uint32_t kChannels = 8;
/// A further channel for canaries, with a client of each node subscribed: canaries show deaf pairs of nodes.
inline constexpr std::uint32_t kCanaryChannel = kChannels + 1;
/// The cache channel of a publisher. Only the given publisher publishes there, and nobody is subscribed before the mesh
/// is at rest.
[[nodiscard]] constexpr std::uint32_t cache_channel(std::uint32_t publisher) {
    return kCanaryChannel + publisher;
}
/// From this number on channels without any messages. A backend is told of the first and last subscriber of each by
/// webhooks.
inline constexpr std::uint32_t kFirstHookChannel = 1'001;
/// The name at the edge: "chaos-N", "cache-chaos-N" for a cache channel, "hook-chaos-N" from kFirstHookChannel on.
[[nodiscard]] std::string channel_name(std::uint32_t channel);
/// Names or ids in the form of an event: "a,b".
[[nodiscard]] std::string joined_names(const std::set<std::string>& parts);

/// A peer in a node's view, reduced to the fields under judgement.
struct Member {
    std::uint32_t node = 0;
    std::string oid;
    std::string state;
    /// Changes when the session with the peer is made again. Empty: the node does not tell.
    std::string session;
    /// The peer's interest as held by the node, "VERSION:DIGEST". Empty: the node does not tell.
    std::string interest;
    friend bool operator==(const Member&, const Member&) = default;
};

/// Something that has happened, see EventKind for the fields in use. Nodes, publishers, subscriptions and channels
/// count from 1; nodes 1 and 2 are the seeds of the mesh.
struct Event {
    /// Since the beginning of the run. The Recorder sets the time.
    Instant at{};
    EventKind kind = EventKind::kRun;
    std::uint32_t node = 0;
    std::uint32_t other = 0;
    std::uint32_t publisher = 0;
    std::uint32_t subscription = 0;
    std::uint32_t channel = 0;
    std::uint64_t number = 0;
    std::string text;
    std::string interest;
    std::vector<Member> members;
    friend bool operator==(const Event&, const Event&) = default;
};

/// All events of a run, in the order of time.
using History = std::vector<Event>;

/// kNotAnEvent: a line is no event, or the first event of a history is no kRun.
enum class HistoryErrc { kNotAnEvent };

/// A line of JSON without the line feed. Fields with a value of zero or empty are left out; the time is in
/// microseconds.
[[nodiscard]] std::string to_line(const Event& event);
/// The reverse of to_line(). Unknown fields are ignored; a field of the wrong type is an error.
[[nodiscard]] Result<Event, HistoryErrc> parse_line(std::string_view line);

/// Reads lines of JSON and sorts the events by time; events of equal time keep their order. A last line cut short, as a
/// killed run leaves behind, is left out. Any other bad line is an error.
[[nodiscard]] Result<History, HistoryErrc> read_history(std::istream& in);

}  // namespace tulle::chaos
