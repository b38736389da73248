#include "tools/chaos/checker.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/chaos/history_builder.hpp"
#include "tools/chaos/report.hpp"

namespace tulle::chaos::checker_test {
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

TEST(Checker, CountsFaultsButNotTheWatchingOfAMeshThatRuns) {
    HistoryBuilder history;
    history.add(5'000, EventKind::kFault, 0, kNoFault);
    history.add(6'000, EventKind::kCalm, 0, kNoFault);
    history.add(7'000, EventKind::kFault, 0, "kill");
    EXPECT_EQ(history.check_until(20'000).faults, 1U);
}

TEST(Report, OfWhichTooMuchIsExemptedFailsWhateverTheVerdicts) {
    Report report;
    Verdict& verdict = report.invariants.emplace_back();
    verdict.id = "P1";
    verdict.checked = 1'000;
    for (int i = 0; i < 50; ++i) {
        verdict.exempt("a rule");
    }
    EXPECT_TRUE(report.ok());
    verdict.exempt("a rule");
    EXPECT_FALSE(report.ok());
    EXPECT_NE(report_text(report).find("all promises together: 5.1 % exempted, of 5 % that may be"), std::string::npos)
        << report_text(report);
    EXPECT_NE(report_json(report).find(R"("verdict":"fail")"), std::string::npos);
}

TEST(Report, LooksAtEachPromiseByItself) {
    Report report;
    for (const char* id : {"P1", "P2"}) {
        report.invariants.emplace_back().id = id;
    }
    report.invariants[0].checked = 100'000;
    report.invariants[1].checked = kShareMatters;
    for (int i = 0; i < 21; ++i) {
        report.invariants[1].exempt("a rule");
    }
    EXPECT_FALSE(report.ok());
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

TEST(ReportJson, HasTheShapeThatIsPromised) {
    HistoryBuilder history;
    history.add(5'000, EventKind::kEnd, 3, "kill");
    const boost::json::value json = boost::json::parse(report_json(history.check_until(20'000)));
    const boost::json::object& report = json.as_object();
    EXPECT_EQ(report.at("verdict").as_string(), "fail");
    EXPECT_EQ(report.at("seed").to_number<std::uint64_t>(), 1u);
    EXPECT_EQ(report.at("kills").to_number<int>(), 1);
    std::vector<std::string> ids;
    for (const boost::json::value& item : report.at("invariants").as_array()) {
        const boost::json::object& invariant = item.as_object();
        ids.emplace_back(invariant.at("id").as_string().c_str());
        EXPECT_EQ(invariant.at("ok").as_bool(), invariant.at("violations").to_number<int>() == 0);
        EXPECT_TRUE(invariant.at("checked").is_number() && invariant.at("exempted").is_number());
    }
    EXPECT_EQ(ids,
              (std::vector<std::string>{"P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "PR", "RD", "CA", "WH", "UP"}));
    for (const char* times :
         {"detection_ms", "freeze_detection_ms", "cut_detection_ms", "convergence_ms", "repair_ms", "delivery_ms"}) {
        for (const char* key : {"count", "median", "p99", "max"}) {
            EXPECT_TRUE(report.at(times).as_object().at(key).is_number()) << times << " " << key;
        }
    }
    for (const char* key : {"sessions_remade", "memory_mib"}) {
        EXPECT_TRUE(report.at(key).is_object()) << key;
    }
    EXPECT_TRUE(report.at("skipped").is_array());
    EXPECT_TRUE(report.at("invariants").as_array().front().as_object().at("exemptions").is_object());
}

TEST(ReportJson, HasEveryDetectionTimeSoThatRunsCanBePutTogether) {
    Report report;
    report.detection.values = {30ms, 20ms};
    const boost::json::value json = boost::json::parse(report_json(report));
    const boost::json::object& times = json.as_object().at("detection_ms").as_object();
    EXPECT_EQ(times.at("count").to_number<int>(), 2);
    EXPECT_EQ(times.at("values"), (boost::json::array{30.0, 20.0}));
}

}  // namespace
}  // namespace tulle::chaos::checker_test
