#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tools/cli/doctor_judge.hpp"

/// The part of the judgement about every ordered pair of nodes.
namespace tulle::cli {

/// Names for the nodes of a sample: the name alone, or name and start of the oid where several nodes have the same
/// name.
class Labels {
public:
    explicit Labels(const MeshSample& sample);

    /// The label of a node. REQUIRES: the sample mentions the node.
    [[nodiscard]] const std::string& of(const std::string& oid) const { return labels_.at(oid); }
    /// The name of a node. REQUIRES: the sample mentions the node.
    [[nodiscard]] const std::string& name_of(const std::string& oid) const { return names_.at(oid); }
    /// True when a node that answers has a session with the node `oid`.
    [[nodiscard]] bool in_session(const std::string& oid) const { return in_session_.contains(oid); }
    /// All labels by oid, also the labels of nodes that did not answer.
    [[nodiscard]] const std::map<std::string, std::string>& all() const { return labels_; }

private:
    std::map<std::string, std::string> names_;
    std::map<std::string, std::string> labels_;
    std::set<std::string> in_session_;
};

/// Appends a verdict on each pair to `out`, and the findings about the pair. `may_be_dead`: dead nodes are not missed.
void judge_pairs(const std::vector<MeshSample>& samples, const Labels& labels, bool may_be_dead, Diagnosis& out);

}  // namespace tulle::cli
