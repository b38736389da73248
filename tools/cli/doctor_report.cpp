// An answer of GET /v1/doctor has the form {"reports":[PART,…],"missing":[NAME,…]}. A PART is
// {"self":{…},"members":[{…},…],"ready":…,"counters":{…}}. Unknown members are ignored, and missing members have their
// defaults, so that nodes of several versions can be judged together.

#include "tools/cli/doctor_report.hpp"

#include <utility>

#include <boost/json.hpp>

#include "tools/cli/json_fields.hpp"
#include "tools/cli/terminal.hpp"

namespace tulle::cli {
namespace {

namespace json = boost::json;

/// The upper half of a tag. Newer nodes show the upper half of a tag, and older nodes the whole tag. Without this
/// conversion the two sides of a session would seem to differ.
std::uint64_t tag_of(std::uint64_t shown) {
    return shown >> 32 != 0 ? shown >> 32 : shown;
}

/// Reads a session.
SessionView session_of(const json::object& object) {
    SessionView session;
    session.tag = tag_of(count_field(object, "tag"));
    session.peer_tag = tag_of(count_field(object, "peer_tag"));
    session.acked_version = count_field(object, "acked_version");
    session.data_silent_ms = count_field(object, "data_silent_ms");
    session.heard_via = text_field(object, "heard_via");
    session.hears_via = text_field(object, "hears_via");
    if (const json::object* interest = object_field(object, "interest")) {
        session.interest_known = flag_field(*interest, "known");
        session.interest_version = count_field(*interest, "version");
        session.interest_digest = text_field(*interest, "digest");
    }
    if (const json::object* clock = object_field(object, "clock")) {
        session.clock = {integer_field(*clock, "offset_us"), count_field(*clock, "error_us")};
    }
    return session;
}

/// Reads the view of a peer.
PeerView peer_of(const json::object& object) {
    PeerView peer;
    peer.name = text_field(object, "name");
    peer.state = text_field(object, "state");
    peer.rtt_us = number_field(object, "rtt_us");
    peer.gaps = count_field(object, "gaps");
    peer.repaired = count_field(object, "repaired");
    peer.sessions = count_field(object, "sessions");
    if (const json::object* session = object_field(object, "session")) {
        peer.session = session_of(*session);
    }
    return peer;
}

/// Reads the mesh keys.
KeysView keys_of(const json::object& object) {
    KeysView keys;
    keys.is_known = true;
    keys.bound = text_field(object, "bound");
    if (const json::value* ids = object.if_contains("ids"); ids != nullptr && ids->is_array()) {
        for (const json::value& id : ids->get_array()) {
            keys.ids.push_back(text_field({{"id", id}}, "id"));
        }
    }
    if (const json::value* uses = object.if_contains("uses"); uses != nullptr && uses->is_array()) {
        for (const json::value& value : uses->get_array()) {
            if (const json::object* use = value.if_object()) {
                keys.uses.push_back({text_field(*use, "server"), text_field(*use, "client"),
                                     count_field(*use, "inbound"), count_field(*use, "outbound")});
            }
        }
    }
    return keys;
}

/// Reads the configured peers that the node has not met.
std::vector<NodeReport::Seed> unmet_of(const json::object& peers) {
    std::vector<NodeReport::Seed> unmet;
    if (const json::array* endpoints = array_field(peers, "endpoints")) {
        for (const json::value& value : *endpoints) {
            const json::object* seed = value.if_object();
            if (seed != nullptr && text_field(*seed, "state") == "unmet") {
                unmet.push_back({text_field(*seed, "endpoint"), text_field(*seed, "reason"), text_field(*seed, "text"),
                                 count_field(*seed, "since_ms")});
            }
        }
    }
    return unmet;
}

/// Reads the apps.
AppsReport apps_of(const json::object& object) {
    AppsReport report{.key = text_field(object, "key"),
                      .count = count_field(object, "count"),
                      .digest = text_field(object, "digest"),
                      .apps = {},
                      .rules = {}};
    if (const json::array* list = array_field(object, "list")) {
        for (const json::value& value : *list) {
            if (const json::object* app = value.if_object()) {
                report.apps[text_field(*app, "id")] = {text_field(*app, "settings"), text_field(*app, "credentials")};
            }
        }
    }
    if (const json::object* rules = object_field(object, "rules")) {
        for (const json::key_value_pair& rule : *rules) {
            report.rules[printable(std::string(rule.key()))] = text_field(*rules, std::string(rule.key()));
        }
    }
    return report;
}

/// Reads a node's report about itself.
NodeReport node_of(const json::object& self) {
    NodeReport node;
    node.name = text_field(self, "name");
    node.state = text_field(self, "state");
    node.version = text_field(self, "version");
    node.uptime_s = number_field(self, "uptime_s");
    node.clients = number_field(self, "clients");
    node.monotonic_us = integer_field(self, "monotonic_us");
    node.wall_us = integer_field(self, "wall_us");
    if (const json::object* interest = object_field(self, "interest")) {
        node.interest_version = count_field(*interest, "version");
        node.interest_digest = text_field(*interest, "digest");
    }
    if (const json::object* protocol = object_field(self, "protocol")) {
        node.oldest_protocol = count_field(*protocol, "oldest");
        node.newest_protocol = count_field(*protocol, "newest");
    }
    if (const json::object* peers = object_field(self, "peers")) {
        node.configured = count_field(*peers, "configured");
        node.met = count_field(*peers, "met");
        node.unmet = unmet_of(*peers);
    }
    if (const json::object* endpoints = object_field(self, "endpoints")) {
        const std::string mesh = text_field(*endpoints, "mesh");
        node.is_on_loopback = mesh.starts_with("127.") || mesh.starts_with("[::1]") || mesh.starts_with("localhost:");
    }
    if (const json::object* keys = object_field(self, "keys")) {
        node.keys = keys_of(*keys);
    }
    // "by":"us" marks a refusal by this node; other refusals are by a peer.
    node.refused = flag_field(self, "refused");
    node.deaf = flag_field(self, "deaf");
    const json::value* refusals = self.if_contains("refusals");
    if (refusals != nullptr && refusals->is_array()) {
        for (const json::value& value : refusals->get_array()) {
            if (const json::object* refusal = value.if_object()) {
                node.refusals.push_back({text_field(*refusal, "by") == "us", text_field(*refusal, "name"),
                                         text_field(*refusal, "endpoint"), text_field(*refusal, "reason"),
                                         text_field(*refusal, "text"), count_field(*refusal, "count"),
                                         count_field(*refusal, "ago_ms")});
            }
        }
    }
    return node;
}

/// Adds a part of a report to the sample: the threads of a node report separately, so a node may have several parts.
/// False: the value is no part of a report.
bool add_part(const json::value& value, MeshSample& sample) {
    const json::object* part = value.if_object();
    const json::object* self = part == nullptr ? nullptr : object_field(*part, "self");
    const json::value* members = part == nullptr ? nullptr : part->if_contains("members");
    if (self == nullptr || members == nullptr || !members->is_array()) {
        return false;
    }
    // The first part describes the node; every part may add views of peers.
    const auto [entry, fresh] = sample.nodes.try_emplace(text_field(*self, "oid"));
    NodeReport& node = entry->second;
    if (fresh) {
        node = node_of(*self);
        node.ready = flag_field(*part, "ready");
        node.drain = text_field(*part, "drain");
    }
    if (const json::object* counters = object_field(*part, "counters")) {
        node.gone = count_field(*counters, "mesh_records_gone");
    }
    if (const json::object* apps = object_field(*part, "apps")) {
        node.apps = apps_of(*apps);
    }
    if (const std::string why = text_field(*part, "not_ready"); !why.empty()) {
        node.not_ready = why;
    }
    if (const json::object* redis = object_field(*part, "redis")) {
        node.redis = redis_report_of(*redis);
    }
    for (const json::value& member : members->get_array()) {
        if (const json::object* object = member.if_object()) {
            node.peers.emplace(text_field(*object, "oid"), peer_of(*object));
        }
    }
    return true;
}

}  // namespace

Result<MeshSample, DoctorErrc> parse_sample(std::string_view text) {
    json::error_code error;
    const json::value value = json::parse({text.data(), text.size()}, error);
    if (error || !value.is_object()) {
        return DoctorErrc::kNotReport;
    }
    // Both arrays are always there; without them the text comes from another program.
    const json::value* reports = value.get_object().if_contains("reports");
    const json::value* missing = value.get_object().if_contains("missing");
    if (reports == nullptr || !reports->is_array() || missing == nullptr || !missing->is_array()) {
        return DoctorErrc::kNotReport;
    }
    MeshSample sample;
    for (const json::value& part : reports->get_array()) {
        if (!add_part(part, sample)) {
            return DoctorErrc::kNotReport;
        }
    }
    for (const json::value& name : missing->get_array()) {
        if (name.is_string()) {
            sample.silent.insert(text_field({{"name", name}}, "name"));
        }
    }
    return sample;
}

std::set<std::string> absent_nodes(const MeshSample& sample) {
    std::set<std::string> absent = sample.silent;
    for (const auto& [oid, node] : sample.nodes) {
        for (const auto& [peer_oid, peer] : node.peers) {
            if (peer.session && !sample.nodes.contains(peer_oid)) {
                absent.insert(peer.name);
            }
        }
    }
    return absent;
}

void merge(MeshSample& into, MeshSample more) {
    into.nodes.merge(more.nodes);
    into.silent.merge(more.silent);
}

}  // namespace tulle::cli
