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

/// Allowances of the whole mesh. Every node keeps the allowances for itself, and takes into account the use that the
/// other nodes report.
namespace tulle::node {

/// The answer to a request for points of an allowance.
struct Grant {
    bool is_granted = true;
    /// Points that this node would grant at once after the answer.
    std::size_t remaining = 0;
    /// Of a refusal: how long until the same request can be granted.
    Duration retry_after{};
};

/// An allowance by the second for the whole mesh. This node grants its share.
///
/// Use is everything that was asked for, granted or not, in the fuller of the present second and the last second. Use
/// counts up to the whole allowance. The share of a node in the allowance A, with own use u and use o of the other
/// nodes, is the greatest of three values: A - o, the rest that the others leave; A u / (u + o), the node's part by
/// use; and A / (10 sources), so that nobody is shut out.
///
/// Error, with E for the greatest age of the known use of the others (nodes report once a second and learn of reports
/// once a second: 2 s and the mesh's way), measured in tests/unit/node/pusher/core/ration_test.cpp:
/// - Steady use: requests within A are granted whole; beyond A the mesh grants A to 1.1 A.
/// - A sudden onset at all of n nodes at once: each may grant A for E, n A in all, and a second's worth as burst.
/// - All use moves at once from nodes within A to another node: the other node is granted a third of A in the first
///   second, at least half of A until E + 2 s, then all of A.
///
/// Thread: confined to its owner.
/// Time:   `now` is an argument and must not go backwards.
/// Errors: none.
class Ration {
public:
    /// Asks for `points` of an `allowance` in points a second. `allowance` > 0. More points than the whole allowance
    /// are never granted. A refused request counts as use, too.
    [[nodiscard]] Grant take(Instant now, std::size_t points, std::size_t allowance);
    /// The use of this node in thousandths of points a second: the number that is reported to the other nodes.
    [[nodiscard]] std::uint64_t use(Instant now, std::size_t allowance);
    /// The use of all other nodes together, in thousandths of points a second.
    void tell_others(std::uint64_t use) { others_ = use; }
    /// The number of nodes that report a use, this node included.
    void tell_sources(std::uint64_t sources) { sources_ = sources; }

private:
    /// Begins a new window when a second is over. A second in which nothing was asked makes the last window empty.
    void turn_windows(Instant now);
    /// In points a second, at most `allowance`.
    [[nodiscard]] double own_use(std::size_t allowance) const;
    /// The points a second that this node grants, by the formula in the class comment.
    [[nodiscard]] double share(std::size_t allowance) const;

    TokenBucket bucket_;
    Instant window_begin_{};
    /// Points in the present window of a second.
    std::uint64_t asked_ = 0;
    /// Points in the window before.
    std::uint64_t asked_last_ = 0;
    /// In thousandths of points a second.
    std::uint64_t others_ = 0;
    std::uint64_t sources_ = 1;
};

/// The uses of the HTTP API that an app may have limited by the second.
enum class Rationed : std::uint8_t { kEvents, kReads };
/// The app's allowance in points a second, for the whole mesh; 0 is no limit.
[[nodiscard]] std::size_t allowance_of(const App& app, Rationed what);
/// True when an app has a quota of connections or an allowance, so that nodes must exchange their uses.
[[nodiscard]] bool has_limited_app(const AppTable& apps);

/// The allowances and connection quotas of all apps at this node.
///
/// Connections are counted exactly on this node and added to the number that the other nodes reported last. All nodes
/// together may exceed a quota by the connections made within a single exchange of reports (E in the comment of
/// Ration).
///
/// Thread: confined to its owner.
/// Time:   `now` must not go backwards.
/// Limits: reports kMaxToldUses uses at most, the greatest parts of their limits. A use beyond is not reported, so
///         other nodes do not take the use into account.
/// Errors: none.
class Rations {
public:
    using Uses = std::vector<std::pair<std::string, std::uint64_t>>;

    /// Counts a further connection. False: the app has as many connections as it may have; the connection is not
    /// counted and the caller refuses the client.
    [[nodiscard]] bool open_connection(const App& app);
    /// The end of a connection that open_connection() has counted.
    void close_connection(std::string_view app_id);
    /// Asks for `points` of the app's allowance. Always granted when the app has no such limit.
    [[nodiscard]] Grant take(Instant now, const App& app, Rationed what, std::size_t points);

    /// The report for the other nodes: "APP/connections" in connections, "APP/events" and "APP/reads" in thousandths of
    /// points a second, of apps with such a limit. Uses of 0 are left out.
    [[nodiscard]] Uses uses(Instant now, const AppTable& apps);
    /// `others` are the uses of all other nodes, summed by name; `sources` is the number of nodes that report, this
    /// node included. The list replaces the list before.
    void on_others(std::uint64_t sources, const Uses& others);
    /// The configuration has changed: forgets apps without a limit and without a connection.
    void on_apps(const AppTable& apps);

private:
    /// The use of a single app.
    struct Account {
        std::uint64_t connections = 0;
        std::uint64_t others_connections = 0;
        std::array<Ration, 2> rations;
    };

    /// The account of the app, opened when there is none.
    Account& account_of(std::string_view app_id);
    /// Copies the known use of the other nodes into an account.
    void tell(std::string_view app_id, Account& account) const;
    /// The use of the other nodes under the name `app_id` + `kind`; 0 when they report none.
    [[nodiscard]] std::uint64_t others_use(std::string_view app_id, std::string_view kind) const;

    std::map<std::string, Account, std::less<>> accounts_;
    /// By the name in the report, such as "APP/events".
    std::map<std::string, std::uint64_t, std::less<>> others_;
    std::uint64_t sources_ = 1;
};

}  // namespace tulle::node
