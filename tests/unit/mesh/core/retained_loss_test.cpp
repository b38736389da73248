#include <gtest/gtest.h>

#include <algorithm>

#include "mesh/core/retained/retained.hpp"
#include "tests/unit/mesh/core/played_context.hpp"

/// The loss of an event's origin, as a node sees the loss that has the event only for its subscribers.
namespace tulle::mesh::retained_loss_test {
namespace {

/// A node with a subscriber of a channel, and no keeper of the channel. Peers 2 to 9 are in session, with the members
/// of this node. Peer 2 accepts an event, and is lost.
class RetainedLoss : public ServiceTest {
protected:
    RetainedLoss() {
        for (std::uint64_t id = 2; id <= 9; ++id) {
            Session& session = meet(id);
            session.sees_others = false;
            session.beats.echo_at = now_;
        }
        retained_.session_up();
        for (int i = 0; stores_.retained.keeps(OriginId{1}, channel_); ++i) {
            channel_ = "app/cache-" + std::to_string(i);
        }
        stores_.local.add(ShardIndex{0}, retained_key(channel_));
        event_ = record(4, {channel_});
        event_.retained = 1;
        event_.stamp = {1000, kOrigin};
        event_.keep_for = 1min;
    }
    /// The origin's answer to the interest of this node.
    void answer() {
        static_cast<void>(retained_.accept(
            now_, kOrigin, {channel_, InterestVersion{1}, RecordNo{4}, event_.stamp, event_.body, 1min}, out_));
    }
    void lose(OriginId oid) {
        sessions_.close(*sessions_.find(oid));
        retained_.session_down(oid);
    }
    /// True when the event goes to all keepers, and to all peers with interest in the event.
    bool is_handed_on() {
        std::vector<OriginId> receivers;
        for (const RetainedTable::HandOn& moved : stores_.retained.on_deadline(now_)) {
            receivers.push_back(moved.to);
        }
        const auto gets = [&](OriginId oid) {
            return std::find(receivers.begin(), receivers.end(), oid) != receivers.end();
        };
        const std::vector<OriginId> keepers = stores_.retained.keepers(channel_);
        return gets(OriginId{}) && std::all_of(keepers.begin(), keepers.end(),
                                               [&](OriginId oid) { return oid == OriginId{1} || gets(oid); });
    }

    /// True when the link to the peer of the session sends this node's word about the channel next.
    bool is_owed(Session& session) {
        bool asked = false;
        const LinkSender::Sources sources{.ring = stores_.ring,
                                          .interested = [](const std::string&) { return false; },
                                          .due = [](const Record&) { return false; },
                                          .retained =
                                              [&](const std::string& channel) {
                                                  asked = asked || channel == channel_;
                                                  return retained_.part(now_, channel);
                                              },
                                          .members = [](const std::string&) { return std::vector<PresenceMember>(); },
                                          .version = {}};
        std::vector<FramePtr> frames;
        session.data.sender.open(RecordNo{0});
        session.data.sender.flush(now_, sources, frames);
        return asked;
    }

    static constexpr OriginId kOrigin{2};
    Retained retained_{context_, stores_.retained, stores_.local, stores_.interest, stores_.clock};
    std::string channel_ = "app/cache";
    Record event_;
};

TEST_F(RetainedLoss, AnOriginWithTheSameMembersHasToldTheOthersItself) {
    retained_.on_record(now_, kOrigin, event_);
    lose(kOrigin);
    EXPECT_FALSE(is_handed_on());
}

TEST_F(RetainedLoss, TheRecordOfAnOriginWithOtherMembersIsHandedOn) {
    sessions_.find(kOrigin)->sees_others = true;
    retained_.on_record(now_, kOrigin, event_);
    EXPECT_FALSE(is_handed_on()) << "the origin still lives";
    lose(kOrigin);
    EXPECT_TRUE(is_handed_on()) << "the others may never have met the origin";
}

TEST_F(RetainedLoss, TheRecordBehindTheAnswerOfSuchAnOriginChangesNothing) {
    sessions_.find(kOrigin)->sees_others = true;
    answer();
    retained_.on_record(now_, kOrigin, event_);
    lose(kOrigin);
    EXPECT_TRUE(is_handed_on());
}

TEST_F(RetainedLoss, TheMembersOfAnOriginWithoutAHeartbeatForLongMayHaveChanged) {
    now_ += options_.timing.suspicion;
    retained_.on_record(now_, kOrigin, event_);
    lose(kOrigin);
    EXPECT_TRUE(is_handed_on());
}

TEST_F(RetainedLoss, AnOriginBeforeItsFirstHeartbeatMayHaveOtherMembers) {
    const OriginId newcomer{10};
    meet(newcomer.value);
    retained_.session_up();
    event_.stamp.origin = newcomer;
    retained_.on_record(now_, newcomer, event_);
    lose(newcomer);
    EXPECT_TRUE(is_handed_on());
}

TEST_F(RetainedLoss, WhatReconcileBroughtGoesToKeepersAndInterestedPeersAtOnce) {
    lose(kOrigin);
    std::vector<OriginId> expected = stores_.retained.keepers(channel_);
    const auto is_expected = [&](OriginId oid) {
        return std::find(expected.begin(), expected.end(), oid) != expected.end();
    };
    const auto interested =
        std::find_if(sessions_.begin(), sessions_.end(), [&](const auto& entry) { return !is_expected(entry.first); });
    ASSERT_NE(interested, sessions_.end());
    want(interested->second, {retained_key(channel_)});
    expected.push_back(interested->first);
    retained_.on_filled(now_, event_);
    std::size_t owed = 0;
    for (auto& [oid, session] : sessions_) {
        EXPECT_EQ(is_owed(session), is_expected(oid)) << oid.value;
        owed += is_expected(oid) ? 1u : 0u;
    }
    EXPECT_EQ(owed, expected.size());
    lose(OriginId{9});
    EXPECT_FALSE(is_handed_on());
}

}  // namespace
}  // namespace tulle::mesh::retained_loss_test
