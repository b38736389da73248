#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "mesh/base/time.hpp"
#include "mesh/core/node/effects.hpp"
#include "mesh/io/address.hpp"
#include "mesh/io/ready_set.hpp"

namespace tulle::mesh {

/// Finds out whether a process listens at an endpoint, by a TCP connection of its own. libzmq's monitor reports a
/// failed connect without the reason, and only ECONNREFUSED proves the end of the process.
///
/// Thread: confined to the hub.
/// Limits: one check for each connection, for kPatience at most. Without a free descriptor a check has no answer.
/// Errors: a check without a clear result answers kUnknown.
class EndpointChecks {
public:
    /// The longest wait for the kernel of the peer's host. Afterwards the answer is kUnknown.
    static constexpr Duration kPatience = 1s;

    /// `ready` reports `token` when a check has a result, and must outlive the checks.
    EndpointChecks(ReadySet& ready, std::uint64_t token) : ready_(ready), token_(token) {}
    ~EndpointChecks();
    EndpointChecks(const EndpointChecks&) = delete;
    EndpointChecks& operator=(const EndpointChecks&) = delete;

    /// Begins a check, unless the connection has a check already. An answer known at once (EndpointChecked) is appended
    /// to `out`.
    void start(Instant now, ConnectionId connection, const NumericAddress& address, std::vector<Input>& out);
    /// Ends a check without an answer.
    void cancel(ConnectionId connection);
    /// Appends the answers of the finished and of the overdue checks, in order of the connection.
    void collect(Instant now, std::vector<Input>& out);

private:
    /// A TCP connect under way.
    struct Check {
        int fd;
        Instant give_up_at;
    };

    ReadySet& ready_;
    const std::uint64_t token_;
    std::map<ConnectionId, Check> checks_;
};

}  // namespace tulle::mesh
