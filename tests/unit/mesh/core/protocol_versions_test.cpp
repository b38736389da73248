#include <gtest/gtest.h>

#include "mesh/core/node/mesh_node.hpp"
#include "tests/unit/mesh/core/played_peer.hpp"

namespace tulle::mesh::protocol_versions_test {
namespace {

/// One real node and peers that the test plays, of whatever version.
class ProtocolVersions : public testing::Test {
protected:
    explicit ProtocolVersions(std::uint32_t newest = kProtocolVersion) : node_(options(newest), 1) {
        node_.set_shards(1);
        node_.start(kStart, out_);
    }

    static NodeOptions options(std::uint32_t newest) {
        return {.oid = OriginId{1},
                .cluster = "test",
                .name = "a",
                .version = "1",
                .endpoints = {"a:1", "a:2", "a:3"},
                .seeds = {},
                .timing = {},
                .limits = {},
                .newest_protocol = newest};
    }
    static std::string name(std::uint64_t oid) { return "n" + std::to_string(oid); }

    void feed(Input input) {
        node_.step(now_, input, out_);
        node_.settle(now_, out_);
    }

    /// The peer says Hello, and its connection comes up. A refusal may be the answer.
    void meet(std::uint64_t oid, std::uint32_t oldest, std::uint32_t newest) {
        const std::string at = name(oid);
        const Introduction who{"test", at, "1", {at + ":1", at + ":2", at + ":3"}, oldest, newest, true};
        feed(Control{
            OriginId{oid}, OriginId{1}, {}, Hello{who, SessionTag{77}, {std::nullopt, RecordNo{}, {}, {}}, {}}});
        for (const Effect& effect : Effects(out_)) {
            const auto* open = std::get_if<OpenConnection>(&effect);
            if (open != nullptr && open->endpoint == at + ":1") {
                feed(ConnectionUp{open->connection});
            }
        }
        if (const auto welcomes = controls<Welcome>(out_); !welcomes.empty()) {
            feed(Control{OriginId{oid}, OriginId{1}, welcomes.back().tag, Heartbeat{}});
        }
    }

    /// Versions in which messages of a session were written.
    [[nodiscard]] std::set<std::uint32_t> written_to(std::uint64_t oid) const {
        std::set<std::uint32_t> versions;
        for (const Effect& effect : out_) {
            const auto* control = std::get_if<SendControl>(&effect);
            const auto* data = std::get_if<SendData>(&effect);
            if (control != nullptr && control->message.dst == OriginId{oid} && control->message.tag != SessionTag{}) {
                versions.insert(control->message.protocol);
            }
            if (data != nullptr && data->message.dst == OriginId{oid}) {
                versions.insert(data->message.protocol);
            }
        }
        return versions;
    }

