#include "node/pusher/edge/cache_channels.hpp"

#include <cstdint>

#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/core/limits.hpp"

namespace tulle::node {
namespace {

/// No subscription of the ChannelTable has this generation, so the answer confirms no subscription.
constexpr std::uint64_t kAskGeneration = 0;

/// The event in the form of the core.
RetainedEvent retained_event(const mesh::RetainedEvent& retained) {
    return {{retained.stamp.time_us, retained.stamp.origin}, retained.body, retained.until};
}

}  // namespace

static_assert(kMaxCacheTtl <= mesh::kMaxKeepFor);

void CacheChannels::learn(const mesh::Subscribed& answer, bool is_confirmation) {
    if (answer.last && is_confirmation) {
        events_.on_confirmed(answer.channel, retained_event(*answer.last));
    } else if (answer.last) {
        events_.on_found(answer.channel, retained_event(*answer.last));
    }
}

void CacheChannels::learn(std::string_view channel, const mesh::RetainedEvent& event) {
    events_.on_found(channel, retained_event(event));
}

bool CacheChannels::keep(const mesh::Record& record, std::size_t index) {
    return events_.on_delivered(
        record.channels[index],
        {{record.stamp.time_us, record.stamp.origin}, record.body, reactor_.now() + record.keep_for});
}

void CacheChannels::ask(std::string_view channel) {
    if (classify(channel_of_key(channel)).cache) {
        hub_.send(mesh::Subscribe{std::string(channel), kAskGeneration, false, true});
    }
}

std::optional<EventStamp> CacheChannels::last_stamp(std::string_view channel) {
    return events_.last(channel, reactor_.now()) ? events_.last_stamp(channel) : std::nullopt;
}

SharedBody CacheChannels::last(std::string_view channel) {
    return events_.last(channel, reactor_.now());
}

}  // namespace tulle::node
