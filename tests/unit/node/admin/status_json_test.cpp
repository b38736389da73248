#include "node/admin/status_json.hpp"

#include <gtest/gtest.h>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace tulle::node::status_json_test {
namespace {

namespace json = boost::json;

mesh::NodeStatus status_with(std::size_t members) {
    mesh::NodeStatus status;
    status.self.name = "n0";
    status.self.oid = OriginId{1};
    status.interest_version = 7;
    status.interest_digest = 0xfedcba9876543210;
    status.wall_us = 5;
    status.ready = true;
    status.counters = {{"mesh_gaps", 3}};
    for (std::size_t i = 1; i <= members; ++i) {
        mesh::MemberStatus member;
        member.name = "n" + std::to_string(i);
        member.oid = OriginId{i + 1};
        member.session = mesh::SessionStatus{.tag = i};
        status.members.push_back(std::move(member));
    }
    return status;
}

TEST(StatusJson, AReportFitsIntoItsPartsAndLosesNobody) {
    const std::size_t part_bytes = 2'000;
    const auto parts = render_report(status_with(20), {}, part_bytes);
    EXPECT_GT(parts.size(), 2u);
    std::size_t members = 0;
    for (const std::string& part : parts) {
        EXPECT_LE(part.size(), part_bytes);
        const json::value value = json::parse(part);
        EXPECT_EQ(value.at("self").at("interest").at("digest").as_string(), "fedcba9876543210");
        EXPECT_EQ(value.as_object().contains("counters"), &part == &parts.front());
        members += value.at("members").as_array().size();
    }
    EXPECT_EQ(members, 20u);
}

TEST(StatusJson, ANodeAloneReportsToo) {
    const auto parts = render_report(status_with(0), {}, 100'000);
    ASSERT_EQ(parts.size(), 1u);
    EXPECT_TRUE(json::parse(parts[0]).at("members").as_array().empty());
}

TEST(StatusJson, TheDoctorGetsWhatIsAReportAndWhoIsMissing) {
    const std::string good = render_report(status_with(1), {}, 100'000)[0];
    const json::value doctor =
        json::parse(render_doctor({.id = 1, .parts = {good, "junk", "{}", "[1]"}, .missing = {"n1"}}));
    ASSERT_EQ(doctor.at("reports").as_array().size(), 1u);
    EXPECT_EQ(doctor.at("reports").at(0).at("self").at("name").as_string(), "n0");
    EXPECT_EQ(doctor.at("missing"), json::value(json::array{"n1"}));
}

TEST(StatusJson, SaysOfATraceWhatIsKnownAndNoMore) {
    mesh::TraceLine got{.name = "n2", .oid = OriginId{2}, .state = "alive", .fate = mesh::TraceFate::kGot};
    got.path = mesh::TracePath::kRelayed;
    got.via = "n3";
    got.shards = 1;
    got.reported_us = 900;
    const mesh::TraceLine dead{.name = "n4", .oid = OriginId{4}, .state = "dead", .fate = mesh::TraceFate::kNoSession};
    const std::string text = render_trace(
        {.id = 1, .outcome = mesh::TraceOutcome::kSent, .n = mesh::RecordNo{5}, .lines = {got, dead}}, "app", "news");
    EXPECT_EQ(text, R"({"app":"app","channel":"news","n":5,"nodes":[)"
                    R"({"name":"n2","oid":"0000000000000002","state":"alive","fate":"got","shards":1,"path":"relayed",)"
                    R"("reported_us":900,"via":"n3"},)"
                    R"({"name":"n4","oid":"0000000000000004","state":"dead","fate":"no-session"}]})");
}

TEST(StatusJson, TellsWhoWasRefusedAndHowManyPeersWereMet) {
    mesh::NodeStatus status = status_with(0);
    status.configured = 3;
    status.refused = true;
    status.refusals.push_back({false, "n2", "h:1", "protocol", "none in common", 4, 20});
    const json::value self = json::parse(render_report(status, {}, 100'000)[0]).at("self");
    EXPECT_EQ(self.at("peers").at("configured").as_int64(), 3);
    EXPECT_EQ(self.at("peers").at("met").as_int64(), 0);
    EXPECT_TRUE(self.at("refused").as_bool());
    EXPECT_EQ(self.at("refusals").at(0).at("by").as_string(), "them");
    EXPECT_EQ(self.at("refusals").at(0).at("reason").as_string(), "protocol");
}

TEST(StatusJson, ShowsThePeersThatAreNotMetFirstAndCountsThoseWithoutRoom) {
    mesh::NodeStatus status = status_with(0);
    for (int i = 0; i < 40; ++i) {
        status.seeds.push_back({.endpoint = "10.0.0." + std::to_string(i) + ":7001", .name = {}, .state = "met"});
    }
    status.seeds[39].state = "unmet";
    status.seeds[39].reason = "closed";
    status.seeds[39].text = "nobody listens there";
    status.seeds[39].since_ms = 5000;
    status.seeds[39].attempts = 9;
    const json::value peers = json::parse(render_report(status, {}, 100'000)[0]).at("self").at("peers");
    EXPECT_EQ(peers.at("endpoints").as_array().size(), kMaxSeedsShown);
    EXPECT_EQ(peers.at("not_shown").as_int64(), 8);
    EXPECT_EQ(json::serialize(peers.at("endpoints").at(0)),
              R"({"endpoint":"10.0.0.39:7001","state":"unmet","reason":"closed","text":"nobody listens there",)"
              R"("since_ms":5000,"attempts":9})");
    EXPECT_EQ(json::serialize(peers.at("endpoints").at(1)), R"({"endpoint":"10.0.0.0:7001","state":"met"})");
}

TEST(StatusJson, OnlyTheFirstPartOfAReportHasTheAppsAndWhyTheNodeIsNotReady) {
    AppsView apps{.key = "829002f2", .count = 1, .digest = "d", .apps = {{"shop", "s", "c"}}};
    apps.rules = {{"activity_timeout", "30000 ms"}};
    const auto parts = render_report(status_with(20), {}, 2'000, {DrainState::kServing, "1 of 3 members", &apps});
    ASSERT_GT(parts.size(), 1u);
    const json::value first = json::parse(parts[0]);
    EXPECT_EQ(first.at("not_ready").as_string(), "1 of 3 members");
    EXPECT_EQ(json::serialize(first.at("apps")),
              R"({"count":1,"key":"829002f2","digest":"d","list":[{"id":"shop","settings":"s","credentials":"c"}],)"
              R"("rules":{"activity_timeout":"30000 ms"}})");
    EXPECT_FALSE(json::parse(parts[1]).as_object().contains("apps"));
    AppsView open;
    view_apps(open, AppTable({App{.id = "shop", .secret = "a-secret"}}), "", "");
    EXPECT_EQ(json::serialize(to_json(open)), R"({"count":1,"rules":{}})") << "no digest without a mesh key";
}

}  // namespace
}  // namespace tulle::node::status_json_test
