#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/time.hpp"
#include "node/core/token_bucket.hpp"
#include "node/pusher/core/apps.hpp"

/// Allowances of the whole mesh, kept by every node for itself with what the others tell of their use.
namespace tulle::node {

/// What came of asking for points of an allowance.
struct Grant {
    bool is_granted = true;
    std::size_t remaining = 0;  ///< points that this node would grant at once
    Duration retry_after{};     ///< of a refusal
};

/// One allowance by the second, of which this node grants its share.
///
/// Use is what was asked for, granted or not, in the fuller of this second and the last one, and counts up to the whole
/// allowance. A node's share of the allowance A, with its own use u and the others' o, is the greatest of: A - o, what
/// the others leave; A u / (u + o), its part by use; and A / (10 sources), so that nobody is shut out.
///
/// Error, with E for how old what is known of the others may be (they tell once a second, and are told of once a
/// second: 2 s and the mesh's way), measured in tests/unit/node/pusher/core/ration_test.cpp:
/// - Steady use: what is asked for within A is granted whole; beyond it the mesh grants A to 1.1 A.
/// - A sudden onset at all of n nodes at once: each may grant A for E, n A in all, and a second's worth as burst.
/// - All use moves at once from nodes that were within A to another: that one is granted A / 3 in the first second, A /
///   2 at least until E + 2 s, then all of A.
class Ration {
public:
    /// `allowance` > 0. More points than the whole allowance are never granted.
    [[nodiscard]] Grant take(Instant now, std::size_t points, std::size_t allowance);
    /// In thousandths of points a second, as others are told of it.
    [[nodiscard]] std::uint64_t use(Instant now, std::size_t allowance);
    void tell_others(std::uint64_t use) { others_ = use; }
    void tell_sources(std::uint64_t sources) { sources_ = sources; }

private:
    void turn_windows(Instant now);
    [[nodiscard]] double own_use(std::size_t allowance) const;
    [[nodiscard]] double share(std::size_t allowance) const;

    TokenBucket bucket_;
    Instant window_begin_{};
    std::uint64_t asked_ = 0;       ///< in the window of a second that runs
    std::uint64_t asked_last_ = 0;  ///< in the one before
    std::uint64_t others_ = 0;      ///< thousandths
    std::uint64_t sources_ = 1;
};

/// What an app may do by the second.
enum class Rationed : std::uint8_t { kEvents, kReads };
[[nodiscard]] std::size_t allowance_of(const App& app, Rationed what);
[[nodiscard]] bool has_limited_app(const AppTable& apps);

/// The apps' allowances and quotas at this node.
///
/// Connections are counted exactly on this node and added to what the other nodes told last: all nodes together may
/// exceed a quota by the connections made within one exchange (Ration's E).
///
/// Time:   `now` must not go backwards.
/// Limits: tells of kMaxToldUses uses at most, the greatest parts of their allowances; the rest is kept by each node
/// for itself.
class Rations {
public:
    using Uses = std::vector<std::pair<std::string, std::uint64_t>>;

    /// One more connection; false: the app has as many as it may, and this one is not counted.
    [[nodiscard]] bool open_connection(const App& app);
    void close_connection(std::string_view app_id);
    /// Granted when the app has no such limit.
    [[nodiscard]] Grant take(Instant now, const App& app, Rationed what, std::size_t points);

    /// What the other nodes are to know: "APP/connections", "APP/events", "APP/reads" of apps with such a limit.
    [[nodiscard]] Uses uses(Instant now, const AppTable& apps);
    /// What all the others use, and how many tell of theirs, this node included.
    void on_others(std::uint64_t sources, const Uses& others);
    /// Forgets what is no longer limited.
    void on_apps(const AppTable& apps);

private:
    struct Account {
        std::uint64_t connections = 0;
        std::uint64_t others_connections = 0;
        std::array<Ration, 2> rations;
    };

    Account& account_of(std::string_view app_id);
    /// What is known of the others, into an account.
    void tell(std::string_view app_id, Account& account) const;
    [[nodiscard]] std::uint64_t others_use(std::string_view app_id, std::string_view kind) const;

    std::map<std::string, Account, std::less<>> accounts_;
    std::map<std::string, std::uint64_t, std::less<>> others_;  ///< by the name that it is told under
    std::uint64_t sources_ = 1;
};

}  // namespace tulle::node
