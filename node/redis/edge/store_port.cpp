#include "node/redis/edge/store_port.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <spdlog/spdlog.h>

#include "mesh/base/event_body.hpp"
#include "node/edge/clock.hpp"

namespace tulle::node::redis {
namespace {

/// The ids of a store's questions have the highest bit, which no other question of the edge has, and the place of the
/// realm below.
constexpr std::uint64_t kStoreMark = std::uint64_t{1} << 63;
constexpr unsigned kPlaceShift = 48;

/// `now` may be the beginning of the turn, a while ago.
std::uint64_t wall_us(Instant now) {
    const auto wall = std::chrono::system_clock::now().time_since_epoch() - (monotonic_now() - now);
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(wall).count());
}

}  // namespace

StorePort::StorePort(const Realm& realm, std::size_t place, std::string key, Reactor& reactor, HubPort& hub,
                     RealmCounters& counters)
    : realm_(realm.name),
      key_(std::move(key)),
      question_base_(kStoreMark | (std::uint64_t{place} << kPlaceShift)),
      reactor_(reactor),
      hub_(hub),
      counters_(counters),
      store_(
          {.realm = realm.name, .most_bytes = realm.store_bytes, .question_base = question_base_, .wall_us = wall_us},
          reactor.now()) {}

std::size_t StorePort::place_of(std::uint64_t question) {
    return (question & kStoreMark) == 0 ? kNoPlace : static_cast<std::size_t>((question & ~kStoreMark) >> kPlaceShift);
}

void StorePort::begin(OriginId self) {
    self_text_ = to_hex(self);
    store().begin(reactor_.now(), self);
}

void StorePort::on_record(const mesh::Record& record) {
    // This node's own records come back as well.
    if (record.body->sender() != self_text_) {
        store().on_record(reactor_.now(), record.body->data());
    }
}

void StorePort::send_answer(StoreEffects::Answer answer) {
    std::size_t begin = 0;
    do {
        std::string part = answer.body.substr(begin, mesh::kMaxQueryPartBytes);
        begin += part.size();
        hub_.send(mesh::LocalAnswer{answer.token, std::move(part), begin >= answer.body.size()});
    } while (begin < answer.body.size());
}

void StorePort::count() {
    const StoreCounts& counts = store_.counts();
    counters_.store_keys.set(store_.table().size());
    counters_.store_bytes.set(store_.table().bytes());
    counters_.store_limit_bytes.set(store_.most_bytes());
    counters_.store_records_total.set(counts.writes);
    counters_.store_late_records_total.set(counts.late_records);
    counters_.store_calls_total.set(counts.calls);
    counters_.store_failed_calls_total.set(counts.failed_calls);
    counters_.store_pulls_total.set(counts.pulls);
    counters_.store_pulled_keys_total.set(counts.pulled_cells);
    counters_.store_gaps_total.set(counts.gaps);
    counters_.store_forgotten_total.set(store_.table().forgotten());
    if (counts.clock_refusals != counters_.store_clock_refusals_total.get() &&
        reactor_.now() >= clock_told_at_ + kClockLogInterval) {
        clock_told_at_ = reactor_.now();
        spdlog::warn(
            "keys of the Redis realm {} are not exchanged with a node whose clock is more than {} minutes away: "
            "set the clocks, and restart the node whose clock was wrong",
            realm_, kMaxClockDifference / 1min);
    }
    counters_.store_clock_refusals_total.set(counts.clock_refusals);
}

void StorePort::end_turn(const Waiters& waiters) {
    is_touched_ = false;
    store_.end_turn(reactor_.now(), effects_);
    StoreEffects effects = std::exchange(effects_, {});
    for (std::string& record : effects.records) {
        mesh::Publish publish;
        publish.channels = {key_};
        publish.body = share(EventBody({}, record, DataKind::kBytes, self_text_));
        publish.answers = mesh::Publish::Answers::kRefusal;
        hub_.send(std::move(publish));
    }
    for (StoreEffects::Question& question : effects.questions) {
        hub_.send(mesh::Query{question.id, std::move(question.body), question.timeout, {}, std::move(question.to)});
    }
    for (StoreEffects::Answer& answer : effects.answers) {
        send_answer(std::move(answer));
    }
    for (const StoreEffects::Reply& reply : effects.replies) {
        if (const auto waiting = calls_.extract(reply.call)) {
            waiters.on_reply(waiting.mapped(), reply);
        }
    }
    if (!gates_.empty()) {
        const std::uint64_t released = store_.released();
        std::vector<ConnectionRef> open;
        std::erase_if(gates_, [&](const Gate& gate) {
            const bool is_open = gate.number <= released;
            if (is_open) {
                open.push_back(gate.who);
            }
            return is_open;
        });
        std::for_each(open.begin(), open.end(), waiters.on_gate);
    }
    count();
    const std::optional<Instant> next = store_.next_deadline(reactor_.now());
    next_turn_ = next.value_or(Instant::max());
    if (next) {
        reactor_.wake_at(*next);
    }
}

}  // namespace tulle::node::redis
