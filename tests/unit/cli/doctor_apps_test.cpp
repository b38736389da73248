#include "tools/cli/doctor_apps.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace tulle::cli::doctor_apps_test {
namespace {

/// Nodes 01 … 03, with the same two apps.
MeshSample alike() {
    MeshSample sample;
    for (int i = 1; i <= 3; ++i) {
        NodeReport node;
        node.name = "n" + std::to_string(i);
        node.ready = true;
        node.apps = AppsReport{.key = "829002f2",
                               .count = 2,
                               .digest = "all",
                               .apps = {{"a", {"s1", "c1"}}, {"b", {"s2", "c2"}}},
                               .rules = {{"activity_timeout", "30000 ms"}}};
        sample.nodes.emplace("0" + std::to_string(i), std::move(node));
    }
    return sample;
}

std::vector<std::string> findings(const MeshSample& sample) {
    std::vector<Finding> found;
    judge_apps(sample, Labels(sample), found);
    std::vector<std::string> texts;
    for (const Finding& finding : found) {
        texts.push_back(finding.kind + ": " + (finding.nodes.empty() ? "" : finding.nodes[0] + " ") + finding.text);
    }
    return texts;
}

TEST(DoctorApps, EqualAppsAreNoFinding) {
    EXPECT_EQ(findings(alike()), std::vector<std::string>{});
}

TEST(DoctorApps, NamesTheNodeThatDiffersFromMost) {
    MeshSample sample = alike();
    sample.nodes["02"].apps->apps["a"].settings = "other";
    sample.nodes["03"].apps->apps["b"].credentials = "other";
    sample.nodes["03"].apps->rules["activity_timeout"] = "5000 ms";
    sample.nodes["01"].apps->apps["c"] = {"s3", "c3"};
    ++sample.nodes["01"].apps->count;
    EXPECT_EQ(findings(sample),
              (std::vector<std::string>{"rule: n3 has activity_timeout = 5000 ms, unlike n1, n2",
                                        "app-settings: n2 has other settings of the app 'a' than n1, n3",
                                        "app-secret: n3 has another key or secret for the app 'b' than n1, n2",
                                        "app: n2 has no app 'c', unlike n1", "app: n3 has no app 'c', unlike n1"}));
}

TEST(DoctorApps, OfVeryManyAppsTheDigestOfAllIsCompared) {
    MeshSample sample = alike();
    for (auto& [oid, node] : sample.nodes) {
        node.apps->count = 1000;
    }
    sample.nodes["02"].apps->digest = "other";
    EXPECT_EQ(findings(sample),
              (std::vector<std::string>{"apps: n2 has other apps, or other settings of them, than n1, n3"}));
}

TEST(DoctorApps, TellsOfTenAppsAndCountsTheOthers) {
    MeshSample sample = alike();
    for (int i = 0; i < 15; ++i) {
        sample.nodes["01"].apps->apps["x" + std::to_string(100 + i)] = {"s", "c"};
        ++sample.nodes["01"].apps->count;
    }
    const std::vector<std::string> told = findings(sample);
    EXPECT_EQ(told.size(), 2 * kMostApps + 1);
    EXPECT_EQ(told.back(), "apps: 5 more apps differ between nodes");
}

TEST(DoctorApps, WithoutOneKeyForAllNothingIsCompared) {
    MeshSample sample = alike();
    sample.nodes["02"].apps->key = "00000000";
    sample.nodes["02"].apps->apps["a"].settings = "other";
    EXPECT_EQ(findings(sample),
              (std::vector<std::string>{"apps: the apps are not compared: not all nodes use one mesh key"}));
    for (auto& [oid, node] : sample.nodes) {
        node.apps->key.clear();
    }
    EXPECT_TRUE(findings(sample).empty()) << "a mesh without keys has no digests";
}

TEST(DoctorSeeds, AWrongPortIsWrongAndAPeerThatIsNotThereIsNoted) {
    NodeReport node;
    node.configured = 4;
    node.met = 1;
    node.unmet = {{"10.0.0.5:7001", "closed", "nobody listens there", 65'000},
                  {"10.0.0.6:7002", "wrong-port", "this is the port of n2 for data", 65'000},
                  {"10.0.0.7:7001", "dead", "its node is dead", 1'000}};
    std::vector<Finding> found;
    judge_seeds(node, "n1", found);
    ASSERT_EQ(found.size(), 2u) << "the dead have a finding of their own";
    EXPECT_EQ(found[0].severity, Severity::kNote);
    EXPECT_EQ(found[0].text, "has not met its configured peer 10.0.0.5:7001 for 65 s: nobody listens there");
    EXPECT_EQ(found[1].severity, Severity::kWrong);
}

}  // namespace
}  // namespace tulle::cli::doctor_apps_test
