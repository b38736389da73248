#include "tools/chaos/checker.hpp"

#include <gtest/gtest.h>

#include "tests/chaos/history_builder.hpp"
#include "tools/chaos/report.hpp"

namespace tulle::chaos {
namespace {

TEST(Checker, PassesARunWithoutFault) {
    HistoryBuilder history;
    for (std::uint64_t number = 1; number <= 10; ++number) {
        const int at = 2'500 + static_cast<int>(number) * 10;
        history.publish(at, 1, number);
        for (std::uint32_t subscription = 1; subscription <= 3; ++subscription) {
            history.deliver(at + 3, subscription, 1, number);
        }
    }
    const Report report = history.check_until(20'000);
    EXPECT_TRUE(report.ok()) << report_text(report);
    EXPECT_EQ(report.messages, 10U);
    EXPECT_EQ(report.deliveries, 30U);
    EXPECT_EQ(report.delivery.median(), 3ms);
}

TEST(Checker, FindsANodeThatEndedByItself) {
    HistoryBuilder history;
    history.add(5'000, EventKind::kEnd, 2, "exit");
    Report report = history.check_until(20'000);
    EXPECT_EQ(verdict_of(report, "UP").violations, 1U);
}

TEST(Samples, PercentilesAreValuesThatWereSeen) {
    Samples samples;
    for (int i = 200; i >= 1; --i) {
        samples.values.emplace_back(std::chrono::milliseconds(i));
    }
    EXPECT_EQ(samples.median(), 100ms);
    EXPECT_EQ(samples.percentile(99), 198ms);
    EXPECT_EQ(samples.percentile(100), 200ms);
    EXPECT_EQ(Samples{}.median(), Duration::zero());
}

TEST(ReportJson, HasTheVerdictTheSeedAndTheTimes) {
    HistoryBuilder history;
    const std::string json = report_json(history.check_until(20'000));
    EXPECT_NE(json.find(R"("verdict":"pass","seed":"1")"), std::string::npos) << json;
    EXPECT_NE(json.find(R"({"id":"P1","ok":true,"checked":0,"exempted":0)"), std::string::npos) << json;
    EXPECT_NE(json.find(R"("detection_ms":{"median":)"), std::string::npos) << json;
}

}  // namespace
}  // namespace tulle::chaos
