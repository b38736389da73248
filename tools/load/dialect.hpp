#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "tools/load/pieces.hpp"

namespace tulle::load {

enum class Role : std::uint8_t { kSubscriber, kPublisher };

/// What a dialect has to know of one connection while that is being opened.
struct Opening {
    Role role = Role::kSubscriber;
    std::string host;  ///< HOST:PORT, for the Host header
    std::uint32_t first_channel = 0;
    std::uint32_t channels = 0;  ///< so many in a row are subscribed to
    std::uint32_t stride = 1;    ///< every so-many-th
    std::uint32_t all_channels = 1;
    std::uint32_t stage = 0;    ///< the dialect's own
    std::uint32_t awaited = 0;  ///< the dialect's own

    /// The number of the i-th of its channels.
    [[nodiscard]] std::uint32_t channel(std::uint32_t i) const {
        return static_cast<std::uint32_t>((first_channel + std::uint64_t{i} * stride) % all_channels);
    }
};

enum class Framing : std::uint8_t { kWebSocket, kRedis, kNats, kHttp };

/// The beginning of a stream of this framing.
[[nodiscard]] inline Piece next_piece(Framing framing, const char* at, std::size_t size) {
    switch (framing) {
        case Framing::kWebSocket:
            return next_frame(at, size);
        case Framing::kRedis:
            return next_reply(at, size);
        case Framing::kNats:
            return next_nats(at, size);
        case Framing::kHttp:
            break;
    }
    return next_response(at, size);
}

/// How to speak with one kind of server: pure functions from bytes to bytes.
class Dialect {
public:
    enum class Progress : std::uint8_t { kWaiting, kReady, kRefused };

    virtual ~Dialect() = default;

    [[nodiscard]] virtual Framing framing(Role role) const = 0;

    /// Whether publishers subscribe to their channels, and so hear what others publish there.
    [[nodiscard]] virtual bool publishers_subscribe() const { return false; }

    /// Whether a connection of this role has to speak before it is ready.
    [[nodiscard]] virtual bool opens(Role /*role*/) const { return true; }

    /// How many messages one request carries; 0: messages are not answered, any number may be written at once.
    /// Otherwise the next request waits for the answer to the one before.
    [[nodiscard]] virtual std::uint32_t messages_per_request() const { return 0; }

    /// What to say once connected; appended to `out`.
    virtual void open(Opening& opening, std::string& out) const = 0;

    /// `input`: what the server has said that was not consumed before; `consumed`: how much of it is done with. What is
    /// to be said in turn is appended to `out`; why it was refused to `refusal`.
    virtual Progress on_opening(Opening& opening, std::string_view input, std::size_t& consumed, std::string& out,
                                std::string& refusal) const = 0;

    /// From the beginning of a text to the end of the piece that carries it, as far as that is known beforehand.
    [[nodiscard]] virtual std::size_t tail_bytes(std::size_t text_bytes) const { return text_bytes; }

    /// Appends a message that publishes `text`, which needs no escaping anywhere.
    virtual void append_message(std::string& out, std::uint32_t channel, std::string_view text) const = 0;

    /// Appends a request for what append_message has put into `messages`. Only with messages_per_request().
    virtual void append_request(std::string& /*out*/, std::string_view /*messages*/, std::string_view /*host*/) const {}

    /// Any piece that is no message of ours, in a connection that is ready. What is to be said in turn is appended to
    /// `out`; what is to be complained of, to `complaint`.
    virtual void on_other(const Piece& piece, std::string& out, std::string& complaint) const = 0;
};

struct AppKeys {
    std::string id;
    std::string key;
    std::string secret;
};

/// A Pusher server; channels are private-bench-N. Publishers send client events.
[[nodiscard]] std::unique_ptr<Dialect> pusher_dialect(AppKeys keys);

/// The same, but publishers publish by the HTTP API, `batch` events in a request; more than one by the batch endpoint.
/// A publisher waits for the answer to a request before it sends the next.
[[nodiscard]] std::unique_ptr<Dialect> http_dialect(AppKeys keys, std::uint32_t batch);

/// PUBLISH and SUBSCRIBE; channels are bench-N.
[[nodiscard]] std::unique_ptr<Dialect> redis_dialect();

/// PUB and SUB; subjects are bench-N.
[[nodiscard]] std::unique_ptr<Dialect> nats_dialect();

/// Engine.IO 4 over WebSocket. Subscribers have the query role=sub; publishers emit ["pub",TEXT], of which the server
/// has to make ["msg",TEXT] for every subscriber.
[[nodiscard]] std::unique_ptr<Dialect> socketio_dialect();

/// A server that sends what comes by /pub to all of /sub, as text frames.
[[nodiscard]] std::unique_ptr<Dialect> plain_ws_dialect();

}  // namespace tulle::load
