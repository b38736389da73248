#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "tools/load/pieces.hpp"

namespace tulle::load {

/// The side of a run that a connection is on.
enum class Role : std::uint8_t { kSubscriber, kPublisher };

/// The facts of a connection that a dialect needs while the connection is being opened.
struct Opening {
    Role role = Role::kSubscriber;
    /// HOST:PORT, for the Host header.
    std::string host;
    /// The number of the first channel to subscribe to.
    std::uint32_t first_channel = 0;
    /// How many channels to subscribe to.
    std::uint32_t channels = 0;
    /// The distance between two channels of the connection.
    std::uint32_t stride = 1;
    /// Channels of the whole run. Numbers beyond the last wrap round to the first.
    std::uint32_t all_channels = 1;
    /// For the dialect's own use: the step of the opening.
    std::uint32_t stage = 0;
    /// For the dialect's own use: answers still to come.
    std::uint32_t awaited = 0;

    /// The number of the i-th channel of the connection, from 0.
    [[nodiscard]] std::uint32_t channel(std::uint32_t i) const {
        return static_cast<std::uint32_t>((first_channel + std::uint64_t{i} * stride) % all_channels);
    }
};

/// How a stream of a server is cut into pieces.
enum class Framing : std::uint8_t { kWebSocket, kRedis, kNats, kHttp };

/// The first piece of a stream of this framing. See Piece for the lifetime of the text.
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

/// How to speak with servers of a kind: functions from bytes to bytes, without sockets. Each connection's state is in
/// the Opening, so a single dialect serves all connections.
///
/// Thread: one thread.
/// Errors: a server that misbehaves yields a refusal while opening, and a complaint afterwards. Nothing throws.
class Dialect {
public:
    /// The state of an opening: more input is needed, the connection is ready, or the server refused.
    enum class Progress : std::uint8_t { kWaiting, kReady, kRefused };

    virtual ~Dialect() = default;

    /// The framing of the server's bytes on a connection of this role.
    [[nodiscard]] virtual Framing framing(Role role) const = 0;

    /// True when publishers subscribe to their channels, and so hear what others publish there.
    [[nodiscard]] virtual bool publishers_subscribe() const { return false; }

    /// True when a connection of this role has to speak before being ready.
    [[nodiscard]] virtual bool opens(Role /*role*/) const { return true; }

    /// How many messages a request carries. 0: messages are not answered, and any number may be written at once.
    /// Otherwise the next request waits for the answer to the request before.
    [[nodiscard]] virtual std::uint32_t messages_per_request() const { return 0; }

    /// Appends to `out` the first bytes to say once connected.
    virtual void open(Opening& opening, std::string& out) const = 0;

    /// Takes bytes of the server during the opening.
    ///
    /// `input` holds all bytes not consumed by earlier calls. The dialect sets `consumed` to the number of bytes done
    /// with, which may be 0, appends the reply to `out`, and appends the reason to `refusal` when the server refuses.
    /// The caller calls again with the rest until nothing is consumed.
    virtual Progress on_opening(Opening& opening, std::string_view input, std::size_t& consumed, std::string& out,
                                std::string& refusal) const = 0;

    /// Bytes from the beginning of a text to the end of the piece with the text, as far as known beforehand. A first
    /// guess for Ledger::begin().
    [[nodiscard]] virtual std::size_t tail_bytes(std::size_t text_bytes) const { return text_bytes; }

    /// Appends a message that publishes `text`. The text needs no escaping in any protocol.
    virtual void append_message(std::string& out, std::uint32_t channel, std::string_view text) const = 0;

    /// Appends a request with `messages`, as put together by append_message(). Only called with messages_per_request()
    /// > 0.
    virtual void append_request(std::string& /*out*/, std::string_view /*messages*/, std::string_view /*host*/) const {}

    /// Takes a piece that is no message of this run, on a connection that is ready. Appends the reply to `out`, and a
    /// complaint about the server to `complaint`.
    virtual void on_other(const Piece& piece, std::string& out, std::string& complaint) const = 0;
};

/// The app in use at a Pusher server.
struct AppKeys {
    std::string id;
    std::string key;
    std::string secret;
};

/// A Pusher server. Channels are private-bench-N, and publishers send client events.
[[nodiscard]] std::unique_ptr<Dialect> pusher_dialect(AppKeys keys);

/// A Pusher server with publishers at the HTTP API, `batch` events in a request. A batch of more than one event goes to
/// the batch endpoint. A publisher waits for the answer to a request before sending the next.
[[nodiscard]] std::unique_ptr<Dialect> http_dialect(AppKeys keys, std::uint32_t batch);

/// A Redis server: PUBLISH and SUBSCRIBE over RESP2. Channels are bench-N.
[[nodiscard]] std::unique_ptr<Dialect> redis_dialect();

/// A NATS server: PUB and SUB. Subjects are bench-N.
[[nodiscard]] std::unique_ptr<Dialect> nats_dialect();

/// Engine.IO 4 over WebSocket. Subscribers have the query role=sub. Publishers emit ["pub",TEXT], and the server has to
/// make ["msg",TEXT] of the packet for every subscriber.
[[nodiscard]] std::unique_ptr<Dialect> socketio_dialect();

/// A server that sends every text frame from /pub to all clients of /sub.
[[nodiscard]] std::unique_ptr<Dialect> plain_ws_dialect();

}  // namespace tulle::load
