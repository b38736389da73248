#include "mesh/wire/protocol_2.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "mesh/core/node/numbers.hpp"
#include "mesh/core/node/port.hpp"
#include "mesh/wire/codec.hpp"
#include "tests/unit/mesh/wire/protocol_2_bytes.hpp"

namespace tulle::mesh::protocol_2_test {
namespace {

using wire::protocol_2::body_of;
using wire::protocol_2::kVersion;
using wire::protocol_2::tail_of;

std::string bytes_of(std::string_view hex) {
    std::string bytes;
    for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
        bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(at, 2)), nullptr, 16)));
    }
    return bytes;
}

Frame frame_of(const Data& data) {
    return *std::get<FramePtr>(data.body);
}

Frame recorded_frame() {
    for (const Recorded& recorded : kDataOfProtocol2) {
        if (recorded.name == "frame") {
            return frame_of(*decode_data(bytes_of(recorded.hex)));
        }
    }
    return {};
}

Data data_of(Frame frame, std::uint32_t protocol) {
    Data data{OriginId{1}, OriginId{2}, SessionTag{3}, std::make_shared<const Frame>(std::move(frame))};
    data.protocol = protocol;
    return data;
}

/// Read as a whole, and written for such a node byte for byte as it writes itself.
TEST(Protocol2, IsReadAndWrittenAsItsOwnNodesWriteIt) {
    for (const Recorded& recorded : kControlOfProtocol2) {
        std::uint64_t skipped = 0;
        auto control = decode_control(bytes_of(recorded.hex), skipped);
        ASSERT_TRUE(control) << recorded.name << ": " << to_text(control.error());
        EXPECT_EQ(skipped, 0u) << recorded.name;
        control->protocol = kVersion;
        EXPECT_EQ(encode(*control), bytes_of(recorded.hex)) << recorded.name;
    }
    for (const Recorded& recorded : kDataOfProtocol2) {
        std::uint64_t skipped = 0;
        const auto data = decode_data(bytes_of(recorded.hex), skipped);
        ASSERT_TRUE(data) << recorded.name << ": " << to_text(data.error());
        EXPECT_EQ(skipped, 0u) << recorded.name;
        EXPECT_EQ(data->protocol, kVersion);
        EXPECT_EQ(encode(*data), bytes_of(recorded.hex)) << recorded.name;
    }
}

TEST(Protocol2, SaysTheSameAsTheVersionsAfter) {
    const Frame frame = recorded_frame();
    const std::map<std::uint64_t, EventBody> expected{
        {9, {"e", R"("{\"a\":1}")"}},
        {10, {"App\\Event", R"("{\"a\":1}")"}},
        {11, {"e", R"("x")"}},
        {12, {"client-e", R"({"a": [1, "\ud800"]})", DataKind::kJson, R"("7")"}},
        {13, {"client-none", ""}},
        {14, {"half \xed\xa0\x80 \"quoted\"\n", "null"}},
        {15, {"client-id", "", DataKind::kJson, "7"}},
        {19, {"pusher_internal:member_added", R"("{\"user_id\":\"u\"}")"}}};
    std::size_t found = 0;
    for (const RecordPtr& record : frame.records) {
        if (const auto body = expected.find(record->n.value); body != expected.end()) {
            ++found;
            EXPECT_EQ(*record->body, body->second) << record->n.value;
        }
    }
    EXPECT_EQ(found, expected.size());
    EXPECT_EQ(frame.retained.at(0)->body->name(), "old");
    EXPECT_EQ(*frame.records.at(7)->info, R"({"x":1})") << "of who joined";
    EXPECT_EQ(frame.records.at(7)->body, nullptr);
    const Frame again = frame_of(*decode_data(encode(data_of(frame, kProtocolVersion))));
    ASSERT_EQ(again.records.size(), frame.records.size());
    for (std::size_t i = 0; i < frame.records.size(); ++i) {
        const Record& before = *frame.records[i];
        const Record& after = *again.records[i];
        EXPECT_EQ(before.body ? *before.body : EventBody(), after.body ? *after.body : EventBody());
        EXPECT_EQ(std::tie(before.n, before.channels, before.exclude_socket, before.user, before.left, before.trace,
                           before.retained, before.stamp),
                  std::tie(after.n, after.channels, after.exclude_socket, after.user, after.left, after.trace,
                           after.retained, after.stamp));
    }
}

TEST(Protocol2, IsToldOfWhatItCannotSayThatItIsGone) {
    const auto record = [](std::uint64_t n, EventBody body) {
        return std::make_shared<const Record>(Record{RecordNo{n}, {"app/a", "app/b"}, share(std::move(body)), {}});
    };
    Frame frame{.no = FrameNo{1}, .upto = RecordNo{9}};
    frame.gone.channels = {{"app/a", 2}};
    frame.records = {record(7, {"e", "1"}), record(8, {"e", "\xff", DataKind::kBytes}), record(9, {"e", "2"})};
    frame.retained = {std::make_shared<const RetainedPart>(RetainedPart{"app/cache-a",
                                                                        InterestVersion{4},
                                                                        RecordNo{6},
                                                                        {99, OriginId{2}},
                                                                        share(EventBody("e", "\xff", DataKind::kBytes)),
                                                                        5s})};
    const Frame newer = frame_of(*decode_data(encode(data_of(frame, kProtocolVersion))));
    EXPECT_EQ(newer.records.size(), 3u);
    EXPECT_EQ(*newer.records[1]->body, EventBody("e", "\xff", DataKind::kBytes));
    EXPECT_EQ(newer.retained[0]->stamp.time_us, 99u);
    const Frame older = frame_of(*decode_data(encode(data_of(frame, kVersion))));
    ASSERT_EQ(older.records.size(), 2u);
    EXPECT_EQ(older.records[1]->n, RecordNo{9});
    EXPECT_EQ(older.gone, (Gone{{{"app/a", 2}, {"app/a", 1}, {"app/b", 1}}, 0}));
    EXPECT_EQ(older.retained[0]->stamp.time_us, 0u) << "as if nothing were held";
    EXPECT_EQ(older.upto, frame.upto);
}

TEST(Protocol2, CannotSayMoreThanItsOwnLimit) {
    EXPECT_TRUE(tail_of({"e", std::string(kMaxBodyBytes - 100, '1')}));
    EXPECT_FALSE(tail_of({"e", std::string(kMaxBodyBytes - 10, '1')}));
    EXPECT_FALSE(tail_of({std::string(kMaxBodyBytes / 2, '\n'), ""})) << "escapes make it longer";
}

TEST(Protocol2, MakesAnEventThatSaysNothingOfWhatNoneOfItsNodesWrites) {
    for (const char* tail : {"", "end", "}", ",", ",\"event\":", ",\"event\":}", ",\"event\":1}", ",\"event\":\"a}",
                             ",\"event\":\"\\u12\"}", ",\"data\":1}"}) {
        EXPECT_EQ(body_of(tail), EventBody()) << tail;
    }
}

}  // namespace
}  // namespace tulle::mesh::protocol_2_test
