#include "mesh/core/node/serving.hpp"

#include <utility>

namespace tulle::mesh {

void Serving::retire(Effects& out) {
    // A leaver looks for no new peers, and introduces itself as not serving.
    is_retiring_ = true;
    membership_.stop_dialling(out);
    membership_.set_ready(false);
}

void Serving::tell_retired(Effects& out) {
    if (std::exchange(is_on_, false)) {
        out.push_back(ReadinessChanged{false});
    }
}

void Serving::check(Effects& out) {
    // A barred name does not end serving: only a joiner can be barred.
    if (!is_on_ || (!membership_.is_deaf() && !membership_.is_refused())) {
        return;
    }
    is_on_ = false;
    out.push_back(Notice{Severity::kError,
                         membership_.is_deaf()
                             ? "this node's own control path does not work: no peer is heard there, nor are we "
                               "ourselves, although data speaks; not ready"
                             : "every configured peer that has answered refuses this node; not ready",
                         EventKind::kReady});
    out.push_back(ReadinessChanged{false});
}

bool Serving::tick(Instant now, Effects& out) {
    check(out);
    if (!may_begin()) {
        return false;
    }
    // The gate opens once and stays open, so a node that stopped serving begins again at once when the cause is gone.
    is_on_ = membership_.gate().try_open(now, [this](OriginId oid) {
        const Session* session = context_.sessions().find(oid);
        return session != nullptr && session->interest.synced;
    });
    if (is_on_) {
        membership_.set_ready(true);
        out.push_back(ReadinessChanged{true});
    }
    return is_on_;
}

std::optional<Instant> Serving::next_deadline() const {
    return may_begin() ? membership_.gate().next_deadline() : std::nullopt;
}

}  // namespace tulle::mesh
