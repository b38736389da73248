#include "mesh/io/key_choice.hpp"

#include <algorithm>
#include <zmq.hpp>

#include "mesh/io/zmq_sockets.hpp"

namespace tulle::mesh {

bool KeyChoice::is_failure(int kind) {
    return (kind & ZmqSockets::kKeyEvents) != 0;
}

void KeyChoice::begin(Instant now, const KeyRing& ring) {
    retry_at_.reset();
    give_up_at_ = now + kPatience;
    if (!ring.is_empty()) {
        server_ = ring.keys().at(place_ % ring.keys().size()).id();
        client_ = ring.used().id();
    }
}

void KeyChoice::succeed() {
    failures_ = 0;
    give_up_at_.reset();
    stands_ = true;
}

void KeyChoice::end(Instant now) {
    stands_ = false;
    if (!is_paused()) {
        give_up_at_ = now + kPatience;
    }
}

bool KeyChoice::fail(Instant now, const KeyRing& ring, int kind) {
    ++failures_;
    const std::size_t keys = std::max<std::size_t>(1, ring.keys().size());
    place_ = (place_ + 1) % keys;
    if (failures_ % keys != 0) {
        return false;
    }
    const std::size_t rounds = failures_ / keys;
    retry_at_ = now + std::min(kPauseMax, kPauseMin * (1 << std::min<std::size_t>(rounds - 1, 3)));
    give_up_at_.reset();
    return kind != ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL || rounds >= kRoundsBeforeVerdict;
}

void KeyChoice::cancel() {
    stands_ = false;
    retry_at_.reset();
    give_up_at_.reset();
}

void KeyChoice::restart() {
    place_ = 0;
    failures_ = 0;
    if (is_paused()) {
        retry_at_ = Instant{};
    }
}

}  // namespace tulle::mesh
