#include "tools/cli/keys_report.hpp"

#include <algorithm>
#include <set>

#include <boost/json.hpp>

#include "tools/cli/text_table.hpp"

namespace tulle::cli {
namespace {

namespace json = boost::json;

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts) {
        text.append(text.empty() ? "" : " ").append(part);
    }
    return text;
}

json::array texts(const std::vector<std::string>& parts) {
    json::array array;
    for (const std::string& part : parts) {
        array.push_back(json::string(part));
    }
    return array;
}

/// The connections of a node, in both directions, that bear another key than `id` on either side.
std::size_t uses_of_others(const KeysView& keys, const std::string& id) {
    std::size_t others = 0;
    for (const KeysView::Use& use : keys.uses) {
        others += use.server == id && use.client == id ? 0 : use.inbound + use.outbound;
    }
    return others;
}

/// Adds what is missing at a node that has answered.
void judge_node(const NodeReport& node, const KeyGoal& goal, std::vector<std::string>& missing) {
    const std::vector<std::string>& ids = node.keys.ids;
    const auto accepts = [&ids](const std::string& id) { return std::find(ids.begin(), ids.end(), id) != ids.end(); };
    if (!goal.accepted.empty() && !accepts(goal.accepted)) {
        missing.push_back(node.name + " does not accept " + goal.accepted + ", but " + or_dash(joined(ids)));
    }
    if (goal.used.empty()) {
        return;
    }
    if (ids.empty() || ids.front() != goal.used) {
        missing.push_back(node.name + " uses " + or_dash(ids.empty() ? "" : ids.front()));
    } else if (node.keys.bound != goal.used) {
        missing.push_back(node.name + " has not bound its ports again yet: they bear " + node.keys.bound);
    }
    if (const std::size_t others = uses_of_others(node.keys, goal.used); others > 0) {
        missing.push_back(node.name + " has " + std::to_string(others) + " connections that bear another key");
    }
}

}  // namespace

KeyVerdict judge_keys(const MeshSample& sample, const KeyGoal& goal, std::size_t expect) {
    KeyVerdict verdict;
    std::set<std::vector<std::string>> rings;
    for (const auto& [oid, node] : sample.nodes) {
        judge_node(node, goal, verdict.missing);
        rings.insert(node.keys.ids);
    }
    for (const std::string& name : absent_nodes(sample)) {
        verdict.missing.push_back(name + " does not answer");
    }
    if (sample.nodes.size() < expect) {
        verdict.missing.push_back(std::to_string(sample.nodes.size()) + " nodes answer, expected " +
                                  std::to_string(expect));
    }
    if (goal.accepted.empty() && goal.used.empty() && rings.size() > 1) {
        verdict.missing.push_back("the nodes have different keys: a change of the key is not over");
    }
    verdict.is_open = rings.size() == 1 && rings.begin()->empty();
    return verdict;
}

std::string keys_text(const MeshSample& sample, std::size_t width) {
    std::vector<std::vector<std::string>> rows{{"NODE", "USES", "ACCEPTS TOO", "CONNECTIONS BY KEY"}};
    for (const auto& [oid, node] : sample.nodes) {
        const std::vector<std::string>& ids = node.keys.ids;
        std::string uses;
        for (const KeysView::Use& use : node.keys.uses) {
            uses.append(uses.empty() ? "" : ", ")
                .append(std::to_string(use.inbound + use.outbound) + " by " + use.server)
                .append(use.server == use.client ? "" : "/" + use.client);
        }
        std::string used = ids.empty() ? "" : ids.front();
        if (!used.empty() && node.keys.bound != used) {
            used += " (ports: " + node.keys.bound + ")";
        }
        rows.push_back({node.name, or_dash(used), or_dash(ids.size() > 1 ? joined({ids.begin() + 1, ids.end()}) : ""),
                        or_dash(uses)});
    }
    std::sort(rows.begin() + 1, rows.end());
    return aligned(rows, width);
}

std::string keys_json(const MeshSample& sample, const KeyVerdict& verdict) {
    json::array nodes;
    for (const auto& [oid, node] : sample.nodes) {
        json::array uses;
        for (const KeysView::Use& use : node.keys.uses) {
            uses.push_back(
                {{"server", use.server}, {"client", use.client}, {"inbound", use.inbound}, {"outbound", use.outbound}});
        }
        nodes.push_back({{"name", node.name},
                         {"used", node.keys.ids.empty() ? "" : node.keys.ids.front()},
                         {"accepted", texts(node.keys.ids)},
                         {"bound", node.keys.bound},
                         {"uses", std::move(uses)}});
    }
    return json::serialize(json::object{{"nodes", std::move(nodes)}, {"missing", texts(verdict.missing)}});
}

}  // namespace tulle::cli
