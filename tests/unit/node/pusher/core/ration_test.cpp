#include "node/pusher/core/ration.hpp"

#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

#include "node/pusher/core/limits.hpp"

namespace tulle::node::ration_test {
namespace {

constexpr Instant kStart{1000s};
constexpr std::size_t kAllowance = 100;
constexpr Duration kStep = 10ms;
constexpr Duration kMeshWay = 50ms;

/// Nodes with one ration each. Every node tells of its use once a second, each at another moment; what all the others
/// have told reaches a node once a second, at yet another one.
class RationedMesh {
public:
    explicit RationedMesh(std::size_t nodes) : nodes_(nodes) {
        for (std::size_t i = 0; i < nodes; ++i) {
            nodes_[i].tells_at = kStart + kUseInterval * static_cast<int>(i) / static_cast<int>(nodes);
            nodes_[i].learns_at = nodes_[i].tells_at + kUseInterval / 2;
            nodes_[i].ration.tell_sources(nodes);
        }
    }

    using Rate = std::function<double(std::size_t node, Duration since_start)>;

    /// Single points asked for by the nodes at these rates a second. What was granted in each second.
    std::vector<double> run(Duration span, const Rate& rate) {
        std::vector<double> granted;
        for (const Instant end = now_ + span; now_ < end; now_ += kStep) {
            if ((now_ - kStart) % 1s == 0s) {
                granted.push_back(0);
            }
            for (std::size_t i = 0; i < nodes_.size(); ++i) {
                exchange(i);
                nodes_[i].owed += rate(i, now_ - kStart) * std::chrono::duration<double>(kStep).count();
                for (; nodes_[i].owed >= 1; nodes_[i].owed -= 1) {
                    const bool is_granted = nodes_[i].ration.take(now_, 1, kAllowance).is_granted;
                    granted.back() += is_granted ? 1 : 0;
                    refused_ += is_granted ? 0 : 1;
                }
            }
        }
        return granted;
    }

    std::size_t refused() const { return refused_; }

private:
    struct Node {
        Ration ration;
        double owed = 0;
        std::uint64_t told = 0;
        std::uint64_t arrived = 0;
        Instant tells_at;
        Instant learns_at;
        Instant arrives_at = Instant::max();
    };

    void exchange(std::size_t i) {
        Node& node = nodes_[i];
        if (now_ >= node.tells_at) {
            node.told = node.ration.use(now_, kAllowance);
            node.tells_at += kUseInterval;
            node.arrives_at = now_ + kMeshWay;
        }
        if (now_ >= node.arrives_at) {
            node.arrived = node.told;
            node.arrives_at = Instant::max();
        }
        if (now_ >= node.learns_at) {
            std::uint64_t others = 0;
            for (std::size_t j = 0; j < nodes_.size(); ++j) {
                others += j == i ? 0 : nodes_[j].arrived;
            }
            node.ration.tell_others(others);
            node.learns_at += kUseInterval;
        }
    }

