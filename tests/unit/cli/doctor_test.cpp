#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tools/cli/doctor_judge.hpp"
#include "tools/cli/doctor_text.hpp"

namespace tulle::cli::doctor_test {
namespace {

std::string name_of(const std::string& oid) {
    return "n" + oid.substr(oid.size() - 1);
}

/// Nodes 01 … 0N, each with everything in order.
MeshSample healthy(std::size_t count = 3) {
    MeshSample sample;
    for (std::size_t i = 1; i <= count; ++i) {
        const std::string oid = "0" + std::to_string(i);
        NodeReport node;
        node.name = name_of(oid);
        node.state = "alive";
        node.version = "0.1.0";
        node.ready = true;
        node.uptime_s = 61;
        node.clients = 2;
        node.interest_version = 10 * i;
        node.interest_digest = "digest" + oid;
        node.oldest_protocol = node.newest_protocol = 1;
        node.monotonic_us = static_cast<std::int64_t>(i) * 1'000'000;
        node.wall_us = node.monotonic_us + 500'000'000;
        for (std::size_t j = 1; j <= count; ++j) {
            const std::string other = "0" + std::to_string(j);
            if (i == j) {
                continue;
            }
            PeerView peer;
            peer.name = name_of(other);
            peer.state = "alive";
            peer.rtt_us = 240;
            peer.sessions = 1;
            peer.session = SessionView{.tag = 10 * i + j,
                                       .peer_tag = 10 * j + i,
                                       .interest_known = true,
                                       .interest_version = 10 * j,
                                       .interest_digest = "digest" + other,
                                       .acked_version = 10 * i,
                                       .data_silent_ms = 900,
                                       .heard_via = {},
                                       .hears_via = {},
                                       .clock = SessionView::Clock{0, 120}};
            node.peers.emplace(other, std::move(peer));
        }
        sample.nodes.emplace(oid, std::move(node));
    }
    return sample;
}

PeerView& view(MeshSample& sample, const std::string& viewer, const std::string& seen) {
    return sample.nodes.at(viewer).peers.at(seen);
}

/// "kind a b" of what is wrong.
std::vector<std::string> wrongs(const std::vector<MeshSample>& samples, std::optional<std::size_t> expect = {}) {
    std::vector<std::string> found;
    const Diagnosis diagnosis = diagnose(samples, expect);
    for (const Finding& finding : diagnosis.findings) {
        if (finding.severity == Severity::kWrong) {
            std::string line = finding.kind;
            for (const std::string& node : finding.nodes) {
                line += " " + node;
            }
            found.push_back(std::move(line));
        }
    }
    EXPECT_EQ(found.empty(), diagnosis.healthy());
    return found;
}

std::vector<std::string> notes(const MeshSample& sample) {
    std::vector<std::string> found;
    for (const Finding& finding : diagnose({sample}, {}).findings) {
        if (finding.severity == Severity::kNote) {
            found.push_back(finding.kind);
        }
    }
    return found;
}

using Lines = std::vector<std::string>;

TEST(CliDoctor, FindsNothingWhereAllIsWell) {
    EXPECT_EQ(wrongs({healthy()}), Lines{});
    EXPECT_EQ(notes(healthy()), Lines{});
    EXPECT_TRUE(is_settled({healthy()}));
    EXPECT_EQ(diagnose({healthy()}, {}).pairs.size(), 6u);
    EXPECT_EQ(wrongs({healthy(1)}), Lines{});
}

TEST(CliDoctor, NamesThePairWhoseDigestsDifferAtEqualVersions) {
    MeshSample sample = healthy();
    view(sample, "02", "03").session->interest_digest = "other";
    EXPECT_EQ(wrongs({sample}), (Lines{"interest-differs n2 n3"}));
    EXPECT_FALSE(is_settled({sample}));
}

TEST(CliDoctor, TakesMovingInterestForHealthy) {
    MeshSample before = healthy();
    view(before, "02", "03").session->interest_version = 29;  // one change is on its way
    EXPECT_FALSE(is_settled({before}));
    EXPECT_EQ(diagnose({before}, {}).pairs[3].interest, InterestVerdict::kMoving);
    EXPECT_EQ(wrongs({before}), Lines{});
    MeshSample after = before;
    after.nodes.at("03").interest_version = 40;
    after.nodes.at("03").interest_digest = "later";
    view(after, "02", "03").session->interest_version = 30;  // what the first sample knows
    EXPECT_EQ(diagnose({before, after}, {}).pairs[3].interest, InterestVerdict::kEqual);
    view(after, "02", "03").session->interest_digest = "other";
    EXPECT_EQ(diagnose({before, after}, {}).pairs[3].interest, InterestVerdict::kDiffers);
    view(after, "02", "03").session->interest_version = 35;
    EXPECT_EQ(diagnose({before, after}, {}).pairs[3].interest, InterestVerdict::kMoving);
}

TEST(CliDoctor, NamesThePairWhoseInterestDoesNotFollow) {
    MeshSample sample = healthy();
    view(sample, "02", "03").session->interest_version = 29;
    EXPECT_EQ(wrongs({sample, sample}), (Lines{"interest-behind n2 n3"}));
    view(sample, "02", "03").session->interest_known = false;
    EXPECT_EQ(wrongs({sample}), (Lines{"interest-unknown n2 n3"}));
}

TEST(CliDoctor, NamesThePairThatDoesNotAcknowledge) {
    MeshSample sample = healthy();
    view(sample, "01", "03").session->acked_version = 9;
    EXPECT_FALSE(is_settled({sample}));
    EXPECT_EQ(wrongs({sample}), Lines{});
    EXPECT_EQ(wrongs({sample, sample}), (Lines{"unacknowledged n1 n3"}));
}

TEST(CliDoctor, NamesThePairsOfANodeThatDoesNotAnswer) {
    MeshSample sample = healthy();
    sample.nodes.erase("03");
    view(sample, "02", "03").state = "suspect";
    EXPECT_EQ(wrongs({sample}), (Lines{"silent n3", "silent n1 n3", "suspect n2 n3"}));
    EXPECT_EQ(diagnose({sample}, {}).nodes[2].state, "silent");
}

TEST(CliDoctor, MissesTheDeadUnlessASuccessorOrTheExpectedNumberIsThere) {
    MeshSample sample = healthy();
    sample.nodes.erase("03");
    for (const char* viewer : {"01", "02"}) {
        view(sample, viewer, "03").state = "dead";
        view(sample, viewer, "03").session.reset();
    }
    EXPECT_EQ(wrongs({sample}), (Lines{"dead n3", "dead n1 n3", "dead n2 n3"}));
    EXPECT_EQ(wrongs({sample}, 2), Lines{});
    EXPECT_EQ(wrongs({sample}, 3), (Lines{"too-few", "dead n3", "dead n1 n3", "dead n2 n3"}));
    sample.nodes.at("02").name = "n3";  // bears the name now
    EXPECT_EQ(wrongs({sample}), Lines{});
}

TEST(CliDoctor, ForgetsThoseWhoHaveLeft) {
    MeshSample sample = healthy();
    sample.nodes.erase("03");
    for (const char* viewer : {"01", "02"}) {
        view(sample, viewer, "03").state = "left";
        view(sample, viewer, "03").session.reset();
    }
    EXPECT_EQ(wrongs({sample}), Lines{});
    EXPECT_EQ(diagnose({sample}, {}).nodes.size(), 2u);
}

TEST(CliDoctor, NamesThePairThatIsRelayedAndTheWitness) {
    MeshSample sample = healthy();
    view(sample, "01", "02").state = "partial";
    view(sample, "01", "02").session->heard_via = "n3";
    EXPECT_EQ(wrongs({sample}), (Lines{"relayed n1 n2"}));
    EXPECT_EQ(diagnose({sample}, {}).findings[0].text, "is heard only through n3");
}

TEST(CliDoctor, NamesThePairWhoseSidesDoNotAgree) {
    MeshSample sample = healthy();
    view(sample, "01", "02").session->peer_tag = 99;
    EXPECT_EQ(wrongs({sample}), (Lines{"session-differs n1 n2"}));
    sample = healthy();
    view(sample, "02", "01").session.reset();
    view(sample, "02", "01").state = "joining";
    EXPECT_EQ(wrongs({sample}), (Lines{"one-sided n1 n2", "no-session n2 n1"}));
    sample = healthy();
    sample.nodes.at("02").peers.erase("01");
    EXPECT_EQ(wrongs({sample}), (Lines{"one-sided n1 n2", "unknown n2 n1"}));
}

TEST(CliDoctor, NamesThePairWhoseDataPathIsSilent) {
    MeshSample sample = healthy();
    view(sample, "03", "01").session->data_silent_ms = kMaxDataSilenceMs + 1;
    EXPECT_EQ(wrongs({sample}), (Lines{"data-silent n3 n1"}));
}

TEST(CliDoctor, TellsTheNodeWhoseClockIsOff) {
    MeshSample sample = healthy();
    sample.nodes.at("01").wall_us += 3'000'000;  // the one that the others are compared with
    const Diagnosis diagnosis = diagnose({sample}, {});
    EXPECT_EQ(wrongs({sample}), (Lines{"clock n1"}));
    EXPECT_EQ(diagnosis.findings[0].text, "has a clock 3.0 s ahead of the others'");
    EXPECT_EQ(diagnosis.nodes[1].skew_us, 0);
    EXPECT_EQ(diagnosis.nodes[1].skew_error_us, 120u);
    // What the error may explain is no reproach.
    view(sample, "01", "02").session->clock->error_us = 5'000'000;
    view(sample, "01", "03").session->clock->error_us = 5'000'000;
    sample.nodes.at("01").wall_us -= 3'000'000;
    sample.nodes.at("02").wall_us += 3'000'000;
    EXPECT_EQ(wrongs({sample}), Lines{});
    view(sample, "01", "02").session->clock.reset();
    EXPECT_EQ(diagnose({sample}, {}).nodes[1].skew_us, std::nullopt);
}

TEST(CliDoctor, ComparesWallClocksAlthoughEachMachineCountsFromItsOwnStart) {
    MeshSample sample = healthy(2);
    sample.nodes.at("02").monotonic_us += 7'000'000'000;  // it has been up for longer
    view(sample, "01", "02").session->clock->offset_us = 7'000'000'000;
    EXPECT_EQ(diagnose({sample}, {}).nodes[1].skew_us, 0);
}

TEST(CliDoctor, FindsTwoNodesOfOneName) {
    MeshSample sample = healthy();
    sample.nodes.at("03").name = "n2";
    for (const char* viewer : {"01", "02"}) {
        view(sample, viewer, "03").name = "n2";
    }
    EXPECT_EQ(wrongs({sample}), (Lines{"duplicate-name n2/02 n2/03"}));
    sample.nodes.erase("03");  // holds it all the same
    EXPECT_EQ(wrongs({sample})[1], "duplicate-name n2/02 n2/03");
}

TEST(CliDoctor, FindsANodeThatAnswersInPartOnly) {
    MeshSample sample = healthy();
    sample.silent = {"n2", "gone"};
    EXPECT_EQ(wrongs({sample}), Lines{"stuck n2"});
}

TEST(CliDoctor, FindsANodeThatDoesNotServe) {
    MeshSample sample = healthy();
    sample.nodes.at("03").ready = false;
    sample.nodes.at("03").state = "joining";
    EXPECT_EQ(wrongs({sample}), (Lines{"joining n3"}));
    sample.nodes.at("03").state = "left";
    EXPECT_EQ(wrongs({sample}), Lines{});
    EXPECT_EQ(notes(sample), Lines{"leaving"});
}

TEST(CliDoctor, NotesWhatIsNoReasonToWorryByItself) {
    MeshSample sample = healthy();
    sample.nodes.at("01").gone = 4;
    sample.nodes.at("02").version = "0.2.0";
    sample.nodes.at("02").newest_protocol = 2;
    view(sample, "01", "03").rtt_us = kSlowRttUs + 1;
    view(sample, "02", "03").gaps = 2;
    view(sample, "02", "03").repaired = 1;
    EXPECT_EQ(wrongs({sample}), Lines{});
    EXPECT_EQ(notes(sample), (Lines{"gone", "slow", "unrepaired", "versions", "protocols"}));
}

TEST(CliDoctor, ReadsWhatTheNodesSay) {
    const auto sample = parse_sample(R"({"missing":["n9"],"reports":[
      {"self":{"name":"n1","oid":"01","state":"alive","version":"0.1.0","uptime_s":5,"clients":1,
               "interest":{"version":7,"digest":"00ff"},"protocol":{"oldest":1,"newest":2},"monotonic_us":-5,
               "wall_us":12},"ready":true,"counters":{"mesh_records_gone":3},"members":[
        {"name":"n2","oid":"02","state":"alive","rtt_us":240,"gaps":2,"repaired":1,"sessions":3,
         "session":{"tag":1,"peer_tag":2,"interest":{"known":true,"version":4,"digest":"0a"},"acked_version":6,
                    "data_silent_ms":8,"heard_via":"n3","clock":{"offset_us":-9,"error_us":10}}}]},
      {"self":{"name":"n1","oid":"01"},"ready":true,"members":[{"name":"n3","oid":"03","state":"dead"}]}]})");
    ASSERT_TRUE(sample.has_value());
    EXPECT_EQ(sample->silent, std::set<std::string>{"n9"});
    ASSERT_EQ(sample->nodes.size(), 1u);
    const NodeReport& node = sample->nodes.at("01");
    EXPECT_TRUE(node.ready);
    EXPECT_EQ(node.interest_version, 7u);
    EXPECT_EQ(node.interest_digest, "00ff");
    EXPECT_EQ(node.newest_protocol, 2u);
    EXPECT_EQ(node.monotonic_us, -5);
    EXPECT_EQ(node.gone, 3u);
    ASSERT_EQ(node.peers.size(), 2u);
    const PeerView& peer = node.peers.at("02");
    EXPECT_EQ(peer.sessions, 3u);
    ASSERT_TRUE(peer.session.has_value());
    EXPECT_EQ(peer.session->peer_tag, 2u);
    EXPECT_EQ(peer.session->interest_digest, "0a");
    EXPECT_EQ(peer.session->heard_via, "n3");
    EXPECT_EQ(peer.session->clock->offset_us, -9);
    EXPECT_FALSE(node.peers.at("03").session.has_value());
}

