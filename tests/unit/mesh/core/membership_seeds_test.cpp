#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "mesh/core/node/mesh_node.hpp"

#include <gtest/gtest.h>

namespace tulle::mesh::membership_seeds_test {
namespace {

constexpr Instant kStart{10s};
const std::string kName = "mesh.example:7001";

template <class T>
std::vector<T> all_of(const Effects& effects) {
    std::vector<T> found;
    for (const Effect& effect : effects) {
        if (const T* what = std::get_if<T>(&effect)) {
            found.push_back(*what);
        }
    }
    return found;
}

/// A node whose peers are given by a name, or by what the test gives it.
class SeedsTest : public testing::Test {
protected:
    SeedsTest() { start({}, {kName}); }

    void start(std::vector<std::string> seeds, std::vector<std::string> names) {
        out_.clear();
        now_ = kStart;
        NodeOptions options{.oid = OriginId{1},
                            .cluster = "test",
                            .name = "a",
                            .version = "1",
                            .endpoints = {"10.0.0.1:7001", "10.0.0.1:7002", "10.0.0.1:6001"}};
        options.timing = timing_;
        options.seeds = std::move(seeds);
        options.seed_names = std::move(names);
        node_ = std::make_unique<MeshNode>(std::move(options), 1);
        node_->set_shards(1);
        node_->start(now_, out_);
    }
    void feed(Input input) {
        node_->step(now_, std::move(input), out_);
        node_->settle(now_, out_);
    }
    void resolved(std::vector<std::string> endpoints, std::string error = {}) {
        feed(NameResolved{kName, std::move(endpoints), std::move(error)});
    }
    /// Time passes, and each look-up is answered by `endpoints`.
    void wait(Duration time, const std::vector<std::string>& endpoints) {
        for (const Instant until = now_ + time; now_ < until;) {
            now_ += 10ms;
            const std::size_t before = all_of<ResolveName>(out_).size();
            node_->settle(now_, out_);
            if (all_of<ResolveName>(out_).size() > before) {
                resolved(endpoints);
            }
        }
    }
    [[nodiscard]] std::set<std::string> dialled() const {
        std::set<std::string> endpoints;
        for (const OpenConnection& open : all_of<OpenConnection>(out_)) {
            endpoints.insert(open.endpoint);
        }
        return endpoints;
    }
    [[nodiscard]] std::size_t open() const {
        return all_of<OpenConnection>(out_).size() - all_of<CloseConnection>(out_).size();
    }
    [[nodiscard]] ConnectionId connection_to(const std::string& endpoint) const {
        ConnectionId connection;
        for (const OpenConnection& each : all_of<OpenConnection>(out_)) {
            connection = each.endpoint == endpoint ? each.connection : connection;
        }
        return connection;
    }
    /// What this node says at an endpoint first.
    [[nodiscard]] Knock knock_at(const std::string& endpoint) {
        feed(ConnectionUp{connection_to(endpoint)});
        for (const SendControl& send : all_of<SendControl>(out_)) {
            if (const auto* knock = std::get_if<Knock>(&send.message.body);
                knock != nullptr && knock->dialled == endpoint) {
                return *knock;
            }
        }
        ADD_FAILURE() << "no knock at " << endpoint;
        return {};
    }
    /// The node there is this one: its knock comes back to it.
    void hear_self(const std::string& endpoint) { feed(Control{OriginId{1}, {}, {}, knock_at(endpoint)}); }
    /// Another node answers there, and a session stands.
    void meet(const std::string& endpoint) {
        const Knock knock = knock_at(endpoint);
        make_session(endpoint, {endpoint, knock.nonce});
    }
    void make_session(const std::string& endpoint, const std::pair<std::string, std::uint64_t>& answered) {
        const Introduction who{"test",           "b", "1", {endpoint, "10.0.0.2:7002", "-"}, kOldestProtocolVersion,
                               kProtocolVersion, true};
        feed(Control{OriginId{2},
                     OriginId{1},
                     {},
                     Hello{who, SessionTag{77}, {std::nullopt, RecordNo{}, {}, {}}, answered.first, answered.second}});
        feed(ConnectionUp{all_of<OpenConnection>(out_).back().connection});
        SessionTag tag;
        for (const SendControl& send : all_of<SendControl>(out_)) {
            if (const auto* welcome = std::get_if<Welcome>(&send.message.body)) {
                tag = welcome->tag;
            }
        }
        feed(Control{OriginId{2}, OriginId{1}, tag, Heartbeat{}});
        ASSERT_NE(node_->membership().find(OriginId{2}), nullptr);
        ASSERT_EQ(node_->membership().find(OriginId{2})->state, PeerState::kAlive);
    }
    [[nodiscard]] std::vector<std::string> warnings() const {
        std::vector<std::string> texts;
        for (const Notice& notice : all_of<Notice>(out_)) {
            if (notice.severity == Severity::kWarn) {
                texts.push_back(notice.text);
            }
        }
        return texts;
    }
    [[nodiscard]] bool is_ready() const { return !all_of<ReadinessChanged>(out_).empty(); }

