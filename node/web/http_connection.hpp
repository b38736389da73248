#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "node/core/ip_address.hpp"
#include "node/edge/connection.hpp"
#include "node/edge/linger.hpp"
#include "node/edge/reactor.hpp"
#include "node/web/core/gate.hpp"
#include "node/web/http_room.hpp"
#include "node/web/http_service.hpp"

namespace tulle::node {

/// A connection of HTTP/1.1 or 1.0. The connection serves request after request, a single request at a time, until the
/// connection ends or becomes a WebSocket.
///
/// The head of each request is read raw and passes the gate before the parser sees the head. An idle connection holds
/// no buffers. Pipelined requests wait in the buffer (kHttpBufferBytes) and in the socket.
///
/// Thread: the reactor's.
/// Ownership: kept alive by the reactor and by its own handlers. Reactor, service and room outlive the connection.
/// Limits: node/web/core/limits.hpp. kHttpSilenceTimeout, kHttpRequestTimeout, kHttpAnswerTimeout and the room's
/// patience bound the time of each state.
/// Errors: every error of the peer is answered with a status and a reason in JSON, and ends the connection. Silence
/// ends the connection without an answer.
class HttpConnection final : public Connection {
public:
    /// `room`: the connection is counted there from start() until its end. `peer` is given back at the end, or goes on
    /// to the WebSocket.
    HttpConnection(Reactor& reactor, HttpService& service, HttpRoom& room, Socket socket, Peer peer);

    /// Enters room and reactor, and waits for the first request. An exception before the connection has entered leaves
    /// start(), and nothing has been counted.
    void start();

    void on_deadline(Instant now) override;
    void on_turn_end(Instant) override {}
    void take_write(std::vector<WriteJob>&) override {}
    void on_written(Written) override {}
    /// Sends the answer to the request with this serial number. Does nothing when no such request waits any more. An
    /// exception in respond() ends the connection.
    void respond(std::uint64_t serial, HttpResponse response);
    /// Finishes the request in work and ends. An idle connection ends at once, unless a request may be on its way
    /// (kHttpDrainPatience).
    void drain(Instant now) override;
    void on_failure() override { end(); }
    void cut() override { end(); }
    /// Ends the connection at once, to make room for another. An idle or stalled connection is closed silently; a
    /// connection with an incomplete request gets 503.
    void make_way();

private:
    // More fields than 15: nine of them belong to the request in work.
    /// kIdle: between requests. kHead, kBody: a part of a request has come. kAnswering: the service works. kWriting:
    /// the answer is being sent. kLingering: the peer may still read the answer. kGone: out of the reactor.
    enum class State { kIdle, kHead, kBody, kAnswering, kWriting, kLingering, kGone };
    using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;

    /// Wraps a handler of this connection. The wrapped handler keeps the connection alive, and an exception in the
    /// handler ends the connection.
    template <class Handler>
    [[nodiscard]] auto guarded(Handler handler);
    /// The rank in the room for a state.
    [[nodiscard]] HttpRoom::Rank rank_of(State state) const;
    /// Begins the next request: with the bytes in the buffer, or after waiting for `patience`.
    void wait_for_request(Duration patience);
    /// Waits without a buffer until the socket is readable: there are bytes to read, or the peer has gone.
    void wait_readable();
    /// Reads what the socket holds, and goes on with the head or the body.
    void read();
    /// Drops the empty lines before a request.
    void skip_empty_lines();
    /// Takes a complete head out of the buffer, or waits for more.
    void take_head();
    /// Passes the first `size` bytes through the gate and then to the parser. Nothing: `refusal` has been filled in.
    [[nodiscard]] std::optional<http::Head> parse_head(std::size_t size, http::Refusal& refusal);
    /// Goes on with a request with a correct head: refuses, upgrades, or reads the body.
    void take_checked(const http::Head& head);
    /// Sets the service's limit for the body. False: the head announces a larger body.
    [[nodiscard]] bool limit_body();
    /// True when the service wants the body that is still to come. False: the service's refusal is on its way.
    [[nodiscard]] bool is_body_wanted();
    /// Answers without reading a body, and ends the connection.
    void refuse_unread(HttpResponse refusal);
    /// The head in the parser as the service sees the head.
    [[nodiscard]] HttpRequest head_of_request() const;
    /// Passes the bytes in the buffer to the parser as body.
    void take_body();
    /// Hands a whole request to the service.
    void take_request();
    /// Hands the connection over to the service, or answers with the service's refusal.
    void upgrade();
    /// Answers with the refusal and ends the connection.
    void refuse(const http::Refusal& refusal);
    /// Makes the bytes of the answer and begins to send them.
    void write(HttpResponse response);
    /// Sends the answer: at once as far as the socket takes the bytes, then in the background.
    void write_out();
    /// The answer has been sent, or sending has failed: the next request, or the end.
    void after_write(const boost::system::error_code& error);
    /// True when bytes of the peer wait that have not been answered.
    [[nodiscard]] bool has_asked() const;
    /// Shuts our direction and waits for the peer to read the answer (Linger).
    void linger();
    /// Waits until the lingering socket is readable.
    void wait_to_linger();
    /// Closes the socket and leaves, from any state.
    void end();
    /// Enters a state, for `patience` at most.
    void set(State state, Duration patience);
    /// Leaves room and reactor.
    void be_gone();
    [[nodiscard]] std::shared_ptr<HttpConnection> self();

    Reactor& reactor_;
    HttpService& service_;
    HttpRoom& room_;
    HttpRoom::Place place_;
    Socket socket_;
    Peer peer_;
    State state_ = State::kIdle;
    bool is_draining_ = false;
    bool keeps_alive_ = false;
    /// True for a request of HTTP/1.0. The connection is then kept only if the answer says so.
    bool is_1_0_ = false;
    /// True after the first answer. A connection before its first answer counts as incomplete in the room.
    bool was_served_ = false;
    /// True for HEAD: the answer has no body.
    bool is_head_ = false;
    Instant deadline_ = Instant::max();
    /// When the connection became idle. Valid in kIdle alone.
    Instant idle_since_{};
    /// The serial number of the request that waits for its answer; 0 without such a request.
    std::uint64_t serial_ = 0;
    boost::beast::flat_buffer buffer_;
    /// Bytes of the buffer in which no head ends. Only the bytes after them are searched.
    std::size_t searched_ = 0;
    std::optional<Parser> parser_;
    /// The client of the request in work, as a trusted proxy names it. Nothing: the client is peer_'s.
    std::optional<IpAddress> client_;
    /// The answer until its last byte is sent.
    std::string answer_;
    Linger linger_;
};

}  // namespace tulle::node
