// The checks at rest. When the run is over and the mesh is calm, the run reads presence, the API, the caches and the
// webhooks of every node, and records each answer as a kRead. The checks here compare every answer with the truth,
// computed from the clients' own events at the moment of the answer.
#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "tools/chaos/checker.hpp"

namespace tulle::chaos {
namespace {

/// Nothing must have happened to the two nodes for this time for a change of presence to be a flap: the time to be
/// whole again, and the grace of a user of a lost node.
constexpr Duration kPeace = kThawSettle + 2s;

/// True for a user on a single connection for long, at a node to which nothing has happened for long, with some time
/// left for both.
bool has_peace(const Timeline& timeline, const Stay& stay, Instant at) {
    const auto process = timeline.process_at(stay.node, at);
    return stay.begin + kPeace <= at && process && timeline.processes[*process].start + kPeace <= at &&
           timeline.processes[*process].end > at + kPrompt && stay.end > at + kPrompt &&
           !timeline.stopped_within(stay.node, at - kPeace, at) && !timeline.cut_within(stay.node, at - kPeace, at);
}

/// Changes of presence told about a user who stayed, to an observer who stayed, are flaps.
void check_flaps(const Timeline& timeline, Verdict& verdict) {
    for (const MemberTold& told : timeline.told) {
        ++verdict.checked;
        const Stay* stay = timeline.stay_at(told.user, told.at);
        const Stay* observer = timeline.stay_at(told.observer, told.at);
        if (stay == nullptr || observer == nullptr || !has_peace(timeline, *stay, told.at) ||
            !has_peace(timeline, *observer, told.at)) {
            // Somebody really came or went, or the nodes had reason to doubt.
            ++verdict.notes["changes told while somebody came or went"];
        } else {
            verdict.violate("flap: " + told.observer + " at n" + std::to_string(told.node) + " was told at " +
                            at_text(told.at) + " that " + told.user + ", who was at n" + std::to_string(stay->node) +
                            " since " + at_text(stay->begin) + ", has " + (told.has_come ? "come" : "gone"));
        }
    }
}

/// Compares an answer with the truth, as texts.
void judge_read(const Read& read, const std::string& truth, Verdict& verdict) {
    ++verdict.checked;
    if (read.answer != truth) {
        verdict.violate("n" + std::to_string(read.node) + " at " + at_text(read.at) + ", " + read.what + ": \"" +
                        read.answer + "\" instead of \"" + truth + "\"");
    }
}

/// The users in the presence channel at a moment, sorted.
std::string users_at(const Timeline& timeline, Instant at) {
    std::set<std::string> users;
    for (const Stay& stay : timeline.stays) {
        if (stay.begin <= at && stay.end > at) {
            users.insert(stay.user);
        }
    }
    return joined_names(users);
}

/// The occupied channels at a moment, sorted.
std::string channels_at(const Timeline& timeline, Instant at) {
    std::set<std::string> channels;
    for (const auto& [id, subscription] : timeline.subscriptions) {
        if (subscription.begin <= at && subscription.end > at) {
            channels.insert(channel_name(subscription.channel));
        }
    }
    // Users are recorded as stays, not as subscriptions, so the presence channel is added by hand.
    if (!users_at(timeline, at).empty()) {
        channels.insert(kPresenceChannel);
    }
    return joined_names(channels);
}

/// A cache must hold the last accepted event, or a later event without an answer, which may have been accepted.
void judge_cache(const Timeline& timeline, const Read& read, std::uint32_t channel, Verdict& verdict) {
    // Every event is allowed until a later accepted event replaces all before. Publications are in the order of
    // sending, and a cache channel has a single publisher.
    std::set<std::string> allowed{"nothing"};
    for (const Publication& publication : timeline.publications) {
        if (publication.channel != channel || publication.sent >= read.at ||
            publication.outcome == EventKind::kRefused) {
            continue;
        }
        // An event accepted just before the read may still be under way to the node, so the event before stays allowed.
        if (publication.outcome == EventKind::kAccepted && publication.answered + kPrompt < read.at) {
            allowed.clear();
        }
        allowed.insert(std::to_string(publication.id.publisher) + ":" + std::to_string(publication.id.number));
    }
    ++verdict.checked;
    if (!allowed.contains(read.answer)) {
        verdict.violate("n" + std::to_string(read.node) + " at " + at_text(read.at) + " has of " +
                        channel_name(channel) + ": " + read.answer + " instead of " + joined_names(allowed));
    }
}

/// The last webhook about each channel must be true.
void check_hooks(const Timeline& timeline, Instant at, Verdict& verdict) {
    std::map<std::string, std::string> last;
    for (const HookTold& hook : timeline.hooks) {
        if (hook.at <= at) {
            last[hook.channel] = hook.event;
        }
    }
    // Only channels that ever had a subscriber are judged.
    std::map<std::string, bool> occupied;
    for (const auto& [id, subscription] : timeline.subscriptions) {
        if (subscription.channel >= kFirstHookChannel && subscription.begin <= at) {
            occupied[channel_name(subscription.channel)] |= subscription.end > at;
        }
    }
    for (const auto& [channel, is_occupied] : occupied) {
        ++verdict.checked;
        const std::string truth = is_occupied ? "channel_occupied" : "channel_vacated";
        const auto word = last.find(channel);
        // No word at all is true for a vacated channel: a short stay need not be told.
        if (word == last.end() ? is_occupied : word->second != truth) {
            verdict.violate("the last word about " + channel + " at " + at_text(at) + ": " +
                            (word == last.end() ? "none" : word->second) + " instead of " + truth);
        }
    }
}

}  // namespace

void check_rest(const Timeline& timeline, Report& report) {
    check_flaps(timeline, verdict_of(report, "PR"));
    // A run that was interrupted has not come to rest, and an old history has no reads.
    if (timeline.reads.empty()) {
        report.skipped.emplace_back("RD, CA, WH, and PR at rest: nothing was read at rest");
    }
    for (const Read& read : timeline.reads) {
        const std::string_view what = read.what;
        if (what == kHooksRead) {
            check_hooks(timeline, read.at, verdict_of(report, "WH"));
        } else if (what == kMembersRead) {
            judge_read(read, users_at(timeline, read.at), verdict_of(report, "PR"));
        } else if (what == kUsersRead) {
            judge_read(read, users_at(timeline, read.at), verdict_of(report, "RD"));
        } else if (what == kChannelsRead) {
            judge_read(read, channels_at(timeline, read.at), verdict_of(report, "RD"));
        } else if (what.starts_with(kCacheRead)) {
            const std::string_view number = what.substr(std::string_view(kCacheRead).size());
            std::uint32_t channel = 0;
            std::from_chars(number.data(), number.data() + number.size(), channel);
            judge_cache(timeline, read, channel, verdict_of(report, "CA"));
        }
    }
}

}  // namespace tulle::chaos
