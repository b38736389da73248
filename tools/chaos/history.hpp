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

enum class EventKind : std::uint8_t {
    kRun,           ///< number: nodes; text: seed of the run; first of a history
    kStart,         ///< node: a process is about to be started
    kEnd,           ///< node; text: "kill" (just before it), "leave" (after SIGTERM, it has gone) or "exit" (by itself)
    kStop,          ///< node: about to be frozen
    kContinue,      ///< node: has been thawed
    kFault,         ///< text: the fault that begins
    kCalm,          ///< text: the fault that is over, all its processes running again
    kPublish,       ///< publisher, number (its sequence), node, channel: about to be sent
    kAccepted,      ///< publisher, number: answered with 200
    kRefused,       ///< publisher, number: certainly not published
    kUnknown,       ///< publisher, number: no usable answer
    kSubscribed,    ///< subscription, node, channel: confirmed
    kUnsubscribed,  ///< subscription: its connection is gone
    kDelivered,     ///< subscription, publisher, number
    kGap,           ///< subscription, number: messages announced as lost
    kView,          ///< node, text (its oid), interest, members: what GET /v1/status says, when it has changed
    kCut,           ///< node, other: what the first sends to the second is about to be dropped without a word
    kHealed,        ///< node, other: it gets there again
    kSlowed,        ///< node, other: what the first sends to the second is about to be delayed or throttled
    kEased,         ///< node, other: no longer
    kMemory,        ///< node, number: its resident bytes
    kReaped,        ///< node: the system has ended the killed process; its connections are closed
    kEntered,       ///< node, text (user): subscribed to the presence channel there
    kParted,        ///< node, text (user): that connection has ended
    kMemberTold,    ///< node, text (user), number: 1, has come, or 0, has gone; interest: the user who is told so there
    kHook,          ///< text: the event of a webhook; interest: its channel
    kRead,          ///< node, text (one of the k…Read, when all is at rest), interest: the answer
};
inline constexpr std::size_t kEventKinds = 27;

/// The text of a kFault that is none: the mesh is only watched.
inline constexpr const char* kNoFault = "none";

/// The text of a kPublish that is to show that a pair of nodes is not deaf.
inline constexpr const char* kCanary = "canary";

/// What is read at rest. Lists are sorted and joined by commas.
inline constexpr const char* kMembersRead = "members";    ///< whom a client in the presence channel holds for present
inline constexpr const char* kUsersRead = "users";        ///< whom the API names
inline constexpr const char* kChannelsRead = "channels";  ///< the occupied channels that the API names
inline constexpr const char* kCacheRead = "cache ";       ///< and the channel: "PUBLISHER:NUMBER", or "nothing"

inline constexpr const char* kHooksRead = "webhooks";  ///< no answer: from here on all that is owed has been told

/// The presence channel of a run.
inline constexpr const char* kPresenceChannel = "presence-chaos";
inline constexpr std::uint32_t kChannels = 8;
/// A further one, that one client of each node listens to: what shows that no pair of nodes is deaf.
inline constexpr std::uint32_t kCanaryChannel = kChannels + 1;
/// That of which this publisher alone publishes the events, and nobody is subscribed before the mesh is at rest.
[[nodiscard]] constexpr std::uint32_t cache_channel(std::uint32_t publisher) {
    return kCanaryChannel + publisher;
}
/// From here on channels on which nothing is published, and of whose first and last subscriber a backend is told.
inline constexpr std::uint32_t kFirstHookChannel = 1'001;
[[nodiscard]] std::string channel_name(std::uint32_t channel);
/// Names or ids as an event holds them: "a,b".
[[nodiscard]] std::string joined_names(const std::set<std::string>& parts);

/// One member in a view. Only what is judged.
struct Member {
    std::uint32_t node = 0;
    std::string oid;
    std::string state;
    std::string session;   ///< changes when the session with it is made anew; empty: the node does not say
    std::string interest;  ///< what is held of its interest, version and digest; empty: the node does not say
    friend bool operator==(const Member&, const Member&) = default;
};

/// One thing that has happened. Nodes, publishers, subscriptions and channels count from 1; nodes 1 and 2 are the
/// seeds.
struct Event {
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

/// In the order of time.
using History = std::vector<Event>;

enum class HistoryErrc { kNotAnEvent };

/// One line of JSON without the line feed; fields that are zero or empty are left out, times are in microseconds.
[[nodiscard]] std::string to_line(const Event& event);
[[nodiscard]] Result<Event, HistoryErrc> parse_line(std::string_view line);

/// Lines of JSON, sorted by time. A last line that is cut off, as of a run that was killed, is left out; any other bad
/// line is an error.
[[nodiscard]] Result<History, HistoryErrc> read_history(std::istream& in);

}  // namespace tulle::chaos
