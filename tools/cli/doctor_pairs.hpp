#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tools/cli/doctor_judge.hpp"

/// The part of the judgement that looks at every ordered pair of nodes.
namespace tulle::cli {

/// What to call the nodes: by name, with some of the oid where several bear it.
class Labels {
public:
    explicit Labels(const MeshSample& sample);

    [[nodiscard]] const std::string& of(const std::string& oid) const { return labels_.at(oid); }
    [[nodiscard]] const std::string& name_of(const std::string& oid) const { return names_.at(oid); }
    /// Whether a node that answers has a session with it.
    [[nodiscard]] bool in_session(const std::string& oid) const { return in_session_.contains(oid); }
    [[nodiscard]] const std::map<std::string, std::string>& all() const { return labels_; }

private:
    std::map<std::string, std::string> names_;
    std::map<std::string, std::string> labels_;
    std::set<std::string> in_session_;
};

/// Appends a verdict on each pair, and what is wrong with it. `may_be_dead`: the dead are not missed.
void judge_pairs(const std::vector<MeshSample>& samples, const Labels& labels, bool may_be_dead, Diagnosis& out);

}  // namespace tulle::cli
