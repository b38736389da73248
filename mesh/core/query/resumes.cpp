#include "mesh/core/query/resumes.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

namespace tulle::mesh {
namespace {

/// The clocks of two nodes differ by less: a heartbeat brings the slower clock forward.
constexpr std::uint64_t kClockSlackUs = 1'000'000;
/// A channel that could not be asked for, as other questions about histories are under way, is tried again then.
constexpr Duration kAgain = 50ms;

/// The stamp of the origin in a sorted list; 0: there is none.
std::uint64_t time_of(const std::vector<Stamp>& stamps, OriginId origin) {
    const auto at = std::lower_bound(stamps.begin(), stamps.end(), origin,
                                     [](const Stamp& one, OriginId wanted) { return one.origin < wanted; });
    return at != stamps.end() && at->origin == origin ? at->time_us : 0;
}

void sort_by_origin(std::vector<Stamp>& stamps) {
    std::sort(stamps.begin(), stamps.end(), [](const Stamp& a, const Stamp& b) { return a.origin < b.origin; });
}

/// The latest stamp that the position names.
std::uint64_t latest(const HistoryPosition& position) {
    std::uint64_t time_us = position.settled_us;
    for (const Stamp& stamp : position.seen) {
        time_us = std::max(time_us, stamp.time_us);
    }
    return time_us;
}

/// The position; an empty one, with which nothing is recovered, for one of too many origins.
HistoryPosition within_limits(HistoryPosition position) {
    return position.seen.size() <= kMaxPositionOrigins ? std::move(position) : HistoryPosition{};
}

/// Messages up to the returned stamp have come to the holder of the position, from whatever origin, or are known there
/// as lost. The latest message was on its way for less than `way_us`, and so was every message before it that came
/// later.
std::uint64_t seen_upto(const HistoryPosition& position, std::uint64_t way_us) {
    const std::uint64_t time_us = latest(position);
    return std::max(position.settled_us, time_us - std::min(time_us, way_us + kClockSlackUs));
}

}  // namespace

std::uint64_t Resumes::told_since_us(Instant now, const std::string& channel) const {
    const std::uint64_t own_us = history_.told_since_us(now, channel);
    const auto joined = joined_.find(channel);
    const bool is_valid = joined != joined_.end() && joined->second.doubts == history_.doubts();
    return is_valid ? std::min(own_us, joined->second.told_since_us) : own_us;
}

bool Resumes::is_served(Instant now, const Resume& wanted) const {
    const auto joined = joined_.find(wanted.channel);
    if (joined != joined_.end() && joined->second.doubts == history_.doubts()) {
        return true;
    }
    const std::uint64_t since_us = history_.told_since_us(now, wanted.channel);
    if (since_us == kNeverWhole) {
        return false;
    }
    if (wanted.since) {
        const auto way_us = static_cast<std::uint64_t>(context_.limits().ring_age / 1us);
        return since_us + kClockSlackUs <= seen_upto(*wanted.since, way_us);
    }
    // Older entries have ended everywhere.
    return since_us + static_cast<std::uint64_t>(wanted.limits.ttl / 1us) <= clock_.latest(now);
}

void Resumes::on(Instant now, ShardIndex shard, const Resume& wanted, Effects& out) {
    if (!is_sane(wanted.limits) || local_.shards_of(wanted.channel) == 0 ||
        (wanted.since && wanted.since->seen.size() > kMaxPositionOrigins)) {
        // A defect of an edge: the hub claims nothing, and stays unharmed.
        out.push_back(ToPort{shard, Resumed{.id = wanted.id, .outcome = ResumeOutcome::kLost}});
        return;
    }
    if (is_served(now, wanted)) {
        answer(now, shard, wanted, out);
        return;
    }
    const auto [import, is_new] = imports_.try_emplace(wanted.channel);
    if (import->second.waiting.size() >= kWaiting) {
        out.push_back(ToPort{shard, Resumed{.id = wanted.id, .outcome = ResumeOutcome::kLost}});
        return;
    }
    import->second.waiting.emplace_back(shard, wanted);
    if (is_new) {
        import->second.limits = wanted.limits;
        begin(now, *import, out);
    }
}

void Resumes::on(const Unsubscribe& gone) {
    // Without a subscriber here, messages pass this node by.
    if (local_.shards_of(gone.channel) == 0) {
        joined_.erase(gone.channel);
        if (const auto import = imports_.find(gone.channel); import != imports_.end()) {
            asked_.erase(import->second.asked);
            imports_.erase(import);
        }
    }
}

void Resumes::begin(Instant now, Imports::value_type& import, Effects& out) {
    Import& state = import.second;
    if (asked_.size() >= context_.limits().history_imports) {
        state.asked = 0;
        next_ = now + kAgain;
        return;
    }
    state.joined = {history_.told_since_us(now, import.first), history_.doubts()};
    state.floors.clear();
    state.dropped_us = 0;
    ++state.tries;
    state.peers = context_.sessions().ids();
    if (state.peers.empty()) {
        finish(now, import, true);
        return;
    }
    ask(now, import, {}, out);
}

void Resumes::ask(Instant now, Imports::value_type& import, const Stamp& behind, Effects& out) {
    import.second.asked = ++last_id_;
    asked_.emplace(last_id_, import.first);
    // The answer may be there at once: the next tick() must not wait for a peer.
    next_ = now;
    queries_.ask(now, last_id_, {.channel = import.first, .limit = kMaxHistoryPage, .behind = behind}, out);
}

void Resumes::take(Instant now, Imports::value_type& import, const QueryResult& result, Effects& out) {
    Import& state = import.second;
    state.asked = 0;
    if (!result.history) {
        // The table of questions is full.
        --state.tries;
        next_ = now + kAgain;
        return;
    }
    const bool is_whole =
        result.missing.empty() && state.joined.doubts == history_.doubts() && state.peers == context_.sessions().ids();
    if (!is_whole && state.tries < kTries) {
        begin(now, import, out);
        return;
    }
    if (!is_whole) {
        // What the peers held may be more than what has come.
        state.joined.told_since_us = kNeverWhole;
        finish(now, import, false);
        return;
    }
    const HistoryPage& page = *result.history;
    for (const HistoryItem& item : page.items) {
        history_.import(now, import.first, state.limits, item);
    }
    state.joined.told_since_us = std::min(state.joined.told_since_us, page.told_since_us);
    state.dropped_us = std::max(state.dropped_us, page.dropped_us);
    for (const Stamp& floor : page.floors) {
        std::uint64_t& upto_us = state.floors[floor.origin];
        upto_us = std::max(upto_us, floor.time_us);
    }
    if (page.has_more && !page.items.empty()) {
        ask(now, import, page.items.back().stamp, out);
    } else {
        finish(now, import, true);
    }
}

void Resumes::finish(Instant now, Imports::value_type& import, bool is_whole) {
    const std::string channel = import.first;
    Import done = std::move(import.second);
    imports_.erase(imports_.find(channel));
    std::vector<Stamp> floors;
    for (const auto& [origin, upto_us] : done.floors) {
        floors.push_back({upto_us, origin});
    }
    history_.raise_floors(now, channel, floors, done.dropped_us);
    if (is_whole) {
        joined_[channel] = done.joined;
    }
    ++imported_;
    std::move(done.waiting.begin(), done.waiting.end(), std::back_inserter(ready_));
    // The next channel may be brought here.
    next_ = now;
}

void Resumes::run(Instant now, Effects& out) {
    for (const QueryResult& result : queries_.take_own()) {
        const auto asked = asked_.find(result.id);
        if (asked == asked_.end()) {
            continue;
        }
        const auto import = imports_.find(asked->second);
        asked_.erase(asked);
        if (import != imports_.end()) {
            take(now, *import, result, out);
        }
    }
    for (std::size_t left = kAnswers; left > 0 && !ready_.empty(); --left) {
        const auto [shard, wanted] = std::move(ready_.front());
        ready_.pop_front();
        answer(now, shard, wanted, out);
    }
    if (!next_ || *next_ > now) {
        return;
    }
    next_.reset();
    std::vector<std::string> idle;
    for (const auto& [channel, import] : imports_) {
        if (import.asked == 0 && idle.size() < context_.limits().history_imports) {
            idle.push_back(channel);
        }
    }
    for (const std::string& channel : idle) {
        begin(now, *imports_.find(channel), out);
    }
}

HistoryPosition Resumes::position(Instant now, const std::string& channel) {
    const HistoryProgress& progress = history_.progress();
    // A later message of this node gets a later stamp.
    const std::uint64_t own_us = clock_.stamp(now);
    settled_us_ = std::max(settled_us_, progress.settled(now, own_us).value_or(0));
    std::map<OriginId, std::uint64_t> seen;
    seen[context_.options().oid] = own_us;
    progress.each_peer([&seen](OriginId oid, std::uint64_t settled_us) { seen[oid] = settled_us; });
    for (const Stamp& stamp : history_.table().latest(channel)) {
        std::uint64_t& upto_us = seen[stamp.origin];
        upto_us = std::max(upto_us, stamp.time_us);
    }
    HistoryPosition at{.settled_us = settled_us_};
    for (const auto& [origin, upto_us] : seen) {
        if (upto_us != 0) {
            at.seen.push_back({upto_us, origin});
        }
    }
    return within_limits(std::move(at));
}

void Resumes::recover(Instant now, const Resume& wanted, Resumed& answer) const {
    const auto way_us = static_cast<std::uint64_t>(context_.limits().ring_age / 1us);
    const HistoryPosition& since = *wanted.since;
    const std::uint64_t seen_us = seen_upto(since, way_us);
    const std::uint64_t told_us = told_since_us(now, wanted.channel);
    if (told_us == kNeverWhole || told_us + kClockSlackUs > seen_us) {
        answer.outcome = ResumeOutcome::kLost;
        return;
    }
    const HistoryTable::Floors given_up = history_.table().floors(wanted.channel);
    const auto is_missed = [&since](const Stamp& stamp) { return stamp.time_us > time_of(since.seen, stamp.origin); };
    bool is_evicted = given_up.dropped_us > seen_us ||
                      std::any_of(given_up.floors.begin(), given_up.floors.end(),
                                  [&](const Stamp& floor) { return floor.time_us > seen_us && is_missed(floor); });
    std::size_t bytes = 0;
    std::size_t missed = 0;
    // Nothing up to there was missed, of whatever origin.
    std::uint64_t after_us = std::numeric_limits<std::uint64_t>::max();
    for (const Stamp& stamp : history_.table().latest(wanted.channel)) {
        const std::uint64_t seen_of_us = time_of(since.seen, stamp.origin);
        after_us = stamp.time_us > seen_of_us ? std::min(after_us, seen_of_us) : after_us;
    }
    if (after_us == std::numeric_limits<std::uint64_t>::max()) {
        answer.outcome = is_evicted ? ResumeOutcome::kEvicted : ResumeOutcome::kRecovered;
        return;
    }
    history_.table().each(wanted.channel, after_us, [&](const HistoryEntry& entry) {
        if (!is_missed(entry.stamp)) {
            return true;
        }
        // An entry that has ended may wait behind one of longer life to be evicted.
        is_evicted = is_evicted || entry.until <= now;
        if (!wanted.socket.empty() && entry.exclude_socket == wanted.socket) {
            return true;
        }
        bytes += entry.cost();
        ++missed;
        if (missed > wanted.most || bytes > wanted.most_bytes) {
            return false;
        }
        answer.items.push_back({entry.n, entry.stamp, entry.body, entry.exclude_socket});
        return true;
    });
    const bool is_too_many = missed > wanted.most || bytes > wanted.most_bytes;
    answer.outcome =
        is_evicted ? ResumeOutcome::kEvicted : (is_too_many ? ResumeOutcome::kTooMany : ResumeOutcome::kRecovered);
    if (answer.outcome != ResumeOutcome::kRecovered) {
        answer.items.clear();
    }
}

void Resumes::rewind(Instant now, const Resume& wanted, Resumed& answer) const {
    if (wanted.rewind == 0 && wanted.rewind_for <= Duration{}) {
        return;
    }
    const std::uint64_t clock_us = clock_.latest(now);
    const auto back_us = static_cast<std::uint64_t>(std::max(wanted.rewind_for, Duration{}) / 1us);
    const std::size_t limit = std::min(wanted.rewind == 0 ? wanted.most : wanted.rewind, wanted.most);
    const HistoryTable::Page page =
        history_.table().page(now, {.channel = wanted.channel,
                                    .limit = std::clamp<std::size_t>(limit, 1, kMaxHistoryPage),
                                    .from_us = back_us == 0 ? 0 : clock_us - std::min(clock_us, back_us)});
    std::size_t bytes = 0;
    for (const HistoryEntry* entry : page.entries) {
        bytes += entry->cost();
        if (bytes > wanted.most_bytes) {
            break;
        }
        answer.items.push_back({entry->n, entry->stamp, entry->body, entry->exclude_socket});
    }
    std::reverse(answer.items.begin(), answer.items.end());
}

void Resumes::end(const Resume& wanted, Resumed& answer) const {
    // Of each origin the first and the last message.
    std::map<OriginId, std::pair<std::uint64_t, std::uint64_t>> sent;
    for (const HistoryItem& item : answer.items) {
        const auto [span, is_new] = sent.try_emplace(item.stamp.origin, item.stamp.time_us, item.stamp.time_us);
        span->second.second = item.stamp.time_us;
    }
    const auto may_come = [this](const Stamp& stamp) {
        return stamp.origin != context_.options().oid && stamp.time_us > history_.progress().arrived_of(stamp.origin);
    };
    if (wanted.since) {
        std::copy_if(answer.at.seen.begin(), answer.at.seen.end(), std::back_inserter(answer.ahead), may_come);
    } else {
        for (const auto& [origin, span] : sent) {
            if (const Stamp last{span.second, origin}; may_come(last)) {
                answer.ahead.push_back(last);
            }
        }
    }
    if (sent.empty()) {
        return;
    }
    answer.at.settled_us = wanted.since ? wanted.since->settled_us : answer.at.settled_us;
    for (Stamp& stamp : answer.at.seen) {
        if (const auto span = sent.find(stamp.origin); span != sent.end()) {
            stamp.time_us = wanted.since ? time_of(wanted.since->seen, stamp.origin) : span->second.first - 1;
        }
    }
    std::erase_if(answer.at.seen, [](const Stamp& stamp) { return stamp.time_us == 0; });
}

void Resumes::answer(Instant now, ShardIndex shard, const Resume& wanted, Effects& out) {
    Resumed answer{.id = wanted.id, .at = position(now, wanted.channel)};
    if (!wanted.since) {
        rewind(now, wanted, answer);
        end(wanted, answer);
        out.push_back(ToPort{shard, std::move(answer)});
        return;
    }
    recover(now, wanted, answer);
    if (answer.outcome != ResumeOutcome::kRecovered) {
        out.push_back(ToPort{shard, std::move(answer)});
        return;
    }
    // The client may have come from a node that was ahead of this node, or knew of other origins. What has ended
    // everywhere is not named any more.
    const std::uint64_t ttl_us = static_cast<std::uint64_t>(wanted.limits.ttl / 1us) + kClockSlackUs;
    const std::uint64_t clock_us = clock_.latest(now);
    const std::uint64_t latest_us = clock_us + kClockSlackUs;
    for (const Stamp& stamp : wanted.since->seen) {
        const auto known = std::find_if(answer.at.seen.begin(), answer.at.seen.end(),
                                        [&stamp](const Stamp& one) { return one.origin == stamp.origin; });
        if (known != answer.at.seen.end()) {
            // A position of a clock far ahead is no client's.
            known->time_us = stamp.time_us <= latest_us ? std::max(known->time_us, stamp.time_us) : known->time_us;
        } else if (stamp.time_us + ttl_us > clock_us && stamp.time_us <= latest_us) {
            answer.at.seen.push_back(stamp);
        }
    }
    sort_by_origin(answer.at.seen);
    end(wanted, answer);
    answer.at = within_limits(std::move(answer.at));
    out.push_back(ToPort{shard, std::move(answer)});
}

}  // namespace tulle::mesh
