#include <optional>
#include <utility>

#include <boost/json.hpp>

#include "client/wire/signing.hpp"
#include "tools/load/dialect.hpp"
#include "tools/load/names.hpp"
#include "tools/load/ws_dialect.hpp"

namespace tulle::load {
namespace {

/// An event of the server. `data` is the string in the event, or the JSON text of any other value.
struct ServerEvent {
    std::string name;
    std::string data;
};

/// Parses a frame's text. Nothing for a text without an event's name.
std::optional<ServerEvent> parse_event(std::string_view text) {
    boost::json::error_code error;
    const boost::json::value value = boost::json::parse(boost::json::string_view(text.data(), text.size()), error);
    const boost::json::object* const object = error ? nullptr : value.if_object();
    const boost::json::value* const name = object == nullptr ? nullptr : object->if_contains("event");
    if (name == nullptr || !name->is_string()) {
        return std::nullopt;
    }
    ServerEvent out{.name = std::string(name->get_string()), .data = {}};
    if (const boost::json::value* const data = object->if_contains("data")) {
        out.data = data->is_string() ? std::string(data->get_string()) : boost::json::serialize(*data);
    }
    return out;
}

/// The socket id in the data of connection_established.
std::optional<std::string> socket_id_in(const std::string& data) {
    boost::json::error_code error;
    const boost::json::value value = boost::json::parse(data, error);
    const boost::json::object* const object = error ? nullptr : value.if_object();
    const boost::json::value* const id = object == nullptr ? nullptr : object->if_contains("socket_id");
    if (id == nullptr || !id->is_string()) {
        return std::nullopt;
    }
    return std::string(id->get_string());
}

/// The Pusher protocol, version 7. An opening is ready when all subscriptions are confirmed.
class PusherDialect final : public WsDialect {
public:
    explicit PusherDialect(AppKeys keys) : keys_{std::move(keys.id), std::move(keys.key), std::move(keys.secret)} {}

    [[nodiscard]] bool publishers_subscribe() const override { return true; }
    // Behind the text come the characters "}.
    [[nodiscard]] std::size_t tail_bytes(std::size_t text_bytes) const override { return text_bytes + 2; }

    void append_message(std::string& out, std::uint32_t channel, std::string_view text) const override {
        // The buffer keeps its capacity, so nothing is allocated for a message.
        static thread_local std::string scratch;
        scratch.assign(R"({"event":"client-bench","channel":")");
        append_channel_name(scratch, channel);
        scratch.append(R"(","data":")").append(text).append(R"("})");
        append_masked_frame(out, kTextFrame, scratch);
    }

protected:
    [[nodiscard]] std::string target(Role /*role*/) const override {
        return "/app/" + keys_.key + "?protocol=7&client=tulle-bench&version=" TULLE_VERSION;
    }

    Progress on_upgraded(Opening& /*opening*/, std::string& /*out*/) const override { return Progress::kWaiting; }

    Progress on_text(Opening& opening, std::string_view text, std::string& out, std::string& refusal) const override {
        const std::optional<ServerEvent> event = parse_event(text);
        if (!event) {
            refusal = "the server sends what is no event: " + std::string(text.substr(0, 200));
            return Progress::kRefused;
        }
        // Subscriptions of private channels are signed with the socket id, so they follow only now.
        if (event->name == "pusher:connection_established") {
            const std::optional<std::string> socket_id = socket_id_in(event->data);
            if (!socket_id) {
                refusal = "the server gives no socket_id";
                return Progress::kRefused;
            }
            subscribe(opening, *socket_id, out);
            opening.awaited = opening.channels;
        } else if (event->name == "pusher_internal:subscription_succeeded") {
            --opening.awaited;
        } else if (event->name == "pusher:error" || event->name == "pusher:subscription_error") {
            refusal = "the server refuses: " + event->data;
            return Progress::kRefused;
        } else {
            // Other events, messages among them, neither advance nor end the opening.
            return Progress::kWaiting;
        }
        return opening.awaited == 0 ? Progress::kReady : Progress::kWaiting;
    }

    // Outside the opening, answers pings and complains of errors and gaps. All other events of the server are ignored.
    void on_other_text(std::string_view text, std::string& out, std::string& complaint) const override {
        const std::optional<ServerEvent> event = parse_event(text);
        if (!event) {
            complaint = "the server sends what is no event: " + std::string(text.substr(0, 200));
        } else if (event->name == "pusher:ping") {
            append_masked_frame(out, kTextFrame, R"({"event":"pusher:pong","data":{}})");
        } else if (event->name == "pusher:error" || event->name == "tulle:gap") {
            complaint = event->name + ": " + event->data;
        }
    }

private:
    void subscribe(const Opening& opening, const std::string& socket_id, std::string& out) const {
        for (std::uint32_t i = 0; i < opening.channels; ++i) {
            std::string channel;
            append_channel_name(channel, opening.channel(i));
            append_masked_frame(out, kTextFrame,
                                R"({"event":"pusher:subscribe","data":{"channel":")" + channel + R"(","auth":")" +
                                    client::channel_auth(keys_, socket_id, channel, {}) + R"("}})");
        }
    }

    client::AppCredentials keys_;
};

}  // namespace

std::unique_ptr<Dialect> pusher_dialect(AppKeys keys) {
    return std::make_unique<PusherDialect>(std::move(keys));
}

}  // namespace tulle::load
