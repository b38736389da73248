#include "node/edge/reactor.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <boost/asio/post.hpp>

#include "node/core/limits.hpp"
#include "node/edge/clock.hpp"

namespace tulle::node::reactor_test {
namespace {

enum class Where { kNowhere, kHandler, kDeadline, kTurnEnd, kTakeWrite, kWritten };

constexpr std::array kAll = {Where::kHandler, Where::kDeadline, Where::kTurnEnd, Where::kTakeWrite, Where::kWritten};

/// Throws at one place. Its socket is no socket, so that a write to it breaks.
class Thrower final : public Connection {
public:
    Thrower(Reactor& reactor, Where where) : reactor_(reactor), outbox_(limits_), where_(where) {}

    void on_deadline(Instant) override { at(Where::kDeadline); }
    void on_turn_end(Instant) override { at(Where::kTurnEnd); }
    void take_write(std::vector<WriteJob>& jobs) override {
        at(Where::kTakeWrite);
        if (!outbox_.empty()) {
            jobs.emplace_back(outbox_, -1, this, true);
        }
    }
    void on_written(Written) override { at(Where::kWritten); }
    void drain(Instant) override {}
    void cut() override {}
    void on_failure() override {
        ++failures;
        outbox_.clear();
        reactor_.remove(slot());
    }

    void queue(std::string_view bytes) { outbox_.push_last(reactor_.arena().append({bytes})); }
    void at(Where where) {
        seen.push_back(where);
        if (where == where_) {
            throw std::bad_alloc();
        }
    }

