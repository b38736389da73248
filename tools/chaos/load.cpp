#include "tools/chaos/load.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <boost/json.hpp>

#include "mesh/base/prng.hpp"
#include "tools/chaos/api.hpp"

namespace tulle::chaos {
namespace {

/// The name of every event published here. Other events on the channels are not of this load.
constexpr const char* kEventName = "chaos";
/// Longer than any freeze except the freeze of 60 s, so a frozen node leaves no message in doubt.
constexpr std::chrono::milliseconds kPublishPatience{10'000};
/// Between two tries while the node is away.
constexpr Duration kAwayInterval = 50ms;
/// How soon a moving client notices a lost connection.
constexpr Duration kMoverInterval = 10ms;
/// A publisher's sequence repeats after this many messages. The last message of a round is a canary.
constexpr std::uint64_t kCanaryInterval = 40;
/// The message after this many of a round goes to the cache channel.
constexpr std::uint64_t kCacheTurn = 10;
/// After this many messages of a round follows a batch.
constexpr std::uint64_t kBatchTurn = 20;
/// Messages in a batch.
constexpr std::uint64_t kBatch = 5;

/// Numbers the subscriptions of all clients of this process.
std::atomic<std::uint32_t> next_subscription{1};

/// Reads "3:17:…" as publisher 3 and number 17. Returns false for data of another form.
bool parse_data(const std::string& data, chaos::Event& event) {
    const char* const end = data.data() + data.size();
    const auto publisher = std::from_chars(data.data(), end, event.publisher);
    if (publisher.ec != std::errc() || publisher.ptr == end || *publisher.ptr != ':') {
        return false;
    }
    const auto number = std::from_chars(publisher.ptr + 1, end, event.number);
    return number.ec == std::errc() && number.ptr != end && *number.ptr == ':';
}

/// The number of lost messages in the data of a gap; 1 for data of another form.
std::uint64_t missing_in(const std::string& data) {
    boost::json::error_code error;
    const boost::json::value value = boost::json::parse(data, error);
    if (!error && value.is_object()) {
        if (const boost::json::value* missing = value.get_object().if_contains("missing")) {
            const auto count = missing->to_number<std::uint64_t>(error);
            return error ? 1 : count;
        }
    }
    return 1;
}

/// The kind of event for the outcome of a publish. A status other than accepted and unknown is certain not to have
/// published.
EventKind outcome_of(PublishStatus status) {
    switch (status) {
        case PublishStatus::kAccepted:
            return EventKind::kAccepted;
        case PublishStatus::kUnknown:
            return EventKind::kUnknown;
        default:
            return EventKind::kRefused;
    }
}

}  // namespace

ChaosSubscriber::ChaosSubscriber(const Target& target, const std::vector<std::uint32_t>& channels, Recorder& recorder)
    : node_(target.node), recorder_(recorder) {
    ClientOptions options;
    options.servers = {"ws://" + target.listen};
    options.app_key = target.app_key;
    // Short delays: the client is to be back soon after the node is back, as most checks need a subscription.
    options.connect_timeout = std::chrono::seconds(5);
    options.retry_delay_min = std::chrono::milliseconds(100);
    options.retry_delay_max = std::chrono::milliseconds(500);
    client_ = std::make_unique<Client>(std::move(options));
    client_->on_state([this](const StateChange& change) { on_state(change); });
    for (const std::uint32_t channel : channels) {
        subscriptions_.push_back(client_->subscribe(
            channel_name(channel), [this, channel](const tulle::Event& event) { on_event(channel, event); }));
    }
}

ChaosSubscriber::~ChaosSubscriber() {
    client_->close();
}

void ChaosSubscriber::on_state(const StateChange& change) {
    if (change.state == ConnectionState::kConnected) {
        was_connected_ = true;
    } else {
        // A failed first try is no loss: a mover gives a node that is away the time of a stay.
        is_lost_ = was_connected_;
        end_subscriptions();
    }
}

void ChaosSubscriber::end_subscriptions() {
    for (const auto& [channel, subscription] : open_) {
        chaos::Event ended;
        ended.kind = EventKind::kUnsubscribed;
        ended.subscription = subscription;
        recorder_.add(std::move(ended));
    }
    open_.clear();
}

void ChaosSubscriber::on_event(std::uint32_t channel, const tulle::Event& event) {
    chaos::Event record;
    if (event.name == "pusher:subscription_succeeded") {
        record.kind = EventKind::kSubscribed;
        record.node = node_;
        record.channel = channel;
        // A new number for each confirmation: a stay is judged by itself.
        open_[channel] = next_subscription.fetch_add(1);
    } else if (event.name == "tulle:gap") {
        record.kind = EventKind::kGap;
        record.number = missing_in(event.data);
    } else if (event.name == kEventName && parse_data(event.data, record)) {
        record.kind = EventKind::kDelivered;
    } else {
        return;
    }
    record.subscription = open_[channel];
    recorder_.add(std::move(record));
}

ChaosMover::ChaosMover(std::vector<Target> targets, std::uint32_t seed, std::vector<std::uint32_t> channels,
                       Recorder& recorder)
    : targets_(std::move(targets)), channels_(std::move(channels)), recorder_(recorder) {
    thread_ = std::thread([this, seed] { run(seed); });
}

ChaosMover::~ChaosMover() {
    stop_.set();
    thread_.join();
}

void ChaosMover::run(std::uint32_t seed) {
    Prng prng(seed + 1);
    std::size_t at = seed % targets_.size();
    while (!stop_.is_set()) {
        const ChaosSubscriber stay(targets_[at], channels_, recorder_);
        const auto length = std::chrono::milliseconds(kShortestStayMs + prng.below(kStaysDifferByMs));
        const Instant until = now() + length;
        // Waits for the end of the stay, for a lost connection, or for the end of the run.
        while (now() < until && !stay.is_lost() && !stop_.wait_until(now() + kMoverInterval)) {
        }
        // Any target except the present target, so that every stay is a move.
        if (targets_.size() > 1) {
            at = (at + 1 + prng.below(targets_.size() - 1)) % targets_.size();
        }
    }
}

ChaosPublisher::ChaosPublisher(const Target& target, double per_second, Recorder& recorder)
    : target_(target), recorder_(recorder), padding_(kPaddingBytes) {
    const auto interval = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1.0 / per_second));
    thread_ = std::thread([this, interval] { run(interval); });
}

