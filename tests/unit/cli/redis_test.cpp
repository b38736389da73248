#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tools/cli/doctor_redis.hpp"
#include "tools/cli/redis_table.hpp"

/// What `tulle redis`, `tulle status` and `tulle doctor` make of what nodes tell of their clients of Redis.
namespace tulle::cli::redis_test {
namespace {

/// A realm as JSON, with a secret of the digest `secret`, or without one for an empty text.
std::string realm_text(const std::string& name, const std::string& secret, const std::string& users = "u",
                       const std::string& store_limit = "0") {
    return R"({"name":")" + name + R"(","has_secret":)" + (secret.empty() ? "false" : "true") +
           R"(,"digests":{"users":")" + users + R"(","secret":")" + secret +
           R"("},"subscriptions":{"channels":3,"patterns":2,"shard_channels":1},"clients":4,"publishes_total":5,)" +
           R"("deliveries_total":6,"gap_closes_total":7,"slow_closes_total":8,"store_keys":9,"store_limit_bytes":)" +
           store_limit + "}";
}

/// The report of a node; without a listener for no realms.
std::string report_text(const std::string& name, const std::string& key, const std::vector<std::string>& realms) {
    std::string all;
    for (const std::string& realm : realms) {
        all += (all.empty() ? "" : ",") + realm;
    }
    const std::string redis =
        realms.empty() ? "" : R"(,"redis":{"listen":"h:1","key":")" + key + R"(","realms":[)" + all + "]}";
    return R"({"self":{"name":")" + name + R"(","oid":"0)" + name + R"("},"members":[])" + redis + "}";
}

MeshSample sample_of(const std::vector<std::string>& reports, const std::string& missing = "") {
    std::string all;
    for (const std::string& report : reports) {
        all += (all.empty() ? "" : ",") + report;
    }
    auto sample = parse_sample(R"({"reports":[)" + all + R"(],"missing":[)" + missing + "]}");
    EXPECT_FALSE(sample.has_error());
    return std::move(*sample);
}

/// "kind node: text" of each finding; a note has a question mark behind its kind.
std::vector<std::string> judged(const std::vector<std::string>& reports) {
    const MeshSample sample = sample_of(reports);
    std::vector<Finding> findings;
    judge_redis(sample, Labels(sample), findings);
    std::vector<std::string> lines;
    for (const Finding& finding : findings) {
        lines.push_back(finding.kind + (finding.severity == Severity::kNote ? "? " : " ") +
                        (finding.nodes.empty() ? "" : finding.nodes[0]) + ": " + finding.text);
    }
    return lines;
}

using Lines = std::vector<std::string>;

TEST(CliRedis, ATableByRealmAndNode) {
    const MeshSample sample = sample_of({report_text("n2", "", {realm_text("shop", "a"), realm_text("default", "")}),
                                         report_text("n1", "", {realm_text("shop", "a")}), report_text("n3", "", {})});
    EXPECT_EQ(redis_text(sample),
              "REALM    NODE  CLIENTS  SUBSCRIPTIONS  PUBLISHES  DELIVERIES  CLOSES  KEYS\n"
              "default  n2    4        6              5          6           15      -\n"
              "shop     n1    4        6              5          6           15      -\n"
              "shop     n2    4        6              5          6           15      -\n"
              "without redis_listen: n3\n");
    EXPECT_EQ(redis_text(sample_of({report_text("n3", "", {})})), "no node has redis_listen\n");
}

TEST(CliRedis, JsonHasEveryNumber) {
    const MeshSample sample =
        sample_of({report_text("n1", "", {realm_text("shop", "a")}), report_text("n2", "", {})}, R"("n3")");
    EXPECT_EQ(redis_json(sample),
              R"({"nodes":[{"name":"n1","listen":"h:1","realms":[{"name":"shop","has_secret":true,"subscriptions":)"
              R"({"channels":3,"patterns":2,"shard_channels":1},"clients":4,"commands_total":0,"publishes_total":5,)"
              R"("app_events_total":0,"app_events_refused_total":0,)"
              R"("deliveries_total":6,"errors_total":0,"wrong_passwords_total":0,"gap_closes_total":7,)"
              R"("slow_closes_total":8,"questions_total":0,"questions_incomplete_total":0,"store_keys":9,)"
              R"("store_bytes":0,"store_limit_bytes":0,"store_records_total":0,"store_late_records_total":0,)"
              R"("store_calls_total":0,"store_failed_calls_total":0,"store_pulls_total":0,)"
              R"("store_pulled_keys_total":0,"store_gaps_total":0,"store_clock_refusals_total":0,)"
              R"("store_forgotten_total":0}]},{"name":"n2"}],)"
              R"("missing":["n3"]})");
}

