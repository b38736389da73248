// A pair is judged from both sides: the viewer's report tells how the viewer sees the other node, and the other node's
// own report tells what would be right. Reports are not from the same moment, so a difference is an error only when the
// difference cannot be explained by time: a wrong digest at the same version, a version older than the first sample, or
// two sessions with different tags.

#include "tools/cli/doctor_pairs.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "mesh/base/assert.hpp"
#include "tools/cli/text_table.hpp"

namespace tulle::cli {
namespace {

// Digits of an oid in a label: enough to tell apart the few nodes of the same name.
constexpr std::size_t kOidDigits = 6;

/// The report of a node; null for a node without an answer.
const NodeReport* report_of(const MeshSample& sample, const std::string& oid) {
    const auto found = sample.nodes.find(oid);
    return found == sample.nodes.end() ? nullptr : &found->second;
}

/// The view of `seen` in the report of `viewer`; null when there is none.
const PeerView* view_of(const MeshSample& sample, const std::string& viewer, const std::string& seen) {
    const NodeReport* report = report_of(sample, viewer);
    if (report == nullptr) {
        return nullptr;
    }
    const auto found = report->peers.find(seen);
    return found == report->peers.end() ? nullptr : &found->second;
}

/// The session of `viewer` with `seen`; null when there is none.
const SessionView* session_of(const MeshSample& sample, const std::string& viewer, const std::string& seen) {
    const PeerView* view = view_of(sample, viewer, seen);
    return view != nullptr && view->session ? &*view->session : nullptr;
}

/// Compares the interest that `viewer` holds with the interest of `owner`. The nodes report one after the other while
/// interest moves. Any version at which both nodes were seen, in whatever samples, therefore decides.
InterestVerdict judge_interest(const std::vector<MeshSample>& samples, const std::string& viewer,
                               const std::string& owner) {
    const SessionView* now = session_of(samples.back(), viewer, owner);
    if (now == nullptr || report_of(samples.back(), owner) == nullptr) {
        return InterestVerdict::kUnheard;
    }
    if (!now->interest_known) {
        return InterestVerdict::kUnknown;
    }
    std::map<std::uint64_t, std::string> digests;
    for (const MeshSample& sample : samples) {
        if (const NodeReport* report = report_of(sample, owner)) {
            digests[report->interest_version] = report->interest_digest;
        }
    }
    // The newest sample with a known version decides.
    for (auto sample = samples.rbegin(); sample != samples.rend(); ++sample) {
        const SessionView* session = session_of(*sample, viewer, owner);
        const auto known = session == nullptr ? digests.end() : digests.find(session->interest_version);
        if (known != digests.end()) {
            const bool equal = known->second == session->interest_digest;
            return equal ? InterestVerdict::kEqual : InterestVerdict::kDiffers;
        }
    }
    // Without a common version the question is whether the viewer follows at all.
    const NodeReport* before = report_of(samples.front(), owner);
    const bool is_stuck = before != nullptr && samples.size() > 1 && now->interest_version < before->interest_version;
    return is_stuck ? InterestVerdict::kBehind : InterestVerdict::kMoving;
}

/// True when both nodes are in the same session, by the tags. A session that is just beginning can seem to differ,
/// because the two reports are from different moments.
bool is_same_session(const MeshSample& sample, const std::string& a, const std::string& b) {
    const SessionView* of_a = session_of(sample, a, b);
    const SessionView* of_b = session_of(sample, b, a);
    return of_a != nullptr && of_b != nullptr && of_a->tag == of_b->peer_tag && of_a->peer_tag == of_b->tag;
}

/// True when `peer` has not acknowledged a version that `owner` already had in the first sample. Subscribers wait
/// behind the barrier until all peers have acknowledged.
bool is_unacknowledged(const std::vector<MeshSample>& samples, const std::string& owner, const std::string& peer) {
    const SessionView* now = session_of(samples.back(), owner, peer);
    const NodeReport* before = report_of(samples.front(), owner);
    return now != nullptr && before != nullptr && now->acked_version < before->interest_version;
}

/// Collects the findings about a single pair.
class PairJudge {
public:
    PairJudge(PairVerdict& verdict, std::vector<Finding>& out) : verdict_(verdict), out_(out) {}