    std::vector<Where> seen;
    int failures = 0;

private:
    const OutboxLimits limits_{1024, 1s};
    Reactor& reactor_;
    Outbox outbox_;
    const Where where_;
};

/// Takes the connection through each place at which its work is done, in two turns.
void use(Reactor& reactor, Thrower& connection) {
    reactor.guard(connection, [&] { connection.at(Where::kHandler); });
    connection.queue("x");
    reactor.mark_dirty(connection);
    reactor.call_at_turn_end(connection);
    reactor.arm(connection.slot(), reactor.now());
}

TEST(Reactor, WhatAConnectionThrowsEndsItAndNoOther) {
    for (const Where where : kAll) {
        Reactor reactor(FlushMode::kSend);
        const auto good = std::make_shared<Thrower>(reactor, Where::kNowhere);
        const auto bad = std::make_shared<Thrower>(reactor, where);
        reactor.add(good);
        reactor.add(bad);
        boost::asio::post(reactor.context(), [&] {
            use(reactor, *bad);
            use(reactor, *good);
        });
        reactor.run([&] {
            if (bad->failures > 0 && good->seen.size() == kAll.size()) {
                reactor.stop();
            } else {
                reactor.wake_at(reactor.now() + 1ms);
            }
        });
        EXPECT_EQ(bad->failures, 1);
        EXPECT_EQ(good->failures, 0);
        EXPECT_EQ(reactor.connections(), 1u);
        EXPECT_EQ(reactor.counters().failures_total.get(), 1u);
        reactor.release();
    }
}

TEST(Reactor, AConnectionThatFailsMoreThanOnceInATurnIsEndedOnce) {
    Reactor reactor(FlushMode::kSend);
    const auto bad = std::make_shared<Thrower>(reactor, Where::kHandler);
    reactor.add(bad);
    boost::asio::post(reactor.context(), [&] {
        for (int i = 0; i < 3; ++i) {
            reactor.guard(*bad, [&] { bad->at(Where::kHandler); });
        }
    });
    reactor.run([&] {
        if (bad->failures > 0) {
            reactor.stop();
        }
    });
    EXPECT_EQ(bad->failures, 1);
    EXPECT_EQ(reactor.counters().failures_total.get(), 3u);
    reactor.release();
}

TEST(Reactor, GoesOnAfterAnExceptionThatBelongsToNoConnection) {
    Reactor reactor(FlushMode::kSend);
    bool was_run = false;
    boost::asio::post(reactor.context(), [] { throw std::length_error("a handler of the library"); });
    boost::asio::post(reactor.context(), [&] { was_run = true; });
    reactor.run([&] {
        if (was_run) {
            reactor.stop();
        }
    });
    EXPECT_EQ(reactor.counters().failures_total.get(), 1u);
}

/// Takes as long as a handler that computes.
void compute(Duration duration) {
    for (const Instant end = monotonic_now() + duration; monotonic_now() < end;) {
    }
}

TEST(Reactor, SlowHandlersAreLeftForTheNextTurnsAndAllAreRunInTheirOrder) {
    Reactor reactor(FlushMode::kSend);
    std::vector<int> run;
    std::size_t most_of_a_turn = 0;
    std::size_t before = 0;
    bool was_cut_short = false;
    for (int i = 0; i < 50; ++i) {
        boost::asio::post(reactor.context(), [&run, i] {
            compute(3ms);
            run.push_back(i);
        });
    }
    reactor.run([&] {
        most_of_a_turn = std::max(most_of_a_turn, run.size() - before);
        before = run.size();
        was_cut_short = was_cut_short || reactor.was_cut_short();
        if (run.size() == 50) {
            reactor.stop();
        }
    });
    EXPECT_TRUE(was_cut_short);
    EXPECT_LE(most_of_a_turn, 2 + 5u);
    EXPECT_TRUE(std::is_sorted(run.begin(), run.end()));
}

TEST(Reactor, SaysThatHandlersAreLeftWhenThereAreTooMany) {
    Reactor reactor(FlushMode::kSend);
    std::size_t run = 0;
    for (std::size_t i = 0; i < 2 * kMaxPolls; ++i) {
        boost::asio::post(reactor.context(), [&] { ++run; });
    }
    bool was_cut_short = false;
    reactor.run([&] {
        if (run < 2 * kMaxPolls) {
            was_cut_short = reactor.was_cut_short();
        } else {
            reactor.stop();
        }
    });
    EXPECT_TRUE(was_cut_short);
}

/// Work that asks for itself again, `times` times; `after` is called each time.
template <class Executor>
void repeat(Executor executor, std::size_t times, std::function<void()> after) {
    if (times > 0) {
        boost::asio::post(executor, [=] {
            after();
            repeat(executor, times - 1, after);
        });
    }
}

TEST(Reactor, WhatIsReadyAtOnceTakesTurnsWithTheContext) {
    constexpr std::size_t kTimes = 100;
    Reactor reactor(FlushMode::kSend);
    std::string order;
    repeat(reactor.ready_executor(), kTimes, [&] { order.push_back('r'); });
    repeat(reactor.context().get_executor(), kTimes, [&] { order.push_back('c'); });
    reactor.run([&] {
        if (order.size() == 2 * kTimes) {
            reactor.stop();
        }
    });
    const std::string while_both = order.substr(0, order.rfind('c') + 1);
    // one more begins a turn
    EXPECT_EQ(while_both.find(std::string(kHandlersInARow + 2, 'c')), std::string::npos) << order;
    EXPECT_EQ(while_both.find("rr"), std::string::npos) << order;
    EXPECT_NE(while_both.find('r'), std::string::npos) << order;
}

TEST(Reactor, WhatIsReadyAtOnceRunsInARowWhileTheContextHasNothing) {
    Reactor reactor(FlushMode::kSend);
    std::string order;
    repeat(reactor.ready_executor(), 2 * kHandlersInARow, [&] {
        if (order.empty()) {
            boost::asio::post(reactor.context(), [&] { order.push_back('c'); });
        }
        order.push_back('r');
    });
    reactor.run([&] { reactor.stop(); });
    EXPECT_EQ(order.find('c'), kHandlersInARow) << order;
    EXPECT_EQ(order.size(), 2 * kHandlersInARow + 1) << "and all of it in one turn";
}

TEST(Reactor, WhatIsReadyAtOnceIsBoundedInATurnToo) {
    Reactor reactor(FlushMode::kSend);
    std::size_t run = 0;
    repeat(reactor.ready_executor(), 2 * kMaxPolls, [&] { ++run; });
    std::vector<std::size_t> turns;
    reactor.run([&] {
        turns.push_back(run);
        if (run == 2 * kMaxPolls) {
            reactor.stop();
        }
    });
    EXPECT_GE(turns.size(), 2u);
    EXPECT_LE(turns.front(), kMaxPolls);
}

TEST(Reactor, TurnsWithASingleHandlerDoNotLookForOthersUntilThereAreSome) {
    constexpr std::size_t kSingle = 2 * kSoloTurns;
    constexpr std::size_t kPhase = kSingle + 2 * kSoloTurnsPerLook;
    constexpr std::size_t kPhases = 5;
    Reactor reactor(FlushMode::kSend);
    std::size_t run = 0;
    std::vector<std::size_t> turns;
    const auto post = [&](std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            boost::asio::post(reactor.context(), [&] { ++run; });
        }
    };
    // Each phase: turns for which a single handler is posted, then turns for which three are.
    post(1);
    reactor.run([&] {
        turns.push_back(std::exchange(run, 0));
        if (turns.size() == kPhases * kPhase) {
            reactor.stop();
        }
        post(turns.size() % kPhase < kSingle ? 1 : 3);
    });
    std::size_t without_look = 0;
    for (std::size_t phase = 0; phase < kPhases; ++phase) {
        const std::span<const std::size_t> three = std::span(turns).subspan(phase * kPhase + kSingle, kPhase - kSingle);
        // A machine that stands still for kTurnTime brings the look forward.
        without_look += three.front() == 1 ? 1u : 0u;
        const auto look = std::find_if(three.begin(), three.end(), [](std::size_t handlers) { return handlers > 1; });
        ASSERT_LT(look - three.begin(), std::ptrdiff_t{kSoloTurnsPerLook});
        EXPECT_TRUE(std::all_of(look + 1, three.end(), [](std::size_t handlers) { return handlers == 3; }));
    }
    EXPECT_GT(without_look, 0u);
}

TEST(Reactor, ATurnWithASlowHandlerLooksForOthersWhateverWasBefore) {
    Reactor reactor(FlushMode::kSend);
    std::size_t turns = 0;
    bool was_cut_short = false;
    boost::asio::post(reactor.context(), [] {});
    reactor.run([&] {
        if (++turns <= 2 * kSoloTurns) {
            boost::asio::post(reactor.context(), [] {});
        } else if (turns == 2 * kSoloTurns + 1) {
            for (int i = 0; i < 5; ++i) {
                boost::asio::post(reactor.context(), [] { compute(kTurnTime); });
            }
        } else {
            was_cut_short = reactor.was_cut_short();
            reactor.stop();
        }
    });
    EXPECT_TRUE(was_cut_short);
}

TEST(Reactor, WhatIsReadyAtOnceMayThrowAndIsLetGoOfAtTheEnd) {
    Reactor reactor(FlushMode::kSend);
    const auto held = std::make_shared<int>(0);
    boost::asio::post(reactor.ready_executor(), [] { throw std::bad_alloc(); });
    boost::asio::post(reactor.ready_executor(), [&reactor, held] {
        ++*held;
        boost::asio::post(reactor.ready_executor(), [held] { ++*held; });
        reactor.stop();
    });
    reactor.run([&] {});
    EXPECT_EQ(reactor.counters().failures_total.get(), 1u);
    EXPECT_GE(*held, 1);
    boost::asio::post(reactor.ready_executor(), [held] {});
    reactor.release();
    EXPECT_EQ(held.use_count(), 1);
}

/// Takes long to drain.
class SlowToDrain final : public Connection {
public:
    void on_deadline(Instant) override {}
    void on_turn_end(Instant) override {}
    void take_write(std::vector<WriteJob>&) override {}
    void on_written(Written) override {}
    void drain(Instant) override {
        ++drained;
        compute(kTurnTime / 2);
    }
    void cut() override {}
    void on_failure() override {}