    Timing timing_;
    std::unique_ptr<MeshNode> node_;
    Instant now_ = kStart;
    Effects out_;
};

TEST_F(SeedsTest, EveryAddressOfANameIsDialledWhateverItsFamilyAndOrder) {
    ASSERT_EQ(all_of<ResolveName>(out_).size(), 1u);
    EXPECT_EQ(all_of<ResolveName>(out_)[0].name, kName);
    EXPECT_TRUE(dialled().empty());
    resolved({"[fd00::3]:7001", "10.0.0.2:7001", "10.0.0.1:7001", "10.0.0.2:7001"});
    EXPECT_EQ(dialled(), (std::set<std::string>{"10.0.0.2:7001", "[fd00::3]:7001"})) << "not the node's own address";
    EXPECT_EQ(node_->status(now_).configured, 2u);
}

TEST_F(SeedsTest, ANameIsLookedUpAgainAndNewAddressesAreDialled) {
    resolved({"10.0.0.1:7001"});
    wait(10s, {"10.0.0.1:7001", "10.0.0.2:7001"});
    EXPECT_GE(all_of<ResolveName>(out_).size(), 2u);
    EXPECT_LE(all_of<ResolveName>(out_).size(), 4u);
    EXPECT_EQ(dialled(), (std::set<std::string>{"10.0.0.2:7001"}));
}

TEST_F(SeedsTest, AnAddressThatIsNoLongerGivenIsForgottenAfterAWhileAndItsLinksAreClosed) {
    resolved({"10.0.0.2:7001", "10.0.0.3:7001"});
    wait(Timing{}.resolved_for - 10s, {"10.0.0.3:7001"});
    EXPECT_EQ(node_->status(now_).configured, 2u) << "a name server may give a part of the addresses each time";
    wait(20s, {"10.0.0.3:7001"});
    EXPECT_EQ(node_->status(now_).configured, 1u);
    out_.clear();
    wait(5s, {"10.0.0.3:7001"});
    EXPECT_EQ(dialled(), (std::set<std::string>{"10.0.0.3:7001"}));
}

TEST_F(SeedsTest, AFailedLookUpIsRepeatedSoonAndTakesNoAddressAway) {
    resolved({}, "Name or service not known");
    out_.clear();
    wait(1500ms, {"10.0.0.2:7001"});
    EXPECT_EQ(dialled(), (std::set<std::string>{"10.0.0.2:7001"}));
    for (int i = 0; i < 100; ++i) {
        wait(1s, {});
    }
    EXPECT_EQ(node_->status(now_).configured, 1u);
}

TEST_F(SeedsTest, OneNameIsAskedOnceUntilItIsAnswered) {
    for (int i = 0; i < 6000; ++i) {
        now_ += 10ms;
        node_->settle(now_, out_);
    }
    EXPECT_EQ(all_of<ResolveName>(out_).size(), 1u);
}

TEST_F(SeedsTest, AddressesOfANameAreBounded) {
    std::vector<std::string> many;
    for (int i = 0; i < 1000; ++i) {
        many.push_back("10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ":7001");
    }
    resolved(many);
    EXPECT_EQ(open(), Limits{}.addresses_per_name);
    EXPECT_EQ(node_->status(now_).configured, Limits{}.addresses_per_name);
    EXPECT_EQ(warnings().size(), 1u) << "that not all are dialled is said once";
    std::vector<std::string> others;
    for (int i = 0; i < 1000; ++i) {
        others.push_back("10.2." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ":7001");
        if (i % 100 == 99) {
            wait(7s, others);  // every answer takes the places of addresses that are no longer given
        }
    }
    EXPECT_EQ(node_->status(now_).configured, Limits{}.addresses_per_name);
    out_.clear();
    wait(4s, others);
    for (const std::string& endpoint : dialled()) {
        EXPECT_TRUE(endpoint.starts_with("10.2.")) << endpoint;
    }
}

TEST_F(SeedsTest, AKnockUnderThisNodesIdThatIsNotItsOwnChangesNothing) {
    start({"10.0.0.2:7001"}, {});
    Knock forged = knock_at("10.0.0.2:7001");
    ++forged.nonce;
    feed(Control{OriginId{1}, {}, {}, forged});
    EXPECT_EQ(node_->status(now_).configured, 1u) << "its peer is not taken for the node itself";
    EXPECT_TRUE(all_of<CloseConnection>(out_).empty());
    meet("10.0.0.2:7001");
}

TEST_F(SeedsTest, AHelloThatAnswersNoKnockDoesNotStandForThePeerThere) {
    start({"10.0.0.2:7001"}, {});
    const Knock knock = knock_at("10.0.0.2:7001");
    const Introduction stranger{"test",           "x", "1", {"10.6.6.6:1", "10.6.6.6:2", "-"}, kOldestProtocolVersion,
                                kProtocolVersion, true};
    for (const std::uint64_t guess : {std::uint64_t{0}, knock.nonce + 1}) {
        const Hello forged{stranger, SessionTag{66}, {std::nullopt, RecordNo{}, {}, {}}, "10.0.0.2:7001", guess};
        feed(Control{OriginId{6}, OriginId{1}, {}, forged});
        EXPECT_TRUE(all_of<CloseConnection>(out_).empty()) << "this node goes on knocking there";
        EXPECT_FALSE(is_ready());
    }
    meet("10.0.0.2:7001");
}

TEST_F(SeedsTest, APeerThatDialsFirstCountsForItsEndpoint) {
    start({"10.0.0.2:7001"}, {});
    make_session("10.0.0.2:7001", {});
    EXPECT_EQ(node_->status(now_).met, 1u);
    out_.clear();
    wait(1s, {"10.0.0.2:7001"});
    EXPECT_TRUE(dialled().empty());
}

TEST_F(SeedsTest, AConfiguredPeerThatIsDeadIsShownForAsLongAsItIsAway) {
    start({"10.0.0.2:7001"}, {});
    meet("10.0.0.2:7001");
    const ConnectionId connection = *node_->membership().find(OriginId{2})->connection;
    feed(ConnectionDown{connection});
    feed(EndpointChecked{connection, EndpointState::kRefused});
    const auto members = node_->status(now_ + Timing{}.dead_shown + 1h).members;
    ASSERT_EQ(members.size(), 1u);
    EXPECT_EQ(members[0].state, "dead");
}

TEST_F(SeedsTest, AnAddressWhereThisNodeAnswersIsTriedAgainWhileItIsAlone) {
    resolved({"10.9.9.9:7001"});  // of a balancer
    hear_self("10.9.9.9:7001");
    EXPECT_EQ(node_->status(now_).configured, 0u);
    EXPECT_TRUE(is_ready());
    out_.clear();
    wait(Timing{}.redial_self - 1s, {"10.9.9.9:7001"});
    EXPECT_TRUE(dialled().empty());
    wait(2s, {"10.9.9.9:7001"});
    EXPECT_EQ(dialled(), (std::set<std::string>{"10.9.9.9:7001"}));
    meet("10.9.9.9:7001");
    out_.clear();
    wait(500ms, {"10.9.9.9:7001"});
    EXPECT_TRUE(dialled().empty());
}

TEST_F(SeedsTest, ASecondAddressOfANodeInSessionIsNotDialledForEver) {
    resolved({"10.0.0.2:7001", "[fd00::2]:7001"});
    meet("10.0.0.2:7001");
    const Knock knock = knock_at("[fd00::2]:7001");
    const Introduction who{"test",           "b", "1", {"10.0.0.2:7001", "10.0.0.2:7002", "-"}, kOldestProtocolVersion,
                           kProtocolVersion, true};
    feed(Control{OriginId{2},
                 OriginId{1},
                 {},
                 Hello{who, SessionTag{77}, {std::nullopt, RecordNo{}, {}, {}}, "[fd00::2]:7001", knock.nonce}});
    EXPECT_EQ(node_->status(now_).met, 2u);
    out_.clear();
    wait(900ms, {"10.0.0.2:7001", "[fd00::2]:7001"});
    EXPECT_TRUE(dialled().empty());
}

TEST_F(SeedsTest, ServesOnlyWhenTheAddressesHadTheirTime) {
    now_ += 1900ms;
    resolved({"10.0.0.2:7001"});
    wait(1s, {});
    EXPECT_FALSE(is_ready()) << "the address has 2 s of its own";
    wait(1100ms, {});
    EXPECT_TRUE(is_ready());
}

TEST_F(SeedsTest, ANodeThatIsAloneSaysWhy) {
    start({"10.0.0.5:7001", "10.0.0.6:7001"}, {kName});
    resolved({}, "Name or service not known");
    feed(EndpointChecked{connection_to("10.0.0.5:7001"), EndpointState::kRefused});
    const auto pass = [this](Duration time) {
        for (const Instant until = now_ + time; now_ < until;) {
            now_ += 10ms;
            const std::size_t before = all_of<ResolveName>(out_).size();
            node_->settle(now_, out_);
            if (all_of<ResolveName>(out_).size() > before) {
                resolved({}, "Name or service not known");
            }
            feed(EndpointChecked{connection_to("10.0.0.5:7001"), EndpointState::kRefused});
        }
    };
    pass(6s);
    ASSERT_EQ(warnings().size(), 1u);
    EXPECT_EQ(
        warnings()[0],
        "this node is alone, without any of its 3 configured peers: mesh.example:7001 (the name has no address: Name or"
        " service not known); 10.0.0.5:7001 (nobody listens there); 10.0.0.6:7001 (cannot be connected to)");
    pass(30s);
    EXPECT_EQ(warnings().size(), 1u);
    pass(40s);
    EXPECT_EQ(warnings().size(), 2u) << "once a minute";
}

TEST_F(SeedsTest, ANodeThatIsAloneSaysWhatItHasSeenAtEachEndpoint) {
    const std::vector<std::string> seeds{"10.0.0.5:1", "10.0.0.5:2", "10.0.0.5:3", "10.0.0.5:4"};
    start(seeds, {});
    std::set<std::uint32_t> played;
    for (const Instant until = now_ + 6s; now_ < until;) {
        for (const std::string& endpoint : seeds) {
            const ConnectionId connection = connection_to(endpoint);
            if (endpoint == seeds[0] || !played.insert(connection.value).second) {
                continue;
            }
            feed(EndpointChecked{connection, EndpointState::kOpen});
            if (endpoint == seeds[2] || endpoint == seeds[3]) {
                const Knock knock = knock_at(endpoint);
                feed(EndpointChecked{connection, EndpointState::kOpen});  // the two answers come in any order
                if (endpoint == seeds[3]) {
                    feed(Control{OriginId{2},
                                 OriginId{1},
                                 {},
                                 Refuse{RefusalReason::kNameTaken, "the name 'a' is held", knock.nonce}});
                }
            }
        }
        now_ += 10ms;
        node_->settle(now_, out_);
    }
    ASSERT_FALSE(warnings().empty());
    const std::vector<std::string> said = warnings();
    EXPECT_NE(std::find(said.begin(), said.end(),
                        "this node is alone, without any of its 4 configured peers: 10.0.0.5:1 (cannot be connected "
                        "to); 10.0.0.5:2 (takes"
                        " connections and speaks no mesh protocol: is this the mesh port?); 10.0.0.5:3 (answers "
                        "nothing); 10.0.0.5:4"
                        " (refuses this node, as another one holds its name)"),
              said.end())
        << said.back();
}

TEST_F(SeedsTest, ANodeWhosePeersAreThereSaysNothing) {
    start({"10.0.0.2:7001"}, {});
    meet("10.0.0.2:7001");
    wait(900ms, {});
    EXPECT_TRUE(warnings().empty());
    start({"10.0.0.1:7001"}, {});
    wait(70s, {});
    EXPECT_TRUE(warnings().empty()) << "its only peer is itself";
}

/// A node that has met b at 10.0.0.2:7001, and b is heard for as long as the test wants.
class UnmetTest : public SeedsTest {
protected:
    UnmetTest() {
        // b does not ask for this node's interest.
        timing_.interest_patience = timing_.interest_patience_again = timing_.interest_patience_most = 1h;
    }
    void begin(std::vector<std::string> others) {
        others.insert(others.begin(), "10.0.0.2:7001");
        start(std::move(others), {});
        meet("10.0.0.2:7001");
        for (const SendControl& send : all_of<SendControl>(out_)) {
            if (const auto* welcome = std::get_if<Welcome>(&send.message.body)) {
                tag_ = welcome->tag;
            }
        }
    }
    /// b goes on speaking, and hears this node. Meanwhile `play` is called each 50 ms.
    void hear(
        Duration time, const std::function<void()>& play = [] {}) {
        for (const Instant until = now_ + time; now_ < until;) {
            now_ += 50ms;
            play();
            Heartbeat beat;
            beat.sent_at_us = now_.time_since_epoch() / 1us;
            beat.echo_us = beat.sent_at_us - 1000;
            feed(Control{OriginId{2}, OriginId{1}, tag_, beat});
            feed(Data{OriginId{2}, OriginId{1}, tag_, Tail{}});
        }
    }
    [[nodiscard]] std::vector<std::string> told() const {
        std::vector<std::string> texts;
        for (const Notice& notice : all_of<Notice>(out_)) {
            if (notice.kind == EventKind::kUnmet) {
                texts.push_back(notice.text);
            }
        }
        return texts;
    }
    [[nodiscard]] SeedStatus seed(const std::string& endpoint) const {
        for (const SeedStatus& each : node_->status(now_).seeds) {
            if (each.endpoint == endpoint) {
                return each;
            }
        }
        return {};
    }

    SessionTag tag_;
};

TEST_F(UnmetTest, ACauseIsToldOnceAMinuteWhateverTheNumberOfPeersAndAttempts) {
    begin({"10.0.0.5:7001", "10.0.0.6:7001", "10.0.0.7:7001"});
    hear(4s);
    EXPECT_TRUE(told().empty()) << "a peer may start later than this node";
    const auto refuse_one = [this] { feed(EndpointChecked{connection_to("10.0.0.7:7001"), EndpointState::kRefused}); };
    hear(4s, refuse_one);
    ASSERT_EQ(told().size(), 2u) << "one line for each cause";
    EXPECT_TRUE(told()[0].starts_with("2 configured peers are not met: 10.0.0.5:7001 (cannot be connected to; for"))
        << told()[0];
    EXPECT_NE(told()[0].find("10.0.0.6:7001 ("), std::string::npos);
    EXPECT_TRUE(told()[1].starts_with("a configured peer is not met: 10.0.0.7:7001 (nobody listens there; for"))
        << told()[1];
    hear(50s, refuse_one);
    EXPECT_EQ(told().size(), 2u);
    hear(12s, refuse_one);
    EXPECT_EQ(told().size(), 4u) << "again after a minute";
    EXPECT_EQ(node_->membership().find(OriginId{2})->state, PeerState::kAlive) << "the test kept b alive";
}

TEST_F(UnmetTest, StatusTellsOfEachPeerWhetherItIsMetAndWhyNot) {
    begin({"10.0.0.5:7001", "10.0.0.2:7002", "10.0.0.8:7002", "10.0.0.1:7001"});
    hear(3s, [this] {
        feed(EndpointChecked{connection_to("10.0.0.5:7001"), EndpointState::kRefused});
        feed(EndpointChecked{connection_to("10.0.0.2:7002"), EndpointState::kOpen});
        feed(EndpointChecked{connection_to("10.0.0.8:7002"), EndpointState::kOpen});
    });
    EXPECT_EQ(seed("10.0.0.2:7001").state, "met");
    EXPECT_EQ(seed("10.0.0.1:7001").state, "self");
    EXPECT_EQ(seed("10.0.0.5:7001").state, "unmet");
    EXPECT_EQ(seed("10.0.0.5:7001").reason, "closed");
    EXPECT_GT(seed("10.0.0.5:7001").attempts, 3u);
    EXPECT_GE(seed("10.0.0.5:7001").since_ms, 3000u);
    EXPECT_EQ(seed("10.0.0.2:7002").reason, "wrong-port");
    EXPECT_EQ(seed("10.0.0.2:7002").text, "is the port of b for data, and its mesh port is 10.0.0.2:7001");
    EXPECT_NE(seed("10.0.0.8:7002")
                  .text.find("7002 is the port of mesh_data here, and peers names mesh ports: here"
                             " 7001"),
              std::string::npos)
        << seed("10.0.0.8:7002").text;
}

TEST_F(UnmetTest, APeerThatHasLeftIsNoReasonForALine) {
    begin({});
    feed(Control{OriginId{2}, OriginId{1}, tag_, Leave{}});
    wait(70s, {});
    for (const std::string& text : told()) {
        EXPECT_TRUE(text.starts_with("this node is alone")) << text;
    }
    EXPECT_EQ(seed("10.0.0.2:7001").reason, "left");
}

}  // namespace
}  // namespace tulle::mesh::membership_seeds_test
