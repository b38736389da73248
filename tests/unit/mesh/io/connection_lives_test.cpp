#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "mesh/base/prng.hpp"
#include "mesh/io/zmq_sockets.hpp"

/// Thousands of lives of connections against the real libzmq, whose I/O thread must still serve at the end.
namespace tulle::mesh::connection_lives_test {
namespace {

using Clock = std::chrono::steady_clock;

/// Longer than any pause of a thread that two busy cores have to make room for.
constexpr auto kPatience = std::chrono::seconds(10);
constexpr auto kTime = std::chrono::seconds(15);
constexpr int kLives = 4000;  ///< the order of ending that hangs did so within 1 to 178

/// Keeps every core busy, so that the I/O thread is interrupted anywhere.
class BusyCores {
public:
    BusyCores() {
        for (unsigned i = 0; i < std::max(2U, std::thread::hardware_concurrency()); ++i) {
            threads_.emplace_back([this] {
                while (!stopping_) {
                }
            });
        }
    }
    ~BusyCores() {
        stopping_ = true;
        for (std::thread& thread : threads_) {
            thread.join();
        }
    }
    BusyCores(const BusyCores&) = delete;
    BusyCores& operator=(const BusyCores&) = delete;

private:
    std::atomic<bool> stopping_ = false;
    std::vector<std::thread> threads_;
};

/// A thread that hangs in libzmq hangs the context's end as well, so nothing but the end of the process is left.
[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "FAILED: %s\n", why.c_str());
    std::fflush(stderr);
    std::_Exit(1);
}

/// Ends the process when a step takes longer than kPatience, as one does that waits for a lock of a thread that hangs.
class Watchdog {
public:
    Watchdog() : thread_([this] { watch(); }) {}
    ~Watchdog() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

    void step() {
        {
            const std::lock_guard lock(mutex_);
            ++steps_;
        }
        changed_.notify_one();
    }

private:
    void watch() {
        std::unique_lock lock(mutex_);
        while (!stopping_) {
            const std::uint64_t seen = steps_;
            if (!changed_.wait_for(lock, kPatience, [&] { return stopping_ || steps_ != seen; })) {
                give_up("nothing has moved for 10 s, in life " + std::to_string(seen) +
                        " of a connection: a thread of libzmq hangs");
            }
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t steps_ = 0;
    bool stopping_ = false;
    std::thread thread_;
};

/// A peer's control socket, killed and bound again on one port.
class Restarting {
public:
    Restarting() {
        bind("tcp://127.0.0.1:*");
        endpoint_ = router_.get(zmq::sockopt::last_endpoint);
    }

    [[nodiscard]] const std::string& endpoint() const { return endpoint_; }

    void kill() { router_.close(); }

    void start() {
        const auto since = Clock::now();
        while (true) {
            try {
                bind(endpoint_);
                return;
            } catch (const zmq::error_t&) {
                router_.close();
                if (Clock::now() - since > kPatience) {
                    give_up("the port is not given back");
                }
                std::this_thread::yield();  // the former socket's listener still closes
            }
        }
    }

private:
    void bind(const std::string& endpoint) {
        router_ = zmq::socket_t(context_, zmq::socket_type::router);
        router_.set(zmq::sockopt::linger, 0);
        router_.bind(endpoint);
    }

    zmq::context_t context_;
    zmq::socket_t router_;
    std::string endpoint_;
};

bool comes_up(MonitoredSocket& connection) {
    const auto until = Clock::now() + kPatience;
    while (Clock::now() < until) {
        while (const auto event = connection.next()) {
            if (event->kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
                return true;
            }
        }
        pollfd polled{.fd = connection.events().descriptor(), .events = POLLIN, .revents = 0};
        static_cast<void>(::poll(&polled, 1, 100));
        connection.events().touch();
    }
    return false;
}

TEST(ConnectionLives, EndWhileTheirPeersDieAndTheIoThreadGoesOn) {
    ZmqSockets node("127.0.0.1:0", "127.0.0.1:0", KeyRing());
    Restarting peer;
    Prng prng(7005);
    const BusyCores busy;
    Watchdog watchdog;
    const auto begin = Clock::now();
    int lives = 0;
    for (; lives < kLives && Clock::now() - begin < kTime; ++lives) {
        watchdog.step();
        std::unique_ptr<MonitoredSocket> connection = node.dealer();
        connection->socket().connect(peer.endpoint());
        if (!comes_up(*connection)) {
            give_up("a connection did not come up within 10 s, in life " + std::to_string(lives) +
                    ": libzmq's I/O thread hangs");
        }
        // The connection ends just when the I/O thread has the news of its peer's death to tell, or a little before or
        // after.
        std::thread killer([&peer] { peer.kill(); });
        const auto until = Clock::now() + std::chrono::microseconds(prng.below(300));
        while (Clock::now() < until) {
        }
        connection.reset();
        killer.join();
        peer.start();
    }
    EXPECT_GT(lives, 300) << "too few lives in 15 s to have met the moment";
    std::printf("%d lives of connections\n", lives);
}

}  // namespace
}  // namespace tulle::mesh::connection_lives_test