TEST(CliRedis, StatusAddsALineForANodeThatListens) {
    EXPECT_EQ(redis_line(report_text("n1", "", {realm_text("shop", "a"), realm_text("default", "")})),
              "Redis at h:1: realms 2, clients 8, subscriptions 12, publishes 10, deliveries 12, closes 30, keys 18\n");
    EXPECT_EQ(redis_line(report_text("n1", "", {})), "");
    EXPECT_EQ(redis_line("no status"), "");
}

TEST(DoctorRedis, IsContentWithEqualNodesAndWithoutAnyListener) {
    const Lines realms{realm_text("shop", "a"), realm_text("default", "")};
    EXPECT_EQ(judged({report_text("n1", "k", realms), report_text("n2", "k", realms)}), Lines{});
    EXPECT_EQ(judged({report_text("n1", "k", {}), report_text("n2", "k", {})}), Lines{});
    EXPECT_EQ(judged({report_text("n1", "", {realm_text("default", "")}),
                      report_text("n2", "", {realm_text("default", "")})}),
              Lines{});
}

TEST(DoctorRedis, NamesTheNodesThatLackARealm) {
    const std::string shop = realm_text("shop", "a");
    const std::string stock = realm_text("stock", "b");
    EXPECT_EQ(judged({report_text("n1", "k", {shop, stock}), report_text("n2", "k", {shop}),
                      report_text("n3", "k", {shop, stock})}),
              Lines{"redis-realm n2: has no realm 'stock' for clients of Redis, unlike n1, n3"});
}

TEST(DoctorRedis, NamesTheNodesWithAnotherSecretOrOtherUsers) {
    const std::string shop = realm_text("shop", "a");
    EXPECT_EQ(judged({report_text("n1", "k", {realm_text("shop", "x")}), report_text("n2", "k", {shop}),
                      report_text("n3", "k", {shop})}),
              Lines{"redis-secret n1: has another secret for the realm 'shop' than n2, n3"});
    EXPECT_EQ(judged({report_text("n1", "k", {shop}), report_text("n2", "k", {realm_text("shop", "a", "v")})}),
              Lines{"redis-users n2: has other users of the realm 'shop' than n1"});
    EXPECT_EQ(judged({report_text("n1", "k", {shop}), report_text("n2", "k", {realm_text("shop", "")})}),
              Lines{"redis-secret n2: has no secret for the realm 'shop', unlike n1"});
}

TEST(DoctorRedis, NamesTheNodesThatKeepNoKeysOrHaveOtherMemoryForThem) {
    const std::string shop = realm_text("shop", "a", "u", "1048576");
    EXPECT_EQ(judged({report_text("n1", "k", {shop}), report_text("n2", "k", {realm_text("shop", "a")}),
                      report_text("n3", "k", {shop})}),
              Lines{"redis-store n2: keeps no keys of the realm 'shop', unlike n1, n3"});
    EXPECT_EQ(judged({report_text("n1", "k", {shop}), report_text("n2", "k", {realm_text("shop", "a", "u", "2097152")}),
                      report_text("n3", "k", {shop})}),
              Lines{"redis-store n2: has 2097152 bytes for the keys of the realm 'shop', unlike n1, n3"});
}

TEST(DoctorRedis, ComparesDigestsOfOneKeyAlone) {
    const Lines left{realm_text("shop", "a", "u")};
    const Lines right{realm_text("shop", "b", "v")};
    const Lines note{
        "redis-secrets? : users and secrets of the realms of Redis are not compared: not all nodes use one mesh key"};
    EXPECT_EQ(judged({report_text("n1", "k", left), report_text("n2", "l", right)}), note);
    EXPECT_EQ(judged({report_text("n1", "", left), report_text("n2", "", right)}), note);
    EXPECT_EQ(judged({report_text("n1", "", left)}), Lines{});
}

TEST(DoctorRedis, NotesANodeWithoutAListenerBesideOthers) {
    const Lines realms{realm_text("default", "")};
    EXPECT_EQ(judged({report_text("n1", "k", realms), report_text("n2", "k", {})}),
              Lines{"no-redis? n2: has no redis_listen, and 1 other node has"});
}

TEST(DoctorRedis, NamesFewOfManyNodes) {
    std::vector<std::string> reports{report_text("n0", "k", {realm_text("default", "")})};
    for (int i = 1; i <= 5; ++i) {
        reports.push_back(
            report_text("n" + std::to_string(i), "k", {realm_text("default", ""), realm_text("shop", "a")}));
    }
    EXPECT_EQ(judged(reports),
              Lines{"redis-realm n0: has no realm 'shop' for clients of Redis, unlike n1, n2, n3 and 2 more"});
}

}  // namespace
}  // namespace tulle::cli::redis_test
