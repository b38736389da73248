#include <gtest/gtest.h>

#include <algorithm>

#include "mesh/core/interest/peer_interest.hpp"
#include "mesh/core/node/departure.hpp"
#include "mesh/core/node/sleep.hpp"
#include "mesh/core/query/queries.hpp"
#include "mesh/core/records/arrivals.hpp"
#include "mesh/core/records/recovery.hpp"
#include "mesh/core/session/introductions.hpp"
#include "mesh/core/session/streams.hpp"
#include "mesh/core/usage/usage_sharing.hpp"
#include "tests/unit/mesh/core/played_context.hpp"

/// Each service of a node by itself, with a context that the test plays.
namespace tulle::mesh::services_test {
namespace {

/// The services, without a node that calls them.
class Services : public ServiceTest {
protected:
    explicit Services(const Limits& limits = {}) : ServiceTest(limits) {}

    /// The node serves: it knows nobody whom it should wait for.
    void serve() {
        ASSERT_TRUE(serving_.tick(now_, out_));
        out_.clear();
    }
    Publish publish(const std::string& channel) {
        Publish made;
        made.id = 7;
        made.channels = {channel};
        made.body = share(EventBody());
        return made;
    }
    /// Record n of the peer, in a frame of its own.
    Data frame(std::uint64_t no, Record&& content) {
        Frame frame{.no = FrameNo{no}, .upto = content.n, .gone = {}, .records = {}};
        frame.records.push_back(std::make_shared<const Record>(std::move(content)));
        return {OriginId{2}, OriginId{1}, {}, std::make_shared<const Frame>(std::move(frame))};
    }

