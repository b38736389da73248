#pragma once

#include <cstddef>
#include <list>
#include <map>

#include "mesh/base/time.hpp"
#include "node/core/peer_address.hpp"

namespace tulle::node {

/// Counts the open connections of each address, and refuses connections beyond a limit.
///
/// Thread: none of its own; NodeLimits calls under a lock.
/// Limits: one entry for each address with an open connection.
/// Errors: `enter` throws std::bad_alloc when there is no memory for a new address; no count has changed then.
class AddressCounts {
public:
    /// `most`: connections of each address. 0 means no limit; nothing is counted then.
    explicit AddressCounts(std::size_t most) : most_(most) {}

    /// Counts one more connection of `address`. False: the address holds `most` connections already, and the new
    /// connection is not counted.
    [[nodiscard]] bool enter(const PeerAddress& address);
    /// Uncounts a connection. REQUIRES: `enter` has returned true for the connection.
    void leave(const PeerAddress& address);

private:
    /// 0: no limit.
    std::size_t most_;
    std::map<PeerAddress, std::size_t> counts_;
};

/// Remembers addresses with too many wrong signatures.
///
/// An address with `most` failures within kAuthFailureWindow of the first failure is shut until that window ends; the
/// count then begins again from 0. A shut address only gets another answer to further wrong signatures: every signature
/// is checked first, because anybody (a page in a visitor's browser, a neighbour behind the same proxy) can send wrong
/// signatures from an address of an honest backend.
///
/// Thread: none of its own; NodeLimits calls under a lock. `is_exempt` reads constants and needs no lock.
/// Time:   `now` must not go backwards.
/// Limits: kMaxFailingAddresses. Past the limit the throttle forgets the address with the oldest last failure.
class AuthThrottle {
public:
    struct Options {
        /// Failures that shut an address; 0 turns the throttle off.
        std::size_t most = 0;
        /// False: private addresses may fail without limit, because a private address is mostly a proxy with many
        /// clients behind.
        bool private_too = false;
    };
    explicit AuthThrottle(Options options) : options_(options) {}
    /// No copies: the iterators of the index point into the list of the original.
    AuthThrottle(const AuthThrottle&) = delete;
    AuthThrottle& operator=(const AuthThrottle&) = delete;
    AuthThrottle(AuthThrottle&&) = default;
    AuthThrottle& operator=(AuthThrottle&&) = default;
    ~AuthThrottle() = default;

    /// True when failures of the address are never counted. The answer for an address never changes.
    [[nodiscard]] bool is_exempt(const PeerAddress& address) const;
    /// Counts a wrong signature of `address`. Does nothing for an exempt address. True: this signature has shut the
    /// address.
    bool on_failure(const PeerAddress& address, Instant now);
    /// How long the address stays shut; 0 for an address that may still fail.
    [[nodiscard]] Duration shut_for(const PeerAddress& address, Instant now) const;

private:
    /// The wrong signatures of an address in the present window.
    struct Failures {
        PeerAddress address;
        /// The failure that began the window.
        Instant first;
        std::size_t count = 0;
    };
    /// Latest failure first, so the entry to forget is at the back.
    using ByAge = std::list<Failures>;

    Options options_;
    ByAge by_age_;
    std::map<PeerAddress, ByAge::iterator> index_;
};

/// Tells a protocol whether the address of a connection is shut. A protocol asks only after a signature of the
/// connection has been found wrong.
class AuthGate {
public:
    AuthGate() = default;
    AuthGate(const AuthGate&) = delete;
    AuthGate& operator=(const AuthGate&) = delete;
    virtual ~AuthGate() = default;

    /// True: the protocol answers a wrong signature with "too many failures".
    [[nodiscard]] virtual bool is_shut() const = 0;
};

}  // namespace tulle::node
