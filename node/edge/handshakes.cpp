#include "node/edge/handshakes.hpp"

#include <utility>

#include <poll.h>
#include <sys/socket.h>

#include <spdlog/spdlog.h>

#include "node/core/limits.hpp"
#include "node/edge/clock.hpp"
#include "node/edge/outbox_writer.hpp"

namespace tulle::node {
namespace {

static_assert(kTlsHandshakePatience < kTlsHandshakeTimeout);
static_assert(kTlsTurnTime < kTurnTime);

/// True when the peer has closed its end. Such a peer could not end a handshake, which is not worth a signature.
bool has_hung_up(int socket) {
    pollfd poll{socket, POLLRDHUP, 0};
    return ::poll(&poll, 1, 0) == 1;
}

}  // namespace

/// A newcomer. The states follow each other in the order of State, except that kDue and kWaiting take turns.
class Handshakes::Newcomer final : public Connection {
public:
    Newcomer(Handshakes& owner, Socket socket, Peer peer)
        : owner_(owner), socket_(std::move(socket)), peer_(std::move(peer)) {}

    void start() {
        owner_.reactor_.add(shared_from_this());
        owner_.reactor_.counters().tls_handshakes.add();
        owner_.reactor_.guard(*this, [this] {
            boost::system::error_code ignored;
            socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
            socket_.non_blocking(true, ignored);
            since_ = owner_.reactor_.now();
            place_ = owner_.silent_.insert(owner_.silent_.end(), this);
            state_ = State::kSilent;
            limit(kTlsHandshakeTimeout);
            wait(boost::asio::socket_base::wait_read);
        });
    }

    [[nodiscard]] bool is_gone() const { return state_ == State::kGone; }
    [[nodiscard]] Instant since() const { return since_; }

    /// Takes a place. REQUIRES: the newcomer is hopeful, and a place is free.
    void take_place() {
        state_ = State::kDue;
        ++owner_.places_;
        limit(kTlsHandshakeTimeout);
    }

    /// Goes on with the handshake.
    void step() {
        if (cipher_ == nullptr) {
            cipher_ = has_hung_up(socket_.native_handle())
                          ? nullptr
                          : owner_.make_(socket_.native_handle(), owner_.reactor_.arena());
            if (cipher_ == nullptr) {
                end(&ShardCounters::tls_handshake_departures_total);
                return;
            }
        }
        const Cipher::Step step = cipher_->handshake();
        const Written written = write_outbox(socket_.native_handle(), cipher_->sealed());
        if (step == Cipher::Step::kFailed) {
            spdlog::debug("a TLS handshake has failed: {}", cipher_->failure());
            ::shutdown(socket_.native_handle(), SHUT_WR);
            end(&ShardCounters::tls_handshake_failures_total);
        } else if (step == Cipher::Step::kLeft || written == Written::kBroken) {
            end(&ShardCounters::tls_handshake_departures_total);
        } else if (step == Cipher::Step::kDone) {
            hand_over();
        } else {
            since_ = owner_.reactor_.now();
            place_ = owner_.waiting_.insert(owner_.waiting_.end(), this);
            state_ = State::kWaiting;
            // A peer that does not take its bytes will not answer either.
            wait(written == Written::kBlocked ? boost::asio::socket_base::wait_write
                                              : boost::asio::socket_base::wait_read);
        }
    }

    /// Ends the newcomer, and counts the end in `outcome`.
    void end(Counter ShardCounters::*outcome) {
        if (state_ != State::kGone) {
            (owner_.reactor_.counters().*outcome).add();
            leave();
            peer_.leave();
            if (cipher_ != nullptr) {
                cipher_->detach();
            }
            boost::system::error_code ignored;
            socket_.close(ignored);
        }
    }

    void on_deadline(Instant now) override {
        if (state_ != State::kGone && now >= deadline_) {
            end(&ShardCounters::tls_handshake_timeouts_total);
        }
    }
    void on_turn_end(Instant) override {}
    void take_write(std::vector<WriteJob>&) override {}
    void on_written(Written) override {}
    void drain(Instant) override { end(&ShardCounters::tls_handshakes_ended_total); }
    void on_failure() override { end(&ShardCounters::tls_handshakes_ended_total); }
    void cut() override { end(&ShardCounters::tls_handshakes_ended_total); }

private:
    enum class State { kNew, kSilent, kHopeful, kDue, kWaiting, kGone };

    void limit(Duration patience) {
        deadline_ = owner_.reactor_.now() + patience;
        owner_.reactor_.arm(slot(), deadline_);
    }

    /// Waits for the socket; the next step is due then.
    void wait(boost::asio::socket_base::wait_type type) {
        socket_.async_wait(type, [this, me = shared_from_this()](const boost::system::error_code& error) {
            owner_.reactor_.guard(*this, [&] { on_ready(error); });
        });
    }

