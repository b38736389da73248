#include "mesh/core/trace/trace_table.hpp"

#include <gtest/gtest.h>

namespace tulle::mesh::trace_table_test {
namespace {

constexpr Instant kStart{10s};
constexpr std::int64_t kStartUs = 10'000'000;

TraceLine line(std::uint64_t oid, TraceFate fate) {
    return {.name = "n" + std::to_string(oid), .oid = OriginId{oid}, .state = "alive", .fate = fate};
}

TraceTable::Asked asked(std::uint64_t id) {
    return {ShardIndex{3}, id, kStart + 1s};
}

std::vector<TraceResult> results(const Effects& effects) {
    std::vector<TraceResult> found;
    for (const Effect& effect : effects) {
        if (const auto* to = std::get_if<ToPort>(&effect)) {
            EXPECT_EQ(to->shard, ShardIndex{3});
            found.push_back(std::get<TraceResult>(to->message));
        }
    }
    return found;
}

TEST(TraceTable, AnswersAtOnceWhenNobodyIsToReport) {
    TraceTable table(4);
    Effects out;
    table.begin(kStart, RecordNo{1}, asked(7), {line(1, TraceFate::kOrigin), line(2, TraceFate::kNoSubscriber)}, out);
    const auto found = results(out);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].id, 7u);
    EXPECT_EQ(found[0].lines.size(), 2u);
    EXPECT_FALSE(table.awaits(RecordNo{1}));
}

TEST(TraceTable, AnswersWhenTheLastReportHasComeAndTellsWhen) {
    TraceTable table(4);
    Effects out;
    table.begin(kStart, RecordNo{1}, asked(7), {line(2, TraceFate::kNoReport), line(3, TraceFate::kInterestUnknown)},
                out);
    const TraceReport report{RecordNo{1}, TracePath::kRepaired, OriginId{}, kStartUs + 5'000'300, 2};
    table.on_report(kStart + 1ms, report, line(2, TraceFate::kNoReport), {5'000'000, 40}, out);
    EXPECT_TRUE(out.empty());
    table.on_report(kStart + 2ms, {RecordNo{1}, TracePath::kDirect, {}, 0, 1}, line(3, TraceFate::kNoReport), {}, out);
    const auto found = results(out);
    ASSERT_EQ(found.size(), 1u);
    const TraceLine& first = found[0].lines[0];
    EXPECT_EQ(first.fate, TraceFate::kGot);
    EXPECT_EQ(first.path, TracePath::kRepaired);
    EXPECT_EQ(first.shards, 2u);
    EXPECT_EQ(first.reported_us, 1'000);
    EXPECT_EQ(first.received_us, 300);
    EXPECT_EQ(first.clock_error_us, 40u);
    EXPECT_EQ(found[0].lines[1].received_us, std::nullopt);  // its clock is not known
}

TEST(TraceTable, AnswersAtTheDeadlineWithWhoHasNotReported) {
    TraceTable table(4);
    Effects out;
    table.begin(kStart, RecordNo{1}, asked(7), {line(2, TraceFate::kNoReport)}, out);
    EXPECT_EQ(table.next_deadline(), kStart + 1s);
    table.on_deadline(kStart + 999ms, out);
    EXPECT_TRUE(out.empty());
    table.on_deadline(kStart + 1s, out);
    ASSERT_EQ(results(out).size(), 1u);
    EXPECT_EQ(results(out)[0].lines[0].fate, TraceFate::kNoReport);
    table.on_report(kStart + 2s, {RecordNo{1}, TracePath::kDirect, {}, 0, 1}, line(2, TraceFate::kNoReport), {}, out);
    EXPECT_EQ(results(out).size(), 1u);
}

TEST(TraceTable, TakesTheReportOfAMemberThatCameAfterTheSending) {
    TraceTable table(4);
    Effects out;
    table.begin(kStart, RecordNo{1}, asked(7), {line(2, TraceFate::kNoReport)}, out);
    const TraceReport report{RecordNo{1}, TracePath::kDirect, {}, 0, 1};
    table.on_report(kStart, report, line(9, TraceFate::kNoReport), {}, out);
    table.on_report(kStart, report, line(2, TraceFate::kNoReport), {}, out);
    ASSERT_EQ(results(out).size(), 1u);
    EXPECT_EQ(results(out)[0].lines.back().name, "n9");
}

TEST(TraceTable, IsFullAtItsLimit) {
    TraceTable table(2);
    Effects out;
    table.begin(kStart, RecordNo{1}, asked(1), {line(2, TraceFate::kNoReport)}, out);
    EXPECT_FALSE(table.full());
    table.begin(kStart, RecordNo{2}, asked(2), {line(2, TraceFate::kNoReport)}, out);
    EXPECT_TRUE(table.full());
}

TEST(TraceTable, KeepsTheNewestReportsForOriginsWithoutSession) {
    TraceTable table(2);
    for (const std::uint64_t n : {1u, 2u, 3u}) {
        table.owe(OriginId{5}, {RecordNo{n}, TracePath::kFilledIn, {}, 0, 1});
    }
    const auto reports = table.take_owed(OriginId{5});
    ASSERT_EQ(reports.size(), 2u);
    EXPECT_EQ(reports[0].n, RecordNo{2});
    EXPECT_TRUE(table.take_owed(OriginId{5}).empty());
}

TEST(TraceTable, RemembersWhoWasFirstToFillIn) {
    TraceTable table(2);
    table.note_filler(OriginId{5}, RecordNo{1}, OriginId{6});
    table.note_filler(OriginId{5}, RecordNo{1}, OriginId{7});
    EXPECT_EQ(table.take_filler(OriginId{5}, RecordNo{1}), OriginId{6});
    EXPECT_EQ(table.take_filler(OriginId{5}, RecordNo{1}), OriginId{});
}

}  // namespace
}  // namespace tulle::mesh::trace_table_test
