#include "node/pusher/wire/http_history.hpp"

#include <gtest/gtest.h>

namespace tulle::node::pusher::http_history_test {
namespace {

const HistoryRule kRule{"", "", 1, 100, 1000, 1min};

HistoryRead read_of(const QueryParameters& parameters) {
    const auto read = parse_history_read(parameters, kRule);
    EXPECT_TRUE(read);
    return read ? *read : HistoryRead{};
}

std::string error_of(const QueryParameters& parameters) {
    const auto read = parse_history_read(parameters, kRule);
    return read ? "no error" : std::string(read.error());
}

HistoryEvent event(std::uint64_t time_us, const std::string& data, const std::string& socket = "") {
    return {{time_us, OriginId{0xab}}, share(EventBody("e", data)), socket};
}

TEST(HttpHistory, WithoutParametersAsksForTheNewest) {
    EXPECT_EQ(read_of({}), (HistoryRead{.channel = "", .newest_first = true, .limit = 100, .ttl = 1min}));
}

TEST(HttpHistory, ReadsTheParametersOfThePeers) {
    const HistoryRead read = read_of({{"limit", "1000"},
                                      {"direction", "oldest_first"},
                                      {"start_time_ms", "5"},
                                      {"end_time_ms", "7"},
                                      {"cursor", "000000000000001000000000000000ab"},
                                      {"auth_key", "k"}});
    EXPECT_EQ(read, (HistoryRead{.channel = "",
                                 .newest_first = false,
                                 .limit = 1000,
                                 .from_us = 5000,
                                 .to_us = 7999,
                                 .behind = {16, OriginId{0xab}},
                                 .ttl = 1min}));
    EXPECT_EQ(read_of({{"start", "5"}, {"end", "7"}}).to_us, 7999u);
    EXPECT_EQ(read_of({{"start_time_ms", "5"}, {"end_time_ms", "5"}}).from_us, 5000u);
}

TEST(HttpHistory, SaysWhichParameterIsWrong) {
    const std::pair<QueryParameters, std::string> wrong[] = {
        {{{"limit", "0"}}, "limit"},
        {{{"limit", "1001"}}, "limit"},
        {{{"limit", " 1"}}, "limit"},
        {{{"limit", "-1"}}, "limit"},
        {{{"limit", ""}}, "limit"},
        {{{"direction", ""}}, "direction"},
        {{{"start_time_ms", "1.5"}}, "start_time_ms"},
        {{{"start_time_ms", "1000000000000001"}}, "start_time_ms"},
        {{{"end_time_ms", "18446744073709551616"}}, "end_time_ms"},
        {{{"start_time_ms", "8"}, {"end_time_ms", "7"}}, "later"},
        {{{"cursor", ""}}, "cursor"},
        {{{"cursor", std::string(32, '0')}}, "cursor"},
        {{{"cursor", std::string(32, 'f')}}, "cursor"},
        {{{"cursor", std::string(31, '1')}}, "cursor"},
        {{{"cursor", std::string(31, '1') + "x"}}, "cursor"},
        {{{"start_serial", "1"}}, "serial"},
    };
    for (const auto& [parameters, word] : wrong) {
        EXPECT_NE(error_of(parameters).find(word), std::string::npos) << parameters[0].first << parameters[0].second;
    }
}

TEST(HttpHistory, AnAnswerBearsTheEventsAsTheyWerePublished) {
    HistoryFindings found;
    found.events = {event(2'000'999, R"({"x":1})"), event(1'000'000, "\"a\"", "1.2")};
    EXPECT_EQ(render_history({}, found, false),
              R"({"items":[{"id":"00000000001e886700000000000000ab","time_ms":2000,"event":"e","data":{"x":1}},)"
              R"({"id":"00000000000f424000000000000000ab","time_ms":1000,"socket_id":"1.2","event":"e","data":"a"}],)"
              R"("has_more":false,"next_cursor":null,"complete":false,"since_ms":null})");
}

TEST(HttpHistory, TheIdOfTheLastEventIsTheNextCursor) {
    HistoryFindings found{.events = {event(16, "1")}, .has_more = true, .whole_since_us = {}};
    EXPECT_NE(
        render_history({}, found, false).find(R"("has_more":true,"next_cursor":"000000000000001000000000000000ab")"),
        std::string::npos);
    found.events.clear();
    EXPECT_NE(render_history({}, found, false).find(R"("has_more":false,"next_cursor":null)"), std::string::npos)
        << "more that cannot be asked for is no more";
    EXPECT_NE(render_history({.channel = {}, .behind = {9, OriginId{1}}}, found, false)
                  .find(R"("next_cursor":"00000000000000090000000000000001")"),
              std::string::npos)
        << "the same place again";
}

TEST(HttpHistory, IsCompleteWhenTheWholeTimeThatWasAskedForIs) {
    const auto is_complete = [](std::uint64_t from_us, std::uint64_t since_us, bool is_partial = false) {
        const HistoryFindings found{.events = {}, .whole_since_us = since_us, .answered_us = 100'000'000};
        const std::string body = render_history({.channel = {}, .from_us = from_us, .ttl = 1min}, found, is_partial);
        return body.find(R"("complete":true)") != std::string::npos;
    };
    EXPECT_TRUE(is_complete(0, 40'000'001)) << "older events have ended with their time";
    EXPECT_FALSE(is_complete(0, 40'000'002));
    EXPECT_TRUE(is_complete(50'000'000, 50'000'000));
    EXPECT_FALSE(is_complete(50'000'000, 50'000'001));
    EXPECT_FALSE(is_complete(50'000'000, 50'000'000, true)) << "a node has not answered";
    EXPECT_NE(
        render_history({}, {.events = {}, .whole_since_us = 1'001, .answered_us = 1}, false).find(R"("since_ms":2})"),
        std::string::npos);
}

}  // namespace
}  // namespace tulle::node::pusher::http_history_test
