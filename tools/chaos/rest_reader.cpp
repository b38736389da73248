#include "tools/chaos/rest_reader.hpp"

#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/json.hpp>
#include <tulle/client.hpp>

#include "tools/chaos/api.hpp"

namespace tulle::chaos {
namespace {

namespace json = boost::json;

/// Long for a node at rest: a node without an answer by then fails the check.
constexpr Duration kPatience = 5s;

/// Records an answer as a kRead of the node.
void record(Recorder& recorder, std::uint32_t node, std::string what, std::string answer) {
    chaos::Event event;
    event.kind = EventKind::kRead;
    event.node = node;
    event.text = std::move(what);
    event.interest = std::move(answer);
    recorder.add(std::move(event));
}

/// The names in {"channels":{NAME:{},…}}, sorted. Throws for a body of another form.
std::string channels_in(const json::value& body) {
    std::set<std::string> names;
    for (const auto& [name, ignored] : body.at("channels").as_object()) {
        names.emplace(name.data(), name.size());
    }
    return joined_names(names);
}

/// The ids in {"users":[{"id":ID},…]}, sorted. Throws for a body of another form.
std::string users_in(const json::value& body) {
    std::set<std::string> ids;
    for (const json::value& user : body.at("users").as_array()) {
        const json::string& id = user.at("id").as_string();
        ids.emplace(id.data(), id.size());
    }
    return joined_names(ids);
}

/// The answer in the form of the history, or the failure in words, which no truth equals.
template <class Read>
std::string answer_of(const client::Exchange& exchange, Read read) {
    if (exchange.status != 200) {
        return "status " + std::to_string(exchange.status) + " " + exchange.error;
    }
    try {
        return read(json::parse(exchange.body));
    } catch (const std::exception& error) {
        return "not to be read: " + exchange.body.substr(0, 100);
    }
}

/// Subscribes to every cache channel as a new subscriber, and records the first answer of each: "PUBLISHER:NUMBER", or
/// "nothing".
///
/// Thread: constructed and waited for on a single thread; answers come on the client's own thread.
class RetainedEvents {
public:
    RetainedEvents(const Target& target, std::uint32_t nodes, Recorder& recorder)
        : node_(target.node), recorder_(recorder) {
        ClientOptions options;
        options.servers = {"ws://" + target.listen};
        options.app_key = target.app_key;
        client_ = std::make_unique<Client>(std::move(options));
        for (std::uint32_t publisher = 1; publisher <= nodes; ++publisher) {
            const std::uint32_t channel = cache_channel(publisher);
            missing_.insert(channel);
            ChannelHandlers handlers;
            handlers.on_event = [this, channel](const tulle::Event& event) {
                // The data is "PUBLISHER:NUMBER:padding"; the answer ends before the second colon.
                tell(channel, event.data.substr(0, event.data.find(':', event.data.find(':') + 1)));
            };
            handlers.on_cache_miss = [this, channel] { tell(channel, "nothing"); };
            subscriptions_.push_back(client_->subscribe(channel_name(channel), std::move(handlers)));
        }
    }
    ~RetainedEvents() { client_->close(); }
    RetainedEvents(const RetainedEvents&) = delete;
    RetainedEvents& operator=(const RetainedEvents&) = delete;

    /// Waits until all channels have an answer, or kPatience is over. Channels without an answer are recorded as such.
    void wait() {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::duration_cast<std::chrono::milliseconds>(kPatience),
                          [this] { return missing_.empty(); });
        for (const std::uint32_t channel : missing_) {
            record(recorder_, node_, kCacheRead + std::to_string(channel), "no answer");
        }
        // A late answer must not be recorded a second time.
        missing_.clear();
    }

private:
    /// Records the first answer of a channel; ignores later answers.
    void tell(std::uint32_t channel, std::string answer) {
        const std::lock_guard lock(mutex_);
        if (missing_.erase(channel) > 0) {
            record(recorder_, node_, kCacheRead + std::to_string(channel), std::move(answer));
            changed_.notify_all();
        }
    }

    const std::uint32_t node_;
    Recorder& recorder_;
    std::mutex mutex_;
    std::condition_variable changed_;
    /// Channels without an answer. Guarded by mutex_.
    std::set<std::uint32_t> missing_;
    std::vector<Subscription> subscriptions_;
    std::unique_ptr<Client> client_;
};

}  // namespace

void read_api(const Target& target, Recorder& recorder) {
    Api api(target, kPatience);
    record(recorder, target.node, kChannelsRead, answer_of(api.get("/channels"), channels_in));
    record(recorder, target.node, kUsersRead,
           answer_of(api.get(std::string("/channels/") + kPresenceChannel + "/users"), users_in));
}

void read_caches(const Target& target, std::uint32_t nodes, Recorder& recorder) {
    RetainedEvents last(target, nodes, recorder);
    last.wait();
}

}  // namespace tulle::chaos