/// An older node shows the whole tag, 0x700000009, and a newer one its upper half.
TEST(CliDoctor, ReadsTheTagsOfOlderNodesAsThoseOfNewerOnes) {
    const auto sample = parse_sample(R"({"missing":[],"reports":[
      {"self":{"name":"n1","oid":"01"},"ready":true,"members":[
        {"name":"n2","oid":"02","state":"alive","session":{"tag":30064771081,"peer_tag":8}}]}]})");
    ASSERT_TRUE(sample.has_value());
    EXPECT_EQ(sample->nodes.at("01").peers.at("02").session->tag, 7u);
    EXPECT_EQ(sample->nodes.at("01").peers.at("02").session->peer_tag, 8u);
}

TEST(CliDoctor, RefusesWhatIsNoReport) {
    for (const char* text : {"", "[]", "{}", R"({"reports":{},"missing":[]})", R"({"reports":[1],"missing":[]})",
                             R"({"reports":[{"self":{}}],"missing":[]})"}) {
        EXPECT_TRUE(parse_sample(text).has_error()) << text;
    }
}

TEST(CliDoctor, JoinsWhatTwoNodesHaveGathered) {
    MeshSample left = healthy();
    MeshSample right = healthy();
    left.nodes.erase("03");
    merge(left, right);
    EXPECT_EQ(left.nodes.size(), 3u);
    EXPECT_EQ(wrongs({left}), Lines{});
}

