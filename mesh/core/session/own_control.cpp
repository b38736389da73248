#include "mesh/core/session/own_control.hpp"

#include <algorithm>
#include <utility>

namespace tulle::mesh {

void OwnControl::listen(Instant now, Effects& out) {
    const bool all = std::none_of(table_.peers().begin(), table_.peers().end(), [&](const auto& entry) {
        return entry.second.in_session() && now - entry.second.control_heard < table_.timing().control_deaf;
    });
    // A single peer that is heard proves our control path.
    if (self_ || !all || now < again_at_) {
        return;
    }
    again_at_ = now + table_.timing().control_verdict;
    self_ = OwnConnection{.connection = table_.fresh_connection(),
                          .nonce = table_.secret() | 1,
                          .up = false,
                          .knock_at = now,
                          .redial_at = now + table_.timing().handshake,
                          .since = now};
    out.push_back(OpenConnection{self_->connection, table_.options().endpoints.control});
}

void OwnControl::tick(Instant now, Effects& out) {
    if (!self_) {
        return;
    }
    // The knock goes by our own DEALER to our own ROUTER, the way of any stranger's first word.
    if (self_->up && self_->knock_at <= now) {
        self_->knock_at = now + table_.timing().hello_retry;
        out.push_back(SendControl{self_->connection,
                                  {.src = table_.options().oid,
                                   .dst = table_.options().oid,
                                   .tag = {},
                                   .body = Knock{.who = table_.introduction(), .dialled = {}, .nonce = self_->nonce}}});
    } else if (!self_->up && self_->redial_at <= now) {
        out.push_back(CloseConnection{self_->connection});
        self_->connection = table_.fresh_connection();
        self_->redial_at = now + table_.timing().handshake;
        out.push_back(OpenConnection{self_->connection, table_.options().endpoints.control});
    }
}

void OwnControl::heard(Effects& out) {
    if (!self_) {
        return;
    }
    // The proof is there, so the connection is not needed any more.
    table_.note_change();
    out.push_back(CloseConnection{self_->connection});
    self_.reset();
    if (std::exchange(deaf_, false)) {
        out.push_back(Notice{Severity::kInfo, "this node's own control path works again", EventKind::kSelf});
    }
}

void OwnControl::rest_alone(Instant now, bool alone, Effects& out) {
    alone_since_ = !alone || !deaf_ ? std::nullopt : std::optional(alone_since_.value_or(now));
    if (alone_since_ && now - *alone_since_ >= table_.timing().refusal_memory) {
        deaf_ = false;
        alone_since_.reset();
        heard(out);
        out.push_back(Notice{Severity::kWarn,
                             "there has been no peer for long whom this node could be deaf to: it serves again",
                             EventKind::kSelf});
    }
}

bool OwnControl::on_connection(Instant now, ConnectionId connection, bool up, Effects& out) {
    if (!self_ || self_->connection != connection) {
        return false;
    }
    self_->up = up;
    self_->knock_at = now;
    self_->redial_at = now + table_.timing().handshake;
    tick(now, out);
    return true;
}

void OwnControl::note_death(Instant now) {
    // A knock that began just now may still come back.
    deaf_ = deaf_ || (self_ && now - self_->since >= table_.timing().suspicion);
}

Instant OwnControl::first_deadline(Instant next) const {
    if (alone_since_) {
        next = std::min(next, *alone_since_ + table_.timing().refusal_memory);
    }
    if (self_) {
        next = std::min(next, self_->up ? self_->knock_at : self_->redial_at);
    }
    return next;
}

}  // namespace tulle::mesh