    int drained = 0;
};

TEST(Reactor, ConnectionsThatAreSlowToDrainAreSpreadOverTurns) {
    constexpr std::size_t kCount = 6;
    Reactor reactor(FlushMode::kSend);
    std::vector<std::shared_ptr<SlowToDrain>> connections;
    for (std::size_t i = 0; i < kCount; ++i) {
        connections.push_back(std::make_shared<SlowToDrain>());
        reactor.add(connections.back());
    }
    const auto drained = [&] {
        return std::count_if(connections.begin(), connections.end(),
                             [](const auto& each) { return each->drained == 1; });
    };
    EXPECT_FALSE(reactor.drain_some(kCount));
    EXPECT_GE(drained(), 1);
    EXPECT_LE(drained(), 2);
    std::size_t calls = 1;
    while (!reactor.drain_some(kCount)) {
        ++calls;
    }
    EXPECT_GE(calls, kCount / 2 - 1);
    EXPECT_EQ(drained(), static_cast<std::ptrdiff_t>(kCount));
    reactor.release();
}

TEST(Reactor, AConnectionThatComesInDuringTheDrainIsToldAsWell) {
    Reactor reactor(FlushMode::kSend);
    const auto gone = std::make_shared<SlowToDrain>();
    const auto first = std::make_shared<SlowToDrain>();
    const auto second = std::make_shared<SlowToDrain>();
    const Slot left = reactor.add(gone);
    reactor.add(first);
    reactor.remove(left);
    boost::asio::post(reactor.context(), [] {});
    reactor.run([&reactor] { reactor.stop(); });  // the end of the turn frees the slot
    while (!reactor.drain_some(10)) {
    }
    EXPECT_EQ(first->drained, 1);
    EXPECT_EQ(reactor.add(second), left) << "a slot before those that have been drained";
    while (!reactor.drain_some(10)) {
    }
    EXPECT_EQ(second->drained, 1);
    EXPECT_EQ(gone->drained, 0);
    reactor.release();
}

TEST(Reactor, SlowDeadlinesAreSpreadOverTurns) {
    class Slow final : public Connection {
    public:
        void on_deadline(Instant) override {
            compute(1ms);
            ++fired;
        }
        void on_turn_end(Instant) override {}
        void take_write(std::vector<WriteJob>&) override {}
        void on_written(Written) override {}
        void drain(Instant) override {}
        void cut() override {}
        void on_failure() override {}
        int fired = 0;
    };
    Reactor reactor(FlushMode::kSend);
    std::vector<std::shared_ptr<Slow>> all;
    for (int i = 0; i < 300; ++i) {
        all.push_back(std::make_shared<Slow>());
        reactor.arm(reactor.add(all.back()), reactor.now());
    }
    const auto fired = [&] {
        return std::count_if(all.begin(), all.end(), [](const auto& one) { return one->fired == 1; });
    };
    std::ptrdiff_t most_of_a_turn = 0;
    std::ptrdiff_t before = 0;
    reactor.run([&] {
        most_of_a_turn = std::max(most_of_a_turn, fired() - before);
        before = fired();
        if (before == 300) {
            reactor.stop();
        } else {
            reactor.wake_at(reactor.now() + 1ms);
        }
    });
    EXPECT_LE(most_of_a_turn, 32);
    reactor.release();
}

TEST(Reactor, ASlotOfAFailedConnectionServesTheNextOne) {
    Reactor reactor(FlushMode::kSend);
    const auto first = std::make_shared<Thrower>(reactor, Where::kHandler);
    const auto second = std::make_shared<Thrower>(reactor, Where::kHandler);
    reactor.add(first);
    boost::asio::post(reactor.context(), [&] { reactor.guard(*first, [&] { first->at(Where::kHandler); }); });
    reactor.run([&] {
        if (first->failures == 1 && second->seen.empty()) {
            boost::asio::post(reactor.context(), [&] {
                reactor.add(second);
                reactor.guard(*second, [&] { second->at(Where::kHandler); });
            });
        } else if (second->failures == 1) {
            reactor.stop();
        }
    });
    EXPECT_EQ(second->slot(), first->slot());
    reactor.release();
}

}  // namespace
}  // namespace tulle::node::reactor_test
