// Each judge_… function looks at a single aspect and appends findings. No function depends on the findings of another,
// except that the size is judged first. To add a check, write a further function and call the function in diagnose().

#include "tools/cli/doctor_judge.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "mesh/base/assert.hpp"
#include "tools/cli/doctor_apps.hpp"
#include "tools/cli/doctor_pairs.hpp"
#include "tools/cli/doctor_redis.hpp"
#include "tools/cli/text_table.hpp"

namespace tulle::cli {
namespace {

/// Peers that a node without any is told to miss, with the reason of each.
constexpr std::size_t kMostReasons = 5;

/// A finding of kWrong.
Finding wrong(std::string kind, std::vector<std::string> nodes, std::string text) {
    return {Severity::kWrong, std::move(kind), std::move(nodes), std::move(text)};
}

/// A finding of kNote.
Finding note(std::string kind, std::vector<std::string> nodes, std::string text) {
    return {Severity::kNote, std::move(kind), std::move(nodes), std::move(text)};
}

/// True when the node closes its clients, and no other node is to send it any.
bool is_draining(const NodeReport& node) {
    return !node.drain.empty() && node.drain != "serving";
}

/// The state of a node for the table.
std::string state_of(const NodeReport& node) {
    if (node.ready) {
        return is_draining(node) ? node.drain : "ready";
    }
    return node.state == "left" ? "leaving" : "joining";
}

/// Judges the node's own report: whether the node serves clients, and why not.
void judge_node(const NodeReport& node, const std::string& label, std::vector<Finding>& out) {
    if (!node.ready && node.state == "left") {
        out.push_back(note("leaving", {label}, "is leaving"));
    } else if (node.ready && is_draining(node)) {
        out.push_back(note("draining", {label}, "drains (" + node.drain + "): it takes no new clients"));
        // The causes come in the order of depth: a deaf node is also refused and not ready.
    } else if (node.deaf) {
        out.push_back(
            wrong("deaf", {label}, "does not serve clients: it hears nobody on its control port, nor itself"));
    } else if (node.refused) {
        out.push_back(
            wrong("refused", {label}, "does not serve clients: every configured peer that answers refuses it"));
    } else if (!node.ready) {
        out.push_back(wrong("joining", {label}, "does not serve clients: it has not joined yet"));
    } else if (!node.not_ready.empty()) {
        out.push_back(note("not-ready", {label}, "has /ready answer no, so balancers leave it out: " + node.not_ready));
    }
    if (node.gone > 0) {
        out.push_back(
            note("gone", {label}, "no longer had " + std::to_string(node.gone) + " messages that others asked for"));
    }
}

/// Judges whether the mesh is split. From within, each side of a split looks whole. Only recent refusals, and
/// configured peers that were never met, tell of a split. `may_be_alone`: a node without configured peers met is only
/// noted.
void judge_split(const NodeReport& node, const std::string& label, bool may_be_alone, std::vector<Finding>& out) {
    for (const NodeReport::Refusal& refusal : node.refusals) {
        if (refusal.ago_ms <= kRecentRefusalMs) {
            // A node that refuses a key does not say its name, so its endpoint stands for both.
            const std::string who =
                refusal.name == refusal.endpoint ? refusal.name : refusal.name + " at " + refusal.endpoint;
            out.push_back(wrong(refusal.by_it ? "refuses" : "refused-by", {label},
                                (refusal.by_it ? "refuses " : "is refused by ") + who + " for its " + refusal.reason +
                                    ", " + std::to_string(refusal.count) + (refusal.count == 1 ? " time" : " times") +
                                    ", the last one " + std::to_string(refusal.ago_ms / 1000) +
                                    " s ago: " + refusal.text));
        }
    }
    if (node.configured > 0 && node.met == 0) {
        std::string why;
        for (std::size_t i = 0; i < std::min(node.unmet.size(), kMostReasons); ++i) {
            why += (i == 0 ? ": " : "; ") + node.unmet[i].endpoint + " (" + node.unmet[i].text + ")";
        }
        Finding finding = wrong("alone", {label},
                                "has met none of its " + std::to_string(node.configured) + " configured peers" + why);
        finding.severity = may_be_alone ? Severity::kNote : Severity::kWrong;
        out.push_back(std::move(finding));
    }
}

/// Judges the nodes without an answer with which a node has a session, or which a node takes for dead.
void judge_absent(const MeshSample& sample, const Labels& labels, bool may_be_dead, std::vector<Finding>& out) {
    std::map<std::string, bool> absent;  // by oid: true when a node has a session with the absent node
    std::set<std::string> answering;     // names
    for (const auto& [oid, node] : sample.nodes) {
        answering.insert(node.name);
        for (const auto& [peer_oid, peer] : node.peers) {
            if (!sample.nodes.contains(peer_oid) && peer.state != "left") {
                absent[peer_oid] = absent[peer_oid] || peer.session.has_value();
            }
        }
    }
    for (const auto& [oid, in_session] : absent) {
        const std::string& label = labels.of(oid);
        if (in_session) {
            out.push_back(wrong("silent", {label}, "does not answer"));
            // A dead node whose name answers has been started again, and is not missed.
        } else if (!answering.contains(labels.name_of(oid))) {
            Finding finding = wrong("dead", {label}, "is gone for everyone who answers, and did not say goodbye");
            finding.severity = may_be_dead ? Severity::kNote : Severity::kWrong;
            out.push_back(std::move(finding));
        }
    }
}

/// Finds names of several nodes. Silent nodes count too, because a silent node still holds its name.
void judge_names(const MeshSample& sample, const Labels& labels, std::vector<Finding>& out) {
    std::map<std::string, std::vector<std::string>> holders;
    for (const auto& [oid, label] : labels.all()) {
        if (sample.nodes.contains(oid) || labels.in_session(oid)) {
            holders[labels.name_of(oid)].push_back(label);
        }
    }
    for (const auto& [name, nodes] : holders) {
        if (nodes.size() > 1) {
            out.push_back(wrong("duplicate-name", nodes, "bear the same name"));
        }
    }
}

/// Finds nodes with a report in part only. Each thread of a node adds its part, so a missing part is a stuck thread.
void judge_parts(const MeshSample& sample, std::vector<Finding>& out) {
    for (const auto& [oid, node] : sample.nodes) {
        if (sample.silent.contains(node.name)) {
            out.push_back(wrong("stuck", {node.name}, "answers in part only: one of its threads is stuck"));
        }
    }
}

/// Notes different versions of the program and of the mesh protocol, as during an upgrade.
void judge_versions(const MeshSample& sample, std::vector<Finding>& out) {
    std::set<std::string> versions;
    std::set<std::pair<std::uint64_t, std::uint64_t>> protocols;
    for (const auto& [oid, node] : sample.nodes) {
        versions.insert(node.version);
        protocols.emplace(node.oldest_protocol, node.newest_protocol);
    }
    if (versions.size() > 1) {
        std::string all;
        for (const std::string& version : versions) {
            all += (all.empty() ? "" : ", ") + version;
        }
        out.push_back(note("versions", {}, "several versions are running: " + all));
    }
    if (protocols.size() > 1) {
        out.push_back(
            note("protocols", {}, "several versions of the mesh protocol are spoken: an upgrade is not over"));
    }
}

/// Judges the mesh keys: different keys during a change, and the mesh without keys off loopback.
void judge_keys_of_all(const MeshSample& sample, const Labels& labels, std::vector<Finding>& out) {
    std::set<std::vector<std::string>> rings;
    for (const auto& [oid, node] : sample.nodes) {
        if (!node.keys.is_known) {
            continue;
        }
        rings.insert(node.keys.ids);
        if (node.keys.ids.empty() && !node.is_on_loopback) {
            out.push_back(note("no-keys", {labels.of(oid)},
                               "has no mesh keys: whoever reaches its mesh ports is a member and reads all messages"));
        } else if (!node.keys.ids.empty() && node.keys.bound != node.keys.ids.front()) {
            out.push_back(note("key-change", {labels.of(oid)}, "is about to bind its ports by its new mesh key"));
        }
    }
    if (rings.size() > 1) {
        out.push_back(note("keys", {}, "the nodes have different mesh keys: a change of the key is not over"));
    }
}

/// Finds a mesh with less serving nodes than expected.
void judge_size(const MeshSample& sample, std::optional<std::size_t> expect, std::vector<Finding>& out) {
    const auto serves = [](const auto& node) { return node.second.ready; };
    const auto ready = static_cast<std::size_t>(std::count_if(sample.nodes.begin(), sample.nodes.end(), serves));
    if (expect && ready < *expect) {
        out.push_back(wrong("too-few", {},
                            std::to_string(ready) + " nodes answer and serve, expected " + std::to_string(*expect)));
    }
}

/// Computes the skew of each node's wall clock. The wall clocks are compared with the clock of the first node, in the
/// order of oids, through the monotonic clocks that the two nodes have compared in their session. The median of all
/// then becomes the zero, so that a wrong clock of the first node does not put all others in the wrong.
void add_skews(const MeshSample& sample, std::vector<NodeVerdict>& verdicts) {
    std::vector<std::int64_t> all;
    const auto first = sample.nodes.begin();
    for (NodeVerdict& verdict : verdicts) {
        const auto node = sample.nodes.find(verdict.oid);
        if (node == sample.nodes.end()) {
            continue;
        }
        if (node == first) {
            verdict.skew_us = 0;
            verdict.skew_error_us = 1;
        } else if (const auto peer = first->second.peers.find(verdict.oid);
                   peer != first->second.peers.end() && peer->second.session && peer->second.session->clock) {
            const SessionView::Clock& clock = *peer->second.session->clock;
            // A node's wall clock less its monotonic clock is constant, so reports from different moments can be
            // compared.
            verdict.skew_us = (node->second.wall_us - node->second.monotonic_us) -
                              (first->second.wall_us - first->second.monotonic_us) + clock.offset_us;
            verdict.skew_error_us = clock.error_us;
        }
        if (verdict.skew_us) {
            all.push_back(*verdict.skew_us);
        }
    }
    std::sort(all.begin(), all.end());
    for (NodeVerdict& verdict : verdicts) {
        if (verdict.skew_us) {
            *verdict.skew_us -= all[(all.size() - 1) / 2];
        }
    }
}

/// Finds clocks that differ too much, even with the largest error of the comparison.
void judge_clocks(const std::vector<NodeVerdict>& nodes, const Labels& labels, std::vector<Finding>& out) {
    for (const NodeVerdict& node : nodes) {
        const std::int64_t skew = node.skew_us.value_or(0);
        if (std::abs(skew) - static_cast<std::int64_t>(node.skew_error_us) > kMaxSkewUs) {
            const double seconds = static_cast<double>(std::abs(skew)) / 1e6;
            out.push_back(wrong("clock", {labels.of(node.oid)},
                                "has a clock " + printed("%.1f", seconds) + " s " + (skew > 0 ? "ahead of" : "behind") +
                                    " the others'"));
        }
    }
}

/// The rows of the table: all nodes with a report, and the silent nodes with a session.
std::vector<NodeVerdict> verdicts_of(const MeshSample& sample, const Labels& labels) {
    std::vector<NodeVerdict> verdicts;
    for (const auto& [oid, name] : labels.all()) {
        const auto node = sample.nodes.find(oid);
        if (node == sample.nodes.end()) {
            if (labels.in_session(oid)) {
                verdicts.push_back({.name = name, .oid = oid, .state = "silent", .version = {}});
            }
            continue;
        }
        verdicts.push_back({.name = name,
                            .oid = oid,
                            .state = state_of(node->second),
                            .version = node->second.version,
                            .uptime_s = node->second.uptime_s,
                            .clients = node->second.clients,
                            .interest_version = node->second.interest_version});
    }
    std::sort(verdicts.begin(), verdicts.end(),
              [](const NodeVerdict& a, const NodeVerdict& b) { return a.name < b.name; });
    return verdicts;
}

}  // namespace

bool Diagnosis::healthy() const {
    return std::none_of(findings.begin(), findings.end(),
                        [](const Finding& finding) { return finding.severity == Severity::kWrong; });
}

Diagnosis diagnose(const std::vector<MeshSample>& samples, std::optional<std::size_t> expect) {
    TULLE_ASSERT(!samples.empty());
    const MeshSample& last = samples.back();
    const Labels labels(last);
    Diagnosis diagnosis;
    diagnosis.nodes = verdicts_of(last, labels);
    add_skews(last, diagnosis.nodes);
    // The size is judged first: a mesh with all expected nodes does not miss dead nodes of the past.
    judge_size(last, expect, diagnosis.findings);
    const bool is_complete = expect && diagnosis.findings.empty();
    judge_absent(last, labels, is_complete, diagnosis.findings);
    for (const auto& [oid, node] : last.nodes) {
        judge_node(node, labels.of(oid), diagnosis.findings);
        judge_split(node, labels.of(oid), is_complete || node.peers.size() > 0, diagnosis.findings);
        judge_seeds(node, labels.of(oid), diagnosis.findings);
    }
    judge_names(last, labels, diagnosis.findings);
    judge_parts(last, diagnosis.findings);
    judge_pairs(samples, labels, is_complete, diagnosis);
    judge_clocks(diagnosis.nodes, labels, diagnosis.findings);
    judge_versions(last, diagnosis.findings);
    judge_keys_of_all(last, labels, diagnosis.findings);
    judge_apps(last, labels, diagnosis.findings);
    judge_redis(last, labels, diagnosis.findings);
    // A stable sort keeps the order of the judges within a severity.
    std::stable_sort(diagnosis.findings.begin(), diagnosis.findings.end(),
                     [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
    return diagnosis;
}

}  // namespace tulle::cli
