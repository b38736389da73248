#include "node/admin/status_json.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "mesh/core/node/numbers.hpp"
#include "node/admin/query_parts.hpp"

namespace tulle::node {
namespace {

namespace json = boost::json;

/// A digest as text: the numbers of most JSON readers do not hold 64 bits.
std::string hex(std::uint64_t digest) {
    return to_hex(OriginId{digest});
}

// A session with a member. Detours and clocks are left out when there are none.
json::object to_json(const mesh::SessionStatus& session) {
    json::object object{{"tag", session.tag},
                        {"peer_tag", session.peer_tag},
                        {"protocol", session.protocol},
                        {"interest",
                         {{"known", session.interest_known},
                          {"version", session.interest_version},
                          {"digest", hex(session.interest_digest)}}},
                        {"acked_version", session.acked_version},
                        {"data_silent_ms", session.data_silent_ms}};
    if (!session.heard_via.empty()) {
        object["heard_via"] = session.heard_via;
    }
    if (!session.hears_via.empty()) {
        object["hears_via"] = session.hears_via;
    }
    if (session.clock_error_us != 0) {
        object["clock"] = {{"offset_us", session.clock_offset_us}, {"error_us", session.clock_error_us}};
    }
    return object;
}

// The names of the enumerators are a part of the HTTP interface.
std::string_view to_text(mesh::TraceFate fate) {
    switch (fate) {
        case mesh::TraceFate::kOrigin:
            return "origin";
        case mesh::TraceFate::kGot:
            return "got";
        case mesh::TraceFate::kNoSubscriber:
            return "no-subscriber";
        case mesh::TraceFate::kInterestUnknown:
            return "interest-unknown";
        case mesh::TraceFate::kNoSession:
            return "no-session";
        case mesh::TraceFate::kNoReport:
            return "no-report";
    }
    return "?";
}

// A JSON string of a view.
json::string text(std::string_view view) {
    return json::string(view.data(), view.size());
}

// A node's line of a trace. A node that has not got the message has no path and no times.
json::object to_json(const mesh::TraceLine& line) {
    json::object object{
        {"name", line.name}, {"oid", to_hex(line.oid)}, {"state", line.state}, {"fate", text(to_text(line.fate))}};
    // The origin has the message as well, and shards with subscribers, but no path and no report.
    const bool is_there = line.fate == mesh::TraceFate::kGot || line.fate == mesh::TraceFate::kOrigin;
    if (is_there) {
        object["shards"] = line.shards;
    }
    if (line.fate == mesh::TraceFate::kGot) {
        object["path"] = text(to_text(line.path));
        object["reported_us"] = line.reported_us;
        if (!line.via.empty()) {
            object["via"] = line.via;
        }
        // Without a measured difference of the clocks there is no comparable time of receipt.
        if (line.received_us) {
            object["received_us"] = *line.received_us;
            object["clock_error_us"] = line.clock_error_us;
        }
    }
    return object;
}

// The configured peers: those that are not met first.
json::object peers_of(const mesh::NodeStatus& status) {
    std::vector<const mesh::SeedStatus*> seeds;
    for (const mesh::SeedStatus& seed : status.seeds) {
        seeds.push_back(&seed);
    }
    std::stable_partition(seeds.begin(), seeds.end(),
                          [](const mesh::SeedStatus* seed) { return seed->state == "unmet"; });
    const std::size_t shown = std::min(seeds.size(), kMaxSeedsShown);
    json::array endpoints;
    for (std::size_t i = 0; i < shown; ++i) {
        const mesh::SeedStatus& seed = *seeds[i];
        json::object object{{"endpoint", seed.endpoint}, {"state", seed.state}};
        if (!seed.name.empty()) {
            object["name"] = seed.name;
        }
        if (!seed.reason.empty()) {
            object["reason"] = seed.reason;
            object["text"] = seed.text;
            object["since_ms"] = seed.since_ms;
            object["attempts"] = seed.attempts;
        }
        endpoints.push_back(std::move(object));
    }
    return {{"configured", status.configured},
            {"met", status.met},
            {"endpoints", std::move(endpoints)},
            {"not_shown", seeds.size() - shown}};
}

}  // namespace

void add_facts(const NodeFacts& facts, json::object& answer) {
    answer["drain"] = text(to_text(facts.drain));
    if (!facts.not_ready.empty()) {
        answer["not_ready"] = facts.not_ready;
    }
    if (facts.apps != nullptr) {
        answer["apps"] = to_json(*facts.apps);
    }
}

json::object to_json(const mesh::MemberStatus& member) {
    json::object object{
        {"name", member.name},
        {"oid", to_hex(member.oid)},
        {"state", member.state},
        {"endpoints", {{"mesh", member.mesh}, {"mesh_data", member.mesh_data}, {"listen", member.listen}}},
        {"version", member.version},
        {"uptime_s", member.uptime_s},
        {"clients", member.clients},
        {"channels", member.channels},
        {"rtt_us", member.rtt_us},
        {"gaps", member.gaps},
        {"repaired", member.repaired},
        {"sessions", member.sessions},
        {"name_conflict", member.name_conflict}};
    if (member.session) {
        object["session"] = to_json(*member.session);
    }
    return object;
}

json::object self_to_json(const mesh::NodeStatus& status) {
    json::object self = to_json(status.self);
    self["interest"] = {{"version", status.interest_version}, {"digest", hex(status.interest_digest)}};
    self["protocol"] = {{"oldest", mesh::kOldestProtocolVersion}, {"newest", mesh::kProtocolVersion}};
    self["monotonic_us"] = status.monotonic_us;
    self["wall_us"] = status.wall_us;
    self["peers"] = peers_of(status);
    json::array uses;
    for (const mesh::KeyUse& use : status.keys.uses) {
        uses.push_back(
            {{"server", use.server}, {"client", use.client}, {"inbound", use.inbound}, {"outbound", use.outbound}});
    }
    json::array ids;
    for (const std::string& id : status.keys.ids) {
        ids.push_back(json::string(id));
    }
    self["keys"] = {{"ids", std::move(ids)}, {"bound", status.keys.bound}, {"uses", std::move(uses)}};
    self["refused"] = status.refused;
    self["deaf"] = status.deaf;
    // Nodes that this node has refused, or that have refused this node, with the reason.
    json::array refusals;
    for (const mesh::RefusalStatus& refusal : status.refusals) {
        refusals.push_back({{"by", refusal.by_us ? "us" : "them"},
                            {"name", refusal.name},
                            {"endpoint", refusal.endpoint},
                            {"reason", refusal.reason},
                            {"text", refusal.text},
                            {"count", refusal.count},
                            {"ago_ms", refusal.ago_ms}});
    }
    self["refusals"] = std::move(refusals);
    return self;
}

std::vector<std::string> render_report(const mesh::NodeStatus& status, const std::optional<RedisView>& redis,
                                       std::size_t part_bytes, const NodeFacts& facts) {
    json::object counters;
    for (const auto& [name, value] : status.counters) {
        counters[name] = value;
    }
    for (const auto& [name, value] : facts.counters) {
        counters[name] = value;
    }
    // Every part repeats the node itself, so that each part can be understood alone.
    const std::string self = json::serialize(self_to_json(status));
    const std::string head = "{\"self\":" + self + ",\"ready\":" + (status.ready ? "true" : "false") + ",\"drain\":\"" +
                             std::string(to_text(facts.drain)) + "\"";
    json::object once{{"counters", std::move(counters)}};
    add_facts(facts, once);
    once.erase("drain");
    if (redis) {
        once["redis"] = to_json(*redis);
    }
    const std::string only_here = json::serialize(once);
    std::vector<std::string> parts{head + "," + only_here.substr(1, only_here.size() - 2) + ",\"members\":["};
    bool is_first = true;
    for (const mesh::MemberStatus& member : status.members) {
        const std::string text = json::serialize(to_json(member));
        // 3 bytes: a comma and the two closing brackets.
        if (!is_first && parts.back().size() + text.size() + 3 > part_bytes) {
            parts.back().append("]}");
            parts.push_back(head + ",\"members\":[");
            is_first = true;
        }
        parts.back().append(is_first ? "" : ",").append(text);
        is_first = false;
    }
    parts.back().append("]}");
    return parts;
}

std::string render_doctor(const mesh::QueryResult& result) {
    json::array reports;
    for (json::object& report : parts_with(result, "self")) {
        reports.push_back(std::move(report));
    }
    return json::serialize(json::object{{"reports", std::move(reports)}, {"missing", missing_names(result)}});
}

std::string render_trace(const mesh::TraceResult& result, std::string_view app, std::string_view channel) {
    json::array nodes;
    for (const mesh::TraceLine& line : result.lines) {
        nodes.push_back(to_json(line));
    }
    return json::serialize(json::object{
        {"app", text(app)}, {"channel", text(channel)}, {"n", result.n.value}, {"nodes", std::move(nodes)}});
}

}  // namespace tulle::node
