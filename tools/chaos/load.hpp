#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <tulle/client.hpp>

#include "tools/chaos/recorder.hpp"

namespace tulle::chaos {

/// The loopback app of every node.
inline constexpr const char* kAppId = "app-id";
inline constexpr const char* kAppKey = "app-key";
inline constexpr const char* kAppSecret = "app-secret";

inline constexpr std::uint32_t kChannels = 8;
inline constexpr std::uint32_t kChannelsOfClient = 3;
[[nodiscard]] std::string channel_name(std::uint32_t channel);

/// A client of one node, subscribed to some channels. Each connection makes new subscriptions in the history; they end
/// with it. What the server sends is recorded on the client's thread.
class ChaosSubscriber {
public:
    ChaosSubscriber(std::uint32_t node, const std::string& listen, std::uint32_t first_channel, Recorder& recorder);
    ChaosSubscriber(const ChaosSubscriber&) = delete;
    ChaosSubscriber& operator=(const ChaosSubscriber&) = delete;
    ~ChaosSubscriber();

private:
    void on_state(const StateChange& change);
    void on_event(std::uint32_t channel, const tulle::Event& event);
    void end_subscriptions();

    std::uint32_t node_;
    Recorder& recorder_;
    std::map<std::uint32_t, std::uint32_t> open_;  ///< channel to subscription
    std::vector<Subscription> subscriptions_;
    std::unique_ptr<Client> client_;
};

/// Publishes to one node, one message after the other, each when the one before is answered, `per_second` as far as the
/// node keeps up. One thread.
class ChaosPublisher {
public:
    ChaosPublisher(std::uint32_t node, const std::string& listen, double per_second, Recorder& recorder);
    ChaosPublisher(const ChaosPublisher&) = delete;
    ChaosPublisher& operator=(const ChaosPublisher&) = delete;
    ~ChaosPublisher();

    void stop() { stop_.set(); }

private:
    void run(const std::string& listen, Duration interval);

    std::uint32_t node_;
    Recorder& recorder_;
    StopFlag stop_;
    std::thread thread_;
};

}  // namespace tulle::chaos
