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

/// The place of a node, and the app in use there.
struct Target {
    std::uint32_t node = 0;
    /// HOST:PORT of the edge.
    std::string listen;
    std::string app_id;
    std::string app_key;
    std::string app_secret;
};

/// Bytes of an ordinary message beside the number.
inline constexpr std::size_t kPaddingBytes = 200;
/// Bytes of a message during the freeze of 60 s. At 800 messages a second the load is several times the record ring, so
/// the bounds of P7 are put to the test.
inline constexpr std::size_t kLargePaddingBytes = 8'192;
/// Ordinary channels of each client of a node.
inline constexpr std::uint32_t kChannelsOfClient = 3;
/// How long a moving client or a guest stays at a node, in milliseconds: at least kShortestStayMs, and less than the
/// sum of both constants.
inline constexpr std::uint64_t kShortestStayMs = 1'000;
inline constexpr std::uint64_t kStaysDifferByMs = 3'000;

class Api;

/// A client of a node, subscribed to some channels. The client connects again by itself. Each connection makes new
/// subscriptions in the history, and the subscriptions end with the connection.
///
/// Thread: construct, destroy and ask from any single thread. Messages of the server are recorded on the client's own
///         thread.
/// Errors: a node out of reach is no error; the client tries again every 100 to 500 ms.
class ChaosSubscriber {
public:
    /// Connects at once. `channels` are numbers of channels; `recorder` must outlive the subscriber.
    ChaosSubscriber(const Target& target, const std::vector<std::uint32_t>& channels, Recorder& recorder);
    ChaosSubscriber(const ChaosSubscriber&) = delete;
    ChaosSubscriber& operator=(const ChaosSubscriber&) = delete;
    /// Closes the connection and waits for the client's thread.
    ~ChaosSubscriber();

    /// True when the subscriber has been connected and has lost the connection since. Any thread.
    [[nodiscard]] bool is_lost() const { return is_lost_.load(std::memory_order_relaxed); }

private:
    /// Ends the subscriptions when the connection ends.
    void on_state(const StateChange& change);
    /// Records a confirmation, a gap or a message; ignores other events.
    void on_event(std::uint32_t channel, const tulle::Event& event);
    /// Records an end for every open subscription.
    void end_subscriptions();

    std::uint32_t node_;
    Recorder& recorder_;
    /// From channel to the subscription in the history. The client's thread alone.
    std::map<std::uint32_t, std::uint32_t> open_;
    /// Held only to keep the client subscribed.
    std::vector<Subscription> subscriptions_;
    std::atomic<bool> is_lost_{false};
    bool was_connected_ = false;
    std::unique_ptr<Client> client_;
};

/// A client that goes to another node after 1 to 4 s, and at once when the connection is lost, as a client told to
/// reconnect does. Every stay makes subscriptions of its own in the history.
///
/// Thread: a thread of its own for the moves, from construction to destruction.
class ChaosMover {
public:
    /// `seed` draws the ways of the client. The first stay is at the target with index `seed` % number of targets; at
    /// least one target is needed.
    ChaosMover(std::vector<Target> targets, std::uint32_t seed, std::vector<std::uint32_t> channels,
               Recorder& recorder);
    ChaosMover(const ChaosMover&) = delete;
    ChaosMover& operator=(const ChaosMover&) = delete;
    /// Ends the stay under way and the thread.
    ~ChaosMover();

private:
    /// The thread: stay after stay.
    void run(std::uint32_t seed);

    std::vector<Target> targets_;
    std::vector<std::uint32_t> channels_;
    Recorder& recorder_;
    StopFlag stop_;
    std::thread thread_;
};

/// Publishes to a node, a message at a time, each after the answer to the message before. Among the messages are
/// canaries, events for the publisher's cache channel, and batches of several messages.
///
/// Thread: a thread of its own, from construction to destruction.
/// Limits: `per_second` messages as far as the node keeps up. Messages missed while the node was slow are not made up
///         for.
/// Errors: a failed publish is recorded as refused or unknown, and the next try follows 50 ms later.
class ChaosPublisher {
public:
    /// Starts at once. `per_second` is greater than 0; `recorder` must outlive the publisher.
    ChaosPublisher(const Target& target, double per_second, Recorder& recorder);
    ChaosPublisher(const ChaosPublisher&) = delete;
    ChaosPublisher& operator=(const ChaosPublisher&) = delete;
    /// Ends the thread. A publish under way takes up to 10 s, and a last canary as long again.
    ~ChaosPublisher();

    /// Asks for a last canary and the end of publishing. Returns at once.
    void finish();
    /// Sets the bytes of each message beside the number, from the next message on. Any thread.
    void set_padding(std::size_t bytes) { padding_.store(bytes, std::memory_order_relaxed); }

private:
    /// The thread: publishes at the given interval.
    void run(Duration interval);
    /// Publishes a message and records the outcome. Returns true for an accepted message.
    [[nodiscard]] bool publish(Publisher& publisher, std::uint32_t channel);
    /// Publishes kBatch messages in a single request. Returns true when the node accepted the batch.
    [[nodiscard]] bool publish_batch(Api& api, Prng& prng);
    /// Records the next message as about to be sent, and returns the data of the message: "PUBLISHER:NUMBER:padding".
    [[nodiscard]] std::string begin(std::uint32_t channel);
    /// Records the outcome of a message.
    void end(std::uint64_t number, EventKind outcome);

    Target target_;
    Recorder& recorder_;
    StopFlag stop_;
    /// True after finish(): the thread publishes a last canary on the way out.
    std::atomic<bool> has_last_word_{false};
    std::atomic<std::size_t> padding_;
    /// The number of the newest message.
    std::uint64_t number_ = 0;
    std::thread thread_;
};

}  // namespace tulle::chaos
