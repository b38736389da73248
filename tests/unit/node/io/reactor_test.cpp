#include "node/io/reactor.hpp"

#include <array>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include "node/core/limits.hpp"
#include "node/io/clock.hpp"

namespace tulle::node {
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
    void respond(std::uint64_t, HttpResponse) override {}
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
}  // namespace tulle::node
