#include "mesh/core/query/resumes.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/mesh/core/played_context.hpp"

namespace tulle::mesh::resumes_test {
namespace {

const std::string kChannel = "app/c";
constexpr ShardIndex kShard{1};
constexpr OriginId kSelf{1};
constexpr OriginId kPeer{2};
constexpr HistoryLimits kLimits{100, 1u << 20, 1min};

class ResumesTest : public ServiceTest {
protected:
    ResumesTest() {
        stores_.local.add(kShard, kChannel);
        history_.start(now_);
        now_ += 10s;
    }

    /// This node accepts a message.
    Stamp accept(const std::string& exclude_socket = {}) {
        Record record{.n = RecordNo{++last_},
                      .channels = {kChannel},
                      .body = share(EventBody("e", "1")),
                      .exclude_socket = exclude_socket};
        record.history = std::make_shared<const RecordHistory>(RecordHistory{{kLimits}, {1}});
        history_.stamp(now_, record);
        history_.on_record(now_, kSelf, record);
        return record.stamp;
    }
    Resume wanted(std::optional<HistoryPosition> since = {}) {
        return {.id = 7,
                .channel = kChannel,
                .limits = kLimits,
                .since = std::move(since),
                .most = 3,
                .most_bytes = 1u << 20};
    }
    std::vector<Resumed> answers() {
        std::vector<Resumed> found;
        for (Effect& effect : out_) {
            auto* to = std::get_if<ToPort>(&effect);
            if (auto* resumed = to == nullptr ? nullptr : std::get_if<Resumed>(&to->message)) {
                EXPECT_EQ(to->shard, kShard);
                found.push_back(std::move(*resumed));
            }
        }
        out_.clear();
        return found;
    }
    Resumed ask(const Resume& resume) {
        resumes_.on(now_, kShard, resume, out_);
        resumes_.tick(now_, out_);
        std::vector<Resumed> all = answers();
        EXPECT_EQ(all.size(), 1u);
        return all.empty() ? Resumed{} : all.front();
    }
    /// The peer answers the last question with these entries.
    void answer(HistoryPart part) {
        part.clock_us = stores_.clock.latest(now_);
        queries_.on(now_, kPeer,
                    QueryAnswer{.id = context_.last<QueryAsk>().id,
                                .last = true,
                                .part = 1,
                                .history = std::make_shared<const HistoryPart>(std::move(part))},
                    out_);
        resumes_.tick(now_, out_);
    }
    static HistoryItem item(std::uint64_t n, std::uint64_t time_us) {
        return {RecordNo{n}, {time_us, kPeer}, share(EventBody("e", "2"))};
    }

