#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/chaos/history_builder.hpp"

namespace tulle::chaos {

/// A test that writes a history of up to 30 seconds and asks for the verdicts on it: judged once, at the first
/// question.
class Judged : public ::testing::Test {
protected:
    Verdict verdict(const std::string& id) {
        if (!report_) {
            report_ = history_.check_until(30'000);
        }
        return verdict_of(*report_, id);
    }

    HistoryBuilder history_;
    std::optional<Report> report_;
};

}  // namespace tulle::chaos
