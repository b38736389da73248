#include "node/core/channel_table.hpp"

#include <map>
#include <set>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "mesh/base/prng.hpp"

namespace tulle::node::channel_table_test {
namespace {

constexpr Slot kA{1};
constexpr Slot kB{2};
constexpr Slot kC{3};
constexpr ChannelNeeds kPlain{};
constexpr ChannelNeeds kPresence{.presence = true};

class ChannelTableTest : public ::testing::Test {
protected:
    ChannelEffects take() { return std::exchange(out, {}); }

    [[nodiscard]] std::vector<Slot> delivered(std::string_view channel) const {
        const auto slots = table.confirmed(channel);
        return {slots.begin(), slots.end()};
    }

    ChannelTable table;
    ChannelEffects out;
};

TEST_F(ChannelTableTest, AsksTheHubForTheFirstSubscriberAndConfirmsOnItsAnswer) {
    table.subscribe(kA, "app/x", kPlain, out);
    EXPECT_EQ(take(), (ChannelEffects{SubscribeHub{"app/x", 1}}));
    EXPECT_TRUE(table.confirmed("app/x").empty());
    EXPECT_FALSE(table.is_confirmed(kA, "app/x"));

    table.on_subscribed("app/x", 1, out);
    EXPECT_EQ(take(), (ChannelEffects{Confirm{kA, "app/x"}}));
    EXPECT_EQ(delivered("app/x"), std::vector<Slot>{kA});
    EXPECT_TRUE(table.is_confirmed(kA, "app/x"));
}

TEST_F(ChannelTableTest, LetsALaterSubscriberOfAPendingChannelWaitForTheSameAnswer) {
    table.subscribe(kA, "app/x", kPlain, out);
    table.subscribe(kB, "app/x", kPlain, out);
    EXPECT_EQ(take(), (ChannelEffects{SubscribeHub{"app/x", 1}}));
    table.on_subscribed("app/x", 1, out);
    EXPECT_EQ(take(), (ChannelEffects{Confirm{kA, "app/x"}, Confirm{kB, "app/x"}}));
}

TEST_F(ChannelTableTest, ConfirmsASubscriberOfAConfirmedChannelAtOnce) {
    table.subscribe(kA, "app/x", kPlain, out);
    table.on_subscribed("app/x", 1, out);
    take();
    table.subscribe(kB, "app/x", kPlain, out);
    EXPECT_EQ(take(), (ChannelEffects{Confirm{kB, "app/x"}}));
}

TEST_F(ChannelTableTest, ConfirmsARepeatedSubscriptionAgainButCountsItOnce) {
    table.subscribe(kA, "app/x", kPlain, out);
    table.subscribe(kA, "app/x", kPlain, out);
    EXPECT_EQ(take(), (ChannelEffects{SubscribeHub{"app/x", 1}}));
    table.on_subscribed("app/x", 1, out);
    EXPECT_EQ(take(), (ChannelEffects{Confirm{kA, "app/x"}}));
    table.subscribe(kA, "app/x", kPlain, out);
    EXPECT_EQ(take(), (ChannelEffects{Confirm{kA, "app/x"}}));
    EXPECT_EQ(table.subscriptions(), 1u);
}

TEST_F(ChannelTableTest, AdmitsASubscriberThatIsHeldByItselfAndTheOthersAtOnce) {
    table.subscribe(kA, "app/x", kPlain, out, true);
    table.subscribe(kB, "app/x", kPlain, out);
    take();
    table.on_subscribed("app/x", 1, out);
    EXPECT_EQ(take(), (ChannelEffects{AskAdmission{kA, "app/x"}, Confirm{kB, "app/x"}}));
    EXPECT_EQ(delivered("app/x"), std::vector<Slot>{kB});
    table.subscribe(kA, "app/x", kPlain, out);  // says nothing new
    table.subscribe(kC, "app/x", kPlain, out, true);
    EXPECT_EQ(take(), (ChannelEffects{AskAdmission{kC, "app/x"}}));
    EXPECT_TRUE(table.is_known(kC, "app/x") && !table.is_confirmed(kC, "app/x"));
    table.admit(kA, "app/x", out);
    EXPECT_EQ(take(), (ChannelEffects{Confirm{kA, "app/x"}}));
    EXPECT_EQ(delivered("app/x"), (std::vector<Slot>{kB, kA}));
    table.unsubscribe(kC, "app/x", out);
    table.remove(kA, out);
    EXPECT_EQ(take(), ChannelEffects{});
    EXPECT_FALSE(table.is_known(kA, "app/x") || table.is_known(kC, "app/y"));
    EXPECT_EQ(delivered("app/x"), std::vector<Slot>{kB});
}

TEST_F(ChannelTableTest, TellsTheHubWhenTheLastSubscriberLeaves) {
    table.subscribe(kA, "app/x", kPlain, out);
    table.subscribe(kB, "app/x", kPlain, out);
    table.on_subscribed("app/x", 1, out);
    take();
    table.unsubscribe(kA, "app/x", out);
    EXPECT_EQ(take(), ChannelEffects{});
    table.unsubscribe(kB, "app/x", out);
    EXPECT_EQ(take(), (ChannelEffects{UnsubscribeHub{"app/x"}}));
    EXPECT_TRUE(table.confirmed("app/x").empty());
    EXPECT_EQ(table.size(), 0u);
}

TEST_F(ChannelTableTest, TellsTheHubWhenAPendingSubscriberLeaves) {
    table.subscribe(kA, "app/x", kPlain, out);
    table.unsubscribe(kA, "app/x", out);
    EXPECT_EQ(take(), (ChannelEffects{SubscribeHub{"app/x", 1}, UnsubscribeHub{"app/x"}}));
    table.on_subscribed("app/x", 1, out);
    EXPECT_EQ(take(), ChannelEffects{});
}

TEST_F(ChannelTableTest, DoesNotTakeTheAnswerToAnOlderSubscriptionForTheNewOne) {
    table.subscribe(kA, "app/x", kPlain, out);
    table.unsubscribe(kA, "app/x", out);
    table.subscribe(kA, "app/x", kPlain, out);
    EXPECT_EQ(take(), (ChannelEffects{SubscribeHub{"app/x", 1}, UnsubscribeHub{"app/x"}, SubscribeHub{"app/x", 2}}));
    table.on_subscribed("app/x", 1, out);
    EXPECT_EQ(take(), ChannelEffects{});
    table.on_subscribed("app/x", 2, out);
    EXPECT_EQ(take(), (ChannelEffects{Confirm{kA, "app/x"}}));
    table.on_subscribed("app/x", 2, out);
    EXPECT_EQ(take(), ChannelEffects{});
}

TEST_F(ChannelTableTest, IgnoresAnUnsubscriptionOfWhatIsNotSubscribed) {
    table.subscribe(kA, "app/x", kPlain, out);
    take();
    table.unsubscribe(kB, "app/x", out);
    table.unsubscribe(kA, "app/y", out);
    EXPECT_EQ(take(), ChannelEffects{});
    EXPECT_EQ(table.subscriptions(), 1u);
}

TEST_F(ChannelTableTest, ForgetsAConnectionThatHasGone) {
    table.subscribe(kA, "app/x", kPlain, out);
    table.subscribe(kA, "app/y", kPlain, out);
    table.subscribe(kB, "app/y", kPlain, out);
    EXPECT_EQ(table.channels_of(kA), 2u);
    take();
    table.remove(kA, out);
    EXPECT_EQ(take(), (ChannelEffects{UnsubscribeHub{"app/x"}}));
    EXPECT_EQ(table.channels_of(kA), 0u);
    table.remove(kC, out);
    EXPECT_EQ(take(), ChannelEffects{});
}

TEST_F(ChannelTableTest, ListsConfirmedChannelsOfAPrefixSorted) {
    for (const char* name : {"app/b", "app/a", "other/a", "app/pending"}) {
        table.subscribe(kA, name, kPlain, out);
    }
    table.subscribe(kB, "app/b", kPlain, out);
    table.on_subscribed("app/b", 1, out);
    table.on_subscribed("app/a", 2, out);
    table.on_subscribed("other/a", 3, out);
    EXPECT_EQ(table.list("app/"), (std::vector<ChannelCount>{{"app/a", 1}, {"app/b", 2}}));
    EXPECT_EQ(table.list("app/b"), (std::vector<ChannelCount>{{"app/b", 2}}));
}

TEST_F(ChannelTableTest, HoldsEachSubscriberOfAPresenceChannelUntilItIsAdmitted) {
    table.subscribe(kA, "app/presence-x", kPresence, out);
    table.subscribe(kB, "app/presence-x", kPresence, out);
    EXPECT_EQ(take(), (ChannelEffects{SubscribeHub{"app/presence-x", 1, true}}));
    EXPECT_TRUE(table.on_subscribed("app/presence-x", 1, out));
    EXPECT_EQ(take(), (ChannelEffects{AskAdmission{kA, "app/presence-x"}, AskAdmission{kB, "app/presence-x"}}));
    EXPECT_TRUE(table.confirmed("app/presence-x").empty());
    EXPECT_TRUE(table.list("").empty());

    table.admit(kB, "app/presence-x", out);
    EXPECT_EQ(take(), (ChannelEffects{Confirm{kB, "app/presence-x"}}));
    EXPECT_EQ(delivered("app/presence-x"), std::vector<Slot>{kB});
    EXPECT_FALSE(table.is_confirmed(kA, "app/presence-x"));
    EXPECT_EQ(table.list(""), (std::vector<ChannelCount>{{"app/presence-x", 1}}));

    table.subscribe(kA, "app/presence-x", kPresence, out);
    EXPECT_EQ(take(), ChannelEffects{}) << "it waits already";
    table.subscribe(kB, "app/presence-x", kPresence, out);
    EXPECT_EQ(take(), (ChannelEffects{Confirm{kB, "app/presence-x"}}));
    table.subscribe(kC, "app/presence-x", kPresence, out);
    EXPECT_EQ(take(), (ChannelEffects{AskAdmission{kC, "app/presence-x"}}));
    table.unsubscribe(kB, "app/presence-x", out);
    table.unsubscribe(kA, "app/presence-x", out);
    EXPECT_EQ(take(), ChannelEffects{});
    table.unsubscribe(kC, "app/presence-x", out);
    EXPECT_EQ(take(), (ChannelEffects{UnsubscribeHub{"app/presence-x"}}));
}

TEST_F(ChannelTableTest, DeliversToTheAdmittedAloneUnderRandomUse) {
    Prng prng(11);
    std::set<std::uint32_t> held;
    std::set<std::uint32_t> admitted;
    for (int step = 0; step < 20'000; ++step) {
        const Slot slot(static_cast<std::uint32_t>(prng.below(12)));
        const std::uint64_t what = prng.below(3);
        if (what == 0) {
            table.subscribe(slot, "app/presence-x", kPresence, out);
            held.insert(slot.value);
        } else if (what == 1) {
            table.unsubscribe(slot, "app/presence-x", out);
            held.erase(slot.value);
            admitted.erase(slot.value);
        } else if (held.contains(slot.value) && !admitted.contains(slot.value)) {
            table.admit(slot, "app/presence-x", out);
            admitted.insert(slot.value);
        }
        for (const ChannelEffect& effect : take()) {
            if (const auto* first = std::get_if<SubscribeHub>(&effect)) {
                table.on_subscribed(first->channel, first->generation, out);
            }
        }
        out.clear();
        std::set<std::uint32_t> found;
        for (const Slot delivered_to : table.confirmed("app/presence-x")) {
            found.insert(delivered_to.value);
        }
        ASSERT_EQ(found, admitted) << step;
        ASSERT_EQ(table.subscriptions(), held.size()) << step;
    }
}

TEST_F(ChannelTableTest, AgreesWithAPlainModelUnderRandomUse) {
    Prng prng(7);
    std::map<std::string, std::set<std::uint32_t>> model;
    for (int step = 0; step < 20'000; ++step) {
        const Slot slot(static_cast<std::uint32_t>(prng.below(20)));
        const std::string channel = "app/" + std::to_string(prng.below(30));
        const std::uint64_t what = prng.below(10);
        if (what < 5) {
            table.subscribe(slot, channel, kPlain, out);
            model[channel].insert(slot.value);
        } else if (what < 9) {
            table.unsubscribe(slot, channel, out);
            model[channel].erase(slot.value);
        } else {
            table.remove(slot, out);
            for (auto& [name, slots] : model) {
                slots.erase(slot.value);
            }
        }
        for (const ChannelEffect& effect : take()) {
            if (const auto* first = std::get_if<SubscribeHub>(&effect)) {
                table.on_subscribed(first->channel, first->generation, out);
            }
        }
    }
    std::size_t subscriptions = 0;
    for (const auto& [name, slots] : model) {
        subscriptions += slots.size();
        std::set<std::uint32_t> held;
        for (const Slot slot : table.confirmed(name)) {
            held.insert(slot.value);
        }
        EXPECT_EQ(held, slots) << name;
    }
    EXPECT_EQ(table.subscriptions(), subscriptions);
}

}  // namespace
}  // namespace tulle::node::channel_table_test
