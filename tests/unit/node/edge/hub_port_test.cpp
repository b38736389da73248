#include "node/edge/hub_port.hpp"

#include <gtest/gtest.h>

namespace tulle::node::hub_port_test {
namespace {

mesh::ToHub leave(std::string channel) {
    return mesh::Unsubscribe{std::move(channel)};
}

class HubPortTest : public ::testing::Test {
protected:
    std::vector<std::string> taken() {
        std::vector<mesh::FromShard> items;
        hub.take_all(items);
        std::vector<std::string> names;
        for (const auto& [shard, message] : items) {
            EXPECT_EQ(shard, mesh::ShardIndex{3});
            names.push_back(std::get<mesh::Unsubscribe>(message).channel);
        }
        return names;
    }

    mesh::HubMailbox hub{2, [] {}};
    HubPort link{hub, mesh::ShardIndex{3}};
};

TEST_F(HubPortTest, KeepsWhatMustNotBeLostInOrderWhileTheHubIsFull) {
    EXPECT_EQ(link.send(leave("a")), Push::kAccepted);
    EXPECT_EQ(link.send(leave("b")), Push::kAccepted);
    EXPECT_EQ(link.send(leave("c")), Push::kRefused);
    EXPECT_EQ(link.send(leave("d")), Push::kRefused);
    EXPECT_EQ(link.send(leave("e")), Push::kRefused);
    EXPECT_FALSE(link.flush());
    EXPECT_EQ(taken(), (std::vector<std::string>{"a", "b"}));
    EXPECT_FALSE(link.flush());
    EXPECT_EQ(taken(), (std::vector<std::string>{"c", "d"}));
    EXPECT_TRUE(link.flush());
    EXPECT_EQ(taken(), std::vector<std::string>{"e"});
    EXPECT_FALSE(link.is_backed_up());
}

TEST_F(HubPortTest, RefusesAnOfferThatWouldOvertakeWhatWaits) {
    EXPECT_EQ(link.offer(leave("a")), Push::kAccepted);
    EXPECT_EQ(link.offer(leave("b")), Push::kAccepted);
    EXPECT_EQ(link.offer(leave("c")), Push::kRefused);
    EXPECT_EQ(link.send(leave("d")), Push::kRefused);
    EXPECT_FALSE(link.flush());
    EXPECT_EQ(taken(), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(link.offer(leave("e")), Push::kRefused);
    EXPECT_TRUE(link.flush());
    EXPECT_EQ(link.offer(leave("f")), Push::kAccepted);
    EXPECT_TRUE(link.flush());
    EXPECT_EQ(taken(), (std::vector<std::string>{"d", "f"}));
}

TEST(HubPort, HandsOverATurnWithOneWakeUpAndALongOneInParts) {
    int wakes = 0;
    mesh::HubMailbox hub(10'000, [&] { ++wakes; });
    HubPort link(hub, mesh::ShardIndex{3});
    for (std::size_t i = 0; i + 1 < HubPort::kMaxGathered; ++i) {
        ASSERT_EQ(link.send(leave("a")), Push::kAccepted);
    }
    EXPECT_EQ(wakes, 0);
    ASSERT_EQ(link.send(leave("a")), Push::kAccepted);
    EXPECT_EQ(wakes, 1);
    ASSERT_EQ(link.send(leave("b")), Push::kAccepted);
    EXPECT_TRUE(link.flush());
    std::vector<mesh::FromShard> items;
    hub.take_all(items);
    EXPECT_EQ(items.size(), HubPort::kMaxGathered + 1);
}

}  // namespace
}  // namespace tulle::node::hub_port_test
