#pragma once

#include <cstddef>
#include <list>
#include <map>

#include "mesh/base/time.hpp"
#include "node/core/peer_address.hpp"

namespace tulle::node {

/// How many connections each address holds.
///
/// Limits: one entry for each address that is connected now.
class AddressCounts {
public:
    /// `most` 0: no limit, and nothing is counted.
    explicit AddressCounts(std::size_t most) : most_(most) {}

    /// False: it has as many as it may, and this one is not counted.
    [[nodiscard]] bool enter(const PeerAddress& address);
    /// One that was let in has ended.
    void leave(const PeerAddress& address);

private:
    std::size_t most_;
    std::map<PeerAddress, std::size_t> counts_;
};

/// Addresses whose signatures were wrong too often.
///
/// An address that has failed `most` times within kAuthFailureWindow of its first failure is shut until that window
/// ends; then its count begins again. What is shut is only the plain answer to further wrong signatures: whether a
/// signature is wrong is looked at first, as anybody (a page in a visitor's browser, a neighbour behind the same proxy)
/// can send wrong ones from an address that right ones come from too.
/// Time:   `now` must not go backwards.
/// Limits: kMaxFailingAddresses; past it the address that failed longest ago is forgotten.
class AuthThrottle {
public:
    struct Options {
        std::size_t most = 0;      ///< 0: off
        bool private_too = false;  ///< else private addresses, proxies as a rule, may fail as often as they like
    };
    explicit AuthThrottle(Options options) : options_(options) {}
    AuthThrottle(const AuthThrottle&) = delete;  ///< the index refers into the list
    AuthThrottle& operator=(const AuthThrottle&) = delete;
    AuthThrottle(AuthThrottle&&) = default;
    AuthThrottle& operator=(AuthThrottle&&) = default;
    ~AuthThrottle() = default;

    /// It may fail as often as it likes. Always the same answer.
    [[nodiscard]] bool is_exempt(const PeerAddress& address) const;
    void on_failure(const PeerAddress& address, Instant now);
    /// How long it is shut; 0: it is not.
    [[nodiscard]] Duration shut_for(const PeerAddress& address, Instant now) const;

private:
    struct Failures {
        PeerAddress address;
        Instant first;
        std::size_t count = 0;
    };
    using ByAge = std::list<Failures>;  ///< the one that failed last in front

    Options options_;
    ByAge by_age_;
    std::map<PeerAddress, ByAge::iterator> index_;
};

/// Whether an address is shut: asked of only once one of its signatures has been found wrong.
class AuthGate {
public:
    AuthGate() = default;
    AuthGate(const AuthGate&) = delete;
    AuthGate& operator=(const AuthGate&) = delete;
    virtual ~AuthGate() = default;

    [[nodiscard]] virtual bool is_shut() const = 0;
};

}  // namespace tulle::node
