#include "client/io/handler_table.hpp"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace tulle::client::handler_table_test {
namespace {

/// Handlers that write down what they were told.
class Heard {
public:
    ChannelHandlers handlers() {
        return {
            .on_event = [this](const tulle::Event& event) { log.push_back("event " + event.name + " " + event.data); },
            .on_subscribed =
                [this](const tulle::Subscribed& now) {
                    log.push_back("subscribed " + std::to_string(now.members.size()) + " " + now.me.id);
                },
            .on_member_added = [this](const MemberChange& change) { log.push_back("added " + text(change)); },
            .on_member_removed = [this](const MemberChange& change) { log.push_back("removed " + text(change)); },
            .on_subscription_count = [this](std::uint64_t count) { log.push_back("count " + std::to_string(count)); },
            .on_cache_miss = [this] { log.emplace_back("miss"); },
            .on_gap = [this](const tulle::Gap& gap) { log.push_back("gap " + std::to_string(gap.missing)); },
            .on_error =
                [this](const ChannelError& error) {
                    log.push_back("error " + std::to_string(static_cast<int>(error.fault)) + " " + error.message);
                },
        };
    }

    std::vector<std::string> log;

private:
    static std::string text(const MemberChange& change) {
        return change.member.id_json + " " + change.member.info + " " + std::to_string(change.count);
    }
};

std::shared_ptr<HandlerSlot> slot(const std::string& channel, ChannelHandlers handlers) {
    auto made = std::make_shared<HandlerSlot>();
    made->channel = channel;
    made->handlers = std::move(handlers);
    return made;
}

Deliver told(const std::string& name, Detail detail = {}, const std::string& data = {}) {
    return Deliver{ChannelEvent{"c", name, data, {}, std::move(detail)}};
}

TEST(HandlerTable, CallsTheHandlerThatAnEventIsFor) {
    Heard heard;
    HandlerTable table;
    table.add(slot("c", heard.handlers()));
    const Member ann{"ann", R"("ann")", "{}"};
    table.call(told("pusher:subscription_succeeded", Subscribed{{ann}, ann}));
    table.call(told("greeting", {}, "hello"));
    table.call(told("pusher:member_added", MemberAdded{ann, 2}));
    table.call(told("pusher:member_removed", MemberRemoved{ann, 1}));
    table.call(told("pusher:subscription_count", SubscriptionCount{9}));
    table.call(told("pusher:cache_miss", CacheMiss{}));
    table.call(told("tulle:gap", Gap{4}));
    table.call(told("pusher:subscription_error", Fault{FaultKind::kRefused, 401, "AuthError", "no"}));
    table.call(told("pusher:error", Fault{FaultKind::kClientEvent, 4301, {}, "fast"}));
    table.call(told("tulle:decryption_error", Fault{FaultKind::kDecryption, {}, {}, "dark"}));
    EXPECT_EQ(heard.log, (std::vector<std::string>{"subscribed 1 ann", "event greeting hello", "added \"ann\" {} 2",
                                                   "removed \"ann\" {} 1", "count 9", "miss", "gap 4", "error 0 no",
                                                   "error 1 fast", "error 2 dark"}));
}

TEST(HandlerTable, GivesEverythingToOnAnyAndNothingOfTheProtocolToOnEvent) {
    std::vector<std::string> any;
    Heard heard;
    HandlerTable table;
    table.add(slot("c", {.on_any = [&](const tulle::Event& event) { any.push_back(event.name); }}));
    table.add(slot("c", heard.handlers()));
    table.call(told("pusher:new_in_a_later_protocol"));
    table.call(told("pusher:cache_miss", CacheMiss{}));
    table.call(told("e"));
    EXPECT_EQ(any, (std::vector<std::string>{"pusher:new_in_a_later_protocol", "pusher:cache_miss", "e"}));
    EXPECT_EQ(heard.log, (std::vector<std::string>{"miss", "event e "}));
}

TEST(HandlerTable, CallsNobodyWhoHasUnsubscribed) {
    Heard heard;
    HandlerTable table;
    const std::shared_ptr<HandlerSlot> one = slot("c", heard.handlers());
    table.add(one);
    table.call(told("e"));
    one->active.store(false);
    table.call(told("e"));
    EXPECT_TRUE(table.remove(one));
    EXPECT_FALSE(table.remove(one));
    table.call(told("e"));
    EXPECT_EQ(heard.log.size(), 1u);
}

TEST(HandlerTable, CallsNoFurtherHandlerOfASubscriptionThatEndsInItsFirst) {
    Heard heard;
    HandlerTable table;
    const std::shared_ptr<HandlerSlot> one = slot("c", heard.handlers());
    one->handlers.on_any = [&](const tulle::Event&) { one->active.store(false); };
    table.add(one);
    table.call(told("e"));
    one->handlers.on_any = nullptr;
    EXPECT_EQ(heard.log, std::vector<std::string>{});
}

TEST(HandlerTable, TellsTheUserWhatIsTheUsers) {
    std::vector<std::string> log;
    HandlerTable table;
    table.set_user({
        .on_signed_in = [&](const SignedIn& user) { log.push_back("in " + user.user_id); },
        .on_refused = [&](const SignInError& error) { log.push_back("no " + error.message); },
        .on_event = [&](const tulle::Event& event) { log.push_back("event " + event.data); },
        .on_online = [&](const std::vector<std::string>& ids) { log.push_back("online " + ids.at(0)); },
        .on_offline = [&](const std::vector<std::string>& ids) { log.push_back("offline " + ids.at(0)); },
    });
    table.call(ReportSignedIn{{"ann", "{}"}});
    table.call(ReportSignInRefused{4009, "bad"});
    table.call(DeliverToUser{{"#server-to-user-ann", "e", "hello", {}, {}}});
    table.call(DeliverWatchlist{{true, {"bob"}}});
    table.call(DeliverWatchlist{{false, {"bob"}}});
    EXPECT_EQ(log, (std::vector<std::string>{"in ann", "no bad", "event hello", "online bob", "offline bob"}));
}

TEST(ErrorCodes, HaveAMeaningAndAnAction) {
    EXPECT_EQ(error_code(4301), ErrorCode::kClientEventRejected);
    EXPECT_EQ(error_code(4999), std::nullopt);
    EXPECT_EQ(error_code(std::nullopt), std::nullopt);
    EXPECT_EQ(action_on(4001), ErrorAction::kGiveUp);
    EXPECT_EQ(action_on(4100), ErrorAction::kBackOff);
    EXPECT_EQ(action_on(4200), ErrorAction::kReconnectNow);
    EXPECT_EQ(action_on(std::nullopt), ErrorAction::kReconnect);
}

}  // namespace
}  // namespace tulle::client::handler_table_test
