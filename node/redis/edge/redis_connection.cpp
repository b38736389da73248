#include "node/redis/edge/redis_connection.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include "node/edge/clock.hpp"
#include "node/redis/core/limits.hpp"
#include "node/redis/edge/redis_edge.hpp"

namespace tulle::node::redis {
namespace {

/// "address:port", or "[address]:port" for IPv6, as Redis shows addresses.
std::string text_of(const boost::asio::ip::tcp::endpoint& endpoint) {
    const std::string address = endpoint.address().to_string();
    return (endpoint.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(endpoint.port());
}

}  // namespace

RedisConnection::RedisConnection(RedisEdge& edge, Reactor& reactor, Socket socket, Peer peer,
                                 const OutboxLimits& limits)
    : StreamConnection(reactor, socket, std::move(peer), limits), edge_(edge), socket_(std::move(socket)) {}

RedisConnection::~RedisConnection() = default;

void RedisConnection::start() {
    boost::system::error_code ignored;
    ClientOrigin origin{.address = text_of(socket_.remote_endpoint(ignored)),
                        .local_address = text_of(socket_.local_endpoint(ignored)),
                        .descriptor = socket_.native_handle(),
                        .opened_at = reactor().now()};
    const auto me = std::static_pointer_cast<RedisConnection>(shared_from_this());
    // CLIENT KILL comes from any shard, and the reactor may have freed the connection by the time of the work.
    const auto kill = [weak = std::weak_ptr(me), executor = socket_.get_executor()] {
        boost::asio::post(executor, [weak] {
            if (const auto connection = weak.lock()) {
                connection->reactor().guard(*connection, [&] { connection->say_end(); });
            }
        });
    };
    card_ = edge_.clients_of_node().with([&](ClientTable& table) { return table.enter(std::move(origin), kill); });
    try {
        enter();
    } catch (...) {
        edge_.clients_of_node().with([&](ClientTable& table) { table.leave(*card_); });
        throw;
    }
}

void RedisConnection::begin() {
    boost::system::error_code error;
    socket_.set_option(boost::asio::ip::tcp::no_delay(true), error);
    socket_.non_blocking(true, error);
    session_ = std::make_unique<Session>(edge_, slot(), card_);
    follow_realm();
    open();
    if (session_->needs_password()) {
        set_session_deadline(reactor().now() + kAuthTimeout);
    }
    reader_.set_authenticated(!session_->needs_password());
    wait_readable();
}

std::size_t RedisConnection::memory() const {
    // The names of subscriptions stand in two tables.
    const std::size_t subscriptions = session_ == nullptr ? 0 : 2 * session_->held_bytes();
    return StreamConnection::memory() + unread_.bytes.capacity() + gates_.replies.capacity() + subscriptions;
}

void RedisConnection::wait_readable() {
    if (is_waiting_readable_ || is_ended()) {
        return;
    }
    is_waiting_readable_ = true;
    socket_.async_wait(boost::asio::socket_base::wait_read, guarded([this](const boost::system::error_code& error) {
                           is_waiting_readable_ = false;
                           if (state() != State::kOpen) {
                               return;
                           }
                           if (error) {
                               finish();
                           } else {
                               on_readable();
                           }
                       }));
}

void RedisConnection::on_readable() {
    const std::span<char> buffer = edge_.read_buffer();
    boost::system::error_code error;
    const std::size_t bytes = socket_.read_some(boost::asio::buffer(buffer.data(), buffer.size()), error);
    if (error == boost::asio::error::would_block) {
        wait_readable();
    } else if (error) {
        // The client has gone, or sends no more: what waits for it is written.
        note_peer_closed();
        finish();
    } else if (unread_.bytes.empty()) {
        work({buffer.data(), bytes});
    } else {
        hold({buffer.data(), bytes});
        work(unread_.bytes);
    }
}

void RedisConnection::hold(std::string_view bytes) {
    const std::size_t needed = unread_.bytes.size() + bytes.size();
    if (needed > unread_.bytes.capacity()) {
        // A string that grows by itself doubles its memory; half-sent commands would hold up to twice their bytes.
        std::string larger;
        larger.reserve(needed + needed / 4);
        larger.append(unread_.bytes);
        unread_.bytes.swap(larger);
    }
    unread_.bytes.append(bytes);
}

bool RedisConnection::keep(std::string_view bytes, std::size_t done) {
    if (has_left()) {
        std::string().swap(unread_.bytes);
    } else if (bytes.data() == unread_.bytes.data()) {
        unread_.bytes.erase(0, done);
    } else {
        unread_.bytes.assign(bytes.substr(done));
    }
    // Memory that the rest does not need is freed, so an idle connection keeps none.
    if (unread_.bytes.capacity() > std::max(kKeptReadBytes, 2 * unread_.bytes.size())) {
        std::string(unread_.bytes).swap(unread_.bytes);
    }
    const std::size_t told = std::exchange(unread_.told, unread_.bytes.size());
    if (!edge_.note_held(told, unread_.told)) {
        shed();
        return false;
    }
    return true;
}

void RedisConnection::work(std::string_view bytes) {
    unread_.is_read = true;
    std::string& replies = edge_.replies();
    replies.clear();
    std::size_t done = 0;
    std::size_t commands = 0;
    Session::Next next = Session::Next::kGoOn;
    ReadResult result = ReadResult::kNothing;
    // An empty line counts as a command: a client that sends nothing else must not keep the others waiting.
    const Instant until = monotonic_now() + kWorkTime;
    while (next == Session::Next::kGoOn && commands < kMaxCommandsPerTurn && replies.size() < kMaxRepliesPerTurn &&
           (commands % kCommandsPerLook != kCommandsPerLook - 1 || monotonic_now() < until)) {
        result = reader_.read(bytes.substr(done));
        if (result == ReadResult::kCommand) {
            // Messages of a subscription that begins now must not overtake the replies that wait.
            if (gates_.closed > 0 && is_subscription(reader_.arguments().front())) {
                gates_.deferred.assign(reader_.arguments().begin(), reader_.arguments().end());
                done += reader_.consume();
                break;
            }
            reactor().counters().messages_received_total.add();
            next = session_->on_command(reader_.arguments(), replies);
            count_command();
            edge_.on_command_done();
        } else if (result != ReadResult::kNothing) {
            break;
        }
        ++commands;
        done += reader_.consume();
        reader_.set_authenticated(!session_->needs_password());
    }
    if (result == ReadResult::kBroken) {
        if (!reader_.error().empty()) {
            RespWriter(replies, session_->version()).error(reader_.error());
            if (counters_ != nullptr) {
                counters_->errors_total.add();
            }
        }
        next = Session::Next::kClose;
    }
    unread_.is_read = false;
    if (!keep(bytes, done)) {
        return;
    }
    const bool is_whole = result == ReadResult::kCommand || result == ReadResult::kNothing;
    follow(next, replies);
    if (next == Session::Next::kGoOn && !is_ended() && gates_.closed == 0) {
        if (is_whole && !unread_.bytes.empty()) {
            work_later();
        } else {
            wait_readable();
        }
    }
}

void RedisConnection::follow(Session::Next next, std::string& replies) {
    count_errors();
    if (!replies.empty() && state() == State::kOpen) {
        if (gates_.closed > 0) {
            gates_.replies.append(replies);
        } else {
            queue_bounded(replies);
        }
    }
    // A single large reply must not be kept for ever.
    if (replies.capacity() > 2 * kMaxRepliesPerTurn) {
        std::string().swap(replies);
    }
    // A transaction may have logged in.
    follow_realm();
    reader_.set_authenticated(!session_->needs_password());
    is_session_waiting_ = next == Session::Next::kWait;
    const bool is_rude = session_->needs_password() && waiting_bytes() > kUnauthenticatedOutboxBytes;
    if (next == Session::Next::kClose && gates_.closed > 0) {
        gates_.is_end = true;
    } else if (next == Session::Next::kClose || is_rude) {
        say_end();
    } else if (session_->waits_for_room() && !std::exchange(is_waiting_for_room_, true)) {
        edge_.wait_for_room(*this);
    }
}

void RedisConnection::work_later() {
    if (is_work_posted_) {
        return;
    }
    is_work_posted_ = true;
    boost::asio::post(socket_.get_executor(), guarded([this] {
                          is_work_posted_ = false;
                          if (state() == State::kOpen && !is_waiting()) {
                              work(unread_.bytes);
                          }
                      }));
}

void RedisConnection::go_on() {
    if (ends_with_reply_) {
        on_drain();
    } else {
        work_later();
    }
}

void RedisConnection::on_answer(const Answers& answers) {
    if (state() != State::kOpen) {
        return;
    }
    std::string& replies = edge_.replies();
    replies.clear();
    const Session::Next next = session_->on_answer(answers, replies);
    follow(next, replies);
    if (next == Session::Next::kGoOn) {
        go_on();
    }
}

void RedisConnection::on_room() {
    is_waiting_for_room_ = false;
    if (state() != State::kOpen || !is_session_waiting_) {
        return;
    }
    std::string& replies = edge_.replies();
    replies.clear();
    const Session::Next next = session_->on_room(replies);
    follow(next, replies);
    if (next == Session::Next::kGoOn) {
        go_on();
    }
}

void RedisConnection::on_reply(std::string_view text) {
    if (state() != State::kOpen) {
        return;
    }
    std::string& replies = edge_.replies();
    replies.clear();
    const Session::Next next = session_->on_reply(text, replies);
    follow(next, replies);
    if (next == Session::Next::kGoOn) {
        go_on();
    }
}

bool RedisConnection::hold_replies(std::uint64_t gate) {
    if (std::exchange(gates_.last, gate) == gate) {
        return false;
    }
    ++gates_.closed;
    return true;
}

void RedisConnection::release_replies() {
    TULLE_ASSERT(gates_.closed > 0);
    if (--gates_.closed > 0 || state() != State::kOpen) {
        return;
    }
    std::string replies = std::exchange(gates_.replies, {});
    if (!replies.empty()) {
        queue_bounded(replies);
    }
    if (gates_.is_end) {
        say_end();
        return;
    }
    if (!gates_.deferred.empty()) {
        const std::vector<std::string> command = std::exchange(gates_.deferred, {});
        const std::vector<std::string_view> arguments(command.begin(), command.end());
        std::string& answer = edge_.replies();
        answer.clear();
        const Session::Next next = session_->on_command(arguments, answer);
        count_command();
        edge_.on_command_done();
        follow(next, answer);
    }
    if (!is_waiting()) {
        go_on();
    }
}

void RedisConnection::on_settled() {
    if (state() != State::kOpen) {
        return;
    }
    is_session_waiting_ = session_->on_settled() == Session::Next::kWait;
    if (!is_session_waiting_) {
        go_on();
    }
}

void RedisConnection::on_session_deadline() {
    if (session_->needs_password()) {
        say_end();
    }
}

void RedisConnection::on_drain() {
    ends_with_reply_ = is_session_waiting_;
    if (ends_with_reply_) {
        // Ended by go_on(). The waits of a session are bounded.
        return;
    }
    if (gates_.closed > 0) {
        gates_.is_end = true;
    } else {
        say_end();
    }
}

void RedisConnection::say_end() {
    if (state() == State::kOpen || state() == State::kClosing) {
        begin_closing();
        finish();
    } else if (state() == State::kOpening) {
        end();
    }
}

void RedisConnection::end_for_gap() {
    if (counters_ != nullptr) {
        counters_->gap_closes_total.add();
    }
    say_end();
}

void RedisConnection::say_farewell(Farewell why) {
    if (why == Farewell::kSlow && counters_ != nullptr) {
        counters_->slow_closes_total.add();
    }
    say_end();
}

void RedisConnection::on_left() {
    (void)edge_.note_held(std::exchange(unread_.told, 0), 0);
    if (!unread_.is_read) {
        std::string().swap(unread_.bytes);
    }
    edge_.on_gone(*this);
    if (card_ != nullptr) {
        edge_.clients_of_node().with([&](ClientTable& table) { table.leave(*card_); });
    }
    // Last: an exception above has this method called again.
    if (counters_ != nullptr) {
        counters_->clients.sub();
    }
}

void RedisConnection::follow_realm() {
    // A client that has left is counted for no realm, and stays in none.
    if (session_->realm() == counted_realm_ || has_left()) {
        return;
    }
    if (counters_ != nullptr) {
        counters_->clients.sub();
    }
    counted_realm_ = session_->realm();
    counters_ = edge_.counters_of(counted_realm_);
    if (counters_ != nullptr) {
        counters_->clients.add();
    }
}

void RedisConnection::count_command() {
    follow_realm();
    if (counters_ != nullptr) {
        counters_->commands_total.add();
    }
    count_errors();
}

void RedisConnection::count_errors() {
    const std::uint64_t errors = session_->take_errors();
    if (errors > 0 && counters_ != nullptr) {
        counters_->errors_total.add(errors);
    }
}

bool RedisConnection::use_steps(std::size_t steps, Instant now) {
    if (now - matching_.second >= 1s) {
        matching_.second = now;
        matching_.steps = 0;
    }
    matching_.steps += steps;
    return matching_.steps >= kMaxMatchSteps && exhaust();
}

void RedisConnection::end_if_slow(Instant now) {
    if (waiting_bytes() <= kSoftOutboxBytes) {
        soft_since_ = Instant::max();
    } else if (soft_since_ == Instant::max()) {
        soft_since_ = now;
    } else if (now - soft_since_ >= kSoftOutboxTime) {
        give_up_slow();
    }
}

}  // namespace tulle::node::redis