void ChaosPublisher::finish() {
    has_last_word_ = true;
    stop_.set();
}

ChaosPublisher::~ChaosPublisher() {
    stop_.set();
    thread_.join();
}

void ChaosPublisher::run(Duration interval) {
    PublisherOptions options;
    options.servers = {"http://" + target_.listen};
    options.app_id = target_.app_id;
    options.app_key = target_.app_key;
    options.app_secret = target_.app_secret;
    options.timeout = kPublishPatience;
    Publisher publisher(std::move(options));
    Api api(target_, kPublishPatience);
    Prng prng(target_.node);
    Instant next = now();
    while (!stop_.wait_until(next)) {
        const auto channel = static_cast<std::uint32_t>(prng.below(kChannels)) + 1;
        bool accepted = false;
        std::uint64_t messages = 1;
        // The turn within a round decides the kind of message.
        if ((number_ + 1) % kCanaryInterval == 0) {
            accepted = publish(publisher, kCanaryChannel);
        } else if (number_ % kCanaryInterval == kCacheTurn) {
            accepted = publish(publisher, cache_channel(target_.node));
        } else if (number_ % kCanaryInterval == kBatchTurn) {
            accepted = publish_batch(api, prng);
            messages = kBatch;
        } else {
            accepted = publish(publisher, channel);
        }
        // Time lost while the node was slow is not made up for: the messages would come as a burst. After a failure the
        // next try follows soon, so that the node's return is noticed.
        next = accepted ? std::max(next + interval * static_cast<std::int64_t>(messages), now() - interval)
                        : now() + kAwayInterval;
    }
    if (has_last_word_) {
        static_cast<void>(publish(publisher, kCanaryChannel));
    }
}

std::string ChaosPublisher::begin(std::uint32_t channel) {
    chaos::Event event;
    event.kind = EventKind::kPublish;
    event.publisher = target_.node;
    event.number = ++number_;
    event.node = target_.node;
    event.channel = channel;
    // The canary's mark lets the judge find canaries without knowing the channels.
    event.text = channel == kCanaryChannel ? kCanary : "";
    recorder_.add(event);
    return std::to_string(target_.node) + ":" + std::to_string(number_) + ":" +
           std::string(padding_.load(std::memory_order_relaxed), 'x');
}

void ChaosPublisher::end(std::uint64_t number, EventKind outcome) {
    chaos::Event answer;
    answer.kind = outcome;
    answer.publisher = target_.node;
    answer.number = number;
    recorder_.add(std::move(answer));
}

bool ChaosPublisher::publish(Publisher& publisher, std::uint32_t channel) {
    const std::string data = begin(channel);
    const PublishResult result = publisher.publish(channel_name(channel), kEventName, data);
    end(number_, outcome_of(result.status));
    return result.ok();
}

/// Only an accepted or a never sent batch has a certain outcome. When the node's leaving falls into a batch, a part of
/// the batch may be published, so every other outcome is unknown.
bool ChaosPublisher::publish_batch(Api& api, Prng& prng) {
    std::string body = R"({"batch":[)";
    // All messages are recorded as sent before the request goes out.
    for (std::uint64_t i = 0; i < kBatch; ++i) {
        const auto channel = static_cast<std::uint32_t>(prng.below(kChannels)) + 1;
        const std::string data = begin(channel);
        body.append(i == 0 ? "" : ",").append(R"({"channel":")").append(channel_name(channel));
        body.append(R"(","name":")").append(kEventName).append(R"(","data":")").append(data).append(R"("})");
    }
    const client::Exchange answer = api.post("/batch_events", body + "]}");
    EventKind outcome = EventKind::kUnknown;
    if (answer.outcome == client::ExchangeOutcome::kNotSent) {
        outcome = EventKind::kRefused;
    } else if (answer.outcome == client::ExchangeOutcome::kAnswered && answer.status == 200) {
        outcome = EventKind::kAccepted;
    }
    for (std::uint64_t number = number_ - kBatch + 1; number <= number_; ++number) {
        end(number, outcome);
    }
    return outcome == EventKind::kAccepted;
}

}  // namespace tulle::chaos
