#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/cli/doctor_report.hpp"

/// The judgement of `tulle doctor` on a mesh, from the reports of its nodes. Pure: reports in, findings out.
namespace tulle::cli {

/// How bad a finding is. A mesh with a finding of kWrong is not healthy.
enum class Severity : std::uint8_t {
    /// Worth knowing, and by itself no reason to worry.
    kNote,
    kWrong,
};

/// A single observation about a node, a pair of nodes, or the mesh.
struct Finding {
    Severity severity = Severity::kWrong;
    /// A word for programs, such as "silent".
    std::string kind;
    /// A single node, or viewer and seen node of a pair; empty for the whole mesh.
    std::vector<std::string> nodes;
    /// The rest of a sentence about `nodes`, for people.
    std::string text;
    friend bool operator==(const Finding&, const Finding&) = default;
};

/// Whether a viewer holds the interest of another node, its owner, in the owner's form.
enum class InterestVerdict : std::uint8_t {
    /// Viewer and owner have the same digest at the same version.
    kEqual,
    /// Viewer and owner were never seen at the same version, but the viewer follows.
    kMoving,
    /// The viewer is still at an older version than the owner had in the first sample.
    kBehind,
    /// Viewer and owner have different digests at the same version.
    kDiffers,
    /// The viewer has not taken over the interest yet.
    kUnknown,
    /// Viewer or owner has not answered, or there is no session.
    kUnheard,
};
/// A word for programs, such as "equal".
[[nodiscard]] std::string_view to_text(InterestVerdict verdict);

/// A row of the table of nodes. Numbers without a report are negative.
struct NodeVerdict {
    std::string name;
    std::string oid;
    /// ready, joining, leaving, or silent: a peer has a session with the node, but the node does not answer.
    std::string state;
    std::string version;
    double uptime_s = -1;
    double clients = -1;
    std::uint64_t interest_version = 0;
    /// The node's wall clock less the median of all wall clocks, in microseconds, with an error of `skew_error_us`.
    /// Nothing when the clocks have not been compared.
    std::optional<std::int64_t> skew_us;
    std::uint64_t skew_error_us = 0;
};

/// The viewer's view of another node, and the judgement on the view.
struct PairVerdict {
    std::string viewer;
    std::string seen;
    PeerView view;
    InterestVerdict interest = InterestVerdict::kUnheard;
    /// False when a finding of kWrong names the pair.
    bool ok = true;
};

/// The whole judgement.
struct Diagnosis {
    /// By name.
    std::vector<NodeVerdict> nodes;
    /// By viewer, then by seen node.
    std::vector<PairVerdict> pairs;
    /// Findings of kWrong first.
    std::vector<Finding> findings;
    /// True without a finding of kWrong.
    [[nodiscard]] bool healthy() const;
};

// ---- limits: beyond these values a mesh is not healthy ----

/// Silence of a data path, in milliseconds. An idle link sends a tail every second.
inline constexpr std::uint64_t kMaxDataSilenceMs = 2'500;
/// A round trip, in microseconds: the interval of heartbeats. Repair and suspicion become sluggish beyond.
inline constexpr double kSlowRttUs = 250'000;
/// Difference of a wall clock from the others, in microseconds. Signatures, and events ordered by time, suffer beyond.
inline constexpr std::int64_t kMaxSkewUs = 1'000'000;

/// Age of a refusal, in milliseconds. An older refusal is history.
inline constexpr std::uint64_t kRecentRefusalMs = 60'000;

/// Judges samples, in the order of sampling, some hundred milliseconds apart. The last sample counts; the earlier
/// samples tell moving values from stuck values. `expect`: the number of nodes that must answer and serve. When enough
/// nodes do, dead nodes are not missed.
/// REQUIRES: `samples` is not empty.
[[nodiscard]] Diagnosis diagnose(const std::vector<MeshSample>& samples, std::optional<std::size_t> expect);

/// True when nothing is in motion, so that a further sample could not improve the judgement.
/// REQUIRES: `samples` is not empty.
[[nodiscard]] bool is_settled(const std::vector<MeshSample>& samples);

}  // namespace tulle::cli