    MeshNode node_;
    Instant now_ = kStart;
    Effects out_;
};

using Written = std::set<std::uint32_t>;

TEST_F(ProtocolVersions, ASessionIsInTheNewestThatBothSpeak) {
    meet(2, kOldestProtocolVersion, kProtocolVersion);
    meet(3, kOldestProtocolVersion - 1, kOldestProtocolVersion);
    meet(4, kProtocolVersion, kProtocolVersion + 1);
    for (int i = 0; i < 150; ++i) {  // heartbeats and tails to each
        now_ += 10ms;
        node_.settle(now_, out_);
    }
    EXPECT_EQ(written_to(2), Written{kProtocolVersion});
    EXPECT_EQ(written_to(3), Written{kOldestProtocolVersion});
    EXPECT_EQ(written_to(4), Written{kProtocolVersion});
    const NodeStatus status = node_.status(now_);
    ASSERT_EQ(status.members.size(), 3u);
    EXPECT_EQ(status.members[1].session.value().protocol, kOldestProtocolVersion);
    EXPECT_EQ(status.members[2].session.value().protocol, kProtocolVersion);
}

TEST_F(ProtocolVersions, WhatAllSpeakIsTheOldestThatAMemberInSessionSpeaks) {
    EXPECT_EQ(node_.membership().common_protocol(), kProtocolVersion) << "alone";
    meet(2, kOldestProtocolVersion, kProtocolVersion);
    EXPECT_EQ(node_.membership().common_protocol(), kProtocolVersion);
    meet(3, kOldestProtocolVersion, kOldestProtocolVersion);
    EXPECT_EQ(node_.membership().common_protocol(), kOldestProtocolVersion);
    now_ += 10s;  // both have fallen silent
    for (int i = 0; i < 1000; ++i) {
        now_ += 10ms;
        node_.settle(now_, out_);
    }
    EXPECT_EQ(node_.membership().common_protocol(), kProtocolVersion) << "no session with it stands";
}

TEST_F(ProtocolVersions, WhoSpeaksNoneOfOursIsRefused) {
    meet(2, kProtocolVersion + 1, kProtocolVersion + 2);
    meet(3, kOldestProtocolVersion - 1, kOldestProtocolVersion - 1);
    const std::vector<Refuse> refusals = controls<Refuse>(out_);
    ASSERT_EQ(refusals.size(), 2u);
    for (const Refuse& refusal : refusals) {
        EXPECT_EQ(refusal.reason, RefusalReason::kProtocol);
        EXPECT_NE(refusal.text.find("2 to 3"), std::string::npos) << refusal.text;
    }
}

TEST_F(ProtocolVersions, DataThatAreNotJsonWaitUntilAllSpeakTheVersionThatHasThem) {
    meet(2, kOldestProtocolVersion, kProtocolVersion);
    for (int i = 0; i < 300; ++i) {
        now_ += 10ms;
        node_.settle(now_, out_);
    }
    meet(2, kOldestProtocolVersion, kProtocolVersion);
    ASSERT_TRUE(node_.ready());
    const auto outcome = [this](DataKind kind) {
        out_.clear();
        feed(PortInput{ShardIndex{0}, Publish{1, {"app/a"}, share(EventBody("e", "1", kind)), {}}});
        return to_shards<Published>(out_).at(0).outcome;
    };
    EXPECT_EQ(outcome(DataKind::kBytes), PublishOutcome::kAccepted);
    out_.clear();
    meet(3, kOldestProtocolVersion, kOldestProtocolVersion);
    EXPECT_EQ(outcome(DataKind::kBytes), PublishOutcome::kNotSpoken);
    EXPECT_EQ(outcome(DataKind::kJson), PublishOutcome::kAccepted);
}

/// What tells others which versions we speak must not change what a stranger's word about a member is worth.
TEST_F(ProtocolVersions, AKnockInAMembersNameDoesNotChangeItsSession) {
    meet(2, kOldestProtocolVersion, kProtocolVersion);
    const Introduction who{"test", "n2", "1", {"n2:1", "n2:2", "n2:3"}, kOldestProtocolVersion, kOldestProtocolVersion,
                           true};
    feed(Control{OriginId{2}, OriginId{}, {}, Knock{who, "a:1", 5}});
    EXPECT_EQ(node_.membership().common_protocol(), kProtocolVersion);
}

class NodeBefore : public ProtocolVersions {
protected:
    NodeBefore() : ProtocolVersions(kOldestProtocolVersion) {}
};

TEST_F(NodeBefore, SpeaksItsOwnVersionToNewerOnes) {
    meet(2, kOldestProtocolVersion, kProtocolVersion);
    for (int i = 0; i < 150; ++i) {
        now_ += 10ms;
        node_.settle(now_, out_);
    }
    EXPECT_EQ(written_to(2), Written{kOldestProtocolVersion});
    EXPECT_EQ(controls<Welcome>(out_).back().who.newest_protocol, kOldestProtocolVersion);
}

}  // namespace
}  // namespace tulle::mesh::protocol_versions_test
