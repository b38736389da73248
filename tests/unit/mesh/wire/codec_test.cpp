#include "mesh/wire/codec.hpp"

#include <gtest/gtest.h>

#include "mesh/base/prng.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/node/port.hpp"

namespace tulle::mesh::codec_test {
namespace {

const Introduction kWho{"c", "n1", "0.1", {"h:1", "h:2", "h:3"}, 1, 1, true};
const SessionTerms kTerms{
    RecordNo{3}, RecordNo{9}, {RecordNo{5}, RecordNo{7}}, {{OriginId{5}, "n2", {"g:1", "g:2", ""}}}};

Control control(ControlBody body) {
    return {OriginId{1}, OriginId{2}, SessionTag{3}, std::move(body)};
}

FramePtr frame(std::vector<RecordPtr> records) {
    return std::make_shared<const Frame>(Frame{FrameNo{1}, RecordNo{9}, {{{"app/a", 2}}, 1}, std::move(records), 0});
}

RecordPtr record(std::string channel, std::size_t bytes) {
    return std::make_shared<const Record>(
        Record{RecordNo{7}, {std::move(channel)}, share(EventBody({}, std::string(bytes, 'x'))), "1.2"});
}

DutyMail duty_mail() {
    return {.seq = 4,
            .ack = 3,
            .reports = {{"app/a", "u1", 9, 2, 1, 7, false, true, false, 12, share("{}"), share("behind")},
                        {"app/b", "", 1, 0, 0, 0, true, false, true, 0, nullptr}},
            .orders = {{11, "app/c", share("body")}},
            .settles = {{"app/d", "u2", 8, 5, 6, true}},
            .done = {1, 300}};
}

TEST(Codec, CarriesEveryKindOfControlMessage) {
    const ControlBody all[] = {
        Knock{kWho, "h:1"},
        Hello{kWho, SessionTag{4}, kTerms, "s:1", 9},
        Welcome{kWho, SessionTag{4}, SessionTag{5}, kTerms},
        Refuse{RefusalReason::kNameTaken, "no"},
        Heartbeat{},
        Members{kTerms.members},
        InterestDelta{InterestVersion{1}, {{true, "app/a"}, {false, "app/b"}}, InterestVersion{3}},
        InterestAck{InterestVersion{2}},
        InterestPull{InterestVersion{1}, 2, "app/a", true},
        InterestChunk{1, InterestVersion{2}, "", {"app/a"}, true, InterestVersion{4}},
        Receipt{FrameNo{6}},
        Nack{{{FrameNo{1}, FrameNo{2}}}},
        ProbeAsk{OriginId{8}, 1},
        ProbeAnswer{OriginId{8}, 1, Hearing::kYes, 12},
        QueryAsk{1, "q", 500},
        QueryAnswer{1, "a", true, {}, 3},
        Leave{FrameNo{9}},
        LeaveReceipt{},
        Ping{1},
        Pong{1},
        Wake{OriginId{4}, RecordNo{3}},
        Fill{OriginId{4}, {record("app/a", 3)}, true, {{{"app/a", 2}}, 7}, 5, 2},
        Relay{OriginId{8}, std::make_shared<const Control>(control(Ping{2})), nullptr},
        TraceReport{RecordNo{7}, TracePath::kRelayed, OriginId{8}, -5, 2},
        Usage{2, {{"app/connections", 7}}},
        DutyMail{.seq = 1},
    };
    static_assert(std::size(all) == std::variant_size_v<ControlBody>);
    for (const ControlBody& body : all) {
        const std::string bytes = encode(control(body));
        const auto back = decode_control(bytes);
        ASSERT_TRUE(back) << body.index() << ": " << to_text(back.error());
        EXPECT_EQ(back->body.index(), body.index());
        EXPECT_EQ(back->src, OriginId{1});
        EXPECT_EQ(back->dst, OriginId{2});
        EXPECT_EQ(back->tag, SessionTag{3});
        EXPECT_EQ(encode(*back), bytes) << "kind " << body.index();
    }
}

TEST(Codec, CarriesWhatWaitsForALink) {
    Heartbeat beat;
    beat.waits_upto = RecordNo{77};
    const auto back = decode_control(encode(control(beat)));
    ASSERT_TRUE(back);
    EXPECT_EQ(std::get<Heartbeat>(back->body).waits_upto, RecordNo{77});
}

TEST(Codec, CarriesTheIdsOfKeysUpToTheirLimit) {
    Heartbeat beat;
    beat.key_ids = {0xffffffffu, 7};
    const auto back = decode_control(encode(control(beat)));
    ASSERT_TRUE(back);
    EXPECT_EQ(std::get<Heartbeat>(back->body).key_ids, beat.key_ids);
    beat.key_ids.assign(kMaxKeyIds, 1);
    EXPECT_TRUE(decode_control(encode(control(beat))));
    beat.key_ids.push_back(1);
    EXPECT_FALSE(decode_control(encode(control(beat))));
}

TEST(Codec, RefusesHandshakesWithoutTags) {
    EXPECT_FALSE(decode_control(encode(control(Hello{kWho, SessionTag{}, kTerms, "s:1"}))));
    EXPECT_FALSE(decode_control(encode(control(Welcome{kWho, SessionTag{4}, SessionTag{}, kTerms}))));
    EXPECT_FALSE(decode_control(encode(control(Welcome{kWho, SessionTag{}, SessionTag{5}, kTerms}))))
        << "it answers nothing";
}

TEST(Codec, CarriesFramesAndTails) {
    const Data data{OriginId{1}, OriginId{2}, SessionTag{3}, frame({record("app/a", 10)})};
    const auto back = decode_data(encode(data));
    ASSERT_TRUE(back);
    const Frame& got = *std::get<FramePtr>(back->body);
    EXPECT_EQ(got.no, FrameNo{1});
    EXPECT_EQ(got.gone, (Gone{{{"app/a", 2}}, 1}));
    ASSERT_EQ(got.records.size(), 1u);
    EXPECT_EQ(*got.records[0]->body, EventBody({}, "xxxxxxxxxx"));
    EXPECT_EQ(got.records[0]->exclude_socket, "1.2");
    EXPECT_EQ(got.bytes, got.records[0]->cost());
    EXPECT_FALSE(got.receipt_now);

    const auto tail = decode_data(encode(Data{OriginId{1}, OriginId{2}, SessionTag{3}, Tail{FrameNo{4}, RecordNo{5}}}));
    ASSERT_TRUE(tail);
    EXPECT_EQ(std::get<Tail>(tail->body).upto, RecordNo{5});
}

TEST(Codec, CarriesTheWishForAReceipt) {
    Frame asking{FrameNo{1}, RecordNo{9}, {}, {record("app/a", 10)}, 0};
    asking.receipt_now = true;
    const auto back = decode_data(
        encode(Data{OriginId{1}, OriginId{2}, SessionTag{3}, std::make_shared<const Frame>(std::move(asking))}));
    ASSERT_TRUE(back);
    EXPECT_TRUE(std::get<FramePtr>(back->body)->receipt_now);
}

TEST(Codec, CarriesTheTimeOfARecordToNodesThatKnowTheField) {
    const auto carried = [](std::int64_t numbered_us, std::uint32_t protocol) {
        Record timed = *record("app/a", 10);
        timed.numbered_us = numbered_us;
        Data data{OriginId{1}, OriginId{2}, SessionTag{3}, frame({std::make_shared<const Record>(timed)})};
        data.protocol = protocol;
        return decode_data(encode(data));
    };
    const auto back = carried(123'456'789, kProtocolVersion);
    ASSERT_TRUE(back);
    EXPECT_EQ(std::get<FramePtr>(back->body)->records[0]->numbered_us, 123'456'789);
    EXPECT_EQ(std::get<FramePtr>(carried(5, kOldestProtocolVersion)->body)->records[0]->numbered_us, 0);
    EXPECT_TRUE(carried(kMaxClockUs, kProtocolVersion));
    EXPECT_EQ(carried(kMaxClockUs + 1, kProtocolVersion).error(), CodecError::kLimit);
}

TEST(Codec, CarriesTheContextOfATracedRecord) {
    const auto carried = [](SharedBytes context) {
        Record traced = *record("app/a", 10);
        traced.context = std::move(context);
        return decode_data(encode(
            Data{OriginId{1}, OriginId{2}, SessionTag{3}, frame({std::make_shared<const Record>(std::move(traced))})}));
    };
    const auto back = carried(share(std::string("\0context", 8)));
    ASSERT_TRUE(back);
    ASSERT_TRUE(std::get<FramePtr>(back->body)->records[0]->context);
    EXPECT_EQ(*std::get<FramePtr>(back->body)->records[0]->context, std::string("\0context", 8));
    EXPECT_FALSE(std::get<FramePtr>(carried(nullptr)->body)->records[0]->context);
    const auto has_context = [&](std::size_t bytes) {
        const auto got = carried(share(std::string(bytes, 'x')));
        return got && std::get<FramePtr>(got->body)->records.at(0)->context != nullptr;
    };
    EXPECT_TRUE(has_context(kMaxContextBytes));
    EXPECT_FALSE(has_context(kMaxContextBytes + 1)) << "the record itself comes all the same";
}

TEST(Codec, CarriesLastEventsAndWhatKeepsThem) {
    Record retained{RecordNo{7}, {"app/cache-a", "app/b"}, share(EventBody("e", "x")), {}};
    retained.retained = 1;
    retained.stamp = {123, OriginId{1}};
    retained.keep_for = 30min;
    Frame made{.no = FrameNo{1}, .upto = RecordNo{7}};
    made.records.push_back(std::make_shared<const Record>(retained));
    made.retained.push_back(std::make_shared<const RetainedPart>(RetainedPart{
        "app/cache-a", InterestVersion{4}, RecordNo{6}, {99, OriginId{2}}, share(EventBody("e", "old")), 5s}));
    made.retained.push_back(
        std::make_shared<const RetainedPart>(RetainedPart{"app/cache-c", InterestVersion{4}, RecordNo{6}}));
    const auto back =
        decode_data(encode(Data{OriginId{1}, OriginId{2}, SessionTag{3}, std::make_shared<const Frame>(made)}));
    ASSERT_TRUE(back);
    const Frame& frame = *std::get<FramePtr>(back->body);
    EXPECT_EQ(frame.records[0]->retained, 1u);
    EXPECT_EQ(frame.records[0]->stamp, retained.stamp);
    EXPECT_EQ(frame.records[0]->keep_for, 30min);
    ASSERT_EQ(frame.retained.size(), 2u);
    EXPECT_EQ(frame.retained[0]->stamp, (Stamp{99, OriginId{2}}));
    EXPECT_EQ(frame.retained[0]->body->data(), "old");
    EXPECT_EQ(frame.retained[0]->left, 5s);
    EXPECT_EQ(frame.retained[1]->stamp.time_us, 0u);
}

TEST(Codec, RefusesWhatKeepsMoreChannelsThanThereAreAndForTooLong) {
    const auto decodes = [](std::size_t channels, Duration keep_for, Stamp stamp) {
        Record record{RecordNo{7}, {"app/cache-a"}, share(EventBody("e", "x")), {}};
        record.retained = channels;
        record.keep_for = keep_for;
        record.stamp = stamp;
        Frame made{.no = FrameNo{1}, .upto = RecordNo{7}};
        made.records.push_back(std::make_shared<const Record>(record));
        return bool(
            decode_data(encode(Data{OriginId{1}, OriginId{2}, SessionTag{3}, std::make_shared<const Frame>(made)})));
    };
    EXPECT_TRUE(decodes(1, 1h, {1, OriginId{1}}));
    EXPECT_FALSE(decodes(2, 1h, {1, OriginId{1}}));
    EXPECT_FALSE(decodes(1, 25h, {1, OriginId{1}}));
    EXPECT_FALSE(decodes(1, 1h, {0, OriginId{1}}));
}

RecordHistory history_of(std::vector<std::uint8_t> places) {
    return {{{10, 1000, 2min}, {1, 1, 1ms}}, std::move(places)};
}

Record record_with(RecordHistory history) {
    Record made{RecordNo{7}, {"app/a", "app/b", "app/c"}, share(EventBody("e", "x")), {}};
    made.stamp = {123, OriginId{1}};
    made.history = std::make_shared<const RecordHistory>(std::move(history));
    return made;
}

TEST(Codec, CarriesHistories) {
    Frame made{FrameNo{1}, RecordNo{9}, {}, {}};
    made.gone.history = true;
    made.records.push_back(std::make_shared<const Record>(record_with(history_of({2, 0, 1}))));
    const Data data{OriginId{1}, OriginId{2}, SessionTag{3}, std::make_shared<const Frame>(made)};
    const auto back = decode_data(encode(data));
    ASSERT_TRUE(back);
    const Frame& frame = *std::get<FramePtr>(back->body);
    EXPECT_TRUE(frame.gone.history);
    ASSERT_TRUE(frame.records.at(0)->history);
    EXPECT_EQ(*frame.records[0]->history, history_of({2, 0, 1}));
    EXPECT_EQ(frame.records[0]->stamp, (Stamp{123, OriginId{1}}));

    const HistoryAsk ask{"app/a", false, 7, 5, 9, {4, OriginId{8}}};
    const auto asked = decode_control(encode(control(QueryAsk{1, "q", 500, {}, ask})));
    ASSERT_TRUE(asked);
    const HistoryAsk& read = *std::get<QueryAsk>(asked->body).history;
    EXPECT_EQ(std::tuple(read.channel, read.newest_first, read.limit, read.from_us, read.to_us, read.behind),
              std::tuple(std::string("app/a"), false, std::size_t{7}, 5u, 9u, ask.behind));

    HistoryPart part{{{RecordNo{3}, {4, OriginId{8}}, share(EventBody("e", "1", DataKind::kJson, "7")), "1.2"}},
                     {4, OriginId{8}},
                     kNeverWhole,
                     6,
                     7,
                     8,
                     {{9, OriginId{8}}},
                     10};
    const auto answer = decode_control(
        encode(control(QueryAnswer{.id = 1, .part = 2, .history = std::make_shared<const HistoryPart>(part)})));
    ASSERT_TRUE(answer);
    const HistoryPart& got = *std::get<QueryAnswer>(answer->body).history;
    ASSERT_EQ(got.items.size(), 1u);
    EXPECT_EQ(got.items[0].n, RecordNo{3});
    EXPECT_EQ(got.items[0].stamp, part.items[0].stamp);
    EXPECT_EQ(got.items[0].exclude_socket, "1.2");
    EXPECT_EQ(got.items[0].body->data(), "1");
    EXPECT_EQ(got.items[0].body->sender(), "7");
    EXPECT_EQ(std::tuple(got.ends_with, got.whole_since_us, got.evicted_upto_us, got.clock_us),
              std::tuple(part.ends_with, kNeverWhole, std::uint64_t{6}, std::uint64_t{7}));
    EXPECT_EQ(std::tuple(got.told_since_us, got.floors, got.dropped_us),
              std::tuple(std::uint64_t{8}, part.floors, std::uint64_t{10}));
    part = {};
    const auto none =
        decode_control(encode(control(QueryAnswer{.id = 1, .history = std::make_shared<const HistoryPart>(part)})));
    EXPECT_EQ(std::get<QueryAnswer>(none->body).history->told_since_us, kNeverWhole);
    EXPECT_TRUE(std::get<Heartbeat>(decode_control(encode(control(Heartbeat{})))->body).keeps_histories);
}

TEST(Codec, RefusesHistoriesOverTheirLimits) {
    const auto is_read = [](Record record) {
        Frame made{FrameNo{1}, RecordNo{9}, {}, {}};
        made.records.push_back(std::make_shared<const Record>(std::move(record)));
        return bool(
            decode_data(encode(Data{OriginId{1}, OriginId{2}, SessionTag{3}, std::make_shared<const Frame>(made)})));
    };
    EXPECT_TRUE(is_read(record_with(history_of({1, 2, 0}))));
    EXPECT_FALSE(is_read(record_with(history_of({1, 2})))) << "a channel without a place";
    EXPECT_FALSE(is_read(record_with(history_of({1, 2, 3})))) << "a place without limits";
    for (const HistoryLimits& limits : {HistoryLimits{0, 1, 1s}, HistoryLimits{kMaxHistorySize + 1, 1, 1s},
                                        HistoryLimits{1, 0, 1s}, HistoryLimits{1, kMaxHistoryBytes + 1, 1s},
                                        HistoryLimits{1, 1, 0s}, HistoryLimits{1, 1, kMaxHistoryTtl + 1ms}}) {
        EXPECT_FALSE(is_read(record_with({{limits}, {1, 0, 0}})));
    }
    Record unstamped = record_with(history_of({1, 0, 0}));
    unstamped.stamp = {};
    EXPECT_FALSE(is_read(std::move(unstamped)));
    Record marked = record_with(history_of({1, 0, 0}));
    marked.trace = true;
    EXPECT_FALSE(is_read(std::move(marked)));

    for (const HistoryPart& part :
         {HistoryPart{.whole_since_us = kNeverWhole - 1}, HistoryPart{.evicted_upto_us = ~0ull},
          HistoryPart{.clock_us = ~0ull}, HistoryPart{.told_since_us = kNeverWhole - 1},
          HistoryPart{.dropped_us = ~0ull}, HistoryPart{.floors = {{~0ull, OriginId{1}}}},
          HistoryPart{.floors = std::vector<Stamp>(kMaxHistoryFloors + 1, {1, OriginId{1}})}}) {
        EXPECT_FALSE(decode_control(
            encode(control(QueryAnswer{.id = 1, .history = std::make_shared<const HistoryPart>(part)}))));
    }
    const auto is_asked = [](HistoryAsk ask) {
        return bool(decode_control(encode(control(QueryAsk{1, "q", 500, {}, std::move(ask)}))));
    };
    EXPECT_TRUE(is_asked({.channel = "app/a", .limit = kMaxHistoryPage}));
    EXPECT_FALSE(is_asked({.channel = "", .limit = 1}));
    EXPECT_FALSE(is_asked({.channel = "app/a", .limit = 0}));
    EXPECT_FALSE(is_asked({.channel = "app/a", .limit = kMaxHistoryPage + 1}));
}

TEST(Codec, CarriesTheMarkOfARecordAndChecksReportsOfIt) {
    Record marked{RecordNo{7}, {"app/a"}, share(EventBody()), {}};
    marked.trace = true;
    const Data data{OriginId{1}, OriginId{2}, SessionTag{3},
                    frame({std::make_shared<const Record>(marked), record("app/a", 1)})};
    const auto back = decode_data(encode(data));
    ASSERT_TRUE(back);
    EXPECT_TRUE(std::get<FramePtr>(back->body)->records[0]->trace);
    EXPECT_FALSE(std::get<FramePtr>(back->body)->records[1]->trace);

    const TraceReport good{RecordNo{7}, TracePath::kFilledIn, OriginId{8}, -5, kMaxShards};
    const auto report = decode_control(encode(control(good)));
    ASSERT_TRUE(report);
    EXPECT_EQ(std::get<TraceReport>(report->body).at_us, -5);
    EXPECT_EQ(std::get<TraceReport>(report->body).path, TracePath::kFilledIn);
    TraceReport bad = good;
    bad.n = RecordNo{0};
    EXPECT_EQ(decode_control(encode(control(bad))).error(), CodecError::kLimit);
    bad = good;
    bad.shards = kMaxShards + 1;
    EXPECT_EQ(decode_control(encode(control(bad))).error(), CodecError::kLimit);
    bad = good;
    bad.path = static_cast<TracePath>(9);
    EXPECT_EQ(decode_control(encode(control(bad))).error(), CodecError::kLimit);
}

/// So that nodes of other versions can read each other's Hello and refusal.
TEST(Codec, TellsTheVersionsInAnEnvelopeThatStaysAsItIs) {
    EXPECT_EQ(encode(control(Heartbeat{})).substr(0, 2), std::string("\x08\x01"));
}

const std::string kUnknownField = "\xa0\x38\x01";  // number 900, a varint

/// An envelope that holds what this build has no name for.
std::string unknown_control() {
    const std::string known = encode(control(LeaveReceipt{}));  // ends with its number, 27, and its length, 0
    return known.substr(0, known.size() - 3) + "\x9a\x06\x03" + kUnknownField;  // number 99
}

TEST(Codec, SkipsFieldsThatItDoesNotKnowAndCountsThem) {
    std::uint64_t skipped = 0;
    std::string bytes = encode(control(LeaveReceipt{}));
    bytes.back() = '\x03';
    ASSERT_TRUE(decode_control(bytes + kUnknownField + kUnknownField, skipped)) << "one in what it says, two beside it";
    EXPECT_EQ(skipped, 2u);
    ASSERT_TRUE(decode_control(bytes + kUnknownField, skipped));
    EXPECT_EQ(skipped, 3u);
    const std::string data = encode(Data{OriginId{1}, OriginId{2}, SessionTag{3}, frame({record("app/a", 10)})});
    ASSERT_TRUE(decode_data(data, skipped));
    EXPECT_EQ(skipped, 3u) << "what is known is not counted";
    ASSERT_TRUE(decode_data(data + kUnknownField, skipped));
    EXPECT_EQ(skipped, 4u);
    for (const Control& message :
         {control(Heartbeat{}), control(Hello{kWho, SessionTag{4}, kTerms, "s:1"}), control(duty_mail())}) {
        ASSERT_TRUE(decode_control(encode(message), skipped));
        EXPECT_EQ(skipped, 4u);
    }
}

TEST(Codec, SaysOfAnUnknownKindThatItIsToBeSkippedAlsoWhenItIsPassedOn) {
    EXPECT_EQ(decode_control(unknown_control()).error(), CodecError::kUnknownBody);
    std::string relay = encode(control(LeaveReceipt{}));
    relay.resize(relay.size() - 3);
    const std::string inner = unknown_control();
    const std::string passed_on = "\x12" + std::string(1, static_cast<char>(inner.size())) + inner;
    relay += "\xf2\x01" + std::string(1, static_cast<char>(passed_on.size())) + passed_on;  // number 30
    EXPECT_EQ(decode_control(relay).error(), CodecError::kUnknownBody);
}

TEST(Codec, WritesDataInTheVersionOfItsSessionAndReadsBoth) {
    for (std::uint32_t version = kOldestProtocolVersion; version <= kProtocolVersion; ++version) {
        Data data{OriginId{1}, OriginId{2}, SessionTag{3}, Tail{FrameNo{4}, RecordNo{5}}};
        data.protocol = version;
        const std::string bytes = encode(data);
        EXPECT_EQ(bytes.substr(0, 2), std::string("\x08") + static_cast<char>(version));
        const auto back = decode_data(bytes);
        ASSERT_TRUE(back);
        EXPECT_EQ(back->protocol, version);
        std::string newer = bytes;
        newer[1] = static_cast<char>(kProtocolVersion + 1);
        EXPECT_EQ(decode_data(newer).error(), CodecError::kUnknownProtocol);
        newer[1] = static_cast<char>(kOldestProtocolVersion - 1);
        EXPECT_EQ(decode_data(newer).error(), CodecError::kUnknownProtocol);
    }
}

/// A witness of the version before can't read anything newer, whatever the two speak that it passes it on between.
TEST(Codec, WritesWhatIsPassedOnInTheVersionOfTheSessionThatItTravelsBy) {
    const Data inner{OriginId{1}, OriginId{2}, SessionTag{3}, Tail{FrameNo{4}, RecordNo{5}}};
    for (std::uint32_t version = kOldestProtocolVersion; version <= kProtocolVersion; ++version) {
        Control message = control(Relay{OriginId{8}, nullptr, std::make_shared<const Data>(inner)});
        message.protocol = version;
        const auto back = decode_control(encode(message));
        ASSERT_TRUE(back);
        EXPECT_EQ(std::get<Relay>(back->body).data->protocol, version);
    }
}

TEST(Codec, RefusesWhatIsNotOurs) {
    EXPECT_EQ(decode_control("").error(), CodecError::kUnknownProtocol);
    EXPECT_EQ(decode_control("GET / HTTP/1.1\r\n\r\n").error(), CodecError::kMalformed);
    EXPECT_EQ(decode_data(std::string(64, '\xff')).error(), CodecError::kMalformed);
    EXPECT_EQ(decode_control(std::string(kMaxMessageBytes + 1, 'x')).error(), CodecError::kLimit);
    const std::string good = encode(control(Heartbeat{}));
    EXPECT_FALSE(decode_control(good.substr(0, good.size() - 1)));
}

TEST(Codec, RefusesCountsAndLengthsOverTheirLimits) {
    const std::string long_channel(kMaxChannelBytes + 1, 'c');
    const auto refused = [](ControlBody body) {
        const auto result = decode_control(encode(control(std::move(body))));
        return !result && result.error() == CodecError::kLimit;
    };
    EXPECT_TRUE(refused(InterestDelta{{}, {{true, long_channel}}, {}}));
    EXPECT_TRUE(refused(InterestDelta{{}, std::vector<InterestChange>(Limits{}.delta_changes + 1, {true, "c"}), {}}));
    EXPECT_TRUE(refused(InterestChunk{1, {}, "", {}, false, {}})) << "a chunk without an end";
    const std::vector<std::string> names(Limits{}.interest_bytes / 104 + 1, std::string(100, 'c'));
    EXPECT_TRUE(refused(InterestChunk{1, {}, "", names, true, {}}));
    EXPECT_TRUE(refused(InterestDelta{{}, std::vector<InterestChange>(names.size(), {true, names[0]}), {}}));
    EXPECT_FALSE(refused(InterestChunk{1, {}, "", {names.begin() + 1, names.end()}, true, {}})) << "what a node sends";
    EXPECT_TRUE(refused(Nack{{{FrameNo{5}, FrameNo{4}}}}));
    EXPECT_TRUE(refused(Nack{std::vector<FrameRange>(Limits{}.nack_ranges + 1, {FrameNo{1}, FrameNo{1}})}));
    EXPECT_TRUE(refused(QueryAsk{1, std::string(kMaxDirectedQueryBytes + 1, 'q'), 1}));
    EXPECT_TRUE(refused(Hello{kWho, SessionTag{0}, kTerms, ""})) << "no tag";
    const auto relay = std::make_shared<const Control>(
        control(Relay{OriginId{8}, std::make_shared<const Control>(control(Ping{2})), nullptr}));
    EXPECT_TRUE(refused(Relay{OriginId{8}, relay, nullptr})) << "a relay of a relay";
    Introduction nameless = kWho;
    nameless.name = "two words";
    EXPECT_TRUE(refused(Knock{nameless, ""}));
    nameless.name = std::string(kMaxNameBytes + 1, 'n');
    EXPECT_TRUE(refused(Knock{nameless, ""}));

    const auto data = [](FramePtr f) {
        return decode_data(encode(Data{OriginId{1}, OriginId{2}, SessionTag{3}, std::move(f)}));
    };
    EXPECT_FALSE(data(frame({record(long_channel, 1)})));
    EXPECT_FALSE(data(frame({record("app/a", kMaxBodyBytes + 1)})));
    EXPECT_TRUE(data(frame({record("app/a", kMaxBodyBytes)})));
}

TEST(Codec, LargestFrameThatASenderMakesIsAccepted) {
    std::vector<RecordPtr> records;
    for (std::size_t bytes = 0; bytes < Limits{}.frame_bytes - 300; bytes += records.back()->cost()) {
        records.push_back(record("app/" + std::string(kMaxChannelBytes - 4, 'c'), 1));
    }
    records.push_back(record("app/a", kMaxBodyBytes));
    const std::string bytes = encode(Data{OriginId{1}, OriginId{2}, SessionTag{3}, frame(records)});
    EXPECT_LE(bytes.size(), kMaxMessageBytes);
}

TEST(Codec, SurvivesRandomDamage) {
    Prng prng(1);
    const std::string good = encode(control(Hello{kWho, SessionTag{4}, kTerms, "s:1"}));
    const std::string data = encode(Data{OriginId{1}, OriginId{2}, SessionTag{3}, frame({record("app/a", 10)})});
    std::uint64_t accepted = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::string bytes = i % 2 == 0 ? good : data;
        for (std::uint64_t flips = 1 + prng.below(4); flips > 0; --flips) {
            bytes[prng.below(bytes.size())] = static_cast<char>(prng.below(256));
        }
        accepted += decode_control(bytes).has_value() ? 1u : 0u;
        accepted += decode_data(bytes).has_value() ? 1u : 0u;
    }
    EXPECT_GT(accepted, 0u);  // damage inside a text is no damage to the form
}

TEST(Topic, NamesOneReceiver) {
    EXPECT_EQ(topic_of(OriginId{0xab}), "N00000000000000ab");
    EXPECT_EQ(oid_of_topic("N00000000000000ab"), OriginId{0xab});
    EXPECT_FALSE(oid_of_topic("N0"));
    EXPECT_FALSE(oid_of_topic(""));
    EXPECT_FALSE(oid_of_topic("X00000000000000ab"));
}

Frame with_presence(PresencePart part, Record change) {
    return Frame{FrameNo{1}, RecordNo{9},
                 {},         {std::make_shared<const Record>(std::move(change))},
                 0,          {std::make_shared<const PresencePart>(std::move(part))}};
}

Data data_with(Frame frame) {
    return {OriginId{1}, OriginId{2}, SessionTag{3}, std::make_shared<const Frame>(std::move(frame))};
}

const PresencePart kPart{"app/presence-a", InterestVersion{4}, RecordNo{8}, true, false, {{"u", share("{}")}}};
const Record kJoin{RecordNo{9}, {presence_key("app/presence-a")}, nullptr, {}, "u", false, share("{}")};

TEST(Codec, CarriesListsAndChangesOfPresence) {
    const auto back = decode_data(encode(data_with(with_presence(kPart, kJoin))));
    ASSERT_TRUE(back);
    const Frame& got = *std::get<FramePtr>(back->body);
    ASSERT_EQ(got.presence.size(), 1u);
    EXPECT_EQ(got.presence[0]->channel, "app/presence-a");
    EXPECT_EQ(got.presence[0]->at, RecordNo{8});
    EXPECT_TRUE(got.presence[0]->first);
    EXPECT_FALSE(got.presence[0]->last);
    EXPECT_EQ(*got.presence[0]->members.at(0).info, "{}");
    ASSERT_EQ(got.records.size(), 1u);
    EXPECT_EQ(got.records[0]->user, "u");
    EXPECT_FALSE(got.records[0]->left);
}

TEST(Codec, RefusesPresenceThatIsMalformed) {
    PresencePart nobody = kPart;
    nobody.members[0].user.clear();
    EXPECT_FALSE(decode_data(encode(data_with(with_presence(nobody, kJoin)))));
    PresencePart key = kPart;
    key.channel = presence_key(key.channel);
    EXPECT_FALSE(decode_data(encode(data_with(with_presence(key, kJoin)))));
    Record plain = kJoin;
    plain.channels = {"app/presence-a"};
    EXPECT_FALSE(decode_data(encode(data_with(with_presence(kPart, plain)))));
    Record message = kJoin;
    message.user.clear();
    EXPECT_FALSE(decode_data(encode(data_with(with_presence(kPart, message)))));
    Record long_name = kJoin;
    long_name.user = std::string(kMaxUserBytes + 1, 'u');
    EXPECT_FALSE(decode_data(encode(data_with(with_presence(kPart, long_name)))));
}

TEST(Codec, CarriesDuties) {
    const auto back = decode_control(encode(control(duty_mail())));
    ASSERT_TRUE(back);
    const auto& mail = std::get<DutyMail>(back->body);
    EXPECT_EQ(mail.seq, 4u);
    EXPECT_EQ(mail.ack, 3u);
    ASSERT_EQ(mail.reports.size(), 2u);
    const DutyReport& report = mail.reports[0];
    EXPECT_EQ(std::tie(report.key, report.item, *report.info), std::tuple("app/a", "u1", "{}"));
    EXPECT_EQ(report.doubt, 12u);
    ASSERT_TRUE(report.behind && !mail.reports[1].behind);
    EXPECT_EQ(*report.behind, "behind");
    EXPECT_EQ(std::tie(report.revision, report.current, report.told, report.told_version), std::tuple(9u, 2u, 1u, 7u));
    EXPECT_TRUE(report.was_desk && !report.away);
    EXPECT_TRUE(mail.reports[1].away && !mail.reports[1].info);
    ASSERT_EQ(mail.orders.size(), 1u);
    EXPECT_EQ(std::tie(mail.orders[0].number, mail.orders[0].key, *mail.orders[0].body),
              std::tuple(11u, "app/c", "body"));
    ASSERT_EQ(mail.settles.size(), 1u);
    const DutySettle& settle = mail.settles[0];
    EXPECT_EQ(std::tie(settle.key, settle.item, settle.revision, settle.told, settle.told_version, settle.forget),
              std::tuple("app/d", "u2", 8u, 5u, 6u, true));
    EXPECT_EQ(mail.done, (std::vector<std::uint64_t>{1, 300}));
}

TEST(Codec, RefusesDutiesOverTheirLimits) {
    const auto refused = [](auto spoil) {
        DutyMail mail = duty_mail();
        spoil(mail);
        const auto result = decode_control(encode(control(std::move(mail))));
        return !result && result.error() == CodecError::kLimit;
    };
    EXPECT_FALSE(refused([](DutyMail&) {}));
    EXPECT_TRUE(refused([](DutyMail& m) { m.reports[0].key.clear(); }));
    EXPECT_TRUE(refused([](DutyMail& m) { m.reports[0].key.assign(kMaxChannelBytes + 1, 'k'); }));
    EXPECT_TRUE(refused([](DutyMail& m) { m.reports[0].item.assign(kMaxDutyItemBytes + 1, 'i'); }));
    EXPECT_TRUE(refused([](DutyMail& m) { m.reports[0].info = share(std::string(kMaxUserInfoBytes + 1, 'i')); }));
    EXPECT_TRUE(refused([](DutyMail& m) { m.reports[0].behind = share(std::string(kMaxDutyBehindBytes + 1, 'b')); }));
    EXPECT_TRUE(refused([](DutyMail& m) { m.settles[0].key.clear(); }));
    EXPECT_TRUE(refused([](DutyMail& m) { m.orders[0].number = 0; }));
    EXPECT_TRUE(refused([](DutyMail& m) { m.orders[0].body = share(std::string(kMaxBodyBytes + 1, 'b')); }));
    EXPECT_TRUE(refused([](DutyMail& m) { m.done.assign(Limits{}.duty_mail_entries + 1, 1); }));
    EXPECT_TRUE(refused([](DutyMail& m) { m.reports.assign(Limits{}.duty_mail_entries + 1, m.reports[1]); }));
}

TEST(Codec, LargestMailOfDutiesIsAccepted) {
    DutyMail mail;
    const std::string key(kMaxChannelBytes, 'k');
    const std::string item(kMaxDutyItemBytes, 'i');
    for (std::size_t bytes = 0; bytes < Limits{}.duty_mail_bytes; bytes += 64 + key.size() + item.size()) {
        mail.reports.push_back({.key = key, .item = item, .info = nullptr});
        mail.settles.push_back({.key = key, .item = item});
    }
    mail.reports.back().info = share(std::string(kMaxUserInfoBytes, 'i'));
    for (std::size_t bytes = 0; bytes < Limits{}.duty_mail_bytes; bytes += 128 + key.size()) {
        mail.orders.push_back({1, key, share("")});
    }
    mail.orders.back().body = share(std::string(kMaxBodyBytes, 'b'));
    mail.done.assign(Limits{}.duty_mail_entries, ~std::uint64_t{0});
    const std::string bytes = encode(control(std::move(mail)));
    EXPECT_LE(bytes.size(), kMaxMessageBytes);
    EXPECT_TRUE(decode_control(bytes));
}

TEST(Codec, RefusesNumbersThatNobodyCanHaveCountedTo) {
    const std::uint64_t odd = kMaxNumber + 1;
    const std::int64_t late = kMaxClockUs + 1;
    const auto beat = [](auto change) {
        Heartbeat heartbeat;
        change(heartbeat);
        return heartbeat;
    };
    const auto duty = [](auto change) {
        DutyReport report{.key = "key", .item = "item"};
        change(report);
        return DutyMail{.seq = 1, .reports = {report}};
    };
    const ControlBody bodies[] = {
        beat([&](Heartbeat& h) { h.last_sent = FrameNo{odd}; }),
        beat([&](Heartbeat& h) { h.upto = RecordNo{odd}; }),
        beat([&](Heartbeat& h) { h.waits_upto = RecordNo{odd}; }),
        beat([&](Heartbeat& h) { h.received = FrameNo{odd}; }),
        beat([&](Heartbeat& h) { h.applied = InterestVersion{odd}; }),
        beat([&](Heartbeat& h) { h.sent_at_us = late; }),
        beat([&](Heartbeat& h) { h.echo_us = -late; }),
        beat([&](Heartbeat& h) { h.echo_held_us = std::numeric_limits<std::int64_t>::min(); }),
        beat([&](Heartbeat& h) { h.load.clients = odd; }),
        InterestDelta{InterestVersion{odd}, {}, InterestVersion{1}},
        InterestAck{InterestVersion{odd}},
        InterestPull{InterestVersion{odd}},
        Receipt{FrameNo{odd}},
        Nack{{{FrameNo{1}, FrameNo{odd}}}},
        Leave{FrameNo{odd}},
        Wake{OriginId{4}, RecordNo{odd}},
        TraceReport{RecordNo{7}, TracePath::kDirect, {}, late, 1},
        Usage{1, {{"a", odd}}},
        duty([&](DutyReport& r) { r.current = odd; }),
        duty([&](DutyReport& r) { r.revision = odd; }),
        duty([&](DutyReport& r) { r.doubt = odd; }),
        duty([&](DutyReport& r) { r.told_version = odd; }),
        DutyMail{.seq = 1, .settles = {{"key", "item", 1, odd, 1, false}}},
        DutyMail{.seq = 1, .settles = {{"key", "item", 1, 1, odd, false}}},
        DutyMail{.seq = odd},
        DutyMail{.ack = odd},
        DutyMail{.view_no = odd},
    };
    for (const ControlBody& body : bodies) {
        const auto back = decode_control(encode(control(body)));
        ASSERT_FALSE(back) << body.index();
        EXPECT_EQ(back.error(), CodecError::kLimit) << body.index();
    }
    EXPECT_FALSE(decode_data(encode(Data{OriginId{1}, OriginId{2}, SessionTag{3}, Tail{FrameNo{odd}, RecordNo{1}}})));
    EXPECT_FALSE(decode_data(encode(Data{OriginId{1}, OriginId{2}, SessionTag{3}, Tail{FrameNo{1}, RecordNo{odd}}})));
    const Frame gone{FrameNo{1}, RecordNo{9}, {{{"app/a", odd}}, 0}, {}, 0};
    EXPECT_FALSE(
        decode_data(encode(Data{OriginId{1}, OriginId{2}, SessionTag{3}, std::make_shared<const Frame>(gone)})));
}

TEST(Codec, CarriesWhatARefusalAnswers) {
    const auto knock = decode_control(encode(control(Knock{kWho, "h:1", 77})));
    ASSERT_TRUE(knock);
    EXPECT_EQ(std::get<Knock>(knock->body).nonce, 77u);
    const auto refusal = decode_control(encode(control(Refuse{RefusalReason::kFull, "no", 77})));
    ASSERT_TRUE(refusal);
    EXPECT_EQ(std::get<Refuse>(refusal->body).echo, 77u);
}

}  // namespace
}  // namespace tulle::mesh::codec_test
