#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tools/cli/keys_report.hpp"

/// What `tulle keys` makes of the reports of the nodes.
namespace tulle::cli::keys_test {
namespace {

const std::string kOld = "aaaaaaaa";
const std::string kNew = "bbbbbbbb";

/// A node that uses the first of `ids`, and has four connections each way by the key `used`.
NodeReport node(const std::string& name, std::vector<std::string> ids, const std::string& used) {
    NodeReport report;
    report.name = name;
    report.keys = {.is_known = true, .ids = std::move(ids), .bound = used, .uses = {{used, used, 4, 4}}};
    return report;
}

MeshSample sample(std::vector<NodeReport> nodes) {
    MeshSample mesh;
    for (NodeReport& one : nodes) {
        mesh.nodes.emplace("oid-" + one.name, std::move(one));
    }
    return mesh;
}

using Texts = std::vector<std::string>;

TEST(CliKeys, AreWellWhenAllNodesHaveTheSame) {
    const MeshSample mesh = sample({node("n1", {kOld}, kOld), node("n2", {kOld}, kOld)});
    EXPECT_EQ(judge_keys(mesh, {}, 0).missing, Texts{});
    EXPECT_EQ(judge_keys(mesh, {.accepted = kOld, .used = kOld}, 2).missing, Texts{});
    EXPECT_FALSE(judge_keys(mesh, {}, 0).is_open);
}

TEST(CliKeys, AreNotCalledAcceptedBeforeEveryNodeAcceptsThem) {
    const MeshSample mesh = sample({node("n1", {kOld, kNew}, kOld), node("n2", {kOld}, kOld)});
    EXPECT_EQ(judge_keys(mesh, {.accepted = kNew, .used = {}}, 0).missing,
              Texts{"n2 does not accept " + kNew + ", but " + kOld});
    EXPECT_EQ(judge_keys(mesh, {}, 0).missing, Texts{"the nodes have different keys: a change of the key is not over"});
}

TEST(CliKeys, AreNotCalledUsedBeforePortsAndConnectionsBearThemAlone) {
    const KeyGoal used{.accepted = {}, .used = kNew};
    NodeReport n1 = node("n1", {kNew, kOld}, kNew);
    EXPECT_EQ(judge_keys(sample({n1}), used, 0).missing, Texts{});
    EXPECT_EQ(judge_keys(sample({node("n1", {kOld, kNew}, kOld)}), used, 0).missing,
              (Texts{"n1 uses " + kOld, "n1 has 8 connections that bear another key"}));
    n1.keys.bound = kOld;
    EXPECT_EQ(judge_keys(sample({n1}), used, 0).missing,
              Texts{"n1 has not bound its ports again yet: they bear " + kOld});
    n1.keys.bound = kNew;
    n1.keys.uses.push_back({kNew, kOld, 1, 0});
    EXPECT_EQ(judge_keys(sample({n1}), used, 0).missing, Texts{"n1 has 1 connections that bear another key"});
}

TEST(CliKeys, AreNotKnownOfNodesThatDoNotAnswer) {
    MeshSample mesh = sample({node("n1", {kOld}, kOld)});
    mesh.silent.insert("n2");
    PeerView n3{.name = "n3"};
    n3.session.emplace();
    mesh.nodes.begin()->second.peers.emplace("oid-n3", n3);
    EXPECT_EQ(judge_keys(mesh, {}, 4).missing,
              (Texts{"n2 does not answer", "n3 does not answer", "1 nodes answer, expected 4"}));
}

TEST(CliKeys, OfAnOpenMeshAreNone) {
    const MeshSample mesh = sample({node("n1", {}, "")});
    EXPECT_TRUE(judge_keys(mesh, {}, 0).is_open);
    EXPECT_EQ(judge_keys(mesh, {.accepted = {}, .used = kOld}, 0).missing.front(), "n1 uses -");
}

TEST(CliKeys, StandInATableALineForEachNode) {
    const std::string text = keys_text(sample({node("n2", {kNew, kOld}, kNew), node("n1", {kOld, kNew}, kOld)}));
    EXPECT_EQ(text,
              "NODE  USES      ACCEPTS TOO  CONNECTIONS BY KEY\n"
              "n1    aaaaaaaa  bbbbbbbb     8 by aaaaaaaa\n"
              "n2    bbbbbbbb  aaaaaaaa     8 by bbbbbbbb\n");
}

}  // namespace
}  // namespace tulle::cli::keys_test
