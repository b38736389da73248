#include "node/io/http_connection.hpp"

#include <atomic>
#include <string_view>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include "node/core/limits.hpp"

namespace tulle::node {
namespace {

namespace beast = boost::beast;

constexpr std::size_t kReadBytes = 4096;
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

/// Reasons are static texts of our own without quotes or backslashes.
std::string error_body(unsigned status, std::string_view reason) {
    return "{\"error\":\"" + std::string(reason) + "\",\"code\":" + std::to_string(status) + "}";
}

}  // namespace

HttpConnection::HttpConnection(Reactor& reactor, HttpService& service, Socket socket, Peer peer)
    : reactor_(reactor),
      service_(service),
      socket_(std::move(socket)),
      peer_(std::move(peer)),
      buffer_(kHttpBufferBytes) {}

std::shared_ptr<HttpConnection> HttpConnection::self() {
    return std::static_pointer_cast<HttpConnection>(shared_from_this());
}

void HttpConnection::start() {
    reactor_.add(shared_from_this());
    boost::system::error_code ignored;
    socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
    wait_for_request(kHttpSilenceTimeout);
}

void HttpConnection::set(State state, Duration patience) {
    state_ = state;
    deadline_ = reactor_.now() + patience;
    reactor_.arm(slot(), deadline_);
}

void HttpConnection::wait_for_request(Duration patience) {
    if (buffer_.size() > 0) {
        set(State::kHead, kHttpRequestTimeout);
        take_head();
        return;
    }
    buffer_.shrink_to_fit();
    set(State::kIdle, patience);
    socket_.async_wait(boost::asio::socket_base::wait_read, [me = self()](const boost::system::error_code& error) {
        if (error || me->state_ != State::kIdle) {
            me->fail(error);
            return;
        }
        me->set(State::kHead, kHttpRequestTimeout);
        me->read_head();
    });
}

void HttpConnection::read_head() {
    const std::size_t room = std::min(kReadBytes, buffer_.max_size() - buffer_.size());
    socket_.async_read_some(buffer_.prepare(room),
                            [me = self()](const boost::system::error_code& error, std::size_t bytes) {
                                if (error || me->state_ != State::kHead) {
                                    me->fail(error);
                                    return;
                                }
                                me->buffer_.commit(bytes);
                                me->take_head();
                            });
}

void HttpConnection::take_head() {
    const std::size_t size = http::head_size(readable(buffer_).substr(0, kMaxHeaderBytes));
    if (size == 0) {
        if (buffer_.size() >= kMaxHeaderBytes) {
            refuse(http::too_large(readable(buffer_)));
        } else if (http::cannot_be_request(readable(buffer_))) {
            refuse({400, "this is not HTTP"});
        } else {
            read_head();
        }
        return;
    }
    http::Refusal refusal;
    if (const std::optional<http::Head> head = parse_head(size, refusal)) {
        take_checked(*head);
    } else {
        refuse(refusal);
    }
}

std::optional<http::Head> HttpConnection::parse_head(std::size_t size, http::Refusal& refusal) {
    http::Head head;
    if (!http::check_head(readable(buffer_).substr(0, size), head, refusal)) {
        return std::nullopt;
    }
    parser_.emplace();
    parser_->header_limit(kMaxHeaderBytes);
    parser_->body_limit(kMaxHttpBodyBytes);
    parser_->eager(false);
    boost::system::error_code error;
    buffer_.consume(parser_->put(boost::asio::buffer(buffer_.data(), size), error));
    if (error || !parser_->is_header_done()) {
        refusal = refusal_of(error);
        return std::nullopt;
    }
    parser_->eager(true);
    keeps_alive_ = parser_->get().keep_alive();
    return head;
}

void HttpConnection::take_checked(const http::Head& head) {
    if (head.is_upgrade) {
        upgrade();
        return;
    }
    state_ = State::kBody;
    if (parser_->is_done()) {
        take_request();
    } else if (head.expects_continue && buffer_.size() == 0) {
        boost::asio::async_write(socket_, boost::asio::buffer(kContinue),
                                 [me = self()](const boost::system::error_code& failed, std::size_t) {
                                     if (failed || me->state_ != State::kBody) {
                                         me->fail(failed);
                                         return;
                                     }
                                     me->read_body();
                                 });
    } else {
        read_body();
    }
}

void HttpConnection::read_body() {
    beast::http::async_read(socket_, buffer_, *parser_,
                            [me = self()](const boost::system::error_code& error, std::size_t) {
                                if (error || me->state_ != State::kBody) {
                                    me->fail(error);
                                    return;
                                }
                                me->take_request();
                            });
}

void HttpConnection::take_request() {
    reactor_.counters().http_requests_total.add();
    HttpRequest request;
    request.method = std::string(parser_->get().method_string());
    is_head_ = request.method == "HEAD";
    request.target = std::string(parser_->get().target());
    request.body = std::move(parser_->get().body());
    request.peer = peer_.address();
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
    UpgradeRequest request = parser_->release();
    parser_.reset();
    HttpResponse refusal;
    if (service_.on_upgrade(socket_, peer_, request, refusal)) {
        state_ = State::kGone;
        reactor_.remove(slot());
        return;
    }
    reactor_.counters().handshakes_refused_total.add();
    refusal.close = true;
    write(std::move(refusal));
}

void HttpConnection::refuse(const http::Refusal& refusal) {
    reactor_.counters().http_refused_total.add();
    HttpResponse response;
    response.status = refusal.status;
    response.body = error_body(refusal.status, refusal.reason);
    response.close = true;
    if (refusal.status == 426) {
        response.headers.emplace_back("Sec-WebSocket-Version", "13");
    }
    parser_.reset();
    write(std::move(response));
}

void HttpConnection::fail(const boost::system::error_code& error) {
    if (state_ == State::kGone || state_ == State::kWriting || state_ == State::kLingering) {
        return;
    }
    const bool is_protocol_error = error.category() == make_error_code(beast::http::error::bad_method).category() &&
                                   error != beast::http::error::end_of_stream &&
                                   error != beast::http::error::partial_message;
    if (state_ == State::kBody && is_protocol_error) {
        refuse(refusal_of(error));
    } else {
        end();
    }
}

void HttpConnection::respond(std::uint64_t serial, HttpResponse response) {
    if (state_ == State::kAnswering && serial == serial_) {
        write(std::move(response));
    }
}

void HttpConnection::write(HttpResponse response) {
    if (response.status >= 400) {
        reactor_.counters().http_errors_total.add();
    }
    keeps_alive_ = keeps_alive_ && !response.close && !is_draining_;
    response_.emplace();
    response_->version(11);
    response_->result(response.status);
    response_->set(beast::http::field::server, "tulle");
    response_->set(beast::http::field::content_type, response.content_type);
    for (const auto& [name, value] : response.headers) {
        response_->set(name, value);
    }
    response_->body() = std::move(response.body);
    response_->keep_alive(keeps_alive_);
    response_->prepare_payload();
    if (is_head_) {
        response_->body().clear();  // its length has been told
        is_head_ = false;
    }
    if (response.status == 204) {
        response_->erase(beast::http::field::content_length);
        response_->erase(beast::http::field::content_type);
    }
    serial_ = 0;
    set(State::kWriting, kHttpAnswerTimeout);
    beast::http::async_write(
        socket_, *response_,
        [me = self()](const boost::system::error_code& error, std::size_t) { me->on_written(error); });
}

void HttpConnection::on_written(const boost::system::error_code& error) {
    if (state_ != State::kWriting) {
        return;
    }
    response_.reset();
    if (error) {
        end();
    } else if (keeps_alive_) {
        wait_for_request(kHttpIdleTimeout);
    } else {
        linger();
    }
}

void HttpConnection::linger() {
    set(State::kLingering, kLingerTimeout);
    buffer_.clear();
    buffer_.shrink_to_fit();
    if (linger_.begin(socket_.native_handle())) {
        end();
    } else {
        wait_to_linger();
    }
}

void HttpConnection::wait_to_linger() {
    socket_.async_wait(boost::asio::socket_base::wait_read, [me = self()](const boost::system::error_code& error) {
        if (me->state_ != State::kLingering) {
            return;
        }
        if (error || me->linger_.on_readable(me->socket_.native_handle())) {
            me->end();
        } else {
            me->wait_to_linger();
        }
    });
}

void HttpConnection::on_deadline(Instant now) {
    if (state_ == State::kGone || now < deadline_) {
        return;
    }
    if (state_ == State::kBody || (state_ == State::kHead && buffer_.size() > 0)) {
        boost::system::error_code ignored;
        socket_.cancel(ignored);
        refuse({408, "the request did not arrive in time"});
    } else {
        end();
    }
}

void HttpConnection::drain(Instant) {
    is_draining_ = true;
    if (state_ == State::kIdle || state_ == State::kLingering) {
        end();
    }
}

void HttpConnection::end() {
    if (state_ != State::kGone) {
        state_ = State::kGone;
        boost::system::error_code ignored;
        socket_.close(ignored);
        reactor_.remove(slot());
    }
}

}  // namespace tulle::node
