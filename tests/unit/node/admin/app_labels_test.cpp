#include "node/admin/app_labels.hpp"

#include <map>
#include <string>

#include <gtest/gtest.h>

namespace tulle::node::app_labels_test {
namespace {

/// The id of the i-th app, so that ids sort by number.
std::string app(std::size_t i) {
    return "app" + std::to_string(1000 + i);
}

/// As many apps with 10 connections as have labels.
AppSumsById full() {
    AppSumsById sums;
    for (std::size_t i = 0; i < AppLabels::kMost; ++i) {
        sums[app(i)] = {.connections = 10, .received = 1, .published = 1};
    }
    return sums;
}

std::map<std::string, AppSums> by_label(const std::vector<AppLabels::Line>& lines) {
    std::map<std::string, AppSums> result;
    for (const AppLabels::Line& line : lines) {
        EXPECT_TRUE(result.emplace(line.label, line.sums).second) << line.label << " comes twice";
    }
    return result;
}

TEST(AppLabelsTest, EachAppHasItsLabelAsLongAsThereAreEnough) {
    AppLabels labels;
    EXPECT_TRUE(labels.take({}).empty());
    const auto lines = by_label(labels.take(full()));
    EXPECT_EQ(lines.size(), AppLabels::kMost);
    EXPECT_FALSE(lines.contains(AppLabels::kOther));
    EXPECT_EQ(lines.at(app(0)), (AppSums{10, 1, 1}));
}

TEST(AppLabelsTest, TheSmallestAppsAreAddedUp) {
    AppLabels labels;
    AppSumsById sums = full();
    sums["small"] = {.connections = 2, .received = 5, .published = 6};
    sums["tiny"] = {.connections = 1, .received = 7, .published = 8};
    const auto lines = by_label(labels.take(sums));
    EXPECT_EQ(lines.size(), AppLabels::kMost + 1);
    EXPECT_EQ(lines.at(AppLabels::kOther), (AppSums{3, 12, 14}));
}

TEST(AppLabelsTest, NoCounterFallsWhenLabelsMoveAndNothingIsCountedTwice) {
    AppLabels labels;
    AppSumsById sums = full();
    sums["rising"] = {.connections = 1, .received = 100, .published = 0};
    auto before = by_label(labels.take(sums));
    EXPECT_EQ(before.at(AppLabels::kOther).received, 100u);
    // The app gets a label, then loses the label to the others again. Meanwhile every app counts.
    for (const std::uint64_t connections : {100u, 100u, 1u, 1u, 100u}) {
        sums["rising"].connections = connections;
        std::uint64_t received = 0;
        for (auto& [id, sum] : sums) {
            ++sum.received;
            received += sum.received;
        }
        const auto lines = by_label(labels.take(sums));
        EXPECT_EQ(lines.contains("rising"), connections == 100u);
        EXPECT_EQ(lines.size(), AppLabels::kMost + 1);
        for (const auto& [label, sum] : lines) {
            if (before.contains(label)) {
                EXPECT_GE(sum.received, before[label].received) << label;
            }
            before[label] = sum;
        }
        std::uint64_t known = 0;
        for (const auto& [label, sum] : before) {
            known += sum.received;
        }
        EXPECT_EQ(known, received);
    }
    EXPECT_EQ(before.at("rising").received, 3u) << "what was counted under the label";
}

TEST(AppLabelsTest, AnAppKeepsItsLabelAmongEquals) {
    AppLabels labels;
    AppSumsById sums = full();
    (void)labels.take(sums);
    sums["a"] = {.connections = 10, .received = 1'000, .published = 0};
    const auto lines = by_label(labels.take(sums));
    EXPECT_FALSE(lines.contains("a"));
    EXPECT_TRUE(lines.contains(app(0)));
}

TEST(AppLabelsTest, AnAppOfTheNameOfTheOthersIsOneOfThem) {
    AppLabels labels;
    const auto lines = labels.take({{"other", {3, 2, 1}}, {"z", {1, 1, 1}}});
    EXPECT_EQ(lines, (std::vector<AppLabels::Line>{{"z", {1, 1, 1}}, {"other", {3, 2, 1}}}));
}

}  // namespace
}  // namespace tulle::node::app_labels_test
