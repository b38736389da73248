#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "tools/chaos/checker.hpp"

namespace tulle::chaos {
namespace {

/// For so long nothing must have happened to the two nodes for a change of presence to be a flap: to be whole again,
/// and the grace of a user whose node has gone.
constexpr Duration kPeace = kThawSettle + 2s;

/// Who stays on one connection, at a node to which nothing has happened for long.
bool has_peace(const Timeline& timeline, const Stay& stay, Instant at) {
    const auto process = timeline.process_at(stay.node, at);
    return stay.begin + kPeace <= at && process && timeline.processes[*process].start + kPeace <= at &&
           timeline.processes[*process].end > at + kPrompt && stay.end > at + kPrompt &&
           !timeline.stopped_within(stay.node, at - kPeace, at) && !timeline.cut_within(stay.node, at - kPeace, at);
}

void check_flaps(const Timeline& timeline, Verdict& verdict) {
    for (const MemberTold& told : timeline.told) {
        ++verdict.checked;
        const Stay* stay = timeline.stay_at(told.user, told.at);
        const Stay* observer = timeline.stay_at(told.observer, told.at);
        if (stay == nullptr || observer == nullptr || !has_peace(timeline, *stay, told.at) ||
            !has_peace(timeline, *observer, told.at)) {
            ++verdict.notes["changes told while somebody came or went"];
        } else {
            verdict.violate("flap: " + told.observer + " at n" + std::to_string(told.node) + " was told at " +
                            at_text(told.at) + " that " + told.user + ", who was at n" + std::to_string(stay->node) +
                            " since " + at_text(stay->begin) + ", has " + (told.has_come ? "come" : "gone"));
        }
    }
}

void judge_read(const Read& read, const std::string& truth, Verdict& verdict) {
    ++verdict.checked;
    if (read.answer != truth) {
        verdict.violate("n" + std::to_string(read.node) + " at " + at_text(read.at) + ", " + read.what + ": \"" +
                        read.answer + "\" instead of \"" + truth + "\"");
    }
}

std::string users_at(const Timeline& timeline, Instant at) {
    std::set<std::string> users;
    for (const Stay& stay : timeline.stays) {
        if (stay.begin <= at && stay.end > at) {
            users.insert(stay.user);
        }
    }
    return joined_names(users);
}

std::string channels_at(const Timeline& timeline, Instant at) {
    std::set<std::string> channels;
    for (const auto& [id, subscription] : timeline.subscriptions) {
        if (subscription.begin <= at && subscription.end > at) {
            channels.insert(channel_name(subscription.channel));
        }
    }
    if (!users_at(timeline, at).empty()) {
        channels.insert(kPresenceChannel);
    }
    return joined_names(channels);
}

/// The last one that was accepted, or one after it that may have been.
void judge_cache(const Timeline& timeline, const Read& read, std::uint32_t channel, Verdict& verdict) {
    std::set<std::string> allowed{"nothing"};
    for (const Publication& publication : timeline.publications) {
        if (publication.channel != channel || publication.sent >= read.at ||
            publication.outcome == EventKind::kRefused) {
            continue;
        }
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

/// The last word about each channel is true.
void check_hooks(const Timeline& timeline, Instant at, Verdict& verdict) {
    std::map<std::string, std::string> last;
    for (const HookTold& hook : timeline.hooks) {
        if (hook.at <= at) {
            last[hook.channel] = hook.event;
        }
    }
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
        if (word == last.end() ? is_occupied : word->second != truth) {
            verdict.violate("the last word about " + channel + " at " + at_text(at) + ": " +
                            (word == last.end() ? "none" : word->second) + " instead of " + truth);
        }
    }
}

}  // namespace

void check_rest(const Timeline& timeline, Report& report) {
    check_flaps(timeline, verdict_of(report, "PR"));
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
