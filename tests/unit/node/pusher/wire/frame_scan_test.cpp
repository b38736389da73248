#include "node/pusher/wire/frame_scan.hpp"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "mesh/base/prng.hpp"

namespace tulle::node::pusher::frame_scan_test {
namespace {

constexpr std::array kTexts{
    R"({"event":"client-x","channel":"private-a","data":{"n":[1,2.5,{"event":"y"}],"t":"\u00e9\n"}})",
    R"({ "data" : "a\"b" , "event" : "pusher:\u0070ing" , "channel":null })",
    R"({"event":"client-x","event":"client-y","more":{"channel":1},"data":true,"\u0064ata":-1e3})",
    R"([{"event":"x"}])",
};

void expect_same(const FrameMember& member, const RawObject& object, std::string_view key) {
    const boost::json::value* value = object.find(key);
    EXPECT_EQ(member.comes_twice, object.has_duplicate(key));
    ASSERT_EQ(member.type == FrameMember::Type::kAbsent, value == nullptr);
    if (value != nullptr && !member.comes_twice) {
        EXPECT_EQ(member.type == FrameMember::Type::kNull, value->is_null());
        EXPECT_EQ(member.type == FrameMember::Type::kString, value->is_string());
        if (value->is_string() && key != "data") {
            EXPECT_EQ(member.text, std::string_view(value->get_string()));
        }
    }
}

/// It must read what RawObject reads, refuse what RawObject refuses, whatever is sent.
TEST(FrameScan, AgreesWithTheWholeParse) {
    Prng random(1);
    int accepted = 0;
    for (int i = 0; i < 30'000; ++i) {
        std::string text = kTexts[random.below(kTexts.size())];
        for (std::uint64_t changes = random.below(4); changes > 0; --changes) {
            constexpr std::string_view kBytes = "\"\\{}[],:x0 e\n\xff";
            const std::size_t at = random.below(text.size());
            switch (random.below(3)) {
                case 0:
                    text[at] = kBytes[random.below(kBytes.size())];
                    break;
                case 1:
                    text.erase(at, 1 + random.below(8));
                    break;
                default:
                    text.insert(at, 1, kBytes[random.below(kBytes.size())]);
            }
            if (text.empty()) {
                text = "{";
            }
        }
        SCOPED_TRACE(text);
        const Result<RawObject, JsonErrc> whole = RawObject::parse(text);
        const Result<FrameScan, JsonErrc> scan = scan_frame(text);
        ASSERT_EQ(scan.has_value(), whole.has_value());
        if (!scan) {
            ASSERT_EQ(scan.error(), whole.error());
            continue;
        }
        ++accepted;
        expect_same(scan->event, *whole, "event");
        expect_same(scan->channel, *whole, "channel");
        expect_same(scan->data, *whole, "data");
        ASSERT_EQ(scan->raw_data, whole->raw("data"));
    }
    EXPECT_GT(accepted, 5'000);
}

}  // namespace
}  // namespace tulle::node::pusher::frame_scan_test
