#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/cli/doctor_report.hpp"

/// What is wrong with a mesh, by what its nodes say.
namespace tulle::cli {

enum class Severity : std::uint8_t {
    kNote,  ///< worth knowing, and no reason to worry by itself
    kWrong,
};

struct Finding {
    Severity severity = Severity::kWrong;
    std::string kind;                ///< one word, for programs
    std::vector<std::string> nodes;  ///< one, or the viewer and the one seen
    std::string text;
    friend bool operator==(const Finding&, const Finding&) = default;
};

/// Whether a node holds the interest of another as that one has it.
enum class InterestVerdict : std::uint8_t {
    kEqual,    ///< the same digest at the same version
    kMoving,   ///< never seen at one version, but it follows
    kBehind,   ///< still at an older version than the owner had a while ago
    kDiffers,  ///< another digest at the same version
    kUnknown,  ///< not taken over yet
    kUnheard,  ///< one of the two has not answered, or there is no session
};
[[nodiscard]] std::string_view to_text(InterestVerdict verdict);

struct NodeVerdict {
    std::string name;
    std::string oid;
    std::string state;  ///< ready, joining, leaving, or silent: seen by others, but without an answer
    std::string version;
    double uptime_s = -1;
    double clients = -1;
    std::uint64_t interest_version = 0;
    /// Its wall clock less the median of all, give or take; nothing when it cannot be told.
    std::optional<std::int64_t> skew_us;
    std::uint64_t skew_error_us = 0;
};

/// What `viewer` says of `seen`.
struct PairVerdict {
    std::string viewer;
    std::string seen;
    PeerView view;
    InterestVerdict interest = InterestVerdict::kUnheard;
    bool ok = true;
};

struct Diagnosis {
    std::vector<NodeVerdict> nodes;  ///< by name
    std::vector<PairVerdict> pairs;  ///< by viewer, then by who is seen
    std::vector<Finding> findings;   ///< what is wrong first
    [[nodiscard]] bool healthy() const;
};

// ---- limits: what is still taken for healthy
// ---------------------------------------------------------------------------

inline constexpr std::uint64_t kMaxDataSilenceMs = 2'500;  ///< a tail comes every second when idle
inline constexpr double kSlowRttUs = 250'000;              ///< a heartbeat: repair and suspicion get sluggish beyond
inline constexpr std::int64_t kMaxSkewUs = 1'000'000;      ///< signatures and what is ordered by time suffer beyond

inline constexpr std::uint64_t kRecentRefusalMs = 60'000;  ///< an older refusal is history

/// Judges samples in the order in which they were taken, some hundred milliseconds apart; the last one counts, the
/// others tell what moves. `expect`: so many nodes must answer and serve; then the dead are no longer missed.
[[nodiscard]] Diagnosis diagnose(const std::vector<MeshSample>& samples, std::optional<std::size_t> expect);

/// Whether a further sample could not put a better light on it: nothing is in motion.
[[nodiscard]] bool is_settled(const std::vector<MeshSample>& samples);

}  // namespace tulle::cli
