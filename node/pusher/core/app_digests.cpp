#include "node/pusher/core/app_digests.hpp"

#include <concepts>
#include <cstdint>
#include <vector>

#include "mesh/base/assert.hpp"
#include "mesh/base/digest.hpp"

namespace tulle::node {
namespace {

/// Enough to tell apps apart; equal by chance once in 2^64.
constexpr std::size_t kDigestDigits = 16;
static_assert(kDigestDigits * 4 >= 64, "sixty-four bits tell apps apart");

/// Values one after the other. The length stands before each text, so no two lists of values give one message.
class Message {
public:
    explicit Message(std::string_view what) { add(what); }

    void add(std::string_view text) { text_.append(std::to_string(text.size())).append(":").append(text); }
    void add(std::integral auto number) { text_.append(std::to_string(number)).append(";"); }
    void add(GapPolicy policy) { add(static_cast<int>(policy)); }
    void add(Duration duration) { add(duration.count()); }
    void add(const std::vector<std::string>& texts) {
        add(texts.size());
        for (const std::string& text : texts) {
            add(std::string_view(text));
        }
    }
    void add(const Webhook& webhook) {
        const auto& [url, events, starts_with, ends_with, headers, batch, keep_types] = webhook;
        add(std::string_view(url));
        add(events.to_ulong());
        add(std::string_view(starts_with));
        add(std::string_view(ends_with));
        add(headers.size());
        for (const auto& [name, value] : headers) {
            add(std::string_view(name));
            add(std::string_view(value));
        }
        add(batch);
        add(keep_types);
    }
    void add(const std::vector<Webhook>& webhooks) {
        add(webhooks.size());
        for (const Webhook& webhook : webhooks) {
            add(webhook);
        }
    }

    void add(const std::vector<HistoryRule>& rules) {
        add(rules.size());
        for (const HistoryRule& rule : rules) {
            const auto& [starts_with, ends_with, ack, size, bytes, ttl] = rule;
            add(std::string_view(starts_with));
            add(std::string_view(ends_with));
            add(ack);
            add(size);
            add(bytes);
            add(ttl);
        }
    }

    [[nodiscard]] std::string digest(std::string_view key) const {
        return hmac_sha256_hex(key, text_).substr(0, kDigestDigits);
    }

private:
    std::string text_;
};

}  // namespace

AppDigests digests_of(const App& app, std::string_view key) {
    TULLE_ASSERT(!key.empty());
    // The structured binding fails to compile when App gets a further member, so no member is forgotten here.
    const auto& [id, app_key, secret, enabled, client_events, on_gap, event_bytes, client_events_rate, connections,
                 backend_rate, read_rate, channel_length, event_length, channels_at_once, batch, authorization, origins,
                 presence_members, member_bytes, user_authentication, watchlist, cache_ttl, origin, subscription_count,
                 webhooks, history] = app;
    Message settings("settings");
    const auto add_all = [&settings](const auto&... values) { (settings.add(values), ...); };
    // `origin` names a file of this machine, and so is no setting.
    static_cast<void>(origin);
    add_all(std::string_view(id), enabled, client_events, on_gap, event_bytes, client_events_rate, connections,
            backend_rate, read_rate, channel_length, event_length, channels_at_once, batch, authorization, origins,
            presence_members, member_bytes, user_authentication, watchlist, cache_ttl, subscription_count, webhooks,
            history);
    // The id is a part of the message: equal secrets of two apps have different digests.
    Message credentials("credentials");
    credentials.add(std::string_view(id));
    credentials.add(std::string_view(app_key));
    credentials.add(std::string_view(secret));
    return {settings.digest(key), credentials.digest(key)};
}

}  // namespace tulle::node
