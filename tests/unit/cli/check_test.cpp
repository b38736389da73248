#include "tools/cli/check_report.hpp"

#include <gtest/gtest.h>

namespace tulle::cli::check_test {
namespace {

constexpr double kNow = 1'800'000'000;

NodeAnswers well() {
    return {true, true,
            parse_metrics("tulle_sockets 12\ntulle_max_connections 1000\ntulle_memory_used_bytes 104857600\n"
                          "tulle_memory_limit_bytes 1048576000\ntulle_config_last_reload_successful 1\n"),
            kNow};
}

/// The answers with further metrics. A metric that is there already keeps its first value, so `more` stands in front.
NodeAnswers with(const std::string& more) {
    NodeAnswers answers = well();
    std::vector<MetricLine> lines = parse_metrics(more);
    lines.insert(lines.end(), answers.metrics.begin(), answers.metrics.end());
    answers.metrics = std::move(lines);
    return answers;
}

CheckState state_of(const NodeAnswers& answers) {
    return worst_of(judge_node_answers(answers, {}));
}

TEST(CliMetrics, AreReadFromTheTextOfPrometheus) {
    EXPECT_EQ(parse_metrics("# HELP a b\na 1\nb{x=\"}\\\"{\",y=\"2\"} 2.5 1700000000\nc{ 3\nd\ne x\n f 1\n"),
              (std::vector<MetricLine>{{"a", "", 1}, {"b", "x=\"}\\\"{\",y=\"2\"", 2.5}}));
    EXPECT_EQ(metric_of(parse_metrics("a 1\na 2\n"), "a"), 1);
    EXPECT_FALSE(metric_of({}, "a"));
}

TEST(CliCheckNode, SaysInOneLineThatAllIsWell) {
    EXPECT_EQ(
        check_text(judge_node_answers(well(), {}), "nagios"),
        "TULLE OK - node: live, ready, connections 1.2% (12 of 1000), memory 10.0% (100 of 1000 MiB), config ok | "
        "connections=1.20%;80;95 memory=10%;80;95\n");
}

TEST(CliCheckNode, JudgesWhatHasALimit) {
    EXPECT_EQ(state_of(well()), CheckState::kGood);
    EXPECT_EQ(state_of(with("tulle_sockets 799\n")), CheckState::kGood);
    EXPECT_EQ(state_of(with("tulle_sockets 800\n")), CheckState::kWarning);
    EXPECT_EQ(state_of(with("tulle_sockets 950\n")), CheckState::kCritical);
    EXPECT_EQ(state_of(with("tulle_memory_used_bytes 1000000000\n")), CheckState::kCritical);
    EXPECT_EQ(state_of(with("tulle_memory_limit_bytes 0\n")), CheckState::kGood);
    EXPECT_EQ(state_of(with("tulle_memory_pressure 1\n")), CheckState::kWarning);
    EXPECT_EQ(state_of(with("tulle_memory_pressure 2\n")), CheckState::kCritical);
    EXPECT_EQ(state_of(with("process_open_fds 96\nprocess_max_fds 100\n")), CheckState::kCritical);
    EXPECT_EQ(state_of(with("tulle_config_last_reload_successful 0\n")), CheckState::kWarning);
    EXPECT_EQ(state_of(with("tulle_tls_last_reload_successful 0\n")), CheckState::kWarning);
    NodeAnswers stuck = well();
    stuck.is_live = false;
    EXPECT_EQ(state_of(stuck), CheckState::kCritical);
    NodeAnswers joining = well();
    joining.is_ready = false;
    EXPECT_EQ(state_of(joining), CheckState::kCritical);
}

TEST(CliCheckNode, CountsTheDaysOfACertificate) {
    const auto days = [](double count) {
        return with("tulle_tls_certificate_not_after_seconds " + std::to_string(kNow + count * 86'400) + "\n");
    };
    EXPECT_EQ(state_of(days(15)), CheckState::kGood);
    EXPECT_EQ(state_of(days(13)), CheckState::kWarning);
    EXPECT_EQ(state_of(days(2)), CheckState::kCritical);
    EXPECT_EQ(check_text(judge_node_answers(days(-1), {}), "nagios"),
              "TULLE CRITICAL - node: certificate expired 1.0 days ago | connections=1.20%;80;95 memory=10%;80;95 "
              "certificate_days=-1;14:;3:\n");
}

TEST(CliCheckNode, HasFormsForPeopleAndForPrograms) {
    const CheckReport report = judge_node_answers(with("tulle_sockets 900\n"), {});
    EXPECT_EQ(check_text(report, "text"),
              "node: WARNING\n  OK  live\n  OK  ready\n  WARNING  connections 90.0% (900 of 1000)\n"
              "  OK  memory 10.0% (100 of 1000 MiB)\n  OK  config ok\n");
    EXPECT_TRUE(
        check_text(report, "json").starts_with(R"({"state":"WARNING","subject":"node","readings":[{"name":"live")"));
}

/// A mesh of nodes n1, n2 … that serve and know each other.
MeshSample mesh_of(std::size_t nodes) {
    MeshSample sample;
    for (std::size_t i = 1; i <= nodes; ++i) {
        NodeReport node;
        node.name = "n" + std::to_string(i);
        node.state = "alive";
        node.ready = true;
        sample.nodes["0" + std::to_string(i)] = node;
    }
    return sample;
}

TEST(CliCheckMesh, CountsTheNodesThatAreMissing) {
    const auto state = [](std::size_t nodes, const MeshLimits& limits) {
        return worst_of(judge_mesh(mesh_of(nodes), {}, limits));
    };
    EXPECT_EQ(state(3, {}), CheckState::kGood);
    EXPECT_EQ(state(3, {.expect = 3}), CheckState::kGood);
    EXPECT_EQ(state(2, {.expect = 3}), CheckState::kWarning);
    EXPECT_EQ(state(1, {.expect = 3}), CheckState::kCritical);
    EXPECT_EQ(state(1, {.expect = 3, .warn = 3, .crit = 3}), CheckState::kGood);
    MeshSample joining = mesh_of(3);
    joining.nodes["03"].ready = false;
    EXPECT_EQ(worst_of(judge_mesh(joining, {}, {})), CheckState::kWarning);
}

TEST(CliCheckMesh, TakesTheWordOfDoctor) {
    Diagnosis diagnosis;
    diagnosis.findings = {{Severity::kWrong, "dead", {"n3"}, "is gone"}, {Severity::kNote, "versions", {}, "several"}};
    EXPECT_EQ(check_text(judge_mesh(mesh_of(2), diagnosis, {}), "nagios"),
              "TULLE WARNING - mesh: 2 of 3 nodes serve; n3 is gone | nodes=2 missing=1;1;2 unmet_peers=0 gaps=0c\n");
    diagnosis.findings = {{Severity::kWrong, "clock", {"n1"}, "has a clock | ahead"}};
    EXPECT_EQ(check_text(judge_mesh(mesh_of(2), diagnosis, {}), "nagios"),
              "TULLE CRITICAL - mesh: n1 has a clock / ahead | nodes=2 missing=0;1;2 unmet_peers=0 gaps=0c\n");
}

TEST(CliCheckMesh, SeesPeersThatWereNeverMetAndGapsThatStay) {
    MeshSample sample = mesh_of(2);
    sample.nodes["01"].configured = 3;
    sample.nodes["01"].met = 1;
    sample.nodes["02"].peers["01"].gaps = 5;
    sample.nodes["02"].peers["01"].repaired = 2;
    EXPECT_EQ(check_text(judge_mesh(sample, {}, {.max_gaps = 2}), "nagios"),
              "TULLE WARNING - mesh: 2 configured peers never met by n1, 3 gaps not repaired by their link | nodes=2 "
              "missing=0;1;2 unmet_peers=2 gaps=3c;2;\n");
    EXPECT_EQ(worst_of(judge_mesh(mesh_of(2), {}, {.max_gaps = 0})), CheckState::kGood);
}

TEST(CliCheck, OfANodeThatDoesNotAnswerSaysWhy) {
    EXPECT_EQ(check_text(failed_report("node", CheckState::kUnknown, "it wants a token\n"), "nagios"),
              "TULLE UNKNOWN - node: it wants a token\\n\n");
}

}  // namespace
}  // namespace tulle::cli::check_test
