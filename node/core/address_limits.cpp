#include "node/core/address_limits.hpp"

#include "mesh/base/assert.hpp"
#include "node/core/limits.hpp"

namespace tulle::node {

static_assert(kDefaultAuthFailuresPerMinute <= kMaxAuthFailuresPerMinute && kAuthFailureWindow == 60s);
static_assert(kDefaultConnectionsPerAddress <= kMaxConnectionsPerAddress);

bool AddressCounts::enter(const PeerAddress& address) {
    if (most_ == 0) {
        return true;
    }
    std::size_t& count = counts_[address];
    if (count >= most_) {
        return false;
    }
    ++count;
    return true;
}

void AddressCounts::leave(const PeerAddress& address) {
    const auto found = counts_.find(address);
    // Without a limit nothing has been counted. With a limit every leave has an enter.
    TULLE_ASSERT(most_ == 0 || found != counts_.end());
    if (found != counts_.end() && --found->second == 0) {
        counts_.erase(found);
    }
}

bool AuthThrottle::is_exempt(const PeerAddress& address) const {
    return options_.most == 0 || (!options_.private_too && address.is_private());
}

bool AuthThrottle::on_failure(const PeerAddress& address, Instant now) {
    if (is_exempt(address)) {
        return false;
    }
    // The failing address moves to the front of the list: the back holds the address to forget.
    const auto [found, is_new] = index_.try_emplace(address);
    if (is_new) {
        by_age_.push_front({address, now, 0});
        found->second = by_age_.begin();
    } else {
        by_age_.splice(by_age_.begin(), by_age_, found->second);
    }
    Failures& failures = by_age_.front();
    // The window of the first failure has passed, so the count begins again.
    if (now >= failures.first + kAuthFailureWindow) {
        failures.first = now;
        failures.count = 0;
    }
    const bool is_shut_now = ++failures.count == options_.most;
    if (index_.size() > kMaxFailingAddresses) {
        index_.erase(by_age_.back().address);
        by_age_.pop_back();
    }
    TULLE_ASSERT(index_.size() == by_age_.size() && index_.size() <= kMaxFailingAddresses);
    return is_shut_now;
}

Duration AuthThrottle::shut_for(const PeerAddress& address, Instant now) const {
    const auto found = is_exempt(address) ? index_.end() : index_.find(address);
    if (found == index_.end() || found->second->count < options_.most) {
        return {};
    }
    const Instant end = found->second->first + kAuthFailureWindow;
    return end > now ? end - now : Duration{};
}

}  // namespace tulle::node
