#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <tulle/client.hpp>
#include <tulle/publisher.hpp>

#include "mesh/base/prng.hpp"
#include "tools/chaos/recorder.hpp"

namespace tulle::chaos {

/// Where a node is, and the app that is used there.
struct Target {
    std::uint32_t node = 0;
    std::string listen;
    std::string app_id;
    std::string app_key;
    std::string app_secret;
};

inline constexpr std::size_t kPaddingBytes = 200;
inline constexpr std::size_t kLargePaddingBytes = 8'192;
inline constexpr std::uint32_t kChannelsOfClient = 3;
/// How long a client or user who moves stays at a node, in milliseconds: from the first up to the sum of both.
inline constexpr std::uint64_t kShortestStayMs = 1'000;
inline constexpr std::uint64_t kStaysDifferByMs = 3'000;

class Api;

/// A client of one node, subscribed to some channels. Each connection makes new subscriptions in the history; they end
/// with it. What the server sends is recorded on the client's thread.
class ChaosSubscriber {
public:
    ChaosSubscriber(const Target& target, const std::vector<std::uint32_t>& channels, Recorder& recorder);
    ChaosSubscriber(const ChaosSubscriber&) = delete;
    ChaosSubscriber& operator=(const ChaosSubscriber&) = delete;
    ~ChaosSubscriber();

    /// It has been connected, and has lost that connection since.
    [[nodiscard]] bool is_lost() const { return is_lost_.load(std::memory_order_relaxed); }

private:
    void on_state(const StateChange& change);
    void on_event(std::uint32_t channel, const tulle::Event& event);
    void end_subscriptions();

    std::uint32_t node_;
    Recorder& recorder_;
    std::map<std::uint32_t, std::uint32_t> open_;  ///< channel to subscription
    std::vector<Subscription> subscriptions_;
    std::atomic<bool> is_lost_{false};
    bool was_connected_ = false;
    std::unique_ptr<Client> client_;
};

/// A client that goes to another node after 1 to 4 s, and at once when its connection is lost: as those do that are
/// told to reconnect. Every stay makes subscriptions of its own. One thread.
class ChaosMover {
public:
    /// `seed`: of the ways it goes; the first stay is at the node `seed` % number of targets.
    ChaosMover(std::vector<Target> targets, std::uint32_t seed, std::vector<std::uint32_t> channels,
               Recorder& recorder);
    ChaosMover(const ChaosMover&) = delete;
    ChaosMover& operator=(const ChaosMover&) = delete;
    ~ChaosMover();

private:
    void run(std::uint32_t seed);

    std::vector<Target> targets_;
    std::vector<std::uint32_t> channels_;
    Recorder& recorder_;
    StopFlag stop_;
    std::thread thread_;
};

/// Publishes to one node, one message after the other, each when the one before is answered, `per_second` as far as the
/// node keeps up. Now and then a canary, an event for its cache channel, or a batch of several. One thread.
class ChaosPublisher {
public:
    ChaosPublisher(const Target& target, double per_second, Recorder& recorder);
    ChaosPublisher(const ChaosPublisher&) = delete;
    ChaosPublisher& operator=(const ChaosPublisher&) = delete;
    ~ChaosPublisher();

    /// A last canary, and no more.
    void finish();
    /// How many bytes each message carries beside its number, from now on.
    void set_padding(std::size_t bytes) { padding_.store(bytes, std::memory_order_relaxed); }

private:
    void run(Duration interval);
    [[nodiscard]] bool publish(Publisher& publisher, std::uint32_t channel);
    [[nodiscard]] bool publish_batch(Api& api, Prng& prng);
    /// The next message is about to be sent. Its data.
    [[nodiscard]] std::string begin(std::uint32_t channel);
    void end(std::uint64_t number, EventKind outcome);

    Target target_;
    Recorder& recorder_;
    StopFlag stop_;
    std::atomic<bool> has_last_word_{false};
    std::atomic<std::size_t> padding_;
    std::uint64_t number_ = 0;
    std::thread thread_;
};

}  // namespace tulle::chaos
