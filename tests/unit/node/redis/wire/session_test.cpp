#include "node/redis/wire/session.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "node/redis/core/limits.hpp"

namespace tulle::node::redis::session_test {
namespace {

/// A shard that remembers what the session wants.
class PlayedHost final : public SessionHost {
public:
    Publishing publish(const Realm& realm, Kind kind, Slot, std::string_view channel, std::string_view payload,
                       std::uint64_t& receivers) override {
        if (publishing == Publishing::kDone && room_for == 0) {
            return Publishing::kBusy;
        }
        if (publishing == Publishing::kDone) {
            --room_for;
            published.push_back(realm.name + (kind == Kind::kChannel ? " " : " sharded ") + std::string(channel) + " " +
                                std::string(payload));
            receivers = published.size();
        }
        return publishing;
    }
    bool subscribe(const Realm&, Kind kind, Slot, std::string_view name) override {
        return held[kind].insert(std::string(name)).second;
    }
    bool unsubscribe(const Realm&, Kind kind, Slot, std::string_view name) override {
        return held[kind].erase(std::string(name)) > 0;
    }
    std::vector<std::string> names_of(const Realm&, Kind kind, Slot) override {
        return {held[kind].begin(), held[kind].end()};
    }
    bool ask(Slot, const Question& question) override {
        if (has_room) {
            asked.push_back(question);
        }
        return has_room;
    }
    std::string store_refusal(const Realm&, const Command& command, std::span<const std::string_view>) override {
        return command.id == CommandId::kKeys ? "ERR no KEYS here" : "";
    }
    Storing store(const Realm&, Slot, const Command& command, std::span<const std::string_view> arguments, unsigned,
                  RespWriter& out) override {
        store_calls.push_back(std::string(command.name) + " " + std::string(arguments.back()));
        if (storing == Storing::kDone) {
            out.simple("DONE");
        }
        return storing;
    }
    bool settle(Slot) override {
        ++settles;
        return has_room;
    }
    void on_protocol(Slot, Resp version) override { versions.push_back(version); }
    bool on_wrong_password(Slot, std::string_view) override { return ++wrong_passwords > 2; }
    ServerFacts facts(const Realm&) override { return {.node = "n1", .version = "1.2.3", .port = 6379}; }
    void tell(ClientTable::Card& card, const ClientFacts& facts) override { table.set(card, facts); }
    std::string list_clients(const ClientFilter& filter) override { return table.list(filter, now()); }
    std::size_t kill_clients(const ClientFilter& filter, std::uint64_t self, bool& is_self) override {
        return table.kill(filter, self, is_self);
    }
    std::uint64_t wall_us() override { return 1'700'000'000'000'123; }
    const Realms& realms() override { return known; }
    Instant now() override { return Instant{}; }

    Realms known{{{"default", "", {"default"}}, {"shop", "sesame", {"shop"}}}};
    Publishing publishing = Publishing::kDone;
    bool has_room = true;
    /// The publishes that still go through.
    std::size_t room_for = 10'000;
    std::vector<std::string> published;
    std::map<Kind, std::set<std::string>> held;
    std::vector<Question> asked;
    std::vector<Resp> versions;
    int wrong_passwords = 0;
    int settles = 0;
    Storing storing = Storing::kDone;
    std::vector<std::string> store_calls;
    ClientTable table;
};

class SessionTest : public ::testing::Test {
protected:
    std::string say(std::vector<std::string_view> arguments) {
        std::string out;
        next_ = session_->on_command(arguments, out);
        return out;
    }
    std::string answer(StringMap<std::uint64_t> counts) {
        std::string out;
        next_ = session_->on_answer({std::move(counts)}, out);
        return out;
    }
    std::string room() {
        std::string out;
        next_ = session_->on_room(out);
        return out;
    }
    void start() {
        session_ = std::make_unique<Session>(
            host_, Slot(7), host_.table.enter({.address = "1.2.3.4:5", .local_address = "5.6.7.8:9"}, [] {}));
    }
    void SetUp() override { start(); }

