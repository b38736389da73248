#include "node/web/http_connection.hpp"

#include <algorithm>
#include <atomic>
#include <string_view>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/http/error.hpp>

#include "node/core/limits.hpp"
#include "node/edge/clock.hpp"
#include "node/web/core/limits.hpp"
#include "node/web/refuse_full.hpp"
#include "node/web/request_client.hpp"
#include "node/web/request_head.hpp"
#include "node/web/response_bytes.hpp"

namespace tulle::node {
namespace {

namespace beast = boost::beast;

// Bytes of a read while a head is expected: most heads fit, and an idle connection's first buffer stays small.
constexpr std::size_t kHeadReadBytes = 4096;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

std::string_view readable(const beast::flat_buffer& buffer) {
    return {static_cast<const char*>(buffer.data().data()), buffer.size()};
}

std::uint64_t next_serial() {
    static std::atomic<std::uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

http::Refusal refusal_of(const boost::system::error_code& error) {
    if (error == beast::http::error::body_limit) {
        return {413, "the body is too large"};
    }
    return {400, "malformed request"};
}

}  // namespace

template <class Handler>
auto HttpConnection::guarded(Handler handler) {
    return [me = self(), handler = std::move(handler)](auto... arguments) mutable {
        me->reactor_.guard(*me, [&] { handler(*me, arguments...); });
    };
}

HttpConnection::HttpConnection(Reactor& reactor, HttpService& service, HttpRoom& room, Socket socket, Peer peer)
    : reactor_(reactor),
      service_(service),
      room_(room),
      socket_(std::move(socket)),
      peer_(std::move(peer)),
      buffer_(kHttpBufferBytes) {}

std::shared_ptr<HttpConnection> HttpConnection::self() {
    return std::static_pointer_cast<HttpConnection>(shared_from_this());
}

void HttpConnection::start() {
    place_ = room_.enter(*this);
    try {
        reactor_.add(shared_from_this());
    } catch (...) {
        room_.leave(place_);
        throw;
    }
    reactor_.guard(*this, [this] {
        room_.take_slot(slot(), *this);
        boost::system::error_code ignored;
        socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
        // The connection reads a readable socket, and writes at once as far as the socket takes the answer.
        socket_.non_blocking(true, ignored);
        wait_for_request(kHttpSilenceTimeout);
    });
}

HttpRoom::Rank HttpConnection::rank_of(State state) const {
    switch (state) {
        case State::kHead:
        case State::kBody:
            return HttpRoom::Rank::kIncomplete;
        case State::kAnswering:
            return HttpRoom::Rank::kBusy;
        case State::kWriting:
            return HttpRoom::Rank::kStalled;
        default:
            return was_served_ ? HttpRoom::Rank::kIdle : HttpRoom::Rank::kIncomplete;
    }
}

void HttpConnection::set(State state, Duration patience) {
    state_ = state;
    room_.move(place_, rank_of(state));
    deadline_ = reactor_.now() + patience;
    reactor_.arm(slot(), deadline_);
}

void HttpConnection::wait_for_request(Duration patience) {
    skip_empty_lines();
    if (buffer_.size() > 0) {
        set(State::kHead, kHttpRequestTimeout);
        // The work is posted, because a buffer holds thousands of requests, which would recurse.
        boost::asio::post(socket_.get_executor(), guarded([](HttpConnection& me) {
                              if (me.state_ == State::kHead) {
                                  me.take_head();
                              }
                          }));
        return;
    }
    buffer_.shrink_to_fit();
    idle_since_ = reactor_.now();
    set(State::kIdle, patience);
    wait_readable();
}

void HttpConnection::wait_readable() {
    socket_.async_wait(boost::asio::socket_base::wait_read,
                       guarded([](HttpConnection& me, const boost::system::error_code& error) {
                           if (me.state_ != State::kIdle && me.state_ != State::kHead && me.state_ != State::kBody) {
                               return;
                           }
                           if (error) {
                               me.end();
                           } else {
                               me.read();
                           }
                       }));
}

void HttpConnection::read() {
    const std::size_t room = buffer_.max_size() - buffer_.size();
    if (room == 0) {
        refuse({400, "malformed request"});  // a single chunk header fills the buffer
        return;
    }
    boost::system::error_code error;
    const std::size_t wanted = state_ == State::kBody ? room : std::min(kHeadReadBytes, room);
    buffer_.commit(socket_.read_some(buffer_.prepare(wanted), error));
    if (error == boost::asio::error::would_block) {
        wait_readable();
    } else if (error) {
        end();
    } else if (state_ == State::kBody) {
        take_body();
    } else {
        skip_empty_lines();
        if (buffer_.size() == 0) {
            wait_readable();  // empty lines do not make the idle time longer
            return;
        }
        if (state_ == State::kIdle) {
            set(State::kHead, kHttpRequestTimeout);
        }
        take_head();
    }
}

void HttpConnection::skip_empty_lines() {
    if (searched_ == 0) {
        buffer_.consume(http::empty_lines(readable(buffer_)));
    }
}

void HttpConnection::take_head() {
    const std::size_t searched = std::exchange(searched_, 0);
    const std::size_t size = http::head_size(readable(buffer_).substr(0, kMaxHeaderBytes), searched);
    if (size == 0) {
        if (buffer_.size() >= kMaxHeaderBytes) {
            refuse(http::too_large(readable(buffer_)));
        } else if (readable(buffer_) != "\r" && http::cannot_be_request(readable(buffer_), searched)) {
            refuse({400, "this is not HTTP"});
        } else {
            searched_ = readable(buffer_) == "\r" ? 0 : buffer_.size();
            wait_readable();
        }
        return;
    }
    http::Refusal refusal;
    if (const std::optional<http::Head> head = parse_head(size, refusal)) {
        take_checked(*head);
    } else {
        is_head_ = readable(buffer_).starts_with("HEAD ");
        refuse(refusal);
    }
}

std::optional<http::Head> HttpConnection::parse_head(std::size_t size, http::Refusal& refusal) {
    const http::Upgrades upgrades = service_.has_websockets() ? http::Upgrades::kTaken : http::Upgrades::kIgnored;
    http::Head head;
    if (!http::check_head(readable(buffer_).substr(0, size), head, refusal, upgrades)) {
        return std::nullopt;
    }
    // A later minor version is processed as 1.1 (RFC 9110, 2.5), and the parser knows 1.1.
    char* minor = static_cast<char*>(buffer_.data().data()) + readable(buffer_).find('\r') - 1;
    *minor = std::min(*minor, '1');
    const http::CutTarget cut = http::cut_target({static_cast<char*>(buffer_.data().data()), size});
    buffer_.consume(cut.distance);
    parser_.emplace();
    parser_->header_limit(kMaxHeaderBytes);
    parser_->body_limit(kMaxHttpBodyBytes);
    parser_->eager(false);
    boost::system::error_code error;
    buffer_.consume(parser_->put(boost::asio::buffer(buffer_.data(), size - cut.distance), error));
    if (error || !parser_->is_header_done()) {
        refusal = refusal_of(error);
        return std::nullopt;
    }
    parser_->eager(true);
    UpgradeRequest& request = parser_->get();
    keeps_alive_ = request.keep_alive();
    is_1_0_ = request.version() == 10;
    request.target(head.target.empty() ? cut.target : head.target);
    if (!head.target.empty()) {
        request.set(beast::http::field::host, head.host);
    }
    client_ = request_client(request, peer_);
    return head;
}

void HttpConnection::take_checked(const http::Head& head) {
    HttpResponse turned_away;
    if (!service_.admit(parser_->get(), peer_, turned_away)) {
        refuse_unread(std::move(turned_away));
        return;
    }
    if (head.is_upgrade) {
        upgrade();
        return;
    }
    state_ = State::kBody;
    if (!parser_->is_done() && !limit_body()) {
        refuse({413, "the body is too large"});
        return;
    }
    const bool has_begun = buffer_.size() > 0;
    if (!parser_->is_done() && has_begun) {
        boost::system::error_code error;
        buffer_.consume(parser_->put(buffer_.data(), error));
        if (error && error != beast::http::error::need_more) {
            refuse(refusal_of(error));
            return;
        }
    }
    if (parser_->is_done()) {
        take_request();
    } else if (!is_body_wanted()) {
        return;
    } else if (head.expects_continue && !has_begun) {
        socket_.async_write(kContinue,
                            guarded([](HttpConnection& me, const boost::system::error_code& failed, std::size_t) {
                                if (me.state_ != State::kBody) {
                                    return;
                                }
                                if (failed) {
                                    me.end();
                                } else {
                                    me.wait_readable();
                                }
                            }));
    } else {
        wait_readable();
    }
}

bool HttpConnection::limit_body() {
    const boost::beast::string_view target = parser_->get().target();
    const std::size_t most = service_.max_body({target.data(), target.size()});
    parser_->body_limit(most);
    return parser_->content_length().value_or(0) <= most;
}

bool HttpConnection::is_body_wanted() {
    HttpResponse refusal;
    if (service_.on_head(head_of_request(), refusal)) {
        return true;
    }
    refuse_unread(std::move(refusal));
    return false;
}

void HttpConnection::refuse_unread(HttpResponse refusal) {
    reactor_.counters().http_requests_total.add();
    is_head_ = parser_->get().method() == beast::http::verb::head;
    parser_.reset();
    refusal.close = true;
    write(std::move(refusal));
}

HttpRequest HttpConnection::head_of_request() const {
    return request_head(parser_->get(), client_ ? peer_of(*client_) : peer_.address(), service_.wants_traceparent());
}

void HttpConnection::take_body() {
    boost::system::error_code error;
    buffer_.consume(parser_->put(buffer_.data(), error));
    if (error && error != beast::http::error::need_more) {
        refuse(refusal_of(error));
    } else if (parser_->is_done()) {
        take_request();
    } else {
        wait_readable();
    }
}

void HttpConnection::take_request() {
    reactor_.counters().http_requests_total.add();
    HttpRequest request = head_of_request();
    is_head_ = request.method == "HEAD";
    request.body = std::move(parser_->get().body());
    parser_.reset();
    serial_ = next_serial();
    set(State::kAnswering, kHttpAnswerTimeout);
    service_.on_request(HttpTicket{slot(), serial_}, std::move(request));
}

void HttpConnection::upgrade() {
    reactor_.counters().http_requests_total.add();
    if (buffer_.size() > 0) {
        refuse({400, "nothing may follow an upgrade before its answer"});
        return;
    }
    // A WebSocket has a single client, which the connection belongs to from here on.
    if (peer_.is_proxy() && !client_) {
        reactor_.counters().forwarded_missing_total.add();
    }
    if (client_ && !peer_.be_client_of_proxy(*client_)) {
        reactor_.counters().address_capped_total.add();
        reactor_.counters().handshakes_refused_total.add();
        refuse({429, "this address has as many connections as it may have"});
        return;
    }
    UpgradeRequest request = parser_->release();
    parser_.reset();
    HttpResponse refusal;
    if (service_.on_upgrade(socket_, peer_, request, refusal)) {
        be_gone();
        return;
    }
    reactor_.counters().handshakes_refused_total.add();
    refusal.close = true;
    write(std::move(refusal));
}

void HttpConnection::refuse(const http::Refusal& refusal) {
    reactor_.counters().http_refused_total.add();
    parser_.reset();
    write(response_of(refusal));
}

void HttpConnection::respond(std::uint64_t serial, HttpResponse response) {
    reactor_.guard(*this, [&] {
        if (state_ == State::kAnswering && serial == serial_) {
            write(std::move(response));
        }
    });
}

void HttpConnection::write(HttpResponse response) {
    if (response.status >= 400) {
        reactor_.counters().http_errors_total.add();
    }
    reactor_.counters().http_responses.add(response.status);
    keeps_alive_ = keeps_alive_ && !response.close && !is_draining_;
    const Kept kept = !keeps_alive_ ? Kept::kNo : is_1_0_ ? Kept::kAsAsked : Kept::kYes;
    answer_ = response_bytes(response, is_head_ ? Shown::kNothing : Shown::kBody, kept, wall_now());
    is_head_ = false;
    serial_ = 0;
    write_out();
}

void HttpConnection::write_out() {
    state_ = State::kWriting;
    boost::system::error_code error;
    const std::size_t sent = socket_.write_some(answer_, error);
    const bool is_sent = sent == answer_.size() && socket_.is_flushed();
    if (is_sent || (error && error != boost::asio::error::would_block)) {
        after_write(error);
        return;
    }
    set(State::kWriting, kHttpAnswerTimeout);
    socket_.async_write(std::string_view(answer_).substr(sent),
                        guarded([](HttpConnection& me, const boost::system::error_code& failed, std::size_t) {
                            me.after_write(failed);
                        }));
}

void HttpConnection::after_write(const boost::system::error_code& error) {
    if (state_ != State::kWriting) {
        return;
    }
    answer_ = {};
    was_served_ = true;
    if (error) {
        end();
    } else if (keeps_alive_ && (!is_draining_ || has_asked())) {
        wait_for_request(room_.patience());
    } else {
        linger();
    }
}

void HttpConnection::linger() {
    set(State::kLingering, kLingerTimeout);
    buffer_.clear();
    buffer_.shrink_to_fit();
    socket_.say_end();
    if (linger_.begin(socket_.native_handle())) {
        end();
    } else {
        wait_to_linger();
    }
}

void HttpConnection::wait_to_linger() {
    // Below the cipher: the bytes are thrown away as they come.
    socket_.tcp().async_wait(boost::asio::socket_base::wait_read,
                             guarded([](HttpConnection& me, const boost::system::error_code& error) {
                                 if (me.state_ != State::kLingering) {
                                     return;
                                 }
                                 if (error || me.linger_.on_readable(me.socket_.native_handle())) {
                                     me.end();
                                 } else {
                                     me.wait_to_linger();
                                 }
                             }));
}

void HttpConnection::on_deadline(Instant now) {
    if (state_ == State::kGone || now < deadline_) {
        return;
    }
    if (state_ == State::kBody || (state_ == State::kHead && buffer_.size() > 0)) {
        boost::system::error_code ignored;
        socket_.cancel(ignored);
        refuse({408, "the request did not arrive in time"});
    } else if (state_ == State::kIdle && has_asked()) {
        // The request has come, and will be read in a moment.
        deadline_ = now + kHttpRequestTimeout;
        reactor_.arm(slot(), deadline_);
    } else {
        end();
    }
}

/// A request may be on its way on a connection that has just been used or made, and nobody would know whether the
/// request was served. Such a connection waits for the request, and the answer says: the connection ends.
void HttpConnection::drain(Instant now) {
    is_draining_ = true;
    if (state_ == State::kLingering ||
        (state_ == State::kIdle && now - idle_since_ >= kHttpDrainPatience && !has_asked())) {
        end();
    } else if (state_ == State::kIdle && !has_asked()) {
        deadline_ = std::min(deadline_, idle_since_ + kHttpDrainPatience);
        reactor_.arm(slot(), deadline_);
    }
}

bool HttpConnection::has_asked() const {
    return buffer_.size() > 0 || socket_.has_input();
}

void HttpConnection::end() {
    if (state_ != State::kGone) {
        boost::system::error_code ignored;
        socket_.close(ignored);
        peer_.leave();
        be_gone();
    }
}

void HttpConnection::be_gone() {
    state_ = State::kGone;
    room_.leave(place_);
    room_.leave_slot(slot());
    reactor_.remove(slot());
}

void HttpConnection::make_way() {
    reactor_.counters().http_evicted_total.add();
    // A refusal would stand in the middle of the answer that a stalled peer has not taken.
    if (place_.rank == HttpRoom::Rank::kIncomplete) {
        refuse_full(socket_);
    }
    end();
}

}  // namespace tulle::node
