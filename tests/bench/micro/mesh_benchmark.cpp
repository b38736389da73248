// The mesh: frames of records as bytes and back, the interest of the peers, and the two ends of a link.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mesh/core/interest/interest_table.hpp"
#include "mesh/core/records/record_ring.hpp"
#include "mesh/core/session/link_receiver.hpp"
#include "mesh/core/session/link_sender.hpp"
#include "mesh/wire/codec.hpp"

namespace tulle::mesh {
namespace {

constexpr Instant kStart{10s};
const std::string kChannel = "app/private-bench-0";

Record message(std::size_t bytes) {
    return {.n = {},
            .channels = {kChannel},
            .body = share(EventBody("client-event", std::string(bytes, 'x'))),
            .exclude_socket = "1234567890.4294967298"};
}

/// `range(0)` records of `range(1)` bytes.
Data data_of(const benchmark::State& state) {
    std::vector<RecordPtr> records;
    for (std::int64_t i = 1; i <= state.range(0); ++i) {
        Record record = message(static_cast<std::size_t>(state.range(1)));
        record.n = RecordNo{static_cast<std::uint64_t>(i)};
        records.push_back(std::make_shared<const Record>(std::move(record)));
    }
    const RecordNo upto = records.back()->n;
    return {OriginId{1}, OriginId{2}, SessionTag{3},
            std::make_shared<const Frame>(Frame{FrameNo{1}, upto, {}, std::move(records)})};
}

void encode_a_frame(benchmark::State& state) {
    const Data data = data_of(state);
    for (auto _ : state) {
        benchmark::DoNotOptimize(encode(data));
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(encode_a_frame)->Args({1, 64})->Args({16, 64})->Args({256, 64})->Args({1, 16'384});

void decode_a_frame(benchmark::State& state) {
    const std::string bytes = encode(data_of(state));
    for (auto _ : state) {
        benchmark::DoNotOptimize(decode_data(bytes));
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(decode_a_frame)->Args({1, 64})->Args({16, 64})->Args({256, 64})->Args({1, 16'384});

/// Whether a peer wants a channel, with `range(0)` channels in the table.
void interest_of_a_peer(benchmark::State& state) {
    InterestTable table{Limits{}};
    const InterestSlot slot = *table.take_slot();
    std::vector<std::string> channels;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        channels.push_back("app/private-channel-" + std::to_string(i));
    }
    std::uint64_t version = 0;
    for (const std::string& channel : channels) {
        static_cast<void>(table.apply(slot, {InterestVersion{version++}, {{true, channel}}}));
    }
    std::size_t next = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(table.interested(slot, channels[next]));
        next = (next + 7919) % channels.size();
    }
}
BENCHMARK(interest_of_a_peer)->Arg(1)->Arg(1000)->Arg(100'000);

/// From a record in the ring to its place in a frame, the frame's receipt included: `range(0)` records a turn.
void link_sender_turn(benchmark::State& state) {
    const Limits limits;
    RecordRing ring(limits);
    LinkSender sender(Timing{}, limits);
    sender.open(RecordNo{0});
    const LinkSender::Sources sources{.ring = ring,
                                      .interested = [](const std::string&) { return true; },
                                      .due = [](const Record&) { return true; },
                                      .keeps = [](const Record&) { return false; },
                                      .retained = [](const std::string&) { return RetainedPart{}; },
                                      .members = [](const std::string&) { return std::vector<PresenceMember>{}; },
                                      .version = InterestVersion{}};
    std::vector<FramePtr> frames;
    std::vector<RecordPtr> held;
    for (auto _ : state) {
        const RecordNo before = ring.last();
        for (std::int64_t i = 0; i < state.range(0); ++i) {
            sender.note_due(before, ring.append(kStart, message(64)));
        }
        frames.clear();
        sender.flush(kStart, sources, frames);
        sender.on_receipt(sender.last_sent(), held);
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(link_sender_turn)->Arg(1)->Arg(16)->Arg(256);

/// A frame of `range(0)` records in order.
void link_receiver_takes_a_frame(benchmark::State& state) {
    const Limits limits;
    LinkReceiver receiver(Timing{}, limits, RecordNo{0});
    LinkEffects effects;
    std::uint64_t record_no = 0;
    std::uint64_t frame_no = 0;
    for (auto _ : state) {
        state.PauseTiming();
        std::vector<RecordPtr> records;
        for (std::int64_t i = 0; i < state.range(0); ++i) {
            Record record = message(64);
            record.n = RecordNo{++record_no};
            records.push_back(std::make_shared<const Record>(std::move(record)));
        }
        const auto frame = std::make_shared<const Frame>(Frame{FrameNo{++frame_no},
                                                               RecordNo{record_no},
                                                               {},
                                                               std::move(records),
                                                               100 * static_cast<std::size_t>(state.range(0))});
        effects.clear();
        state.ResumeTiming();
        receiver.on_frame(kStart, frame, effects);
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(link_receiver_takes_a_frame)->Arg(16)->Arg(256);

}  // namespace
}  // namespace tulle::mesh