TEST(CliDoctor, ShowsAMatrixAndWhatIsWrong) {
    MeshSample sample = healthy(2);
    view(sample, "01", "02").state = "partial";
    view(sample, "01", "02").session->heard_via = "n3";
    EXPECT_EQ(doctor_text(diagnose({sample}, {})),
              "NODE  STATE  VERSION  UPTIME  CLIENTS  INTEREST  CLOCK\n"
              "n1    ready  0.1.0    1m1s    2        v10       +0.0ms ±0.0ms\n"
              "n2    ready  0.1.0    1m1s    2        v20       +0.0ms ±0.1ms\n"
              "\n"
              "FROM \\ TO  n1     n2\n"
              "n1         -      relayed\n"
              "n2         240us  -\n"
              "\n"
              "wrong: n1 -> n2: is heard only through n3\n");
}

TEST(CliDoctor, ShowsNoMatrixOfManyNodes) {
    const std::string text = doctor_text(diagnose({healthy(9)}, {}));
    EXPECT_NE(text.find("FROM"), std::string::npos);
    EXPECT_NE(text.find("healthy: 9 nodes, 72 pairs"), std::string::npos);
    Diagnosis many = diagnose({healthy(9)}, {});
    many.nodes.resize(kMaxMatrixNodes + 1);
    EXPECT_EQ(doctor_text(many).find("FROM"), std::string::npos);
}

