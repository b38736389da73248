#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/assert.hpp"
#include "node/redis/core/receivers.hpp"
#include "node/redis/wire/question.hpp"

/// What a peer may send to the Redis edge in the bodies of queries and records: questions, parts of answers, and
/// messages about numbers of receivers. No input may end the process, and what is accepted is written as it was read.
namespace {

using namespace tulle;
using namespace tulle::node::redis;

void take_counts(std::string_view text) {
    static Receivers receivers;
    if (const std::optional<CountChange> change = decode_count_change(text)) {
        TULLE_ASSERT(decode_count_change(encode(*change)) == change);
        (void)receivers.apply(*change);
    }
    for (const CountChange& all : decode_told({std::string(text), std::string(text)})) {
        (void)receivers.apply(all);
    }
    (void)receivers.of_publish(Kind::kChannel, text.substr(0, 100));
    receivers.forget(OriginId(1));
    // The nodes of one input must not fill the table for the next one.
    receivers = Receivers();
}

void take_question(std::string_view text) {
    const std::optional<Question> question = decode_question(text);
    if (!question) {
        return;
    }
    TULLE_ASSERT(decode_question(encode(*question)) == question);
    Receivers receivers;
    (void)receivers.add(Kind::kChannel, "a");
    (void)receivers.add(Kind::kPattern, "a*");
    (void)sum(answer(*question, receivers, 1000));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    take_counts(text);
    take_question(text);
    take_question("\x04redis " + text);
    (void)sum({text, text});
    return 0;
}
