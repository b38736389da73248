// What the edges of different nodes put to each other, and answer: input from a peer.
#include <cstdint>
#include <string>
#include <string_view>

#include "mesh/base/assert.hpp"
#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/wire/channel_query.hpp"
#include "node/pusher/wire/webhook_body.hpp"
#include "node/wire/client_question.hpp"
#include "node/wire/client_rows.hpp"

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
    if (const auto question = tulle::node::decode_client_question(text)) {
        TULLE_ASSERT(tulle::node::decode_client_question(encode(*question)) == question);
        TULLE_ASSERT(question->limit >= 1 && question->limit <= tulle::node::kMaxClientRows);
    }
    if (const auto part = tulle::node::read_answer_part(text)) {
        // Whatever a peer sends can be written again, and is read as it was.
        tulle::node::AnswerWriter out(part->head, text.size() * 8 + 4'096);
        for (const auto& row : part->channels) {
            out.add(row);
        }
        for (const std::string& row : part->texts) {
            out.add(row);
        }
        const auto again = tulle::node::read_answer_part(out.finish().front());
        TULLE_ASSERT(again && again->channels == part->channels && again->texts == part->texts);
    }
    for (const auto& [name, facts] : sum_answers({text, text})) {
        TULLE_ASSERT(tulle::node::is_valid_channel_name(name));
        TULLE_ASSERT(facts.subscribers % 2 == 0);  // each row was counted twice
    }
    return 0;
}
