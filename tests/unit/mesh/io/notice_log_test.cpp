#include "mesh/io/notice_log.hpp"

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <gtest/gtest.h>

namespace tulle::mesh::notice_log_test {
namespace {

constexpr Instant kStart{100s};

/// The log goes into a text for as long as the test runs.
class NoticeLogTest : public testing::Test {
protected:
    NoticeLogTest() : before_(spdlog::default_logger()) {
        spdlog::set_default_logger(
            std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)));
    }
    ~NoticeLogTest() override { spdlog::set_default_logger(before_); }

    [[nodiscard]] std::size_t lines() const {
        const std::string text = text_.str();
        return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    }

    std::shared_ptr<spdlog::logger> before_;
    std::ostringstream text_;
    NoticeLog log_;
};

TEST_F(NoticeLogTest, AFloodOfOneKindIsCutAndCountedAndTheListenerGetsAllOfIt) {
    std::size_t heard = 0;
    log_.listen([&heard](const Notice&) { ++heard; });
    for (std::uint32_t i = 0; i < NoticeLog::kLinesPerKind + 50; ++i) {
        log_.write(kStart, {Severity::kWarn, "n2 is silent", EventKind::kSuspect});
    }
    EXPECT_EQ(heard, NoticeLog::kLinesPerKind + 50u);
    EXPECT_EQ(lines(), NoticeLog::kLinesPerKind);
    log_.write(kStart + 1s, {Severity::kWarn, "n2 is dead", EventKind::kDead});
    EXPECT_EQ(lines(), NoticeLog::kLinesPerKind + 1u) << "another kind has a bound of its own";
    log_.write(kStart + NoticeLog::kSpan, {Severity::kWarn, "n2 is silent again", EventKind::kSuspect});
    EXPECT_NE(text_.str().find("50 lines about \"suspect\" were left out"), std::string::npos) << text_.str();
    EXPECT_NE(text_.str().find("n2 is silent again"), std::string::npos);
}

TEST_F(NoticeLogTest, ALineThatTheLevelLeavesOutIsNotCounted) {
    std::size_t heard = 0;
    log_.listen([&heard](const Notice&) { ++heard; });
    for (std::uint32_t i = 0; i < NoticeLog::kLinesPerKind + 50; ++i) {
        log_.write(kStart, {Severity::kDebug, "a hole is filled", EventKind::kRepair});
    }
    log_.write(kStart + NoticeLog::kSpan, {Severity::kWarn, "a hole is filled", EventKind::kRepair});
    EXPECT_EQ(heard, NoticeLog::kLinesPerKind + 51u);
    EXPECT_EQ(lines(), 1u) << text_.str();
}

}  // namespace
}  // namespace tulle::mesh::notice_log_test
