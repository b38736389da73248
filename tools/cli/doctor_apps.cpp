#include "tools/cli/doctor_apps.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "tools/cli/doctor_values.hpp"

namespace tulle::cli {
namespace {

/// Nodes that tell of their apps, by label.
using Telling = std::map<std::string, const AppsReport*>;

/// Configured peers that the findings of a node name; of more, their number.
constexpr std::size_t kMostSeeds = 5;

/// Judges an app over all nodes. True: the nodes have the app alike.
bool judge_app(const std::string& id, const Telling& nodes, std::vector<Finding>& out) {
    Texts with;
    Texts without;
    std::map<std::string, Texts> settings;
    std::map<std::string, Texts> credentials;
    for (const auto& [label, report] : nodes) {
        const auto app = report->apps.find(id);
        if (app == report->apps.end()) {
            without.push_back(label);
            continue;
        }
        with.push_back(label);
        settings[app->second.settings].push_back(label);
        credentials[app->second.credentials].push_back(label);
    }
    const std::size_t before = out.size();
    for (const std::string& label : without) {
        out.push_back({Severity::kWrong, "app", {label}, "has no app '" + id + "', unlike " + named(with)});
    }
    judge_values(
        credentials, Severity::kWrong, "app-secret",
        [&id](const std::string&) { return "has another key or secret for the app '" + id + "' than "; }, out);
    judge_values(
        settings, Severity::kWrong, "app-settings",
        [&id](const std::string&) { return "has other settings of the app '" + id + "' than "; }, out);
    return out.size() == before;
}

/// Judges all apps, which the nodes list in full.
void judge_lists(const Telling& nodes, std::vector<Finding>& out) {
    std::set<std::string> ids;
    for (const auto& [label, report] : nodes) {
        for (const auto& [id, app] : report->apps) {
            ids.insert(id);
        }
    }
    std::size_t differing = 0;
    for (const std::string& id : ids) {
        std::vector<Finding> found;
        if (!judge_app(id, nodes, found) && ++differing <= kMostApps) {
            out.insert(out.end(), found.begin(), found.end());
        }
    }
    if (differing > kMostApps) {
        out.push_back(
            {Severity::kWrong, "apps", {}, std::to_string(differing - kMostApps) + " more apps differ between nodes"});
    }
}

void judge_rules(const Telling& nodes, std::vector<Finding>& out) {
    std::map<std::string, std::map<std::string, Texts>> values;
    for (const auto& [label, report] : nodes) {
        for (const auto& [name, value] : report->rules) {
            values[name][value].push_back(label);
        }
    }
    for (const auto& [name, by_value] : values) {
        judge_values(
            by_value, Severity::kNote, "rule",
            [&name](const std::string& value) { return "has " + name + " = " + value + ", unlike "; }, out);
    }
}

}  // namespace

void judge_apps(const MeshSample& sample, const Labels& labels, std::vector<Finding>& out) {
    Telling nodes;
    std::set<std::string> keys;
    std::map<std::string, Texts> digests;
    bool is_listed = true;
    for (const auto& [oid, node] : sample.nodes) {
        if (node.apps) {
            nodes.emplace(labels.of(oid), &*node.apps);
            keys.insert(node.apps->key);
            digests[node.apps->digest].push_back(labels.of(oid));
            is_listed = is_listed && node.apps->apps.size() == node.apps->count;
        }
    }
    judge_rules(nodes, out);
    if (keys.size() > 1) {
        out.push_back({Severity::kNote, "apps", {}, "the apps are not compared: not all nodes use one mesh key"});
    } else if (keys.empty() || keys.begin()->empty()) {
        // A mesh without keys has no digests.
        return;
    } else if (is_listed) {
        judge_lists(nodes, out);
    } else {
        judge_values(
            digests, Severity::kWrong, "apps",
            [](const std::string&) { return "has other apps, or other settings of them, than "; }, out);
    }
}

void judge_seeds(const NodeReport& node, const std::string& label, std::vector<Finding>& out) {
    // A node that has met none of its peers has a finding that names all of them (judge_split).
    if (node.met == 0) {
        return;
    }
    std::size_t told = 0;
    std::size_t all = 0;
    for (const NodeReport::Seed& seed : node.unmet) {
        static const std::set<std::string> kElsewhere{"waiting", "handshake", "dead", "left"};
        if (kElsewhere.contains(seed.reason)) {
            continue;
        }
        if (++all <= kMostSeeds) {
            ++told;
            out.push_back({seed.reason == "wrong-port" ? Severity::kWrong : Severity::kNote,
                           "unmet",
                           {label},
                           "has not met its configured peer " + seed.endpoint + " for " +
                               std::to_string(seed.since_ms / 1000) + " s: " + seed.text});
        }
    }
    if (all > told) {
        out.push_back({Severity::kNote,
                       "unmet",
                       {label},
                       "has not met " + std::to_string(all - told) + " more of its configured peers"});
    }
}

}  // namespace tulle::cli
