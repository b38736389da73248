#include "node/admin/mesh_events.hpp"

#include <string>

#include <gtest/gtest.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace tulle::node::mesh_events_test {
namespace {

namespace json = boost::json;

NodeEvent event(std::uint64_t seq, std::uint64_t at_ms, std::string text) {
    return {seq, at_ms, EventKind::kDead, std::move(text)};
}

TEST(MeshEvents, AreAskedForByANumberAndAKind) {
    for (const MeshEventsQuery& query :
         {MeshEventsQuery{1, {}}, MeshEventsQuery{kMaxMeshEvents, {}}, MeshEventsQuery{5, EventKind::kSlowClient}}) {
        EXPECT_EQ(decode_mesh_events_query(encode(query)), query);
    }
    for (const char* text : {"", "tulle.events.v1", "tulle.events.v1 ", "tulle.events.v1 0", "tulle.events.v1 201",
                             "tulle.events.v1 x", "tulle.events.v1 5 ", "tulle.events.v1 5 sad", "tulle.events.v2 5"}) {
        EXPECT_FALSE(decode_mesh_events_query(text).has_value()) << text;
    }
}

TEST(MeshEvents, OfAllNodesStandInTheOrderOfTheirClocks) {
    mesh::QueryResult result;
    result.parts = render_own_events("n1", {event(7, 100, "a"), event(8, 300, "c")}, 10'000);
    result.parts.push_back(render_own_events("n2", {event(1, 200, "b"), event(2, 300, "d \"x\"")}, 10'000)[0]);
    for (const char* part : {"", "x", "{}", R"({"events_of":"n3"})", R"({"events_of":3,"events":[]})",
                             R"({"events_of":"n3","events":[3,{},{"kind":1,"text":"x"},{"kind":"dead"}]})"}) {
        result.parts.emplace_back(part);
    }
    result.missing = {"n4"};
    EXPECT_EQ(render_mesh_events(result, 3),
              R"({"events":[{"node":"n2","seq":1,"at_ms":200,"kind":"dead","text":"b"},)"
              R"({"node":"n1","seq":8,"at_ms":300,"kind":"dead","text":"c"},)"
              R"({"node":"n2","seq":2,"at_ms":300,"kind":"dead","text":"d \"x\""}],"missing":["n4"]})");
    EXPECT_EQ(json::parse(render_mesh_events(result, 100)).at("events").as_array().size(), 4u);
}

TEST(MeshEvents, GoIntoPartsOfABoundedSize) {
    std::vector<NodeEvent> events;
    for (std::uint64_t i = 1; i <= kMaxMeshEvents; ++i) {
        // As long as an event can be, and of characters that take six each.
        events.push_back(event(i, i, std::string(EventLog::kTextBytes, '\x01')));
    }
    mesh::QueryResult result;
    result.parts = render_own_events("n1", events, mesh::kMaxQueryPartBytes);
    EXPECT_GT(result.parts.size(), 1u);
    for (const std::string& part : result.parts) {
        EXPECT_LE(part.size(), mesh::kMaxQueryPartBytes);
    }
    EXPECT_EQ(json::parse(render_mesh_events(result, 1'000)).at("events").as_array().size(), kMaxMeshEvents);
    EXPECT_EQ(render_own_events("n1", {}, 100).size(), 1u);
}

}  // namespace
}  // namespace tulle::node::mesh_events_test
