#include "mesh/core/records/acknowledger.hpp"

#include <utility>

#include "tests/unit/mesh/core/played_context.hpp"

namespace tulle::mesh::acknowledger_test {
namespace {

Limits three_waiting() {
    Limits limits;
    limits.awaited_copies = 3;
    limits.ring_bytes = 4096;
    return limits;
}

class AcknowledgerTest : public ServiceTest {
protected:
    AcknowledgerTest() : ServiceTest(three_waiting()) {
        meet(2);
        meet(3);
    }
    /// A publish `id` that wants so many copies, of a record with those keepers.
    RecordNo await(std::uint64_t id, std::uint8_t copies, std::vector<OriginId> keepers = {}) {
        Record made = record(0, {"app/x"});
        made.copies = copies;
        made.keepers = std::move(keepers);
        const RecordPtr numbered = stores_.ring.append(now_, std::move(made));
        acknowledger_.await(now_, ShardIndex{1}, id, *numbered);
        return numbered->n;
    }
    [[nodiscard]] std::vector<std::uint64_t> answered() const {
        std::vector<std::uint64_t> ids;
        for (const auto& [shard, answer] : told<Published>()) {
            EXPECT_EQ(shard, ShardIndex{1});
            ids.push_back(answer.id);
        }
        return ids;
    }
    [[nodiscard]] Published last() const { return told<Published>().back().second; }

    Acknowledger acknowledger_{context_, stores_.ring};
};

TEST_F(AcknowledgerTest, AnswersOnceSoManyNodesHoldTheRecord) {
    const RecordNo two = await(7, 2);
    const RecordNo three = await(8, 3);
    acknowledger_.on_copy(OriginId{2}, three, out_);
    EXPECT_TRUE(answered().empty());
    acknowledger_.on_copy(OriginId{2}, three, out_);
    EXPECT_TRUE(answered().empty()) << "the same node again";
    acknowledger_.on_copy(OriginId{3}, three, out_);
    EXPECT_EQ(answered(), (std::vector<std::uint64_t>{8})) << "a later publish does not wait for an earlier one";
    EXPECT_EQ(last().outcome, PublishOutcome::kAccepted);
    EXPECT_EQ(last().n, three);
    EXPECT_EQ(last().copies, 3u);
    acknowledger_.on_copy(OriginId{2}, two, out_);
    acknowledger_.on_copy(OriginId{3}, two, out_);
    EXPECT_EQ(answered(), (std::vector<std::uint64_t>{8, 7})) << "answered once";
    EXPECT_EQ(last().copies, 2u);
    EXPECT_EQ(acknowledger_.acknowledged(), 2u);
    EXPECT_EQ(acknowledger_.next_deadline(), std::nullopt);
}

TEST_F(AcknowledgerTest, GivesUpAfterASecondAndSaysHowManyHoldTheRecord) {
    const RecordNo n = await(7, 3);
    now_ += 400ms;
    static_cast<void>(await(8, 2));
    acknowledger_.on_copy(OriginId{3}, n, out_);
    EXPECT_EQ(acknowledger_.next_deadline(), now_ + 600ms);
    acknowledger_.tick(now_ + 599ms, out_);
    EXPECT_TRUE(answered().empty());
    acknowledger_.tick(now_ + 600ms, out_);
    EXPECT_EQ(answered(), (std::vector<std::uint64_t>{7}));
    EXPECT_EQ(last().outcome, PublishOutcome::kFewCopies);
    EXPECT_EQ(last().n, n) << "the message was delivered";
    EXPECT_EQ(last().copies, 2u);
    EXPECT_EQ(acknowledger_.next_deadline(), now_ + 1s);
    acknowledger_.on_copy(OriginId{2}, n, out_);
    EXPECT_EQ(answered().size(), 1u) << "too late";
    EXPECT_EQ(acknowledger_.given_up(), 1u);
}

TEST_F(AcknowledgerTest, ANodeWhoseSessionHasEndedHoldsNothing) {
    const RecordNo n = await(7, 3);
    acknowledger_.on_copy(OriginId{2}, n, out_);
    acknowledger_.session_down(OriginId{2});
    acknowledger_.on_copy(OriginId{3}, n, out_);
    EXPECT_TRUE(answered().empty());
    acknowledger_.on_copy(OriginId{2}, n, out_);
    EXPECT_EQ(answered().size(), 1u);
}

TEST_F(AcknowledgerTest, ARecordThatItsOwnRingHasDroppedIsNotHeldHere) {
    const RecordNo n = await(7, 2);
    Record large = record(0, {"app/x"});
    large.body = share(EventBody("e", std::string(2 * options_.limits.ring_bytes, 'x')));
    static_cast<void>(stores_.ring.append(now_, std::move(large)));
    ASSERT_LT(n, stores_.ring.first_whole());
    acknowledger_.on_copy(OriginId{2}, n, out_);
    EXPECT_TRUE(answered().empty()) << "one copy alone";
    acknowledger_.on_copy(OriginId{3}, n, out_);
    ASSERT_EQ(answered().size(), 1u);
    EXPECT_EQ(last().copies, 2u);
}

TEST_F(AcknowledgerTest, GivesAllUpWhenTheNodeLeaves) {
    static_cast<void>(await(7, 2));
    static_cast<void>(await(8, 3));
    acknowledger_.give_up_all(out_);
    EXPECT_EQ(answered(), (std::vector<std::uint64_t>{7, 8}));
    EXPECT_EQ(last().outcome, PublishOutcome::kFewCopies);
    EXPECT_EQ(last().wanted, 3u);
}

TEST_F(AcknowledgerTest, TheLatenessOfItsOwnLoopIsNoReasonToGiveUp) {
    static_cast<void>(await(7, 2));
    acknowledger_.forgive(2s);
    acknowledger_.tick(now_ + 2999ms, out_);
    EXPECT_TRUE(answered().empty());
    acknowledger_.tick(now_ + 3s, out_);
    EXPECT_EQ(answered().size(), 1u);
}

TEST_F(AcknowledgerTest, CountsTheNodesWhoseInterestIsKnown) {
    EXPECT_EQ(acknowledger_.reachable(), 1u);
    want(*sessions_.find(OriginId{2}), {});
    EXPECT_EQ(acknowledger_.reachable(), 2u);
}

TEST_F(AcknowledgerTest, IsFullWhenSoManyWait) {
    static_cast<void>(await(7, 2));
    const RecordNo second = await(8, 2);
    EXPECT_FALSE(acknowledger_.is_full());
    static_cast<void>(await(9, 2));
    EXPECT_TRUE(acknowledger_.is_full());
    acknowledger_.on_copy(OriginId{2}, second, out_);
    EXPECT_FALSE(acknowledger_.is_full()) << "an answered publish does not wait, though an earlier one does";
}

TEST_F(AcknowledgerTest, IgnoresCopiesThatNobodyWaitsFor) {
    const RecordNo n = await(7, 2);
    acknowledger_.on_copy(OriginId{2}, n.next(), out_);
    acknowledger_.on_copy(OriginId{2}, RecordNo{}, out_);
    EXPECT_TRUE(answered().empty());
}

}  // namespace
}  // namespace tulle::mesh::acknowledger_test
