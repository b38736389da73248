#include "tools/load/plan.hpp"

namespace tulle::load {

std::vector<std::uint32_t> Plan::streams_of(std::uint32_t publisher) const {
    std::vector<std::uint32_t> out;
    for (std::uint32_t stream = publisher; stream < streams(); stream += publishers) {
        out.push_back(stream);
    }
    return out;
}

std::vector<std::uint32_t> Plan::audience() const {
    // By channel: the number of subscribers.
    std::vector<std::uint32_t> subscribed(channels);
    for (std::uint32_t i = 0; i < subscribers; ++i) {
        for (std::uint32_t k = 0; k < subscriptions_each; ++k) {
            ++subscribed[(first_channel(i) + k) % channels];
        }
    }
    std::vector<std::uint32_t> out(streams());
    for (std::uint32_t stream = 0; stream < streams(); ++stream) {
        out[stream] = subscribed[channel_of(stream)];
        if (publishers_hear && publishers > published_channels) {
            // With more publishers than published channels, the publishers share the channels in turn. A publisher
            // hears the others on the channel, but not itself.
            const std::uint32_t place = stream % published_channels;
            out[stream] += (publishers - place - 1) / published_channels;
        }
    }
    return out;
}

std::string Plan::complaint() const {
    if (channels == 0 || subscriptions_each == 0) {
        return "there must be a channel and a subscription at least";
    }
    if (subscriptions_each > channels) {
        return "a connection cannot have more subscriptions than there are channels";
    }
    if (published_channels == 0 || published_channels > channels) {
        return "there must be between 1 and all channels to publish to";
    }
    if (channels > kMaxStreams || publishers > kMaxStreams) {
        return "at most " + std::to_string(kMaxStreams) +
               " channels and publishers: their number has a fixed width in a message";
    }
    return {};
}

}  // namespace tulle::load
