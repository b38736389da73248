#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "mesh/core/node/mesh_node.hpp"

namespace tulle::mesh::trace_test {
namespace {

constexpr Instant kStart{10s};

/// Three real nodes in one room: what one says the others hear at once, but for what the test lets fall.
class TraceTest : public testing::Test {
protected:
    struct Mail {
        std::size_t to;
        Input input;
    };

    TraceTest() {
        for (std::uint64_t i = 1; i <= 3; ++i) {
            const std::string name = "n" + std::to_string(i);
            nodes_.push_back(
                std::make_unique<MeshNode>(NodeOptions{.oid = OriginId{i},
                                                       .cluster = "test",
                                                       .name = name,
                                                       .version = "1",
                                                       .endpoints = {name + ":1", name + ":2", name + ":3"},
                                                       .seeds = {"n1:1"},
                                                       .timing = {},
                                                       .limits = {}},
                                           i));
            nodes_.back()->set_shards(3);
        }
        connections_.resize(3);
        for (std::size_t i = 0; i < 3; ++i) {
            Effects out;
            nodes_[i]->start(now_, out);
            take(i, out);
        }
        run_for(3s);
        for (const std::size_t node : {1u, 2u}) {
            subscribe(node, 0);
        }
        run_for(1s);
    }

    void subscribe(std::size_t node, std::uint16_t shard) {
        mail_.push_back({node, PortInput{ShardIndex{shard}, Subscribe{"app/news", 1}}});
    }

    void take(std::size_t from, const Effects& effects) {
        for (const Effect& effect : effects) {
            if (const auto* open = std::get_if<OpenConnection>(&effect)) {
                connections_[from][open->connection] = node_at(open->endpoint);
                mail_.push_back({from, ConnectionUp{open->connection}});
            } else if (const auto* connect = std::get_if<ConnectData>(&effect)) {
                mail_.push_back({node_at(connect->endpoint), SubscriberSeen{OriginId{from + 1}}});
            } else if (const auto* control = std::get_if<SendControl>(&effect)) {
                const std::size_t to = connections_[from].at(control->connection);
                if (!drop_control_ || !drop_control_(from, to)) {
                    mail_.push_back({to, control->message});
                }
            } else if (const auto* data = std::get_if<SendData>(&effect)) {
                const std::size_t to = data->message.dst.value - 1;
                if (!drop_data_ || !drop_data_(from, to)) {
                    mail_.push_back({to, data->message});
                }
            } else if (const auto* answer = std::get_if<ToPort>(&effect)) {
                if (const auto* result = std::get_if<TraceResult>(&answer->message)) {
                    result_ = *result;
                }
            } else if (const auto* local = std::get_if<DeliverLocal>(&effect)) {
                ++delivered_;
                numbered_[from] = local->numbered;
            }
        }
    }

    static std::size_t node_at(const std::string& endpoint) { return static_cast<std::size_t>(endpoint[1] - '1'); }

    void turn(std::size_t node, const std::vector<Input>& inputs) {
        Effects out;
        for (const Input& input : inputs) {
            nodes_[node]->step(now_, input, out);
        }
        nodes_[node]->settle(now_, out);
        take(node, out);
    }

    void run_for(Duration time) {
        for (const Instant end = now_ + time; now_ < end; now_ += 1ms) {
            std::vector<Mail> mail;
            mail.swap(mail_);
            for (const Mail& letter : mail) {
                if (letter.to == frozen_) {
                    mail_.push_back(letter);
                } else {
                    turn(letter.to, {letter.input});
                }
            }
            for (std::size_t i = 0; i < nodes_.size(); ++i) {
                if (i != frozen_ && nodes_[i]->next_deadline() <= now_) {
                    turn(i, {});
                }
            }
        }
    }

    /// The lines of a trace that n1 sends.
    std::vector<TraceLine> trace(Duration timeout = 1s) {
        result_.reset();
        turn(0, {PortInput{ShardIndex{1}, Trace{9, "app/news", timeout}}});
        run_for(timeout + 10ms);
        EXPECT_TRUE(result_.has_value());
        EXPECT_EQ(delivered_, 0u);
        return result_ ? result_->lines : std::vector<TraceLine>{};
    }