    PlayedHost host_;
    std::unique_ptr<Session> session_;
    Session::Next next_ = Session::Next::kGoOn;
};

TEST_F(SessionTest, AnswersASubscriptionForEachNameWithTheNumberHeld) {
    EXPECT_EQ(say({"SUBSCRIBE", "a", "a", "b"}),
              "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
              "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
              "*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n");
    EXPECT_EQ(say({"psubscribe", "a*"}), "*3\r\n$10\r\npsubscribe\r\n$2\r\na*\r\n:3\r\n");
    EXPECT_EQ(say({"ssubscribe", "a"}), "*3\r\n$10\r\nssubscribe\r\n$1\r\na\r\n:1\r\n") << "counted apart";
    EXPECT_EQ(say({"unsubscribe"}),
              "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:2\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:1\r\n");
    EXPECT_EQ(say({"unsubscribe"}), "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:1\r\n");
    EXPECT_EQ(say({"punsubscribe", "other"}), "*3\r\n$12\r\npunsubscribe\r\n$5\r\nother\r\n:1\r\n");
}

TEST_F(SessionTest, AllowsASubscriberFewCommandsInResp2AndAllInResp3) {
    say({"subscribe", "a"});
    EXPECT_EQ(say({"client", "id"}),
              "-ERR Can't execute 'client|id': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
              "allowed in this context\r\n");
    EXPECT_EQ(say({"ping"}), "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    EXPECT_EQ(say({"ping", "x"}), "*2\r\n$4\r\npong\r\n$1\r\nx\r\n");
    EXPECT_EQ(say({"reset"}), "+RESET\r\n");
    EXPECT_TRUE(host_.held[Kind::kChannel].empty());
    say({"hello", "3"});
    EXPECT_EQ(say({"subscribe", "a"}), ">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    EXPECT_EQ(say({"ping"}), "+PONG\r\n");
    EXPECT_EQ(say({"publish", "a", "x"}), ":1\r\n");
    EXPECT_EQ(host_.versions.back(), Resp::k3);
    EXPECT_EQ(next_, Session::Next::kWait) << "for the message to itself";
    EXPECT_EQ(session_->on_settled(), Session::Next::kGoOn);
}

TEST_F(SessionTest, RefusesNamesAndPatternsPastTheirLimits) {
    const std::string long_name(kMaxNameBytes + 1, 'x');
    EXPECT_TRUE(say({"subscribe", long_name}).starts_with("-ERR the name"));
    EXPECT_TRUE(say({"publish", long_name, "x"}).starts_with("-ERR the name"));
    EXPECT_TRUE(say({"pubsub", "numsub", long_name}).starts_with("-ERR the name"));
    std::string stars;
    for (std::size_t i = 0; i <= kMaxPatternStars; ++i) {
        stars += "a*";
    }
    EXPECT_TRUE(say({"psubscribe", stars}).starts_with("-ERR the pattern"));
    EXPECT_TRUE(say({"pubsub", "channels", stars}).starts_with("-ERR the pattern"));
    EXPECT_EQ(host_.settles, 0);
    for (std::size_t i = 0; i < kMaxSubscriptions; ++i) {
        say({"subscribe", std::to_string(i)});
    }
    EXPECT_TRUE(say({"subscribe", "more"}).starts_with("-ERR the connection has"));
    EXPECT_EQ(host_.held[Kind::kChannel].size(), kMaxSubscriptions);
}

TEST_F(SessionTest, WaitsForRoomInTheHubAndPublishesThen) {
    host_.publishing = Publishing::kBusy;
    EXPECT_EQ(say({"publish", "a", "x"}), "");
    EXPECT_EQ(next_, Session::Next::kWait);
    EXPECT_EQ(room(), "");
    EXPECT_EQ(next_, Session::Next::kWait);
    host_.publishing = Publishing::kDone;
    EXPECT_EQ(room(), ":1\r\n");
    EXPECT_EQ(next_, Session::Next::kGoOn);
    EXPECT_EQ(room(), "") << "once only";
    EXPECT_EQ(host_.published, std::vector<std::string>{"default a x"});
    host_.publishing = Publishing::kNotReady;
    EXPECT_EQ(say({"spublish", "a", "x"}), "-LOADING Tulle is joining or leaving the mesh\r\n");
}

/// RedisBroadcaster::broadcastMultipleChannelsScript() of Laravel.
constexpr std::string_view kScript = "for i = 2, #ARGV do\n  redis.call('publish', ARGV[i], ARGV[1])\nend";

TEST_F(SessionTest, RunsTheScriptForSeveralChannelsAndNoOther) {
    EXPECT_EQ(say({"EVAL", kScript, "0", "x", "a", "b"}), "$-1\r\n");
    EXPECT_EQ(host_.published, (std::vector<std::string>{"default a x", "default b x"}));
    const std::string indented = "\t for i = 2, #ARGV do\r\n    redis.call('publish', ARGV[i], ARGV[1])\n end\n";
    EXPECT_EQ(say({"eval", indented, "0", "x", "c"}), "$-1\r\n");
    EXPECT_EQ(say({"eval", kScript, "0", "x"}), "$-1\r\n");
    EXPECT_EQ(say({"eval", kScript, "0"}), "$-1\r\n");
    EXPECT_EQ(host_.published.size(), 3u);
    for (const std::vector<std::string_view>& other :
         {std::vector<std::string_view>{"eval", "return 1", "0"}, {"eval", kScript, "1", "k", "x", "a"}, {"eval"}}) {
        EXPECT_TRUE(say(other).starts_with("-ERR unknown command 'eval'"));
    }
    EXPECT_TRUE(
        say({"eval", kScript, "0", "x", "d", std::string(kMaxNameBytes + 1, 'x')}).starts_with("-ERR the name"));
    const std::string large(1u << 20, 'x');
    std::vector<std::string_view> many{"eval", kScript, "0", large};
    many.insert(many.end(), kMaxScriptBytes / large.size() + 1, "d");
    EXPECT_TRUE(say(many).starts_with("-ERR the script is for more than 1000 channels"));
    std::vector<std::string_view> more{"eval", kScript, "0", "x"};
    more.insert(more.end(), kMaxScriptChannels + 1, "d");
    EXPECT_TRUE(say(more).starts_with("-ERR the script is for more than 1000 channels"));
    EXPECT_EQ(host_.published.size(), 3u) << "nothing in part";
    many.pop_back();
    more.pop_back();
    EXPECT_EQ(say(many) + say(more), "$-1\r\n$-1\r\n");
    host_.publishing = Publishing::kNotReady;
    EXPECT_EQ(say({"eval", kScript, "0", "x", "a"}), "-LOADING Tulle is joining or leaving the mesh\r\n");
}

TEST_F(SessionTest, AScriptThatWaitsForRoomGoesOnWhereItWas) {
    host_.room_for = 1;
    EXPECT_EQ(say({"eval", kScript, "0", "x", "a", "b", "c"}), "");
    EXPECT_EQ(next_, Session::Next::kWait);
    host_.room_for = 1;
    EXPECT_EQ(room(), "");
    EXPECT_EQ(next_, Session::Next::kWait);
    host_.room_for = 1;
    EXPECT_EQ(room(), "$-1\r\n");
    EXPECT_EQ(host_.published, (std::vector<std::string>{"default a x", "default b x", "default c x"}));
    host_.room_for = 5;
    say({"multi"});
    EXPECT_EQ(say({"eval", kScript, "0", "y", "a", "b"}), "+QUEUED\r\n");
    say({"ping"});
    host_.room_for = 1;
    EXPECT_EQ(say({"exec"}), "");
    host_.room_for = 1;
    EXPECT_EQ(room(), "*2\r\n$-1\r\n+PONG\r\n");
    EXPECT_EQ(host_.published.size(), 5u);
}

TEST_F(SessionTest, AsksEveryNodeForNumbers) {
    EXPECT_EQ(say({"pubsub", "numsub"}), "*0\r\n");
    EXPECT_EQ(say({"pubsub", "numsub", "b", "a"}), "");
    EXPECT_EQ(next_, Session::Next::kWait);
    EXPECT_EQ(answer({{"a", 3}}), "*4\r\n$1\r\nb\r\n:0\r\n$1\r\na\r\n:3\r\n") << "in the order of the command";
    say({"pubsub", "channels", "a*"});
    EXPECT_EQ(host_.asked.back().pattern, "a*");
    const std::string names = answer({{"a1", 0}, {"a2", 0}});
    EXPECT_TRUE(names == "*2\r\n$2\r\na1\r\n$2\r\na2\r\n" || names == "*2\r\n$2\r\na2\r\n$2\r\na1\r\n")
        << "in no particular order, as with Redis: " << names;
    say({"pubsub", "numpat"});
    EXPECT_EQ(host_.asked.back().kind, Kind::kPattern);
    EXPECT_EQ(answer({{"a*", 0}, {"b*", 0}}), ":2\r\n");
    host_.has_room = false;
    EXPECT_EQ(say({"pubsub", "shardnumsub", "s"}), "");
    host_.has_room = true;
    EXPECT_EQ(room(), "");
    EXPECT_EQ(host_.asked.back().kind, Kind::kShardChannel);
    EXPECT_EQ(answer({}), "*2\r\n$1\r\ns\r\n:0\r\n");
}

TEST_F(SessionTest, DoesTheCommandsOfAnExecInOneReply) {
    EXPECT_EQ(say({"exec"}), "-ERR EXEC without MULTI\r\n");
    EXPECT_EQ(say({"multi"}), "+OK\r\n");
    EXPECT_EQ(say({"multi"}), "-ERR MULTI calls can not be nested\r\n");
    EXPECT_EQ(say({"publish", "a", "x"}), "+QUEUED\r\n");
    EXPECT_EQ(say({"pubsub", "numsub", "a"}), "+QUEUED\r\n");
    EXPECT_EQ(say({"ping"}), "+QUEUED\r\n");
    EXPECT_TRUE(host_.published.empty());
    EXPECT_EQ(say({"exec"}), "") << "the whole reply comes at its end";
    EXPECT_EQ(next_, Session::Next::kWait);
    EXPECT_EQ(answer({{"a", 2}}), "*3\r\n:1\r\n*2\r\n$1\r\na\r\n:2\r\n+PONG\r\n");
    EXPECT_EQ(next_, Session::Next::kGoOn);
    say({"multi"});
    EXPECT_TRUE(say({"nonsense"}).starts_with("-ERR unknown command"));
    EXPECT_EQ(say({"exec"}), "-EXECABORT Transaction discarded because of previous errors.\r\n");
    say({"multi"});
    EXPECT_EQ(say({"discard"}), "+OK\r\n");
    EXPECT_EQ(say({"discard"}), "-ERR DISCARD without MULTI\r\n");
}

TEST_F(SessionTest, DemandsAPasswordWhereEveryRealmHasOne) {
    host_.known = Realms({{"shop", "sesame", {"shop", "default"}}});
    start();
    EXPECT_TRUE(session_->needs_password());
    EXPECT_EQ(say({"publish", "a", "x"}), "-NOAUTH Authentication required.\r\n");
    EXPECT_TRUE(say({"hello", "3"}).starts_with("-NOAUTH HELLO must be called"));
    EXPECT_TRUE(say({"auth", "wrong"}).starts_with("-WRONGPASS"));
    EXPECT_EQ(next_, Session::Next::kGoOn);
    EXPECT_TRUE(say({"hello", "3", "auth", "shop", "wrong"}).starts_with("-WRONGPASS"));
    EXPECT_TRUE(say({"auth", "wrong"}).starts_with("-WRONGPASS"));
    EXPECT_EQ(next_, Session::Next::kClose) << "the address has sent too many";
    EXPECT_EQ(say({"auth", "sesame"}), "+OK\r\n");
    EXPECT_EQ(say({"publish", "a", "x"}), ":1\r\n");
    EXPECT_EQ(host_.published.back(), "shop a x");
    say({"reset"});
    EXPECT_TRUE(session_->needs_password());
}

TEST_F(SessionTest, EndsTheSubscriptionsOfTheRealmThatItLeaves) {
    say({"hello", "3"});
    say({"subscribe", "a"});
    EXPECT_EQ(say({"auth", "shop", "sesame"}), "+OK\r\n");
    EXPECT_FALSE(session_->is_subscriber());
    EXPECT_TRUE(host_.held[Kind::kChannel].empty());
}

TEST_F(SessionTest, SilencesRepliesButNotTheConfirmationsOfSubscriptions) {
    EXPECT_EQ(say({"client", "reply", "skip"}), "");
    EXPECT_EQ(say({"ping"}), "");
    EXPECT_EQ(say({"ping"}), "+PONG\r\n");
    EXPECT_EQ(say({"client", "reply", "off"}), "");
    EXPECT_EQ(say({"publish", "a", "x"}), "");
    EXPECT_EQ(say({"subscribe", "a"}), "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    say({"unsubscribe"});
    say({"pubsub", "numsub", "a"});
    EXPECT_EQ(answer({}), "");
    EXPECT_EQ(say({"client", "reply", "on"}), "+OK\r\n");
}

TEST_F(SessionTest, ListsTheClientsOfItsRealm) {
    say({"client", "setname", "me"});
    EXPECT_EQ(say({"client", "setname", "not me"}),
              "-ERR Client names cannot contain spaces, newlines or special characters.\r\n");
    EXPECT_EQ(say({"client", "getname"}), "$2\r\nme\r\n");
    say({"client", "setinfo", "LIB-NAME", "ioredis"});
    const std::string list = say({"client", "list"});
    EXPECT_NE(list.find("id=1 addr=1.2.3.4:5 laddr=5.6.7.8:9 fd=0 name=me "), std::string::npos) << list;
    EXPECT_NE(list.find("lib-name=ioredis"), std::string::npos);
    say({"auth", "shop", "sesame"});
    say({"multi"});
    say({"ping"});
    start();
    EXPECT_EQ(say({"client", "list"}).find("multi=1"), std::string::npos) << "of another realm";
    EXPECT_EQ(say({"client", "kill", "id", "1"}), ":0\r\n");
    EXPECT_EQ(say({"client", "kill", "id", "2", "skipme", "no"}), ":1\r\n");
    EXPECT_EQ(next_, Session::Next::kClose);
}

class StoreSessionTest : public SessionTest {
protected:
    void SetUp() override {
        host_.known = Realms{{{"default", "", {"default"}, "", "", 1u << 20}}};
        start();
    }
    std::string reply(std::string_view text) {
        std::string out;
        next_ = session_->on_reply(text, out);
        return out;
    }
};

TEST_F(StoreSessionTest, GivesCommandsOfTheKeysToTheStore) {
    EXPECT_EQ(say({"SET", "k", "v"}), "+DONE\r\n");
    EXPECT_EQ(say({"get", "k"}), "+DONE\r\n");
    EXPECT_EQ(host_.store_calls, (std::vector<std::string>{"set v", "get k"}));
    EXPECT_EQ(say({"GET"}), "-ERR wrong number of arguments for 'get' command\r\n");
    EXPECT_EQ(say({"KEYS", "*"}), "-ERR no KEYS here\r\n");
    EXPECT_EQ(host_.store_calls.size(), 2u);
}

TEST_F(StoreSessionTest, WaitsForTheOwnerOfAKey) {
    host_.storing = Storing::kAsked;
    EXPECT_EQ(say({"INCR", "n"}), "");
    EXPECT_EQ(next_, Session::Next::kWait);
    EXPECT_FALSE(session_->waits_for_room());
    EXPECT_EQ(room(), "") << "room in the hub is not the reply";
    EXPECT_EQ(next_, Session::Next::kWait);
    EXPECT_EQ(reply(":7\r\n"), ":7\r\n");
    EXPECT_EQ(next_, Session::Next::kGoOn);
    EXPECT_EQ(session_->take_errors(), 0u);
    EXPECT_EQ(say({"INCR", "n"}), "");
    EXPECT_EQ(reply("-TRYAGAIN\r\n"), "-TRYAGAIN\r\n");
    EXPECT_EQ(session_->take_errors(), 1u);
}

TEST_F(StoreSessionTest, TriesAgainWhenTheStoreIsBusy) {
    host_.storing = Storing::kBusy;
    EXPECT_EQ(say({"SET", "k", "v"}), "");
    EXPECT_TRUE(session_->waits_for_room());
    EXPECT_EQ(room(), "");
    host_.storing = Storing::kDone;
    EXPECT_EQ(room(), "+DONE\r\n");
    EXPECT_EQ(next_, Session::Next::kGoOn);
}

TEST_F(StoreSessionTest, AnExecGathersTheRepliesOfOwners) {
    (void)say({"MULTI"});
    EXPECT_EQ(say({"INCR", "n"}), "+QUEUED\r\n");
    EXPECT_EQ(say({"EXPIRE", "n", "60"}), "+QUEUED\r\n");
    EXPECT_EQ(say({"KEYS", "*"}), "-ERR no KEYS here\r\n");
    EXPECT_EQ(say({"EXEC"}), "-EXECABORT Transaction discarded because of previous errors.\r\n");
    (void)say({"MULTI"});
    (void)say({"INCR", "n"});
    (void)say({"GET", "n"});
    host_.storing = Storing::kAsked;
    EXPECT_EQ(say({"EXEC"}), "");
    host_.storing = Storing::kDone;
    EXPECT_EQ(reply(":1\r\n"), "*2\r\n:1\r\n+DONE\r\n");
    EXPECT_EQ(next_, Session::Next::kGoOn);
}

TEST_F(SessionTest, RefusesByNameWhatIsNotServed) {
    const std::string refusal = say({"XADD", "s", "*", "a", "b"});
    EXPECT_TRUE(refusal.starts_with("-ERR unknown command 'XADD', with args beginning with: 's' '*' 'a' 'b' ("))
        << refusal;
    EXPECT_NE(refusal.find("@socket.io/redis-adapter"), std::string::npos);
    EXPECT_EQ(say({"nonsense"}), "-ERR unknown command 'nonsense', with args beginning with: \r\n");
    EXPECT_EQ(say({"cluster", "slots"}), "-ERR This instance has cluster support disabled\r\n");
    EXPECT_EQ(say({"get"}),
              "-ERR unknown command 'get', with args beginning with: (Tulle keeps keys with "
              "string values only, in a realm with redis_store_bytes)\r\n");
    EXPECT_EQ(say({"publish", "a"}), "-ERR wrong number of arguments for 'publish' command\r\n");
}

}  // namespace
}  // namespace tulle::node::redis::session_test
