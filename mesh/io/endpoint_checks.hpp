#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "mesh/base/time.hpp"
#include "mesh/core/node/effects.hpp"
#include "mesh/io/address.hpp"
#include "mesh/io/ready_set.hpp"

namespace tulle::mesh {

/// Tries whether anybody listens at an endpoint, by a TCP connect of its own: libzmq's monitor does not say *why* a
/// connect failed, and only ECONNREFUSED proves that the process is gone.
///
/// Thread: confined to the hub. Limits: one check per connection, each for at most kPatience.
class EndpointChecks {
public:
    static constexpr Duration kPatience = 1s;

    /// `ready` names `token` when one of them has something to say, and lives longer.
    EndpointChecks(ReadySet& ready, std::uint64_t token) : ready_(ready), token_(token) {}
    ~EndpointChecks();
    EndpointChecks(const EndpointChecks&) = delete;
    EndpointChecks& operator=(const EndpointChecks&) = delete;

    void start(Instant now, ConnectionId connection, const NumericAddress& address, std::vector<Input>& out);
    void cancel(ConnectionId connection);
    /// Looks at all; appends the answers that are known now.
    void collect(Instant now, std::vector<Input>& out);

private:
    struct Check {
        int fd;
        Instant give_up_at;
    };

    ReadySet& ready_;
    const std::uint64_t token_;
    std::map<ConnectionId, Check> checks_;
};

}  // namespace tulle::mesh
