#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "node/edge/connection.hpp"
#include "node/edge/linger.hpp"
#include "node/edge/reactor.hpp"
#include "node/web/core/gate.hpp"
#include "node/web/http_room.hpp"
#include "node/web/http_service.hpp"

namespace tulle::node {

/// One connection of HTTP/1.1 or 1.0: request after request, one at a time, until it ends or becomes a WebSocket.
///
/// The head of each request is read raw and passes the gate before the parser sees it. While idle between requests it
/// holds no buffers. Pipelined requests wait in the buffer (kHttpBufferBytes) and in the socket.
///
/// Thread: the reactor's.
/// Errors: whatever is wrong is answered with a status, told in JSON, and ends the connection; silence just ends it.
class HttpConnection final : public Connection {
public:
    /// `room`: it is one of the connections there until it ends.
    HttpConnection(Reactor& reactor, HttpService& service, HttpRoom& room, Socket socket, Peer peer);

    /// Enters the reactor and waits for the first request.
    void start();

    void on_deadline(Instant now) override;
    void on_turn_end(Instant) override {}
    void take_write(std::vector<WriteJob>&) override {}
    void on_written(Written) override {}
    /// The answer to the request with this serial number; ignored when nobody waits for it any more. What is thrown
    /// there ends the connection.
    void respond(std::uint64_t serial, HttpResponse response);
    void drain(Instant now) override;
    void on_failure() override { end(); }
    void cut() override { end(); }
    /// Ends at once, as there is no room for all: it is idle, or has not said all of what it wants and is answered 503.
    void make_way();

private:
    // More fields than 15: eight of them belong to the request in work.
    enum class State { kIdle, kHead, kBody, kAnswering, kWriting, kLingering, kGone };
    using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;

    /// A handler of this connection, kept alive by it; what is thrown there ends the connection.
    template <class Handler>
    [[nodiscard]] auto guarded(Handler handler);
    [[nodiscard]] HttpRoom::Rank rank_of(State state) const;
    void wait_for_request(Duration patience);
    /// Waits without a buffer; then there is something to read, or the peer has gone.
    void wait_readable();
    void read();
    /// Drops the empty lines before a request.
    void skip_empty_lines();
    void take_head();
    /// Lets the gate and then the parser see the first `size` bytes.
    [[nodiscard]] std::optional<http::Head> parse_head(std::size_t size, http::Refusal& refusal);
    void take_checked(const http::Head& head);
    /// Whether the body is as small as the service wants it, as far as its head says.
    [[nodiscard]] bool limit_body();
    /// Whether the service wants the body that is still to come; else its refusal is on its way.
    [[nodiscard]] bool is_body_wanted();
    /// Answers without reading the body, if there is one, and ends the connection.
    void refuse_unread(HttpResponse refusal);
    [[nodiscard]] HttpRequest head_of_request() const;
    void take_body();
    void take_request();
    void upgrade();
    void refuse(const http::Refusal& refusal);
    void write(HttpResponse response);
    void write_out();
    void after_write(const boost::system::error_code& error);
    /// The peer has sent something that has not been answered.
    [[nodiscard]] bool has_asked() const;
    void linger();
    void wait_to_linger();
    void end();
    void set(State state, Duration patience);
    /// It is not in the reactor any more.
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
    bool is_1_0_ = false;  ///< the request is of HTTP/1.0, where a connection is kept only if the answer says so
    bool was_served_ = false;
    bool is_head_ = false;  ///< the answer has no body
    Instant deadline_ = Instant::max();
    Instant idle_since_{};      ///< while idle
    std::uint64_t serial_ = 0;  ///< of the request that waits for its answer
    boost::beast::flat_buffer buffer_;
    std::size_t searched_ = 0;  ///< bytes of it in which no head ends: those that come are searched, not all again
    std::optional<Parser> parser_;
    std::string answer_;  ///< until it is written
    Linger linger_;
};

}  // namespace tulle::node