    std::vector<std::unique_ptr<MeshNode>> nodes_;
    std::vector<std::map<ConnectionId, std::size_t>> connections_;
    std::vector<Mail> mail_;
    std::function<bool(std::size_t, std::size_t)> drop_control_;
    std::function<bool(std::size_t, std::size_t)> drop_data_;
    std::optional<std::size_t> frozen_;
    std::optional<TraceResult> result_;
    std::size_t delivered_ = 0;
    /// Of the last delivery on each node.
    std::map<std::size_t, Numbered> numbered_;
    Instant now_ = kStart;
};

TEST_F(TraceTest, ReachesEveryNodeWithASubscriberAndNoClient) {
    subscribe(2, 1);
    run_for(100ms);
    const auto lines = trace();
    ASSERT_EQ(lines.size(), 3u);
    EXPECT_EQ(lines[0].name, "n1");
    EXPECT_EQ(lines[0].fate, TraceFate::kOrigin);
    EXPECT_EQ(lines[0].shards, 0u);
    for (const std::size_t i : {1u, 2u}) {
        EXPECT_EQ(lines[i].fate, TraceFate::kGot);
        EXPECT_EQ(lines[i].path, TracePath::kDirect);
        EXPECT_EQ(lines[i].shards, i);
        EXPECT_EQ(lines[i].reported_us, 1'000);  // at the receiver's turn, and back a turn later
        ASSERT_TRUE(lines[i].received_us.has_value());
        EXPECT_LE(std::abs(*lines[i].received_us), static_cast<std::int64_t>(lines[i].clock_error_us));
    }
}

TEST_F(TraceTest, SaysWhoHasNoSubscriber) {
    turn(2, {PortInput{ShardIndex{0}, Unsubscribe{"app/news"}}});
    run_for(100ms);
    const auto lines = trace();
    ASSERT_EQ(lines.size(), 3u);
    EXPECT_EQ(lines[1].fate, TraceFate::kGot);
    EXPECT_EQ(lines[2].fate, TraceFate::kNoSubscriber);
}

TEST_F(TraceTest, SaysThatALostFrameWasRepaired) {
    bool lost = false;
    drop_data_ = [&](std::size_t from, std::size_t to) { return from == 0 && to == 1 && !std::exchange(lost, true); };
    const auto lines = trace();
    ASSERT_EQ(lines.size(), 3u);
    EXPECT_EQ(lines[1].fate, TraceFate::kGot);
    EXPECT_EQ(lines[1].path, TracePath::kRepaired);
    EXPECT_EQ(lines[2].path, TracePath::kDirect);
}

TEST_F(TraceTest, NamesTheWitnessThatRelaysRoundAOneWayLink) {
    const auto cut = [](std::size_t from, std::size_t to) { return from == 0 && to == 1; };
    drop_data_ = cut;
    drop_control_ = cut;
    run_for(3s);
    const auto lines = trace();
    ASSERT_EQ(lines.size(), 3u);
    EXPECT_EQ(lines[1].fate, TraceFate::kGot);
    EXPECT_EQ(lines[1].path, TracePath::kRelayed);
    EXPECT_EQ(lines[1].via, "n3");
    EXPECT_EQ(lines[2].path, TracePath::kDirect);
    const NodeStatus seen = nodes_[1]->status(now_);
    ASSERT_TRUE(seen.members[0].session.has_value());
    EXPECT_EQ(seen.members[0].state, "partial");
    EXPECT_EQ(seen.members[0].session->heard_via, "n3");
    EXPECT_EQ(nodes_[0]->status(now_).members[0].session->hears_via, "n3");
}

TEST_F(TraceTest, SaysWhoHasNotReported) {
    drop_data_ = [](std::size_t from, std::size_t to) { return from == 0 && to == 1; };
    const auto lines = trace(100ms);
    ASSERT_EQ(lines.size(), 3u);
    EXPECT_EQ(lines[1].fate, TraceFate::kNoReport);
    EXPECT_EQ(lines[2].fate, TraceFate::kGot);
}

/// n2 takes n1 for dead (and n1 n2), while n3 hears both: what n3 has got of n1, it fills in; the report waits until n1
/// and n2 have a session again.
TEST_F(TraceTest, NamesTheSurvivorThatFillsIn) {
    const auto cut = [](std::size_t from, std::size_t to) { return from == 0 && to != 0; };
    drop_data_ = [](std::size_t from, std::size_t to) { return from == 0 && to == 1; };
    run_for(10ms);
    result_.reset();
    turn(0, {PortInput{ShardIndex{1}, Trace{9, "app/news", 30s}}});
    run_for(10ms);  // n3 has it
    drop_data_ = cut;
    drop_control_ = [](std::size_t from, std::size_t to) { return from == 0 || to == 0; };
    run_for(8s);
    EXPECT_FALSE(result_.has_value());
    drop_data_ = nullptr;
    drop_control_ = nullptr;
    run_for(5s);
    ASSERT_TRUE(result_.has_value());
    EXPECT_EQ(result_->lines[1].fate, TraceFate::kGot);
    EXPECT_EQ(result_->lines[1].path, TracePath::kFilledIn);
    EXPECT_EQ(result_->lines[1].via, "n3");
    EXPECT_EQ(delivered_, 0u);
}

TEST_F(TraceTest, RefusesWhatItCannotSend) {
    turn(0, {PortInput{ShardIndex{1}, Trace{9, "", 1s}}});
    ASSERT_TRUE(result_.has_value());
    EXPECT_EQ(result_->outcome, TraceOutcome::kBadChannel);
    drop_data_ = [](std::size_t from, std::size_t) { return from == 0; };
    for (std::size_t i = 0; i < Limits{}.traces; ++i) {
        turn(0, {PortInput{ShardIndex{1}, Trace{i, "app/news", 1s}}});
    }
    EXPECT_EQ(result_->outcome, TraceOutcome::kBadChannel);
    turn(0, {PortInput{ShardIndex{1}, Trace{9, "app/news", 1s}}});
    EXPECT_EQ(result_->outcome, TraceOutcome::kTooMany);
    turn(0, {LeaveRequest{1s}, PortInput{ShardIndex{1}, Trace{9, "app/news", 1s}}});
    EXPECT_EQ(result_->outcome, TraceOutcome::kNotReady);
}

TEST_F(TraceTest, ASleepIsNoRoundTrip) {
    frozen_ = 2;
    run_for(1'500ms);
    frozen_.reset();
    run_for(100ms);
    for (const MemberStatus& member : nodes_[2]->status(now_).members) {
        EXPECT_EQ(member.state, "alive");
        EXPECT_LT(member.rtt_us, 5'000u);
    }
}

TEST_F(TraceTest, EachNodeKnowsWhenADeliveredMessageWasNumbered) {
    subscribe(0, 1);
    run_for(1s);
    const Instant begun = now_;
    drop_data_ = [](std::size_t, std::size_t to) { return to == 2; };
    turn(0, {PortInput{ShardIndex{0}, Publish{0, {"app/news"}, share(EventBody("e", "1"))}}});
    run_for(100ms);
    EXPECT_EQ(numbered_.at(0), (Numbered{Numbered::By::kThisNode, begun}));
    EXPECT_EQ(numbered_.at(1).by, Numbered::By::kOtherNode);
    EXPECT_EQ(numbered_.at(1).path, TracePath::kDirect);
    const std::optional<SessionStatus> session = nodes_[1]->status(now_).members[0].session;
    ASSERT_TRUE(session && session->clock_error_us > 0);
    const auto off_us = static_cast<std::uint64_t>(std::abs((numbered_.at(1).at - begun) / 1us));
    EXPECT_LE(off_us, session->clock_error_us) << "all nodes have one clock here";
    // The origin dies, and what the third node has missed is filled in by the second, with its time.
    drop_data_ = nullptr;
    ASSERT_FALSE(numbered_.contains(2));
    frozen_ = 0;
    run_for(10s);
    ASSERT_TRUE(numbered_.contains(2));
    EXPECT_EQ(numbered_.at(2).by, Numbered::By::kOtherNode);
    EXPECT_EQ(numbered_.at(2).path, TracePath::kFilledIn);
    EXPECT_LE(std::abs((numbered_.at(2).at - begun) / 1ms), 2);
}

TEST_F(TraceTest, AMessageOfATraceAlwaysSaysWhenItWasNumbered) {
    subscribe(0, 1);
    run_for(1s);
    Publish publish{0, {"app/news"}, share(EventBody("e", "1"))};
    turn(0, {PortInput{ShardIndex{0}, publish}, PortInput{ShardIndex{0}, publish}});
    EXPECT_EQ(numbered_.at(0).by, Numbered::By::kUnknown) << "the second of a millisecond";
    publish.context = share(std::string(24, 'c'));
    turn(0, {PortInput{ShardIndex{0}, publish}});
    EXPECT_EQ(numbered_.at(0).by, Numbered::By::kThisNode);
    drop_data_ = nullptr;
    run_for(10ms);
    EXPECT_EQ(numbered_.at(1).by, Numbered::By::kOtherNode);
}

TEST_F(TraceTest, TheStatusOfAHealthyPairAgrees) {
    const NodeStatus a = nodes_[0]->status(now_);
    const NodeStatus b = nodes_[1]->status(now_);
    const MemberStatus& b_of_a = a.members[0];
    const MemberStatus& a_of_b = b.members[0];
    ASSERT_TRUE(b_of_a.session && a_of_b.session);
    EXPECT_EQ(b_of_a.session->tag, a_of_b.session->peer_tag);
    EXPECT_EQ(b_of_a.session->peer_tag, a_of_b.session->tag);
    EXPECT_EQ(b_of_a.sessions, 1u);
    EXPECT_EQ(b_of_a.session->interest_version, b.interest_version);
    EXPECT_EQ(b_of_a.session->interest_digest, b.interest_digest);
    EXPECT_NE(b.interest_digest, a.interest_digest);
    EXPECT_EQ(a_of_b.session->acked_version, b.interest_version);
    EXPECT_LT(b_of_a.session->data_silent_ms, 1'500u);
    // All have one clock here.
    EXPECT_LE(std::abs(b_of_a.session->clock_offset_us), static_cast<std::int64_t>(b_of_a.session->clock_error_us));
}

}  // namespace
}  // namespace tulle::mesh::trace_test
