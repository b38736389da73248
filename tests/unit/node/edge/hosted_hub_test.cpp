#include "node/edge/hosted_hub.hpp"

#include <functional>
#include <vector>

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <boost/asio/post.hpp>

#include "node/edge/clock.hpp"

namespace tulle::node::hosted_hub_test {
namespace {

/// A hub whose turns are a script: what each does, and when the next is due.
class ScriptedHub final : public mesh::HubTurns {
public:
    ScriptedHub() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
    ~ScriptedHub() override { ::close(event_); }

    void begin() override { ++begun; }
    [[nodiscard]] int descriptor() const override { return event_; }
    [[nodiscard]] bool is_pushed() const override { return pushed; }
    [[nodiscard]] bool has_failed() const override { return failed; }
    Instant run(bool is_readable) override {
        pushed = false;
        eventfd_t value = 0;
        ::eventfd_read(event_, &value);
        readable.push_back(is_readable);
        return script.at(readable.size() - 1)();
    }

    /// As another thread does it.
    void wake() const { ::eventfd_write(event_, 1); }

    std::vector<std::function<Instant()>> script;
    std::vector<bool> readable;  ///< of each turn so far
    bool pushed = false;
    bool failed = false;
    int begun = 0;

private:
    int event_;
};

TEST(HostedHub, HasATurnForItsDeadlinesForItsDescriptorAndForWhatTheHostSays) {
    Reactor reactor(FlushMode::kSend);
    ScriptedHub hub;
    Instant due{};
    hub.script = {
        [&] { return due = monotonic_now() + 3ms; },
        [&] {
            EXPECT_GE(monotonic_now(), due);
            hub.wake();
            return Instant::max();
        },
        [&] {
            hub.pushed = true;
            return Instant::max();
        },
        [&] {
            reactor.stop();
            return Instant::max();
        },
    };
    HostedHub hosted(reactor, hub);
    hosted.begin();
    reactor.run([&] {
        while (hosted.is_due()) {
            hosted.run();
        }
        hosted.watch();
    });
    EXPECT_EQ(hub.begun, 1);
    EXPECT_EQ(hub.readable, (std::vector<bool>{false, false, true, false}));
}

TEST(HostedHub, IsNotBehindTheSlowHandlersOfClientsThatWereReadyBefore) {
    Reactor reactor(FlushMode::kSend);
    ScriptedHub hub;
    int run = 0;
    int run_before_hub = 0;
    hub.script = {[&] {
        run_before_hub = run;
        return Instant::max();
    }};
    for (int i = 2; i < 60; ++i) {
        hub.script.emplace_back([] { return Instant::max(); });
    }
    HostedHub hosted(reactor, hub);
    hosted.begin();
    hub.wake();
    for (int i = 0; i < 100; ++i) {
        boost::asio::post(reactor.context(), [&run] {
            for (const Instant end = monotonic_now() + 3ms; monotonic_now() < end;) {
            }
            ++run;
        });
    }
    reactor.run([&] {
        hosted.look();
        if (hosted.is_due()) {
            hosted.run();
        }
        hosted.watch();
        if (run == 100) {
            reactor.stop();
        }
    });
    EXPECT_LE(run_before_hub, 10);
}

TEST(HostedHub, HasNoTurnAfterItHasFailedWhateverWaits) {
    Reactor reactor(FlushMode::kSend);
    ScriptedHub hub;
    hub.script = {[&] {
        hub.failed = true;
        hub.pushed = true;
        return Instant::min();
    }};
    HostedHub hosted(reactor, hub);
    hosted.begin();
    hosted.run();
    hub.wake();
    EXPECT_TRUE(hosted.is_pushed());
    EXPECT_FALSE(hosted.is_due());
}

TEST(HostedHub, HasMoreTurnsAtOnceWhileItHasMoreToDo) {
    Reactor reactor(FlushMode::kSend);
    ScriptedHub hub;
    int reactor_turns = 0;
    const auto more = [] { return Instant::min(); };
    hub.script = {more, more, [&] {
                      reactor.stop();
                      return Instant::max();
                  }};
    HostedHub hosted(reactor, hub);
    hosted.begin();
    reactor.run([&] {
        ++reactor_turns;
        if (hosted.is_due()) {
            hosted.run();
        }
        hosted.watch();
    });
    EXPECT_EQ(hub.readable.size(), 3u);
    EXPECT_EQ(reactor_turns, 3) << "between them the reactor has looked at its connections";
}

}  // namespace
}  // namespace tulle::node::hosted_hub_test
