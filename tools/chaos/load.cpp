#include "tools/chaos/load.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <boost/json.hpp>

#include "mesh/base/prng.hpp"
#include "tools/chaos/api.hpp"

namespace tulle::chaos {
namespace {

constexpr const char* kEventName = "chaos";
/// Longer than any freeze but the one of 60 s, so that a frozen node leaves no message in doubt.
constexpr std::chrono::milliseconds kPublishPatience{10'000};
/// Between two tries while the node is away.
constexpr Duration kAwayInterval = 50ms;
/// How soon a moving client sees that its connection is lost.
constexpr Duration kMoverInterval = 10ms;
/// One message in so many is a canary.
constexpr std::uint64_t kCanaryInterval = 40;
/// Of so many messages the one after so many is for the cache channel, and the one after so many the first of a batch.
constexpr std::uint64_t kCacheTurn = 10;
constexpr std::uint64_t kBatchTurn = 20;
constexpr std::uint64_t kBatch = 5;

std::atomic<std::uint32_t> next_subscription{1};

/// "3:17:…": publisher 3, number 17.
bool parse_data(const std::string& data, chaos::Event& event) {
    const char* const end = data.data() + data.size();
    const auto publisher = std::from_chars(data.data(), end, event.publisher);
    if (publisher.ec != std::errc() || publisher.ptr == end || *publisher.ptr != ':') {
        return false;
    }
    const auto number = std::from_chars(publisher.ptr + 1, end, event.number);
    return number.ec == std::errc() && number.ptr != end && *number.ptr == ':';
}

/// Of a gap's data; 1 for what cannot be read.
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
        while (now() < until && !stay.is_lost() && !stop_.wait_until(now() + kMoverInterval)) {
        }
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
        // What was missed while the node held us up is not made up for: that would be a burst.
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

/// In doubt unless it was accepted or never sent: of a batch into which the node's leaving falls, a part may be
/// published.
bool ChaosPublisher::publish_batch(Api& api, Prng& prng) {
    std::string body = R"({"batch":[)";
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
