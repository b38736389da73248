// The edge's cores: channels, outboxes and the slabs behind them, deadlines, allowances.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "node/core/channel_table.hpp"
#include "node/core/outbox.hpp"
#include "node/core/slab.hpp"
#include "node/core/timer_wheel.hpp"
#include "node/core/token_bucket.hpp"
#include "node/pusher/core/channel_name.hpp"
#include "node/web/core/ws_frame.hpp"

namespace tulle::node {
namespace {

constexpr Instant kStart{10s};
constexpr std::size_t kGatheredParts = 64;

std::vector<std::string> channel_keys(std::int64_t count) {
    std::vector<std::string> keys;
    for (std::int64_t i = 0; i < count; ++i) {
        keys.push_back(channel_key("app", "private-channel-" + std::to_string(i)));
    }
    return keys;
}

/// One confirmed subscriber each.
void fill(ChannelTable& table, const std::vector<std::string>& keys) {
    ChannelEffects effects;
    std::uint64_t generation = 0;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        table.subscribe(Slot{static_cast<std::uint32_t>(i % 1000)}, keys[i], {}, effects);
        table.on_subscribed(keys[i], ++generation, effects);
        effects.clear();
    }
}

void lookup_of_a_channels_subscribers(benchmark::State& state) {
    const std::vector<std::string> keys = channel_keys(state.range(0));
    ChannelTable table;
    fill(table, keys);
    std::size_t next = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(table.confirmed(keys[next]));
        next = (next + 7919) % keys.size();  // a prime: no order that a cache would foresee
    }
}
BENCHMARK(lookup_of_a_channels_subscribers)->Arg(1)->Arg(1000)->Arg(100'000);

void is_confirmed_of_a_client_event(benchmark::State& state) {
    const std::vector<std::string> keys = channel_keys(1000);
    ChannelTable table;
    fill(table, keys);
    for (auto _ : state) {
        benchmark::DoNotOptimize(table.is_confirmed(Slot{7}, keys[7]));
    }
}
BENCHMARK(is_confirmed_of_a_client_event);

void subscribe_and_unsubscribe_with_others_on_the_channel(benchmark::State& state) {
    const std::vector<std::string> keys = channel_keys(1000);
    ChannelTable table;
    fill(table, keys);
    ChannelEffects effects;
    for (auto _ : state) {
        table.subscribe(Slot{5000}, keys[7], {}, effects);
        table.unsubscribe(Slot{5000}, keys[7], effects);
        effects.clear();
    }
}
BENCHMARK(subscribe_and_unsubscribe_with_others_on_the_channel);

void first_and_last_subscriber_of_a_channel(benchmark::State& state) {
    const std::string key = channel_key("app", "private-channel");
    ChannelTable table;
    ChannelEffects effects;
    for (auto _ : state) {
        table.subscribe(Slot{1}, key, {}, effects);
        table.unsubscribe(Slot{1}, key, effects);
        effects.clear();
    }
}
BENCHMARK(first_and_last_subscriber_of_a_channel);

void encode_a_frame_into_the_slab(benchmark::State& state) {
    const std::string payload(static_cast<std::size_t>(state.range(0)), 'x');
    SlabArena arena;
    for (auto _ : state) {
        benchmark::DoNotOptimize(arena.append({TextFrameHeader(payload.size()).view(), payload}));
    }
}
BENCHMARK(encode_a_frame_into_the_slab)->Arg(64)->Arg(1024)->Arg(16'384);

/// What one subscriber costs in a turn that brings it `range(0)` messages, without the send itself.
void outbox_push_gather_and_sent(benchmark::State& state) {
    SlabArena arena;
    const OutboxLimits limits{1u << 20, 10s};
    Outbox outbox(limits);
    const std::string payload(64, 'x');
    std::vector<SlabRange> frames;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        frames.push_back(arena.append({TextFrameHeader(payload.size()).view(), payload}));
    }
    std::vector<std::string_view> parts;
    for (auto _ : state) {
        for (const SlabRange& frame : frames) {
            benchmark::DoNotOptimize(outbox.push(frame));
        }
        outbox.gather(kGatheredParts, parts);
        benchmark::DoNotOptimize(parts.data());
        outbox.on_sent(outbox.bytes());
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(outbox_push_gather_and_sent)->Arg(1)->Arg(10)->Arg(100);

/// Every inbound frame moves its connection's deadline away.
void deadline_moved_away(benchmark::State& state) {
    TimerWheel wheel(kStart);
    Instant now = kStart;
    for (std::uint32_t i = 0; i < 10'000; ++i) {
        wheel.arm(Slot{i}, now + 120s);
    }
    for (auto _ : state) {
        now += 1us;
        wheel.arm(Slot{77}, now + 120s);
    }
}
BENCHMARK(deadline_moved_away);

/// Asked before each wait of the loop, with `range(0)` idle connections.
void next_deadline(benchmark::State& state) {
    TimerWheel wheel(kStart);
    for (std::uint32_t i = 0; i < state.range(0); ++i) {
        wheel.arm(Slot{i}, kStart + 120s + i * 1ms);
    }
    for (auto _ : state) {
        benchmark::DoNotOptimize(wheel.next());
    }
}
BENCHMARK(next_deadline)->Arg(1)->Arg(10'000);

void token_taken(benchmark::State& state) {
    TokenBucket bucket;
    Instant now = kStart;
    for (auto _ : state) {
        now += 1ms;
        benchmark::DoNotOptimize(bucket.take(now, 1, 10'000));
    }
}
BENCHMARK(token_taken);

}  // namespace
}  // namespace tulle::node