    std::uint64_t last_ = 0;
    Retained retained_{context_, stores_.retained, stores_.local, stores_.interest, stores_.clock};
    History history_{context_, stores_.clock, retained_};
    Queries queries_{context_, retained_, history_};
    Resumes resumes_{context_, stores_.clock, stores_.local, history_, queries_};
};

TEST_F(ResumesTest, ANodeAloneKnowsAllSinceItsStart) {
    const Resumed begun = ask(wanted());
    EXPECT_EQ(begun.outcome, ResumeOutcome::kBegun);
    const Stamp first = accept();
    const Stamp second = accept("1.2");
    Resume resume = wanted(begun.at);
    resume.socket = "1.2";
    const Resumed recovered = ask(resume);
    EXPECT_EQ(recovered.outcome, ResumeOutcome::kRecovered);
    ASSERT_EQ(recovered.items.size(), 1u) << "not what the client itself has sent";
    EXPECT_EQ(recovered.items[0].stamp, first);
    EXPECT_EQ(recovered.at, begun.at) << "a client that is cut off within the messages has not got them";
    EXPECT_TRUE(recovered.ahead.empty());
    EXPECT_EQ(ask(wanted(recovered.at)).items.size(), 2u);
    const HistoryPosition behind{recovered.at.settled_us, {second}};
    EXPECT_EQ(ask(wanted(behind)).items.size(), 0u);
    EXPECT_GT(ask(wanted(behind)).at.settled_us, second.time_us);
}

TEST_F(ResumesTest, MoreThanWantedIsSentToNobody) {
    const Resumed begun = ask(wanted());
    for (int i = 0; i < 4; ++i) {
        accept();
    }
    const Resumed answer = ask(wanted(begun.at));
    EXPECT_EQ(answer.outcome, ResumeOutcome::kTooMany);
    EXPECT_TRUE(answer.items.empty());
    Resume few = wanted(begun.at);
    few.most = 10;
    few.most_bytes = 1;
    EXPECT_EQ(ask(few).outcome, ResumeOutcome::kTooMany);
    Resume last = wanted();
    last.rewind = 2;
    EXPECT_EQ(ask(last).items.size(), 2u);
    last.rewind = 0;
    last.rewind_for = 1h;
    EXPECT_EQ(ask(last).items.size(), 3u) << "no more than wanted, the last ones";
}

TEST_F(ResumesTest, WhatHasEndedIsEvictedForWhoHasMissedIt) {
    const Resumed begun = ask(wanted());
    accept();
    now_ += kLimits.ttl;
    EXPECT_EQ(ask(wanted(begun.at)).outcome, ResumeOutcome::kEvicted);
    history_.tick(now_);
    const Resumed later = ask(wanted(begun.at));
    EXPECT_EQ(later.outcome, ResumeOutcome::kEvicted);
    EXPECT_EQ(ask(wanted(later.at)).outcome, ResumeOutcome::kRecovered);
}

TEST_F(ResumesTest, APositionFromBeforeTheNodeKnewAllIsLost) {
    EXPECT_EQ(ask(wanted(HistoryPosition{.settled_us = 1})).outcome, ResumeOutcome::kLost);
    EXPECT_EQ(ask(wanted(HistoryPosition{})).outcome, ResumeOutcome::kLost);
    Resume elsewhere = wanted();
    elsewhere.channel = "app/d";
    EXPECT_EQ(ask(elsewhere).outcome, ResumeOutcome::kLost) << "no subscriber here";
    Resume many = wanted(HistoryPosition{.settled_us = ~0ull >> 8});
    many.since->seen.resize(kMaxPositionOrigins + 1);
    EXPECT_EQ(ask(many).outcome, ResumeOutcome::kLost);
}

TEST_F(ResumesTest, WhatPeersHoldIsBroughtHereOnceAndIsAheadUntilItHasCome) {
    meet(2);
    history_.session_up(now_, kPeer, true);
    const std::uint64_t clock_us = stores_.clock.latest(now_);
    const HistoryPosition since{.settled_us = clock_us - 5'000'000, .seen = {{clock_us - 4'000'000, kPeer}}};
    resumes_.on(now_, kShard, wanted(since), out_);
    resumes_.on(now_, kShard, wanted(since), out_);
    EXPECT_EQ(context_.receivers<QueryAsk>().size(), 1u) << "two subscribers, one question";
    EXPECT_TRUE(answers().empty());
    HistoryPart part{.items = {item(3, clock_us - 1'000'000), item(2, clock_us - 4'000'000)},
                     .told_since_us = 1,
                     .floors = {{clock_us - 9'000'000, kPeer}}};
    answer(part);
    const std::vector<Resumed> told = answers();
    ASSERT_EQ(told.size(), 2u);
    EXPECT_EQ(told[0].outcome, ResumeOutcome::kRecovered);
    ASSERT_EQ(told[0].items.size(), 1u);
    EXPECT_EQ(told[0].items[0].n, RecordNo{3});
    EXPECT_EQ(told[0].ahead, (std::vector<Stamp>{{clock_us - 1'000'000, kPeer}})) << "the record itself has not come";
    // From memory, as every message comes here anyway.
    EXPECT_EQ(ask(wanted(since)).items.size(), 1u);
    EXPECT_EQ(context_.receivers<QueryAsk>().size(), 1u);
    // Until somebody may have been missed.
    history_.on_gone(now_, {.unknown = 1});
    resumes_.on(now_, kShard, wanted(since), out_);
    EXPECT_TRUE(answers().empty());
    EXPECT_EQ(context_.receivers<QueryAsk>().size(), 2u);
    // Nor without a subscriber.
    stores_.local.remove(kShard, kChannel);
    resumes_.on(Unsubscribe{kChannel});
    answer(part);
    EXPECT_TRUE(answers().empty());
}

TEST_F(ResumesTest, APeerThatDoesNotAnswerIsAskedAgainAndThenNothingIsClaimed) {
    meet(2);
    history_.session_up(now_, kPeer, true);
    resumes_.on(now_, kShard, wanted(HistoryPosition{.settled_us = stores_.clock.latest(now_)}), out_);
    for (int i = 1; i < Resumes::kTries; ++i) {
        now_ += 5s;
        queries_.tick(now_, out_);
        resumes_.tick(now_, out_);
        EXPECT_TRUE(answers().empty());
    }
    EXPECT_EQ(context_.receivers<QueryAsk>().size(), std::size_t{Resumes::kTries});
    now_ += 5s;
    queries_.tick(now_, out_);
    resumes_.tick(now_, out_);
    const std::vector<Resumed> told = answers();
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].outcome, ResumeOutcome::kLost);
}

}  // namespace
}  // namespace tulle::mesh::resumes_test
