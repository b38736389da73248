#include "client/core/sealed_channels.hpp"

#include <utility>

#include "client/core/limits.hpp"
#include "mesh/base/assert.hpp"

namespace tulle::client {
namespace {

/// Delivers a decryption error in place of the event, so the application knows about the loss.
void fail(const ChannelEvent& event, const std::string& why, Effects& out) {
    const std::string message = "event \"" + event.name + "\" is lost: " + why;
    out.push_back(Deliver{ChannelEvent{event.channel,
                                       "tulle:decryption_error",
                                       message,
                                       {},
                                       Fault{FaultKind::kDecryption, std::nullopt, {}, message}}});
}

}  // namespace

void SealedChannels::set_key(const std::string& channel, std::string key) {
    entries_[channel] = Entry{std::move(key), false, {}};
}

bool SealedChannels::on_event(const ChannelEvent& event, Effects& out) {
    TULLE_ASSERT(entries_.contains(event.channel));
    Entry& entry = entries_[event.channel];
    // A wrong key may mean a changed key: keep the event and ask once.
    if (!entry.asking) {
        if (try_open(entry, event, out)) {
            return false;
        }
        entry.asking = true;
        entry.waiting.push_back(event);
        return true;
    }
    // While a question is open, later events wait, so the order of the channel is kept.
    if (entry.waiting.size() < kMaxSealedWaiting) {
        entry.waiting.push_back(event);
    } else {
        fail(event, "too many wait for the channel's new key", out);
    }
    return false;
}

bool SealedChannels::on_new_key(const std::string& channel, std::string key, Effects& out) {
    const auto it = entries_.find(channel);
    // A late answer: the channel was forgotten, or the question belongs to an older subscription.
    if (it == entries_.end() || !it->second.asking) {
        return false;
    }
    Entry& entry = it->second;
    entry.key = std::move(key);
    entry.asking = false;
    const std::deque<ChannelEvent> waiting = std::exchange(entry.waiting, {});
    // The first event caused the question. A second question about the same event could go on for ever.
    if (!try_open(entry, waiting.front(), out)) {
        fail(waiting.front(), "it does not open with the channel's new key either", out);
    }
    // The other events go through the usual path. One of them may begin a new question, and the rest then wait again.
    bool ask = false;
    for (std::size_t next = 1; next < waiting.size(); ++next) {
        ask = on_event(waiting[next], out) || ask;
    }
    return ask;
}

void SealedChannels::on_no_key(const std::string& channel, const std::string& reason, Effects& out) {
    const auto it = entries_.find(channel);
    if (it == entries_.end()) {
        return;
    }
    it->second.asking = false;
    for (const ChannelEvent& event : std::exchange(it->second.waiting, {})) {
        fail(event, "it does not open with the channel's key, and there is no new one: " + reason, out);
    }
}

bool SealedChannels::try_open(Entry& entry, const ChannelEvent& event, Effects& out) {
    Result<std::string, SealErrc> plain = open_(entry.key, event.data);
    if (plain.has_value()) {
        out.push_back(Deliver{ChannelEvent{event.channel, event.name, std::move(*plain), event.user_id, {}}});
        return true;
    }
    // No key could open malformed data, so the application is not asked.
    if (plain.error() == SealErrc::kMalformed) {
        fail(event, "it is not encrypted as it should be", out);
        return true;
    }
    return false;
}

}  // namespace tulle::client