TEST(CliDoctor, TellsProgramsTheSame) {
    MeshSample sample = healthy(2);
    sample.nodes.at("02").ready = false;
    sample.nodes.at("02").state = "joining";
    const std::string text = doctor_json(diagnose({sample}, {}));
    EXPECT_TRUE(text.starts_with(R"({"verdict":"wrong","nodes":[{"name":"n1","oid":"01","state":"ready",)")) << text;
    EXPECT_NE(text.find(R"({"from":"n1","to":"n2","ok":true,"state":"alive","session":true,"sessions":1,)"
                        R"("interest":"equal","gaps":0,"repaired":0,)"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find(R"("findings":[{"severity":"wrong","kind":"joining","nodes":["n2"],)"), std::string::npos)
        << text;
}

TEST(Doctor, FindsASplitThatLooksWholeFromWithin) {
    MeshSample sample = healthy(1);
    NodeReport& node = sample.nodes.at("01");
    node.refusals.push_back({true, "n9", "h:1", "cluster", "this is another cluster", 12, 400});
    EXPECT_EQ(wrongs({sample}), (std::vector<std::string>{"refuses n1"}));
    node.refusals[0].ago_ms = kRecentRefusalMs + 1;
    EXPECT_TRUE(wrongs({sample}).empty());
    node.refusals[0] = {false, "n9", "h:1", "protocol", "none in common", 3, 10};
    node.ready = false;
    node.refused = true;
    EXPECT_EQ(wrongs({sample}), (std::vector<std::string>{"refused n1", "refused-by n1"}));
}

TEST(Doctor, FindsANodeThatHasMetNobody) {
    MeshSample sample = healthy(1);
    sample.nodes.at("01").configured = 2;
    EXPECT_EQ(wrongs({sample}), (std::vector<std::string>{"alone n1"}));
    EXPECT_TRUE(wrongs({sample}, 1).empty()) << "one node is all there is to be";
    sample.nodes.at("01").met = 1;
    EXPECT_TRUE(wrongs({sample}).empty());
}

TEST(Doctor, FindsANodeThatIsDeafItself) {
    MeshSample sample = healthy(1);
    sample.nodes.at("01").ready = false;
    sample.nodes.at("01").deaf = true;
    EXPECT_EQ(wrongs({sample}), (std::vector<std::string>{"deaf n1"}));
}

}  // namespace
}  // namespace tulle::cli::doctor_test
