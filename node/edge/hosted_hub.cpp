#include "node/edge/hosted_hub.hpp"

#include <utility>

#include <poll.h>

namespace tulle::node {

HostedHub::HostedHub(Reactor& reactor, mesh::HubTurns& turns)
    : reactor_(reactor), turns_(turns), descriptor_(reactor.context().get_executor(), turns.descriptor()) {}

HostedHub::~HostedHub() {
    // The hub owns the descriptor: closing here would close the hub's.
    static_cast<void>(descriptor_.release());
}

void HostedHub::begin() {
    turns_.begin();
    watch();
}

void HostedHub::look() {
    // A turn that was not cut short has run every ready handler, the handler for the descriptor included; or is one of
    // a few short turns, after which the reactor looks for every handler again (kSoloTurnsPerLook).
    if (!is_readable_ && !turns_.has_failed() && reactor_.was_cut_short()) {
        // poll() without waiting: a system call, but only after a long turn.
        pollfd mesh{turns_.descriptor(), POLLIN, 0};
        is_readable_ = ::poll(&mesh, 1, 0) > 0;
    }
}

bool HostedHub::is_due() const {
    return !turns_.has_failed() && (is_readable_ || turns_.is_pushed() || next_ <= reactor_.now());
}

void HostedHub::run() {
    next_ = turns_.run(std::exchange(is_readable_, false));
}

void HostedHub::watch() {
    // A hub that is due already gets its turn as soon as possible; otherwise the loop may sleep until next_.
    reactor_.wake_at(is_due() ? Instant::min() : next_);
    // A single wait at a time. A failed hub leaves its descriptor readable, and a wait would spin.
    if (turns_.has_failed() || std::exchange(is_watching_, true)) {
        return;
    }
    descriptor_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                           [this](const boost::system::error_code& error) {
                               is_watching_ = false;
                               is_readable_ = !error;
                           });
}

}  // namespace tulle::node
