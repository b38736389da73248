#include "mesh/core/records/reconcile.hpp"

#include <gtest/gtest.h>

namespace tulle::mesh::reconcile_test {
namespace {

constexpr Instant kStart{10s};
constexpr OriginId kDead{9};
constexpr OriginId kA{1};
constexpr OriginId kB{2};

RecordPtr record(std::uint64_t n) {
    return std::make_shared<const Record>(Record{RecordNo{n}, {"news"}, share(EventBody("e", "x")), {}});
}

std::vector<std::uint64_t> numbers(const std::vector<RecordPtr>& records) {
    std::vector<std::uint64_t> all;
    for (const RecordPtr& r : records) {
        all.push_back(r->n.value);
    }
    return all;
}

class ReconcileTest : public testing::Test {
protected:
    void begin(RecordNo delivered, const std::vector<RecordPtr>& held, std::uint64_t lost = 0) {
        reconcile_.begin(kStart, kDead, {delivered, held, lost, known_}, {{kA, kB}, {}}, out_);
    }

    Timing timing_;
    Limits limits_;
    Reconcile reconcile_{timing_, limits_};
    Reconcile::Out out_;
    RecordNo known_{100};
};

TEST_F(ReconcileTest, AsksEverySurvivorAndHandsOnInOrderWhenAllHaveAnswered) {
    begin(RecordNo{4}, {record(7)});
    ASSERT_EQ(out_.asks.size(), 2u);
    EXPECT_EQ(out_.asks[0].second.delivered, RecordNo{4});
    reconcile_.on_fill(kStart, kA, {kDead, {record(6), record(7), record(8)}, true}, out_);
    EXPECT_TRUE(out_.filled.empty());
    reconcile_.on_fill(kStart, kB, {kDead, {record(3), record(5)}, true}, out_);
    ASSERT_EQ(out_.filled.size(), 1u);
    EXPECT_EQ(numbers(out_.filled[0].records), (std::vector<std::uint64_t>{5, 6, 7, 8}));
}

TEST_F(ReconcileTest, AsksAgainAndGoesOnWithoutWhoDoesNotAnswer) {
    begin(RecordNo{4}, {});
    reconcile_.on_fill(kStart, kA, {kDead, {record(5)}, true}, out_);
    out_.asks.clear();
    EXPECT_EQ(reconcile_.next_deadline(), kStart + timing_.reconcile_retry);
    reconcile_.on_deadline(kStart + timing_.reconcile_retry, out_);
    ASSERT_EQ(out_.asks.size(), 1u);
    EXPECT_EQ(out_.asks[0].first, kB);
    reconcile_.on_deadline(kStart + timing_.reconcile, out_);
    ASSERT_EQ(out_.filled.size(), 1u);
    EXPECT_EQ(out_.filled[0].gone.unknown, 1u) << "it may have what nobody else has";
    EXPECT_EQ(reconcile_.next_deadline(), std::nullopt);
}

TEST_F(ReconcileTest, AnAnswerWithoutSomePartIsAskedForAgain) {
    const auto part = [](std::uint64_t answer, std::uint32_t no, std::uint64_t n, bool last = false) {
        return Fill{kDead, {record(n)}, last, {}, answer, no};
    };
    begin(RecordNo{4}, {});
    reconcile_.on_fill(kStart, kB, {kDead, {}, true, {}, 1, 1}, out_);
    reconcile_.on_fill(kStart, kA, part(7, 2, 6), out_);
    reconcile_.on_fill(kStart, kA, part(7, 3, 7, true), out_);
    EXPECT_TRUE(out_.filled.empty()) << "the first part is missing";
    out_.asks.clear();
    reconcile_.on_deadline(kStart + timing_.reconcile_retry, out_);
    ASSERT_EQ(out_.asks.size(), 1u);
    EXPECT_EQ(out_.asks[0].first, kA);
    const Instant later = kStart + timing_.reconcile_retry + 1ms;
    reconcile_.on_fill(later, kA, part(8, 1, 5), out_);
    reconcile_.on_fill(later, kA, part(8, 3, 7, true), out_);
    reconcile_.on_fill(later, kA, part(7, 1, 5), out_);
    reconcile_.on_fill(later, kA, part(8, 3, 7, true), out_);
    EXPECT_TRUE(out_.filled.empty()) << "the second part is missing";
    // A part may come behind the last one.
    for (const std::uint32_t no : {3u, 1u, 2u}) {
        ASSERT_TRUE(out_.filled.empty());
        reconcile_.on_fill(later, kA, part(9, no, 4 + no, no == 3), out_);
    }
    ASSERT_EQ(out_.filled.size(), 1u);
    EXPECT_EQ(numbers(out_.filled[0].records), (std::vector<std::uint64_t>{5, 6, 7}));
    EXPECT_EQ(out_.filled[0].gone.unknown, 0u);
}

TEST_F(ReconcileTest, WhoDiesHasItsTimeToComeAgainAndIsNotMissedOtherwise) {
    begin(RecordNo{4}, {record(6)});
    reconcile_.survivor_gone(kA);
    reconcile_.survivor_gone(kB);
    EXPECT_TRUE(out_.filled.empty());
    reconcile_.on_deadline(kStart + timing_.reconcile, out_);
    ASSERT_EQ(out_.filled.size(), 1u);
    EXPECT_EQ(numbers(out_.filled[0].records), (std::vector<std::uint64_t>{6}));
    EXPECT_EQ(out_.filled[0].gone.unknown, 0u);
}

TEST_F(ReconcileTest, AsksAgainWhomItHadAskedByASessionThatHadEnded) {
    begin(RecordNo{4}, {});
    reconcile_.on_fill(kStart, kB, {kDead, {record(5)}, true}, out_);
    reconcile_.survivor_gone(kA);
    out_ = {};
    EXPECT_TRUE(reconcile_.survivor_back(kStart + 1s, kA, out_).empty());
    ASSERT_EQ(out_.asks.size(), 1u);
    EXPECT_EQ(out_.asks[0].first, kA);
    EXPECT_EQ(out_.asks[0].second.delivered, RecordNo{4});
    reconcile_.on_deadline(kStart + timing_.reconcile, out_);
    EXPECT_TRUE(out_.filled.empty()) << "it has just come";
    reconcile_.on_fill(kStart + 2s, kA, {kDead, {record(6)}, true}, out_);
    ASSERT_EQ(out_.filled.size(), 1u);
    EXPECT_EQ(numbers(out_.filled[0].records), (std::vector<std::uint64_t>{5, 6}));
}

TEST_F(ReconcileTest, WhoComesTooLateIsStillToBeAsked) {
    reconcile_.begin(kStart, kDead, {RecordNo{4}, {}, 0}, {{kA}, {kB}}, out_);
    reconcile_.on_fill(kStart, kA, {kDead, {}, true}, out_);
    ASSERT_EQ(out_.filled.size(), 1u) << "who was away is not waited for";
    EXPECT_EQ(reconcile_.survivor_back(kStart + 5s, kB, out_), std::vector{kDead});
    EXPECT_TRUE(reconcile_.survivor_back(kStart + 5s, kB, out_).empty());
    reconcile_.begin(kStart, kDead, {RecordNo{4}, {}, 0}, {{}, {kB}}, out_);
    EXPECT_TRUE(reconcile_.survivor_back(kStart + limits_.receive_ring_age + 1s, kB, out_).empty())
        << "nobody keeps it so long";
}

TEST_F(ReconcileTest, AnswersWhoAsksEarlyWhenTheOriginIsDeadHereToo) {
    reconcile_.keep(kStart, kDead, record(4));
    reconcile_.keep(kStart, kDead, record(5));
    reconcile_.on_wake(kA, {kDead, RecordNo{4}}, true, out_);
    EXPECT_TRUE(out_.answers.empty());
    begin(RecordNo{5}, {record(7)});
    ASSERT_EQ(out_.answers.size(), 1u);
    EXPECT_EQ(out_.answers[0].to, kA);
    EXPECT_EQ(numbers(out_.answers[0].records), (std::vector<std::uint64_t>{5, 7}));
}

TEST_F(ReconcileTest, HandsNothingOnWhenTheOriginComesBack) {
    begin(RecordNo{4}, {record(6)});
    reconcile_.abort(kDead);
    reconcile_.on_fill(kStart, kA, {kDead, {record(5)}, true}, out_);
    reconcile_.on_fill(kStart, kB, {kDead, {}, true}, out_);
    EXPECT_TRUE(out_.filled.empty());
    EXPECT_EQ(reconcile_.next_deadline(), std::nullopt);
}

TEST_F(ReconcileTest, WhatIsAbortedCanBeBegunAnewFromWhereItWas) {
    begin(RecordNo{4}, {record(7)}, 2);
    reconcile_.on_fill(kStart, kA, {kDead, {record(6)}, true}, out_);
    const std::optional<Reconcile::Position> position = reconcile_.abort(kDead);
    ASSERT_TRUE(position);
    EXPECT_EQ(position->delivered, RecordNo{4});
    EXPECT_EQ(numbers(position->held), (std::vector<std::uint64_t>{6, 7}));
    EXPECT_EQ(position->lost, 1u);
    EXPECT_FALSE(reconcile_.abort(kDead));
}

TEST_F(ReconcileTest, KeepsNoMoreOfAnOriginThanItsRing) {
    limits_.receive_ring_bytes = 3 * record(1)->cost();
    Reconcile small(timing_, limits_);
    for (std::uint64_t n = 1; n <= 9; ++n) {
        small.keep(kStart, kDead, record(n));
    }
    small.on_wake(kA, {kDead, RecordNo{0}}, false, out_);
    EXPECT_EQ(numbers(out_.answers[0].records), (std::vector<std::uint64_t>{7, 8, 9}));
}

TEST_F(ReconcileTest, WhoseAnswerArrivesIsNotAskedAgain) {
    begin(RecordNo{4}, {});
    out_ = {};
    const Duration step = timing_.reconcile_retry / 2;
    Instant now = kStart;
    std::uint64_t n = 5;
    for (; now < kStart + timing_.reconcile + step; now += step) {
        reconcile_.on_fill(now, kA, {kDead, {record(n++)}, false}, out_);
        reconcile_.on_deadline(now, out_);
    }
    EXPECT_TRUE(out_.filled.empty()) << "it has time as long as something comes";
    ASSERT_FALSE(out_.asks.empty());
    for (const auto& [survivor, wake] : out_.asks) {
        EXPECT_EQ(survivor, kB) << "who is silent is asked again all the same";
    }
    for (; now < kStart + 2 * timing_.reconcile; now += step) {
        reconcile_.on_fill(now, kA, {kDead, {record(n++)}, false}, out_);
        reconcile_.on_deadline(now, out_);
    }
    EXPECT_TRUE(out_.filled.empty());
    reconcile_.on_deadline(kStart + 2 * timing_.reconcile, out_);
    ASSERT_EQ(out_.filled.size(), 1u) << "but no longer than that";
    EXPECT_EQ(out_.filled[0].records.size(), n - 5);
}

TEST_F(ReconcileTest, AnAnswerThatStopsLateIsAskedForAgainAndHasItsTime) {
    begin(RecordNo{4}, {});
    reconcile_.on_fill(kStart, kB, {kDead, {}, true, {}, 1, 1}, out_);
    const Instant stops = kStart + timing_.reconcile - 1ms;
    reconcile_.on_fill(stops, kA, {kDead, {record(5)}, false, {}, 7, 1}, out_);
    out_.asks.clear();
    reconcile_.on_deadline(stops + timing_.reconcile_retry, out_);
    ASSERT_EQ(out_.asks.size(), 1u);
    ASSERT_TRUE(out_.filled.empty());
    const Instant late = stops + 2 * timing_.reconcile_retry - 1ms;
    reconcile_.on_deadline(late, out_);
    reconcile_.on_fill(late, kA, {kDead, {record(5), record(6)}, true, {}, 8, 1}, out_);
    ASSERT_EQ(out_.filled.size(), 1u);
    EXPECT_EQ(numbers(out_.filled[0].records), (std::vector<std::uint64_t>{5, 6}));
    EXPECT_EQ(out_.filled[0].gone.unknown, 0u);
}

TEST_F(ReconcileTest, WhoComesAgainAndAgainPutsTheEndOffNoFurther) {
    begin(RecordNo{4}, {});
    for (Instant now = kStart; now < kStart + 2 * timing_.reconcile; now += 100ms) {
        reconcile_.survivor_gone(kA);
        static_cast<void>(reconcile_.survivor_back(now, kA, out_));
        reconcile_.on_deadline(now, out_);
    }
    EXPECT_TRUE(out_.filled.empty());
    reconcile_.on_deadline(kStart + 2 * timing_.reconcile, out_);
    EXPECT_EQ(out_.filled.size(), 1u);
}

TEST_F(ReconcileTest, HoldsTwoRingsOfAnswersAndCountsTheRestAsLost) {
    limits_.receive_ring_bytes = 10 * record(1)->cost();
    reconcile_ = Reconcile(timing_, limits_);
    begin(RecordNo{0}, {});
    std::vector<RecordPtr> many;
    for (std::uint64_t n = 1; n <= 23; ++n) {
        many.push_back(record(n));
    }
    reconcile_.on_fill(kStart, kA, {kDead, many, true}, out_);
    reconcile_.on_fill(kStart, kB, {kDead, {record(1), record(20)}, true}, out_);
    ASSERT_EQ(out_.filled.size(), 1u);
    EXPECT_EQ(out_.filled[0].records.size(), 20u);
    EXPECT_EQ(out_.filled[0].gone.unknown, 3u);
}

TEST_F(ReconcileTest, SaysHowManyNobodyHas) {
    begin(RecordNo{4}, {record(7)}, 2);
    reconcile_.on_fill(kStart, kA, {kDead, {record(5), record(7)}, true}, out_);
    reconcile_.on_fill(kStart, kB, {kDead, {record(5)}, true}, out_);
    ASSERT_EQ(out_.filled.size(), 1u);
    EXPECT_EQ(out_.filled[0].gone.unknown, 1u);
    EXPECT_EQ(out_.filled[0].records.size(), 2u);
}

TEST_F(ReconcileTest, WhatADeafPathMayHaveLostIsToldWhateverTheSurvivorsHave) {
    for (const bool comes_back : {false, true}) {
        Reconcile::Position position{
            .delivered = RecordNo{4}, .held = {}, .lost = 2, .known = RecordNo{6}, .is_deaf = true};
        reconcile_.begin(kStart, kDead, position, {{kA}, {}}, out_);
        if (comes_back) {
            position = reconcile_.abort(kDead).value();
            EXPECT_TRUE(position.is_deaf);
            reconcile_.begin(kStart, kDead, position, {{kA}, {}}, out_);
        }
        out_.filled.clear();
        reconcile_.on_fill(kStart, kA, {kDead, {record(5), record(6), record(20)}, true}, out_);
        ASSERT_EQ(out_.filled.size(), 1u);
        EXPECT_EQ(numbers(out_.filled[0].records), (std::vector<std::uint64_t>{5, 6, 20}));
        EXPECT_EQ(out_.filled[0].gone.unknown, 1u) << "records 7 to 19 may have been for this node alone";
    }
}

TEST_F(ReconcileTest, WhatComesBeyondTheHolesFillsNone) {
    known_ = RecordNo{6};
    begin(RecordNo{4}, {}, 2);
    reconcile_.on_fill(kStart, kA, {kDead, {record(6), record(7), record(8)}, true}, out_);
    reconcile_.on_fill(kStart, kB, {kDead, {}, true}, out_);
    ASSERT_EQ(out_.filled.size(), 1u);
    EXPECT_EQ(out_.filled[0].gone.unknown, 1u);
}

TEST_F(ReconcileTest, HandsOnWhatSurvivorsWereToldToBeGone) {
    begin(RecordNo{4}, {});
    reconcile_.on_fill(kStart, kA, {kDead, {record(9)}, true, {{{"news", 2}}, 1}}, out_);
    reconcile_.on_fill(kStart, kB, {kDead, {}, true, {{{"news", 3}, {"sport", 1}}, 0}}, out_);
    ASSERT_EQ(out_.filled.size(), 1u);
    EXPECT_EQ(out_.filled[0].gone, (Gone{{{"news", 3}, {"sport", 1}}, 1}))
        << "two that were told of one loss tell of one";
    EXPECT_EQ(out_.filled[0].upto, RecordNo{100});
}

TEST_F(ReconcileTest, RemembersWhatIsGoneWithinItsLimitsAndForAWhile) {
    std::vector<std::pair<std::string, std::uint64_t>> many;
    for (std::size_t i = 0; i <= Reconcile::kLossChannels; ++i) {
        many.emplace_back("c" + std::to_string(i), 1);
    }
    reconcile_.keep_gone(kStart, kDead, RecordNo{1}, {{{"a", 1}}, 0});
    reconcile_.keep_gone(kStart, kDead, RecordNo{2}, {many, 0});
    for (std::size_t i = 2; i <= Reconcile::kLosses; ++i) {
        reconcile_.keep_gone(kStart, kDead, RecordNo{9}, {{{"b", 1}}, 0});
    }
    reconcile_.on_wake(kA, {kDead, RecordNo{1}}, false, out_);
    EXPECT_EQ(out_.answers[0].gone.channels.size(), Reconcile::kLosses - 1);
    EXPECT_EQ(out_.answers[0].gone.unknown, Reconcile::kLossChannels + 2)
        << "the two oldest have become one without names";
    reconcile_.on_deadline(kStart + limits_.receive_ring_age + 1ms, out_);
    reconcile_.on_wake(kA, {kDead, RecordNo{0}}, false, out_);
    EXPECT_TRUE(out_.answers[1].gone.empty());
}

TEST_F(ReconcileTest, AnAnswerInTooManyPartsIsNeverComplete) {
    const auto answer_in = [&](std::uint64_t answer, std::size_t parts) {
        for (std::uint32_t no = 1; no <= parts; ++no) {
            reconcile_.on_fill(kStart, kA, {kDead, {}, no == parts, {}, answer, no}, out_);
        }
    };
    begin(RecordNo{4}, {});
    reconcile_.on_fill(kStart, kB, {kDead, {}, true}, out_);
    answer_in(1, Reconcile::kParts + 1);
    EXPECT_TRUE(out_.filled.empty());
    answer_in(2, Reconcile::kParts);
    EXPECT_EQ(out_.filled.size(), 1u);
}

TEST_F(ReconcileTest, AHostileSurvivorFillsNoTable) {
    begin(RecordNo{4}, {});
    for (std::size_t i = 0; i <= 2 * Reconcile::kLosses * Reconcile::kLossChannels; ++i) {
        reconcile_.on_fill(kStart, kA, {kDead, {}, false, {{{"c" + std::to_string(i), 1}}, 0}}, out_);
    }
    reconcile_.on_fill(kStart, kA, {kDead, {}, true}, out_);
    reconcile_.on_fill(kStart, kB, {kDead, {}, true}, out_);
    ASSERT_EQ(out_.filled.size(), 1u);
    EXPECT_EQ(out_.filled[0].gone.channels.size(), Reconcile::kLosses * Reconcile::kLossChannels);
    EXPECT_EQ(out_.filled[0].gone.unknown, 1u);
}

}  // namespace
}  // namespace tulle::mesh::reconcile_test