    Prng prng_{1};
    Membership membership_{
        options_,
        prng_,
        {.last = [this] { return stores_.ring.last(); }, .terms = [](OriginId) { return SessionTerms{}; }}};
    Serving serving_{context_, membership_};
    Pulse pulse_{context_, stores_.tallies};
    Roster roster_{context_, membership_, stores_.interest, stores_.tallies, pulse_, serving_, stores_.local};
    Presence presence_{context_, stores_.presence, stores_.local, stores_.interest, stores_.ring, serving_};
    Retained retained_{context_, stores_.retained, stores_.local, stores_.interest, stores_.clock};
    History history_{context_, stores_.clock, retained_};
    Acknowledger acknowledger_{context_, stores_.ring};
    Publisher publisher_{context_, serving_, membership_, stores_.ring, retained_, history_, acknowledger_};
    Sleep sleep_{context_, publisher_};
    Traces traces_{context_, publisher_, stores_.ring, roster_, stores_.tallies};
    Arrivals arrivals_{context_, presence_, retained_, history_, traces_, stores_.tallies};
    Recovery recovery_{context_, membership_, stores_.origins, arrivals_, traces_};
    InterestWindow window_{context_, stores_.local};
    Subscriptions subscriptions_{context_, window_, stores_.local, presence_, retained_};
    PeerInterest interest_{context_, stores_.interest, stores_.local, window_, subscriptions_};
    Streams streams_{context_,  stores_.ring, stores_.interest, stores_.origins, stores_.tallies, recovery_,
                     arrivals_, presence_,    retained_,        subscriptions_,  acknowledger_};
    Queries queries_{context_, retained_, history_};
    UsageSharing usage_{context_};
    DutyService duty_{context_};
    Departure departure_{context_, membership_, serving_, publisher_,  acknowledger_,
                         duty_,    pulse_,      streams_, stores_.ring};
    Introductions introductions_{context_, membership_};
};

// ---- histories

class Histories : public Services {
protected:
    Publish kept(std::vector<std::string> channels, std::vector<std::uint8_t> places) {
        Publish made = publish("app/c");
        made.channels = std::move(channels);
        made.history = std::make_shared<const RecordHistory>(RecordHistory{{{2, 1u << 20, 1min}}, std::move(places)});
        return made;
    }
    std::vector<HistoryItem> held(const std::string& channel) {
        std::vector<HistoryItem> items;
        for (const HistoryPartPtr& part : history_.answer(now_, {.channel = channel, .limit = kMaxHistoryPage})) {
            items.insert(items.end(), part->items.begin(), part->items.end());
        }
        return items;
    }
};

TEST_F(Histories, APublishIsStampedAndHeldForTheChannelsThatWantTo) {
    serve();
    Publish wanted = kept({"app/a", "app/b"}, {1, 0});
    publisher_.on(now_, ShardIndex{0}, wanted, out_);
    EXPECT_EQ(held("app/a").size(), 1u);
    EXPECT_TRUE(held("app/b").empty());
    const Record& numbered = *stores_.ring.at(stores_.ring.last());
    EXPECT_EQ(numbered.stamp.origin, options_.oid);
    EXPECT_NE(numbered.stamp.time_us, 0u);
    EXPECT_EQ(numbered.keepers, std::vector<OriginId>{options_.oid});
}

TEST_F(Histories, AHistoryThatDoesNotFitTheChannelsIsRefused) {
    serve();
    for (Publish wanted : {kept({"app/a"}, {}), kept({"app/a"}, {1, 1}), kept({"app/a"}, {2})}) {
        publisher_.on(now_, ShardIndex{0}, wanted, out_);
    }
    EXPECT_EQ(publisher_.accepted(), 0u);
    EXPECT_EQ(publisher_.refused(), 3u);
}

TEST_F(Histories, ARecordIsHeldOnceHoweverItComesAndOnlyWithTheStampOfItsOrigin) {
    Record came = record(4, {"app/a"});
    came.stamp = {1000, OriginId{2}};
    came.history = std::make_shared<const RecordHistory>(RecordHistory{{{2, 1u << 20, 1min}}, {1}});
    arrivals_.on_record(now_, OriginId{2}, {std::make_shared<const Record>(came), {}}, out_);
    arrivals_.on_filled(now_, OriginId{2}, std::make_shared<const Record>(came), out_);
    EXPECT_EQ(held("app/a").size(), 1u);
    came.stamp = {2000, OriginId{3}};
    arrivals_.on_record(now_, OriginId{2}, {std::make_shared<const Record>(came), {}}, out_);
    EXPECT_EQ(held("app/a").size(), 1u) << "a stamp of somebody else";
}

TEST_F(Histories, AnAnswerIsWholeFromTheStartOnUntilSomethingIsLost) {
    const auto since = [this] {
        return history_.answer(now_, {.channel = "app/a", .limit = 1}).front()->whole_since_us;
    };
    EXPECT_EQ(since(), kNeverWhole) << "before the start";
    history_.start(now_);
    const std::uint64_t begun = since();
    EXPECT_LE(begun, stores_.clock.read(now_));
    now_ += 1s;
    arrivals_.report_gone(now_, OriginId{2}, RecordNo{9}, {{{"app/x", 1}}, 0, false}, out_);
    EXPECT_EQ(since(), begun) << "a loss of others";
    arrivals_.report_gone(now_, OriginId{2}, RecordNo{9}, {{}, 0, true}, out_);
    EXPECT_GT(since(), stores_.clock.read(now_));
    EXPECT_TRUE(told<Gap>().empty()) << "no client has missed anything";
    const std::uint64_t first = since();
    now_ += 1s;
    arrivals_.report_gone(now_, OriginId{2}, {}, {{}, 1, false}, out_);
    EXPECT_GT(since(), first) << "nobody knows what was lost";
}

TEST_F(Histories, ALongAnswerComesInPieces) {
    serve();
    for (int i = 0; i < 2; ++i) {
        Publish wanted = kept({"app/a"}, {1});
        wanted.body = share(EventBody("e", std::string(60'000, 'x')));
        publisher_.on(now_, ShardIndex{0}, wanted, out_);
    }
    const auto parts = history_.answer(now_, {.channel = "app/a", .limit = 1});
    ASSERT_EQ(parts.size(), 1u);
    EXPECT_EQ(parts[0]->ends_with, parts[0]->items.back().stamp) << "there is more";
    EXPECT_EQ(history_.answer(now_, {.channel = "app/a", .limit = 2}).size(), 2u);
}

// ---- serving, publisher, sleep

TEST_F(Services, ServingBeginsOnceAndEndsWhenTheNodeRetires) {
    EXPECT_FALSE(serving_.is_on());
    serve();
    EXPECT_FALSE(serving_.tick(now_, out_)) << "once";
    serving_.retire(out_);
    serving_.tell_retired(out_);
    EXPECT_FALSE(serving_.is_on());
    EXPECT_FALSE(serving_.tick(now_, out_)) << "a node that retires does not begin again";
    ASSERT_EQ(out_.size(), 1u);
    EXPECT_FALSE(std::get<ReadinessChanged>(out_[0]).ready);
}

TEST_F(Services, APublishIsRefusedUntilTheNodeServesAndHeldWhileItIsPaused) {
    Publish early = publish("app/x");
    publisher_.on(now_, ShardIndex{0}, early, out_);
    EXPECT_EQ(told<Published>().back().second.outcome, PublishOutcome::kNotReady);
    serve();
    publisher_.pause();
    Publish held = publish("app/x");
    publisher_.on(now_, ShardIndex{0}, held, out_);
    EXPECT_TRUE(out_.empty());
    publisher_.resume(now_, out_);
    EXPECT_EQ(told<Published>().back().second.outcome, PublishOutcome::kAccepted);
    EXPECT_EQ(stores_.ring.last(), RecordNo{1});
    EXPECT_EQ(publisher_.accepted(), 1u);
    EXPECT_EQ(publisher_.refused(), 1u);
}

TEST_F(Services, WhatIsHeldWhenTheNodeRetiresIsRefused) {
    serve();
    publisher_.pause();
    Publish held = publish("app/x");
    publisher_.on(now_, ShardIndex{2}, held, out_);
    publisher_.refuse_held(out_);
    ASSERT_EQ(told<Published>().size(), 1u);
    EXPECT_EQ(told<Published>()[0].second.outcome, PublishOutcome::kNotReady);
}

TEST_F(Services, APublishThatWantsMoreCopiesThanThereAreNodesIsNotNumbered) {
    serve();
    meet(2);
    Publish wanted = publish("app/x");
    wanted.copies = 3;
    wanted.copied = {0, 1};
    publisher_.on(now_, ShardIndex{0}, wanted, out_);
    ASSERT_EQ(told<Published>().size(), 1u);
    EXPECT_EQ(told<Published>()[0].second.outcome, PublishOutcome::kFewCopies);
    EXPECT_EQ(told<Published>()[0].second.n, RecordNo{});
    EXPECT_EQ(told<Published>()[0].second.copies, 1u) << "the peer's interest is not known yet";
    EXPECT_EQ(told<Published>()[0].second.wanted, 3u);
    EXPECT_EQ(stores_.ring.last(), RecordNo{});
}

TEST_F(Services, APublishWithCopiesIsRefusedWhenTooManyWait) {
    options_.limits.awaited_copies = 1;
    serve();
    want(meet(2), {});
    for (const PublishOutcome outcome : {PublishOutcome::kAccepted, PublishOutcome::kBusy}) {
        Publish wanted = publish("app/x");
        wanted.copies = 2;
        wanted.copied = {0, 1};
        out_.clear();
        publisher_.on(now_, ShardIndex{0}, wanted, out_);
        EXPECT_EQ(told<Published>().size(), outcome == PublishOutcome::kBusy ? 1u : 0u);
        if (!told<Published>().empty()) {
            EXPECT_EQ(told<Published>()[0].second.outcome, outcome);
        }
    }
    EXPECT_EQ(stores_.ring.last(), RecordNo{1});
}

TEST_F(Services, APublishWithCopiesGoesToKeepersAndIsAnsweredWhenTheyHaveIt) {
    serve();
    Session& session = meet(2);
    want(session, {});
    retained_.session_up();
    Publish wanted = publish("app/x");
    wanted.copies = 2;
    wanted.copied = {0, 1};
    publisher_.on(now_, ShardIndex{0}, wanted, out_);
    EXPECT_TRUE(told<Published>().empty());
    streams_.note_due();
    streams_.on(SubscriberSeen{OriginId{2}});
    streams_.flush(now_, session, out_);
    ASSERT_EQ(context_.data.size(), 1u);
    const FramePtr sent = std::get<FramePtr>(context_.data[0].second);
    EXPECT_TRUE(sent->receipt_now);
    ASSERT_EQ(sent->records.size(), 1u) << "of two nodes each is a keeper";
    streams_.on(session, Receipt{FrameNo{1}}, out_);
    ASSERT_EQ(told<Published>().size(), 1u);
    EXPECT_EQ(told<Published>()[0].second.outcome, PublishOutcome::kAccepted);
    EXPECT_EQ(told<Published>()[0].second.n, RecordNo{1});
    EXPECT_EQ(told<Published>()[0].second.copies, 2u);
}

TEST_F(Services, NobodyHoldsDataThatTheirProtocolHasNoFormFor) {
    serve();
    Session& session = meet(2);
    want(session, {});
    retained_.session_up();
    // Accepted while every member spoke the newer version; the peer has come back with the older one since.
    Record bytes = record(0, {"app/x"});
    bytes.body = share(EventBody("e", "\xff", DataKind::kBytes));
    bytes.copies = 2;
    bytes.keepers = {OriginId{2}};
    acknowledger_.await(now_, ShardIndex{0}, 9, *stores_.ring.append(now_, std::move(bytes)));
    context_.peers[OriginId{2}].protocol = kOldestProtocolVersion;
    streams_.note_due();
    streams_.on(SubscriberSeen{OriginId{2}});
    streams_.flush(now_, session, out_);
    streams_.on(session, Receipt{FrameNo{1}}, out_);
    EXPECT_TRUE(told<Published>().empty());
}

TEST_F(Services, APublishWhoseRangeOfChannelsIsWrongIsRefused) {
    serve();
    meet(2);
    for (const auto& [copies, copied] : std::vector<std::pair<std::uint8_t, ChannelRange>>{
             {0, {}}, {4, {0, 1}}, {2, {}}, {2, {0, 2}}, {2, {1, 1}}, {1, {~std::size_t{0}, 2}}}) {
        Publish wanted = publish("app/x");
        wanted.copies = copies;
        wanted.copied = copied;
        publisher_.on(now_, ShardIndex{0}, wanted, out_);
        EXPECT_EQ(told<Published>().back().second.outcome, PublishOutcome::kTooLarge) << int{copies};
    }
}

TEST_F(Services, AfterALongSleepPublishersWaitUntilEveryPeerHasConfirmedItsSession) {
    serve();
    meet(2);
    meet(3);
    sleep_.woke(now_, 200ms, out_);
    EXPECT_TRUE(publisher_.may_number()) << "that was short";
    sleep_.woke(now_, 600ms, out_);
    EXPECT_EQ(context_.receivers<Ping>(), (std::vector{OriginId{2}, OriginId{3}}));
    sleep_.on(now_, OriginId{2}, Pong{context_.last<Ping>().nonce}, out_);
    EXPECT_FALSE(publisher_.may_number());
    sleep_.on(now_, OriginId{3}, Pong{context_.last<Ping>().nonce - 1}, out_);
    EXPECT_FALSE(publisher_.may_number()) << "an answer to another question";
    sleep_.on(now_, OriginId{3}, Pong{context_.last<Ping>().nonce}, out_);
    EXPECT_TRUE(publisher_.may_number());
}

TEST_F(Services, AfterASleepAPeerThatIsLostOrSilentHoldsNobodyUp) {
    serve();
    meet(2);
    meet(3);
    sleep_.woke(now_, 600ms, out_);
    context_.peers[OriginId{2}].state = PeerState::kDead;
    sleep_.tick(now_, out_);
    EXPECT_FALSE(publisher_.may_number());
    sleep_.ask_again(now_ + options_.timing.control_verdict, OriginId{3}, out_);
    EXPECT_TRUE(context_.given_up.contains(OriginId{3}));
}

// ---- presence, retained

TEST_F(Services, AUserWhoJoinsBecomesARecordAndIsToldToTheShardsOfTheChannel) {
    serve();
    presence_.on(now_, ShardIndex{1}, MemberJoin{5, "app/presence-x", {"u", nullptr}, 10}, out_);
    EXPECT_EQ(told<MemberJoined>()[0].second.outcome, JoinOutcome::kNotReady) << "not subscribed";
    stores_.local.add(ShardIndex{1}, presence_key("app/presence-x"));
    out_.clear();
    presence_.on(now_, ShardIndex{1}, MemberJoin{5, "app/presence-x", {"u", nullptr}, 10}, out_);
    EXPECT_EQ(told<MemberJoined>()[0].second.outcome, JoinOutcome::kJoined);
    EXPECT_EQ(told<MemberChanged>().size(), 1u);
    EXPECT_EQ(stores_.ring.last(), RecordNo{1});
    presence_.drop(now_, ShardIndex{1}, "app/presence-x", out_);
    EXPECT_EQ(stores_.ring.last(), RecordNo{2}) << "the last subscriber takes the user along";
    EXPECT_EQ(stores_.local.shards_of(presence_key("app/presence-x")), 0u);
}

TEST_F(Services, AChannelIsListedWhenEveryPeerHasListedItsUsers) {
    meet(2);
    meet(3);
    stores_.local.open_window(InterestVersion{100});
    stores_.local.add(ShardIndex{0}, presence_key("app/presence-x"));
    const PresencePart list{"app/presence-x", InterestVersion{1}, RecordNo{1}, true, true, {{"u", nullptr}}};
    EXPECT_TRUE(presence_.accept(now_, OriginId{2}, list, out_));
    EXPECT_FALSE(presence_.all_listed("app/presence-x"));
    EXPECT_TRUE(presence_.accept(now_, OriginId{3}, list, out_));
    EXPECT_TRUE(presence_.all_listed("app/presence-x"));
    EXPECT_EQ(told<MemberChanged>().size(), 1u) << "one user of two nodes is one";
}

TEST_F(Services, AUserInGraceLeavesWhenNoNodeCanBringTheUserBack) {
    meet(2);
    meet(3);
    stores_.local.open_window(InterestVersion{100});
    stores_.local.add(ShardIndex{0}, presence_key("app/presence-x"));
    const PresencePart list{"app/presence-x", InterestVersion{1}, RecordNo{1}, true, true, {{"u", nullptr}}};
    const PresencePart none{"app/presence-x", InterestVersion{1}, RecordNo{1}, true, true, {}};
    EXPECT_TRUE(presence_.accept(now_, OriginId{2}, list, out_));
    EXPECT_TRUE(presence_.accept(now_, OriginId{3}, none, out_));
    // A loss in a standing session: the node is asked again.
    stores_.presence.lose(now_, OriginId{2});
    presence_.tick(now_, out_);
    // Meanwhile another node is away: the user may be there by now.
    presence_.session_down(now_, OriginId{4});
    out_.clear();
    EXPECT_TRUE(presence_.accept(now_, OriginId{2}, none, out_));
    EXPECT_TRUE(told<MemberChanged>().empty());
    const Instant back = now_ + context_.timing().presence_grace - 1ms;
    presence_.tick(back, out_);
    EXPECT_TRUE(told<MemberChanged>().empty()) << "the grace runs";
    stores_.presence.lose(back, OriginId{3});
    presence_.tick(back + 1ms, out_);
    EXPECT_EQ(told<MemberChanged>().size(), 1u) << "the grace is over";
    // Nobody is away any more, and the last list that was missing comes: the next user in grace leaves at once.
    out_.clear();
    EXPECT_TRUE(presence_.accept(back + 1ms, OriginId{2}, list, out_));
    EXPECT_TRUE(presence_.accept(back + 1ms, OriginId{3}, none, out_));
    stores_.presence.lose(back + 1ms, OriginId{2});
    presence_.tick(back + 1ms, out_);
    out_.clear();
    EXPECT_TRUE(presence_.accept(back + 1ms, OriginId{2}, none, out_));
    EXPECT_EQ(told<MemberChanged>().size(), 1u);
}

class FewUsers : public Services {
protected:
    FewUsers() : Services(few()) {}
    static Limits few() {
        Limits limits;
        limits.presence_users = 0;
        return limits;
    }
};

TEST_F(FewUsers, APeerWithMoreUsersThanANodeMayHaveIsGivenUp) {
    meet(2);
    stores_.local.open_window(InterestVersion{100});
    stores_.local.add(ShardIndex{0}, presence_key("app/presence-x"));
    const PresencePart list{"app/presence-x", InterestVersion{1}, RecordNo{1}, true, true, {{"u", nullptr}}};
    EXPECT_FALSE(presence_.accept(now_, OriginId{2}, list, out_));
    EXPECT_TRUE(context_.given_up.contains(OriginId{2}));
}

TEST_F(Services, WhatAPeerHoldsIsToldToTheShardsThatMissedIt) {
    meet(2);
    stores_.local.open_window(InterestVersion{100});
    stores_.local.add(ShardIndex{1}, retained_key("app/cache-x"));
    retained_.want("app/cache-x");
    const RetainedPart part{"app/cache-x",       InterestVersion{1}, RecordNo{4},
                            {1000, OriginId{2}}, share(EventBody()), 1min};
    EXPECT_FALSE(retained_.all_answered("app/cache-x"));
    EXPECT_TRUE(retained_.accept(now_, OriginId{2}, part, out_));
    EXPECT_TRUE(retained_.all_answered("app/cache-x"));
    ASSERT_EQ(told<RetainedFound>().size(), 1u);
    EXPECT_EQ(told<RetainedFound>()[0].first, ShardIndex{1});
    EXPECT_EQ(retained_.part(now_, "app/cache-x").stamp, part.stamp);
    Record known = record(4, {"app/cache-x", "app/y"});
    known.retained = 1;
    const RecordPtr news = retained_.without_answered(OriginId{2}, std::make_shared<const Record>(known));
    ASSERT_NE(news, nullptr);
    EXPECT_EQ(news->channels, (std::vector<std::string>{"app/y"})) << "the answer has brought the other";
}

// ---- arrivals, traces, recovery

TEST_F(Services, AnArrivalGoesWhereItsKindBelongs) {
    meet(2);
    stores_.local.add(ShardIndex{0}, "app/x");
    const auto arrive = [&](Record&& what) {
        arrivals_.on_record(now_, OriginId{2}, {std::make_shared<const Record>(std::move(what)), {}}, out_);
    };
    arrive(record(1, {"app/x"}));
    EXPECT_EQ(delivered(), (std::vector<std::uint64_t>{1}));
    Record marked = record(2, {"app/x"});
    marked.trace = true;
    arrive(std::move(marked));
    EXPECT_EQ(context_.receivers<TraceReport>(), (std::vector{OriginId{2}}));
    arrive(record(3, {presence_key("app/presence-x")}, "u"));
    EXPECT_EQ(delivered().size(), 1u) << "neither of the two is delivered";
    EXPECT_EQ(arrivals_.received(), 3u);
}

TEST_F(Services, AnArrivalIsMeasuredByTheOriginsClockOnceTheClockIsKnown) {
    meet(2);
    stores_.local.add(ShardIndex{0}, "app/x");
    std::uint64_t n = 0;
    const auto numbered = [&](std::int64_t numbered_us) {
        Record what = record(++n, {"app/x"});
        what.numbered_us = numbered_us;
        out_.clear();
        arrivals_.on_record(now_, OriginId{2}, {std::make_shared<const Record>(std::move(what)), {}}, out_);
        return std::get<DeliverLocal>(out_.at(0)).numbered;
    };
    const std::int64_t now_us = now_.time_since_epoch() / 1us;
    EXPECT_EQ(numbered(now_us), Numbered{}) << "nothing is known of the clock";
    // The origin's clock is 7 s ahead.
    stores_.tallies.of(OriginId{2}).clock = {7'000'000, 20};
    EXPECT_EQ(numbered(now_us + 6'999'000), (Numbered{Numbered::By::kOtherNode, now_ - 1ms}));
    EXPECT_EQ(numbered(now_us + 7'000'010), (Numbered{Numbered::By::kOtherNode, now_ + 10us})) << "within the error";
    EXPECT_EQ(numbered(0), Numbered{}) << "the record does not say";
    // Further off than records are kept, and the ends of what the wire takes: no honest record says so.
    for (const std::int64_t odd :
         {now_us + 7'000'000 - 60'000'001, now_us + 7'000'000 + 60'000'001, std::int64_t{1}, std::int64_t{1} << 60}) {
        EXPECT_EQ(numbered(odd), Numbered{}) << odd;
    }
}

TEST_F(Services, TheFirstMessageInAMillisecondAndEverySixteenthSayWhenTheyWereNumbered) {
    TimedRecords timed;
    EXPECT_TRUE(timed.take(now_));
    for (int burst = 0; burst < 3; ++burst) {
        for (std::size_t i = 1; i < TimedRecords::kEvery; ++i) {
            EXPECT_FALSE(timed.take(now_)) << i;
        }
        EXPECT_TRUE(timed.take(now_));
    }
    EXPECT_FALSE(timed.take(now_ + 999us));
    EXPECT_TRUE(timed.take(now_ + 1ms));
    EXPECT_TRUE(timed.take(now_ + 2ms));
}

TEST_F(Services, WhatIsGoneIsToldToTheSubscribersOrToAllWhenNobodyKnowsWhose) {
    arrivals_.set_shards(0b11);
    stores_.local.add(ShardIndex{1}, "app/x");
    arrivals_.report_gone(now_, OriginId{2}, RecordNo{9}, {{{"app/x", 3}}, 0}, out_);
    ASSERT_EQ(told<Gap>().size(), 1u);
    EXPECT_EQ(told<Gap>()[0].second.missing, 3u);
    arrivals_.report_gone(now_, OriginId{2}, {}, {{}, 5}, out_);
    EXPECT_EQ(told<Gap>().size(), 3u);
}

TEST_F(Services, AReportForAnOriginWithoutASessionWaitsForOne) {
    Record marked = record(2, {"app/x"});
    marked.trace = true;
    traces_.on_record(now_, OriginId{2}, marked, {}, out_);
    EXPECT_TRUE(context_.sent.empty());
    meet(2);
    traces_.session_up(OriginId{2}, out_);
    EXPECT_EQ(context_.last<TraceReport>().n, RecordNo{2});
}

TEST_F(Services, SurvivorsAreAskedWhenAnOriginDiesAndWhatTheyFillInIsDelivered) {
    meet(3);
    stores_.local.add(ShardIndex{0}, "app/x");
    recovery_.session_down(now_, OriginId{2}, PeerState::kDead, {RecordNo{4}, {}, 0}, out_);
    ASSERT_EQ(context_.receivers<Wake>(), (std::vector{OriginId{3}}));
    EXPECT_EQ(context_.last<Wake>().delivered, RecordNo{4});
    Fill fill{.origin = OriginId{2}, .records = {}, .last = true};
    fill.records.push_back(std::make_shared<const Record>(record(5, {"app/x"})));
    recovery_.on(now_, OriginId{3}, fill, out_);
    EXPECT_EQ(delivered(), (std::vector<std::uint64_t>{1}));
    EXPECT_EQ(stores_.origins.extras(OriginId{2}), (std::vector{RecordNo{5}}));
}

TEST_F(Services, ASurvivorIsGivenWhatIsDueToItAlone) {
    Session& c = meet(3);
    want(c, {"app/x"});
    recovery_.keep(now_, OriginId{2}, std::make_shared<const Record>(record(5, {"app/x"})));
    recovery_.keep(now_, OriginId{2}, std::make_shared<const Record>(record(6, {"app/y"})));
    recovery_.session_down(now_, OriginId{2}, PeerState::kDead, {RecordNo{6}, {}, 0}, out_);
    recovery_.on(now_, OriginId{3}, Wake{OriginId{2}, RecordNo{4}}, out_);
    const Fill& fill = context_.last<Fill>();
    ASSERT_EQ(fill.records.size(), 1u);
    EXPECT_EQ(fill.records[0]->n, RecordNo{5});
    EXPECT_TRUE(fill.last);
}

TEST_F(Services, ALongAnswerIsSentInNumberedParts) {
    want(meet(3), {"app/x"});
    for (const std::uint64_t n : {5u, 6u}) {
        Record large = record(n, {"app/x"});
        large.body = share(EventBody("e", std::string(context_.limits().frame_bytes, 'x')));
        recovery_.keep(now_, OriginId{2}, std::make_shared<const Record>(std::move(large)));
    }
    recovery_.session_down(now_, OriginId{2}, PeerState::kDead, {RecordNo{6}, {}, 0}, out_);
    std::vector<std::pair<std::uint64_t, std::uint32_t>> parts;
    for (int question = 0; question < 2; ++question) {
        context_.sent.clear();
        recovery_.on(now_, OriginId{3}, Wake{OriginId{2}, RecordNo{4}}, out_);
        for (const auto& [to, body] : context_.sent) {
            const Fill& fill = std::get<Fill>(body);
            EXPECT_EQ(fill.last, fill.part == 2);
            parts.emplace_back(fill.answer, fill.part);
        }
    }
    EXPECT_EQ(parts, (std::vector<std::pair<std::uint64_t, std::uint32_t>>{{1, 1}, {1, 2}, {2, 1}, {2, 2}}));
}

// ---- interest, subscriptions

TEST_F(Services, ASubscriptionIsConfirmedWhenEveryPeerHasAcknowledgedItsChannel) {
    subscriptions_.on(now_, ShardIndex{0}, Subscribe{"app/alone", 1}, out_);
    subscriptions_.tick(now_, out_);
    EXPECT_EQ(told<Subscribed>().size(), 1u) << "there is nobody to wait for";
    Session& b = meet(2);
    interest_.on(now_, b, InterestPull{}, out_);
    out_.clear();
    subscriptions_.on(now_, ShardIndex{0}, Subscribe{"app/x", 2}, out_);
    EXPECT_TRUE(told<Subscribed>().empty());
    EXPECT_EQ(subscriptions_.waiting(), 1u);
    interest_.on(now_, b, InterestAck{stores_.local.log().version()}, out_);
    ASSERT_EQ(told<Subscribed>().size(), 1u);
    EXPECT_EQ(told<Subscribed>()[0].second.generation, 2u);
}

TEST_F(Services, ASubscriptionToAPresenceChannelWaitsForTheListsToo) {
    Session& b = meet(2);
    interest_.on(now_, b, InterestPull{}, out_);
    subscriptions_.on(now_, ShardIndex{0}, Subscribe{"app/presence-x", 1, true}, out_);
    interest_.on(now_, b, InterestAck{stores_.local.log().version()}, out_);
    EXPECT_TRUE(told<Subscribed>().empty());
    const InterestVersion since = *stores_.local.since(presence_key("app/presence-x"));
    ASSERT_TRUE(presence_.accept(now_, b.oid, {"app/presence-x", since, RecordNo{1}, true, true, {}}, out_));
    subscriptions_.on_told(now_, "app/presence-x", out_);
    ASSERT_EQ(told<Subscribed>().size(), 1u);
    EXPECT_NE(told<Subscribed>()[0].second.members, nullptr);
}

TEST_F(Services, APeerThatTellsNothingOfAChannelIsGivenUp) {
    Session& b = meet(2);
    subscriptions_.session_up(now_, b);
    interest_.on(now_, b, InterestPull{}, out_);
    subscriptions_.on(now_, ShardIndex{0}, Subscribe{"app/presence-x", 1, true}, out_);
    interest_.on(now_, b, InterestAck{stores_.local.log().version()}, out_);
    const Duration patience = options_.timing.interest_patience;
    for (Duration passed{}; passed < patience; passed += 250ms) {
        subscriptions_.check(now_ + passed, b, out_);
    }
    EXPECT_TRUE(context_.given_up.empty());
    subscriptions_.check(now_ + 4 * patience, b, out_);
    EXPECT_TRUE(context_.given_up.contains(OriginId{2}));
}

TEST_F(Services, TwoPullsATurnAreAnsweredTheSecondOneWhenItEnds) {
    Session& b = meet(2);
    for (int i = 0; i < 5; ++i) {
        interest_.on(now_, b, InterestPull{}, out_);
    }
    EXPECT_EQ(context_.receivers<InterestDelta>().size(), 1u);
    interest_.tick(now_, b, out_);
    EXPECT_EQ(context_.receivers<InterestDelta>().size(), 2u);
}

TEST_F(Services, AChunkThatNobodyAskedForIsNotTaken) {
    Session& b = meet(2);
    const InterestChunk chunk{1, InterestVersion{1}, "", {"app/x"}, true, InterestVersion{1}};
    interest_.on(now_, b, chunk, out_);
    EXPECT_FALSE(stores_.audience.wants(MeshContext::reader(b), "app/x"));
    interest_.session_up(now_, b, out_);  // asks
    interest_.on(now_, b, chunk, out_);
    EXPECT_TRUE(stores_.audience.wants(MeshContext::reader(b), "app/x"));
    EXPECT_TRUE(b.interest.synced);
}

TEST_F(Services, DigestsThatDifferAtEqualVersionsMakeThePeersInterestFetchedAgain) {
    Session& b = meet(2);
    want(b, {"app/x"});
    b.interest.pull_at = now_;
    interest_.on_digest(now_, b, Heartbeat{.version = InterestVersion{1}, .digest = 1}, out_);
    EXPECT_EQ(interest_.mismatches(), 1u);
    EXPECT_TRUE(context_.last<InterestPull>().fresh);
}

// ---- streams

TEST_F(Services, ARecordGoesToThePeersThatItIsDueTo) {
    serve();
    Session& b = meet(2);
    Session& c = meet(3);
    want(b, {"app/x"});
    want(c, {"app/y"});
    for (Session* session : {&b, &c}) {
        streams_.session_up(now_, *session, {session->oid, {}, {}, {}, {}}, out_);
        streams_.on(SubscriberSeen{session->oid});
        streams_.flush(now_, *session, out_);
    }
    Publish wanted = publish("app/x");
    publisher_.on(now_, ShardIndex{0}, wanted, out_);
    context_.data.clear();
    streams_.note_due();
    streams_.flush(now_, b, out_);
    streams_.flush(now_, c, out_);
    ASSERT_EQ(context_.data.size(), 1u);
    EXPECT_EQ(context_.data[0].first, OriginId{2});
    EXPECT_EQ(streams_.sent_upto(b), RecordNo{1});
    EXPECT_EQ(streams_.sent_upto(c), RecordNo{1}) << "it was not due";
    streams_.on(now_ + 1s, b, Nack{{{FrameNo{1}, FrameNo{1}}}}, out_);
    EXPECT_EQ(streams_.counters().repeated, 1u);
    EXPECT_EQ(context_.data.size(), 2u);
}

TEST_F(Services, AHoleIsAskedForAndHoldsUpWhatComesBehindIt) {
    Session& b = meet(2);
    stores_.local.add(ShardIndex{0}, "app/x");
    streams_.on(now_, b, frame(2, record(2, {"app/x"})), {}, out_);
    EXPECT_TRUE(delivered().empty());
    streams_.ask_for_missing(now_ + options_.timing.nack_delay, b, out_);
    EXPECT_EQ(context_.last<Nack>().missing, (std::vector<FrameRange>{{FrameNo{1}, FrameNo{1}}}));
    streams_.on(now_, b, frame(1, record(1, {"app/x"})), {}, out_);
    EXPECT_EQ(delivered().size(), 2u);
    EXPECT_EQ(*stores_.origins.delivered(OriginId{2}), RecordNo{2});
}

TEST_F(Services, ADataPathThatSaysNothingIsDialledAgain) {
    Session& b = meet(2);
    streams_.session_up(now_, b, {b.oid, {}, {}, {}, {}}, out_);
    out_.clear();
    streams_.redial_if_deaf(now_ + options_.timing.data_deaf - 1ms, b, out_);
    EXPECT_TRUE(out_.empty());
    streams_.redial_if_deaf(now_ + options_.timing.data_deaf, b, out_);
    EXPECT_EQ(streams_.counters().data_redials, 1u);
    EXPECT_TRUE(std::holds_alternative<ConnectData>(out_.back()));
}

// ---- the smaller ones

TEST_F(Services, APeerThatAsksForLastEventsIsAnsweredByTheHubItself) {
    meet(2);
    queries_.set_shards(1);
    stores_.retained.put(now_, "app/cache-x", {{9, OriginId{1}}, share(EventBody()), now_ + 1min}, true);
    queries_.on(now_, OriginId{2}, QueryAsk{3, "q", 1000, {"app/cache-x", "app/cache-y"}}, out_);
    EXPECT_EQ(told<LocalQuery>().size(), 1u);
    ASSERT_EQ(context_.receivers<QueryAnswer>().size(), 1u);
    EXPECT_EQ(context_.last<QueryAnswer>().retained->channel, "app/cache-x");
}

TEST_F(Services, UsageIsToldToEveryPeer) {
    meet(2);
    meet(3);
    usage_.on(now_, ShardIndex{0}, ShareUsage{{{"app", 4}}});
    ASSERT_TRUE(usage_.next_deadline().has_value());
    usage_.tick(*usage_.next_deadline(), out_);
    EXPECT_EQ(context_.receivers<Usage>(), (std::vector{OriginId{2}, OriginId{3}}));
}

TEST_F(Services, ATaskGoesToTheShardThatDoesThisNodesDuties) {
    duty_.set_shard(ShardIndex{4});
    duty_.duties().begin();
    duty_.on(DutyTask{"app/k", share(std::string("body"))});
    for (int turn = 0; turn < 3; ++turn) {
        duty_.tick(now_, out_);
    }
    ASSERT_EQ(told<DutyPerform>().size(), 1u);
    EXPECT_EQ(told<DutyPerform>()[0].first, ShardIndex{4});
}

TEST_F(Services, AHeartbeatThatIsAnsweredTellsHowLongTheWayIs) {
    Session& b = meet(2);
    const std::int64_t sent_us = (now_ - 10ms).time_since_epoch() / 1us;
    const auto echoed = pulse_.on(now_, b, Heartbeat{.sent_at_us = 5, .echo_us = sent_us, .echo_held_us = 4000});
    EXPECT_EQ(echoed, now_ - 10ms);
    EXPECT_EQ(stores_.tallies.find(OriginId{2})->rtt_us, 6000u);
    pulse_.woke(now_);
    static_cast<void>(pulse_.on(now_ + 1s, b, Heartbeat{.sent_at_us = 5, .echo_us = sent_us, .echo_held_us = 0}));
    EXPECT_EQ(stores_.tallies.find(OriginId{2})->rtt_us, 6000u) << "what was sent before a sleep tells nothing";
}

TEST_F(Services, ANewcomerIsNamedToTheOthersOnceATurn) {
    introductions_.session_up(now_, meet(2));
    introductions_.session_up(now_, meet(3));
    introductions_.tick(out_);
    EXPECT_EQ(context_.receivers<Members>(), (std::vector{OriginId{2}, OriginId{3}}));
    EXPECT_EQ(context_.last<Members>().members[0].oid, OriginId{2});
    introductions_.tick(out_);
    EXPECT_EQ(context_.sent.size(), 2u);
}

TEST_F(Services, ALeaverGoesWhenEveryPeerHasReceipted) {
    serve();
    duty_.duties().begin();
    Session& b = meet(2);
    streams_.session_up(now_, b, {b.oid, {}, {}, {}, {}}, out_);
    duty_.duties().member_up(now_, b.oid, false);
    departure_.on(now_, LeaveRequest{5s}, out_);
    departure_.tick(now_, out_);
    EXPECT_TRUE(context_.receivers<Leave>().empty()) << "the peer has not heard yet that this node leaves";
    const auto has_left = [&] {
        return std::any_of(out_.begin(), out_.end(),
                           [](const Effect& effect) { return std::holds_alternative<Left>(effect); });
    };
    departure_.tick(now_ + 4s, out_);
    EXPECT_EQ(context_.receivers<Leave>(), (std::vector{OriginId{2}})) << "in the last second, whoever has heard";
    EXPECT_FALSE(has_left());
    Departure::on(b, LeaveReceipt{});
    departure_.tick(now_ + 4s, out_);
    EXPECT_TRUE(has_left());
    EXPECT_EQ(departure_.next_deadline(), std::nullopt);
}

}  // namespace
}  // namespace tulle::mesh::services_test
