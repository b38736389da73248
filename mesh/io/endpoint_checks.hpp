#pragma once

#include <map>
#include <vector>

#include "mesh/base/time.hpp"
#include "mesh/core/effects.hpp"
#include "mesh/io/address.hpp"

namespace tulle::mesh {

/// Tries whether anybody listens at an endpoint, by a TCP connect of its own: libzmq's monitor does not say *why* a
/// connect failed, and only ECONNREFUSED proves that the process is gone.
///
/// Thread: confined to the hub. Limits: one check per link, each for at most kPatience.
class EndpointChecks {
public:
    static constexpr Duration kPatience = 1s;

    EndpointChecks() = default;
    ~EndpointChecks();
    EndpointChecks(const EndpointChecks&) = delete;
    EndpointChecks& operator=(const EndpointChecks&) = delete;

    void start(Instant now, LinkId link, const NumericAddress& address, std::vector<Input>& out);
    void cancel(LinkId link);
    /// File descriptors to wait for until they are writable.
    [[nodiscard]] std::vector<int> descriptors() const;
    /// Looks at all; appends the answers that are known now.
    void collect(Instant now, std::vector<Input>& out);

private:
    struct Check {
        int fd;
        Instant give_up_at;
    };

    std::map<LinkId, Check> checks_;
};

}  // namespace tulle::mesh
