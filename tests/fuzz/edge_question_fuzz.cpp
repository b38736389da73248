// What the edges of different nodes put to each other, and answer: input from a peer.
#include <cstdint>
#include <string>
#include <string_view>

#include "mesh/base/assert.hpp"
#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/wire/channel_query.hpp"
#include "node/pusher/wire/webhook_body.hpp"

using namespace tulle::node::pusher;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    if (const auto query = decode_channel_query(text)) {
        TULLE_ASSERT(decode_channel_query(encode(*query)) == query);
    }
    if (const auto order = decode_end_user(text)) {
        TULLE_ASSERT(decode_end_user(encode(*order)) == order);
    }
    if (const auto task = decode_webhook_task(text)) {
        TULLE_ASSERT(decode_webhook_task(encode(*task)) == task);
    }
    for (const auto& [name, facts] : sum_answers({text, text})) {
        TULLE_ASSERT(tulle::node::is_valid_channel_name(name));
        TULLE_ASSERT(facts.subscribers % 2 == 0);  // each row was counted twice
    }
    return 0;
}