    void on_ready(const boost::system::error_code& error) {
        if (state_ == State::kGone) {
            return;
        }
        if (error) {
            end(&ShardCounters::tls_handshake_departures_total);
            return;
        }
        auto me = std::static_pointer_cast<Newcomer>(shared_from_this());
        if (state_ == State::kSilent) {
            owner_.hopeful_.push_back(std::move(me));
            owner_.silent_.erase(place_);
            state_ = State::kHopeful;
            since_ = owner_.reactor_.now();
            // The wait from here on is the node's. A peer without patience hangs up, which the first step sees.
            deadline_ = Instant::max();
            owner_.reactor_.disarm(slot());
        } else if (state_ == State::kWaiting) {
            owner_.due_.push_back(std::move(me));
            owner_.waiting_.erase(place_);
            state_ = State::kDue;
        }
    }

    void hand_over() {
        ShardCounters& counters = owner_.reactor_.counters();
        counters.tls_handshakes_total.add();
        if (cipher_->is_resumed()) {
            counters.tls_resumptions_total.add();
        }
        leave();
        socket_.secure(std::move(cipher_));
        owner_.done_(std::move(socket_), std::move(peer_));
    }

    /// Leaves the reactor and the lists of the owner.
    void leave() {
        if (state_ == State::kSilent) {
            owner_.silent_.erase(place_);
        } else if (state_ == State::kWaiting) {
            owner_.waiting_.erase(place_);
        }
        if (state_ == State::kDue || state_ == State::kWaiting) {
            --owner_.places_;
        }
        state_ = State::kGone;
        owner_.reactor_.counters().tls_handshakes.sub();
        owner_.reactor_.remove(slot());
    }

    Handshakes& owner_;
    Socket socket_;
    Peer peer_;
    std::unique_ptr<Cipher> cipher_;
    State state_ = State::kNew;
    Instant deadline_ = Instant::max();
    /// The beginning of kSilent, kHopeful or kWaiting.
    Instant since_{};
    /// The place in silent_ or waiting_, in these states alone.
    Places::iterator place_;
};

Handshakes::Handshakes(Reactor& reactor, MakeCipher make, Done done)
    : reactor_(reactor), make_(std::move(make)), done_(std::move(done)) {}

Handshakes::~Handshakes() = default;

void Handshakes::begin(Socket socket, Peer peer) {
    std::make_shared<Newcomer>(*this, std::move(socket), std::move(peer))->start();
}

void Handshakes::run_some() {
    if (due_.empty() && hopeful_.empty()) {
        return;
    }
    const Instant end = monotonic_now() + kTlsTurnTime;
    do {
        const std::shared_ptr<Newcomer> newcomer = next();
        if (newcomer == nullptr) {
            return;
        }
        reactor_.guard(*newcomer, [&] { newcomer->step(); });
    } while (monotonic_now() < end);
    if (!due_.empty() || !hopeful_.empty()) {
        // The next turn begins at once.
        reactor_.wake_at(reactor_.now());
    }
}

std::shared_ptr<Handshakes::Newcomer> Handshakes::next() {
    for (std::deque<std::shared_ptr<Newcomer>>* queue : {&due_, &hopeful_}) {
        // The queues keep newcomers that have ended meanwhile.
        while (!queue->empty() && queue->front()->is_gone()) {
            queue->pop_front();
        }
        while (!queue->empty() && queue->back()->is_gone()) {
            queue->pop_back();
        }
    }
    std::shared_ptr<Newcomer> first;
    if (!due_.empty()) {
        first = std::move(due_.front());
        due_.pop_front();
    } else if (!hopeful_.empty() && free_place()) {
        // In order of arrival, unless the first has waited so long that the queue is a crowd's: then whoever comes now
        // is served now, as in a short queue, and the crowd in between.
        const bool is_crowd = reactor_.now() - hopeful_.front()->since() > kTlsHandshakePatience;
        first = std::move(is_crowd ? hopeful_.back() : hopeful_.front());
        if (is_crowd) {
            hopeful_.pop_back();
        } else {
            hopeful_.pop_front();
        }
        first->take_place();
    }
    return first;
}

bool Handshakes::free_place() {
    if (places_ < kMaxTlsHandshakes) {
        return true;
    }
    // Every place is waited in: a newcomer with a step to take comes before those without a place.
    if (waiting_.empty()) {
        return false;
    }
    Newcomer& slowest = *waiting_.front();
    const Instant patience_ends = slowest.since() + kTlsHandshakePatience;
    if (reactor_.now() < patience_ends) {
        reactor_.wake_at(patience_ends);
        return false;
    }
    slowest.end(&ShardCounters::tls_handshake_timeouts_total);
    return true;
}

bool Handshakes::make_room() {
    if (silent_.empty()) {
        return false;
    }
    silent_.front()->end(&ShardCounters::tls_handshakes_ended_total);
    return true;
}

}  // namespace tulle::node