    /// Adds a finding of kWrong and marks the pair.
    void wrong(std::string kind, std::string text) {
        verdict_.ok = false;
        out_.push_back({Severity::kWrong, std::move(kind), {verdict_.viewer, verdict_.seen}, std::move(text)});
    }
    /// Adds a finding of kNote.
    void note(std::string kind, std::string text) {
        out_.push_back({Severity::kNote, std::move(kind), {verdict_.viewer, verdict_.seen}, std::move(text)});
    }

private:
    PairVerdict& verdict_;
    std::vector<Finding>& out_;
};

/// Judges the state in which the viewer sees the other node.
void judge_state(const PeerView& view, PairJudge& judge) {
    if (view.state == "partial") {
        const std::string via = view.session ? view.session->heard_via : std::string();
        judge.wrong("relayed", "is heard only through " + (via.empty() ? std::string("a witness") : via));
    } else if (view.state == "suspect") {
        judge.wrong("suspect", "is silent, and its witnesses are being asked");
    } else if (view.state == "dead") {
        judge.wrong("dead", "is taken for dead");
    } else if (view.state == "left") {
        judge.wrong("left", "is taken for gone, but answers");
    } else if (view.state != "alive") {
        judge.wrong("no-session", "has no session yet (" + view.state + ")");
    }
}

/// Judges the result of comparing interest. kMoving is no finding.
void judge_interest(InterestVerdict interest, PairJudge& judge) {
    if (interest == InterestVerdict::kDiffers) {
        judge.wrong("interest-differs", "its interest is held wrongly: the digests differ at equal versions");
    } else if (interest == InterestVerdict::kBehind) {
        judge.wrong("interest-behind", "its interest is held at an old version, and does not follow");
    } else if (interest == InterestVerdict::kUnknown) {
        judge.wrong("interest-unknown", "its interest has not been taken over yet");
    }
}

/// Judges the figures of the link.
void judge_numbers(const PeerView& view, PairJudge& judge) {
    if (view.session && view.session->data_silent_ms > kMaxDataSilenceMs) {
        judge.wrong("data-silent",
                    "its data path has been silent for " + std::to_string(view.session->data_silent_ms) + " ms");
    }
    if (view.rtt_us > kSlowRttUs) {
        judge.note("slow", "the round trip takes " + rtt_text(view.rtt_us));
    }
    if (view.gaps > view.repaired) {
        judge.note("unrepaired", std::to_string(view.gaps - view.repaired) + " of " + std::to_string(view.gaps) +
                                     " holes were not filled by the link itself");
    }
}

/// Judges all aspects of a pair.
void judge_pair(const std::vector<MeshSample>& samples, const std::string& viewer, const std::string& seen,
                PairVerdict& verdict, std::vector<Finding>& out) {
    const MeshSample& last = samples.back();
    PairJudge judge(verdict, out);
    judge_state(verdict.view, judge);
    if (report_of(last, seen) != nullptr) {
        const bool both = verdict.view.session && session_of(last, seen, viewer) != nullptr;
        if (verdict.view.session && !both) {
            judge.wrong("one-sided", "has no session with the other side, which believes that it has");
            // Two sessions that differ are reported once, for one direction of the pair.
        } else if (both && viewer < seen && !is_same_session(last, viewer, seen)) {
            judge.wrong("session-differs", "the two sides are in different sessions");
        }
        verdict.interest = judge_interest(samples, viewer, seen);
        judge_interest(verdict.interest, judge);
        if (samples.size() > 1 && is_unacknowledged(samples, viewer, seen)) {
            judge.wrong("unacknowledged", "has not acknowledged the other's interest for a while: subscribers wait");
        }
    } else if (verdict.view.session && verdict.view.state == "alive") {
        judge.wrong("silent", "is taken for alive, but does not answer");
    }
    judge_numbers(verdict.view, judge);
}

/// True for a view of the past: a node that has left, a dead node with a successor of the same name, and a dead node
/// that is not missed. Nothing is expected of such nodes.
bool is_history(const MeshSample& sample, const Labels& labels, const std::string& oid, const PeerView& view,
                bool may_be_dead) {
    if (report_of(sample, oid) != nullptr || view.session) {
        return false;
    }
    const auto succeeds = [&](const auto& node) { return node.second.name == labels.name_of(oid); };
    return view.state == "left" || may_be_dead || std::any_of(sample.nodes.begin(), sample.nodes.end(), succeeds);
}

}  // namespace

std::string_view to_text(InterestVerdict verdict) {
    switch (verdict) {
        case InterestVerdict::kEqual:
            return "equal";
        case InterestVerdict::kMoving:
            return "moving";
        case InterestVerdict::kBehind:
            return "behind";
        case InterestVerdict::kDiffers:
            return "differs";
        case InterestVerdict::kUnknown:
            return "unknown";
        case InterestVerdict::kUnheard:
            return "unheard";
    }
    return "?";
}

Labels::Labels(const MeshSample& sample) {
    for (const auto& [oid, node] : sample.nodes) {
        for (const auto& [peer_oid, peer] : node.peers) {
            names_.emplace(peer_oid, peer.name);
            if (peer.session) {
                in_session_.insert(peer_oid);
            }
        }
        names_[oid] = node.name;
    }
    std::map<std::string, std::size_t> bearers;
    for (const auto& [oid, name] : names_) {
        ++bearers[name];
    }
    for (const auto& [oid, name] : names_) {
        labels_[oid] = bearers[name] > 1 ? name + "/" + oid.substr(0, kOidDigits) : name;
    }
}

void judge_pairs(const std::vector<MeshSample>& samples, const Labels& labels, bool may_be_dead, Diagnosis& out) {
    const MeshSample& last = samples.back();
    for (const auto& [viewer, node] : last.nodes) {
        for (const auto& [seen, view] : node.peers) {
            if (is_history(last, labels, seen, view, may_be_dead)) {
                continue;
            }
            PairVerdict verdict{.viewer = labels.of(viewer), .seen = labels.of(seen), .view = view};
            judge_pair(samples, viewer, seen, verdict, out.findings);
            out.pairs.push_back(std::move(verdict));
        }
        for (const auto& [other, report] : last.nodes) {
            // A viewer that does not know the other node has no view, so the pair is made here.
            if (other != viewer && !node.peers.contains(other)) {
                PairVerdict verdict{
                    .viewer = labels.of(viewer), .seen = labels.of(other), .view = {.state = "unknown"}};
                PairJudge(verdict, out.findings).wrong("unknown", "is not known to the other side");
                out.pairs.push_back(std::move(verdict));
            }
        }
    }
    std::sort(out.pairs.begin(), out.pairs.end(), [](const PairVerdict& a, const PairVerdict& b) {
        return std::tie(a.viewer, a.seen) < std::tie(b.viewer, b.seen);
    });
}

bool is_settled(const std::vector<MeshSample>& samples) {
    TULLE_ASSERT(!samples.empty());
    const MeshSample& last = samples.back();
    for (const auto& [viewer, node] : last.nodes) {
        for (const auto& [seen, view] : node.peers) {
            if (!view.session || report_of(last, seen) == nullptr) {
                continue;
            }
            if (!is_same_session(last, viewer, seen) || is_unacknowledged(samples, viewer, seen) ||
                judge_interest(samples, viewer, seen) != InterestVerdict::kEqual) {
                return false;
            }
        }
    }
    return true;
}

}  // namespace tulle::cli