    std::vector<Node> nodes_;
    Instant now_ = kStart;
    std::size_t refused_ = 0;
};

double most(const std::vector<double>& seconds, std::size_t from, std::size_t to) {
    return *std::max_element(seconds.begin() + static_cast<std::ptrdiff_t>(from),
                             seconds.begin() + static_cast<std::ptrdiff_t>(to));
}

double least(const std::vector<double>& seconds, std::size_t from, std::size_t to) {
    return *std::min_element(seconds.begin() + static_cast<std::ptrdiff_t>(from),
                             seconds.begin() + static_cast<std::ptrdiff_t>(to));
}

TEST(Ration, OfASingleNodeIsTheWholeAllowance) {
    Ration ration;
    for (std::size_t i = 0; i < kAllowance; ++i) {
        EXPECT_EQ(ration.take(kStart, 1, kAllowance).remaining, kAllowance - 1 - i);
    }
    const Grant refused = ration.take(kStart, 1, kAllowance);
    EXPECT_FALSE(refused.is_granted);
    EXPECT_NEAR(std::chrono::duration<double>(refused.retry_after).count(), 0.01, 1e-6);
    EXPECT_TRUE(ration.take(kStart + 10ms, 1, kAllowance).is_granted);
}

TEST(Ration, NeverGrantsMoreAtOnceThanTheAllowance) {
    Ration ration;
    EXPECT_FALSE(ration.take(kStart, kAllowance + 1, kAllowance).is_granted);
    EXPECT_TRUE(ration.take(kStart, kAllowance, kAllowance).is_granted);
}

TEST(Ration, TellsTheUseOfTheFullerOfTwoSeconds) {
    Ration ration;
    for (int i = 0; i < 30; ++i) {
        EXPECT_TRUE(ration.take(kStart, 1, kAllowance).is_granted);
    }
    EXPECT_EQ(ration.use(kStart, kAllowance), 30'000U);
    EXPECT_EQ(ration.use(kStart + 1900ms, kAllowance), 30'000U);
    EXPECT_EQ(ration.use(kStart + 2s, kAllowance), 0U);
    EXPECT_FALSE(ration.take(kStart + 3s, 10 * kAllowance, kAllowance).is_granted);
    EXPECT_EQ(ration.use(kStart + 3s, kAllowance), kAllowance * 1000) << "nobody claims more than there is";
}

TEST(RationMesh, GrantsAllThatIsAskedForWithinTheAllowanceHoweverUnequal) {
    RationedMesh mesh(4);
    const std::vector<double> rates = {60, 25, 4, 0.5};
    mesh.run(30s, [&](std::size_t i, Duration) { return rates[i]; });
    EXPECT_EQ(mesh.refused(), 0U);
}

TEST(RationMesh, GrantsAboutTheAllowanceToNodesThatAllWantMore) {
    RationedMesh mesh(5);
    const std::vector<double> seconds = mesh.run(30s, [](std::size_t, Duration) { return 300.0; });
    EXPECT_LE(most(seconds, 4, seconds.size()), 1.1 * kAllowance);
    EXPECT_GE(least(seconds, 4, seconds.size()), 0.9 * kAllowance);
}

TEST(RationMesh, GrantsAboutTheAllowanceUnderSkewedLoadAndLeavesSomeToTheWeak) {
    RationedMesh mesh(3);
    const std::vector<double> seconds = mesh.run(30s, [](std::size_t i, Duration) { return i == 0 ? 1000.0 : 20.0; });
    EXPECT_LE(most(seconds, 4, seconds.size()), 1.1 * kAllowance);
    EXPECT_GE(least(seconds, 4, seconds.size()), 0.9 * kAllowance);
}

TEST(RationMesh, ExceedsTheAllowanceByTheNumberOfNodesForOneExchangeAfterASuddenOnset) {
    constexpr std::size_t kNodes = 4;
    RationedMesh mesh(kNodes);
    mesh.run(5s, [](std::size_t, Duration) { return 0.0; });
    const std::vector<double> seconds = mesh.run(15s, [](std::size_t, Duration) { return 500.0; });
    EXPECT_LE(seconds[0], 2 * kNodes * kAllowance) << "a second's worth at once and one by the rate, at each";
    EXPECT_LE(seconds[1], kNodes * kAllowance);
    EXPECT_LE(most(seconds, 3, seconds.size()), 1.1 * kAllowance);
    EXPECT_GE(least(seconds, 3, seconds.size()), 0.9 * kAllowance);
}

TEST(RationMesh, GrantsAThirdThenHalfThenAllToANodeThatAllLoadMovesTo) {
    RationedMesh mesh(3);
    const auto moving = [](std::size_t i, Duration at) {
        return at < 10s ? (i == 0 ? 0.0 : 50.0) : (i == 0 ? 100.0 : 0.0);
    };
    const std::vector<double> seconds = mesh.run(30s, moving);
    EXPECT_GE(least(seconds, 0, 10), 0.98 * kAllowance);
    EXPECT_GE(seconds[10], 0.3 * kAllowance);
    EXPECT_GE(least(seconds, 11, 14), 0.48 * kAllowance);
    EXPECT_GE(least(seconds, 14, seconds.size()), 0.98 * kAllowance);
    EXPECT_LE(most(seconds, 0, seconds.size()), 1.1 * kAllowance);
}

App limited_app() {
    App app;
    app.id = "a";
    app.key = "k";
    app.max_connections = 3;
    app.max_backend_events_per_second = 10;
    return app;
}

TEST(Rations, CountConnectionsHereAndAddWhatOthersHold) {
    Rations rations;
    const App app = limited_app();
    rations.on_others(2, {{"a/connections", 1}, {"b/connections", 7}});
    EXPECT_TRUE(rations.open_connection(app));
    EXPECT_TRUE(rations.open_connection(app));
    EXPECT_FALSE(rations.open_connection(app));
    rations.close_connection("a");
    EXPECT_TRUE(rations.open_connection(app)) << "one that was refused has not been counted";
    rations.on_others(1, {});
    EXPECT_TRUE(rations.open_connection(app));
    EXPECT_FALSE(rations.open_connection(app));
    rations.close_connection("never heard of");
}

TEST(Rations, TellOnlyWhatIsLimitedAndUsed) {
    Rations rations;
    const App app = limited_app();
    App free = app;
    free.id = "free";
    free.key = "f";
    free.max_connections = 0;
    free.max_backend_events_per_second = 0;
    const AppTable apps({app, free});
    EXPECT_TRUE(rations.open_connection(app));
    EXPECT_TRUE(rations.open_connection(free));
    EXPECT_TRUE(rations.take(kStart, app, Rationed::kEvents, 4).is_granted);
    EXPECT_TRUE(rations.take(kStart, app, Rationed::kReads, 1000).is_granted);
    EXPECT_EQ(rations.uses(kStart, apps), (Rations::Uses{{"a/events", 4000}, {"a/connections", 1}}));
}

TEST(Rations, TellTheGreatestPartsOfLimitsWhenThereAreTooMany) {
    Rations rations;
    std::vector<App> list;
    for (std::size_t i = 0; i < kMaxToldUses + 10; ++i) {
        App app = limited_app();
        app.id = "a" + std::to_string(i);
        app.key = app.id;
        app.max_connections = i < 10 ? 1000 : 2;
        EXPECT_TRUE(rations.open_connection(app));
        list.push_back(std::move(app));
    }
    const Rations::Uses uses = rations.uses(kStart, AppTable(list));
    EXPECT_EQ(uses.size(), kMaxToldUses);
    EXPECT_TRUE(std::none_of(uses.begin(), uses.end(), [](const auto& use) { return use.first == "a5/connections"; }));
}

TEST(Rations, KeepTheCountOfConnectionsOverAChangeOfTheApps) {
    Rations rations;
    App app = limited_app();
    app.max_connections = 0;
    EXPECT_TRUE(rations.open_connection(app));
    rations.on_apps(AppTable({app}));
    app.max_connections = 1;
    rations.on_apps(AppTable({app}));
    EXPECT_FALSE(rations.open_connection(app));
}

}  // namespace
}  // namespace tulle::node::ration_test
