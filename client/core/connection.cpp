// The life of a Connection: dialling, watching, losing and closing. connection_channels.cpp has the channels and the
// user.
//
// A dial goes through the phases kConnecting and kConnected. Every end leads to kWaiting (and later to the next dial),
// kFailed or kClosed. Each phase has one deadline at most, held in `deadline_`. Inputs carry the number of their dial,
// so an answer for an older connection cannot touch the present connection.
#include "client/core/connection.hpp"

#include <algorithm>
#include <utility>

#include "mesh/base/assert.hpp"

namespace tulle::client {

Connection::Connection(ConnectionConfig config, Prng prng)
    : config_(config), policy_(config.servers, config.reconnect, prng), sealed_(config.open_sealed) {}

void Connection::step(Instant now, const Input& input, Effects& out) {
    std::visit([&](const auto& alternative) { on(now, alternative, out); }, input);
}

std::optional<Instant> Connection::next_deadline() const {
    switch (phase_) {
        case Phase::kConnecting:
        case Phase::kConnected:
        case Phase::kWaiting:
            return deadline_;
        case Phase::kIdle:
        case Phase::kClosed:
        case Phase::kFailed:
            break;
    }
    return std::nullopt;
}

void Connection::on(Instant now, const Start&, Effects& out) {
    TULLE_ASSERT(phase_ == Phase::kIdle);
    attempt_ = policy_.first(now);
    dial(now, out);
}

void Connection::on(Instant now, const Received& input, Effects& out) {
    if (!live(input.dial)) {
        return;
    }
    // Every message proves a live server and moves the next ping. While connecting, the connect timeout must stay.
    if (phase_ == Phase::kConnected) {
        awaiting_pong_ = false;
        deadline_ = now + activity_timeout_;
    }
    std::visit([&](const auto& alternative) { message(now, alternative, out); }, input.message);
}

void Connection::on(Instant now, const Lost& input, Effects& out) {
    if (live(input.dial)) {
        lose(now, input.code, input.reason, out);
    }
}

void Connection::on(Instant now, const Tick&, Effects& out) {
    // A timer may fire for a deadline moved meanwhile.
    if (!next_deadline() || now < deadline_) {
        return;
    }
    if (phase_ == Phase::kWaiting) {
        dial(now, out);
    } else if (phase_ == Phase::kConnecting) {
        drop(now, std::nullopt, "no connection in time", out);
    } else if (awaiting_pong_) {
        drop(now, std::nullopt, "no answer to a ping", out);
    } else {
        // Silence for `activity_timeout`: the server must answer a ping before the deadline below.
        awaiting_pong_ = true;
        deadline_ = now + config_.pong_timeout;
        out.push_back(Send{Ping{}});
    }
}

void Connection::on(Instant, const Close&, Effects& out) {
    if (phase_ == Phase::kClosed) {
        return;
    }
    // Only an established connection has messages to write before the end.
    if (phase_ == Phase::kConnected) {
        out.push_back(Farewell{dial_});
    } else if (phase_ == Phase::kConnecting) {
        out.push_back(Drop{dial_});
    }
    phase_ = Phase::kClosed;
    forget_connection();
    out.push_back(ReportState{phase_, attempt_.server, {}, "closed by the application", {}, {}});
}

void Connection::message(Instant now, const Established& message, Effects& out) {
    // A second Established changes nothing: the first socket id is in use for signatures.
    if (phase_ != Phase::kConnecting) {
        return;
    }
    phase_ = Phase::kConnected;
    socket_id_ = message.socket_id;
    awaiting_pong_ = false;
    activity_timeout_ = std::min(config_.activity_timeout, message.activity_timeout);
    deadline_ = now + activity_timeout_;
    policy_.on_connected(now);
    out.push_back(ReportState{phase_, attempt_.server, socket_id_, {}, {}, {}});
    // The sign-in goes first, because presence channels may wait for the user.
    user_.begin(dial_, socket_id_, out);
    for (const std::string& channel : book_.channels()) {
        ask_for(channel, out);
    }
}

void Connection::message(Instant, const Ping&, Effects& out) {
    out.push_back(Send{Pong{}});
}

// Received has already noted the sign of life.
void Connection::message(Instant, const Pong&, Effects&) {}

void Connection::message(Instant, const Unknown&, Effects&) {}

void Connection::dial(Instant now, Effects& out) {
    phase_ = Phase::kConnecting;
    // From here on, inputs of the dial before are no longer live.
    dial_ = dial_.next();
    deadline_ = now + config_.connect_timeout;
    out.push_back(ReportState{phase_, attempt_.server, {}, {}, {}, {}});
    out.push_back(Dial{dial_, attempt_.server});
}

void Connection::lose(Instant now, std::optional<int> code, std::string reason, Effects& out) {
    forget_connection();
    const Reaction reaction = reaction_to(code);
    // The server would refuse every later try as well.
    if (reaction == Reaction::kFatal) {
        phase_ = Phase::kFailed;
        out.push_back(ReportState{phase_, attempt_.server, {}, std::move(reason), {}, code});
        return;
    }
    attempt_ = policy_.after_failure(now, reaction);
    phase_ = Phase::kWaiting;
    deadline_ = attempt_.at;
    out.push_back(ReportState{phase_, attempt_.server, {}, std::move(reason), attempt_.at - now, code});
    // A try without a delay begins at once, without another Tick.
    if (attempt_.at <= now) {
        dial(now, out);
    }
}

void Connection::drop(Instant now, std::optional<int> code, std::string reason, Effects& out) {
    // Drop must precede the effects of lose(), because lose() may dial again at once.
    out.push_back(Drop{dial_});
    lose(now, code, std::move(reason), out);
}

void Connection::forget_connection() {
    book_.reset();
    presence_.reset();
    sealed_.reset();
    user_.lost();
    awaiting_user_.clear();
    socket_id_.clear();
}

bool Connection::live(DialId dial) const {
    return dial == dial_ && (phase_ == Phase::kConnecting || phase_ == Phase::kConnected);
}

}  // namespace tulle::client
