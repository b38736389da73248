#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/assert.hpp"
#include "node/redis/store/sliding_window.hpp"
#include "node/redis/store/store.hpp"

/// What a peer may send to the keys of a realm: records, questions, and answers to any question of this node; and the
/// packed window of a limiter, which a peer or a client may have written. No input may end the process, and what is
/// accepted can be written and read again.
namespace {

using namespace tulle;
using namespace tulle::node::redis;

constexpr OriginId kSelf{1};
constexpr OriginId kPeer{2};
constexpr std::uint64_t kWallUs = 2'000'000;

/// Answers every question of the store with the text, and takes the store's records and answers for what they are.
void settle(Store& store, Instant now, StoreEffects& effects, const std::string& text) {
    for (int turn = 0; turn < 4; ++turn) {
        store.end_turn(now, effects);
        StoreEffects given = std::exchange(effects, {});
        for (const std::string& record : given.records) {
            TULLE_ASSERT(decode_store_record(record).has_value());
        }
        for (const StoreEffects::Answer& answer : given.answers) {
            TULLE_ASSERT(decode_store_answer(answer.body).has_value());
        }
        for (const StoreEffects::Question& question : given.questions) {
            TULLE_ASSERT(decode_store_ask(question.body).has_value());
            store.on_result(now, question.id, {text}, true, effects);
        }
        now += 1ms;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    if (const std::optional<StoreRecord> record = decode_store_record(text)) {
        TULLE_ASSERT(decode_store_record(encode(*record)).has_value());
    }
    if (const std::optional<StoreAnswer> answer = decode_store_answer(text)) {
        TULLE_ASSERT(decode_store_answer(encode(*answer)).has_value());
    }
    if (std::optional<SlidingWindow> window = SlidingWindow::read(text)) {
        TULLE_ASSERT(window->packed() == text);
        window->add(kWallUs / 1000, text, 1000);
        TULLE_ASSERT(SlidingWindow::read(window->packed()).has_value());
    }
    const Instant now{1s};
    Store store({.realm = "r", .most_bytes = 1u << 20, .wall_us = [](Instant) { return kWallUs; }}, now);
    StoreEffects effects;
    store.begin(now, kSelf);
    store.on_peer(now, kPeer, false, effects);
    settle(store, now, effects, text);
    store.on_record(now, text);
    if (const std::optional<StoreAsk> ask = decode_store_ask("\x04store " + text)) {
        TULLE_ASSERT(decode_store_ask(encode(*ask)).has_value());
        store.on_ask(now, 1, *ask, effects);
    }
    std::string reply;
    RespWriter out(reply, Resp::k2);
    const std::vector<std::string_view> words{"INCR", "n"};
    (void)store.run(now, *find_command("incr"), words, 0, out);
    settle(store, now, effects, text);
    store.on_peer(now, kPeer, true, effects);
    settle(store, now + 10s, effects, text);
    return 0;
}
