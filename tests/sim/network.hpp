#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/prng.hpp"
#include "mesh/core/effects.hpp"
#include "tests/sim/scheduler.hpp"

namespace tulle::sim {

/// A place where a process can run: its endpoints stay, its processes come and go.
using HostId = std::size_t;

/// What the network does to one direction between two hosts.
struct Path {
    Duration delay = 200us;
    Duration jitter = 100us;
    std::uint64_t loss_percent = 0;
    std::uint64_t duplicate_percent = 0;
    bool cut = false;
    bool mute = false;  ///< the publisher's pipe is at its high-water mark: data falls on the floor
};

/// The transport as the mesh knows it: DEALER links with connection events, a PUB/SUB data path that drops silently. Streams
/// keep their order; control and data overtake each other.
///
/// A cut shorter than `stream_patience` delays what was sent (TCP sends it again); a longer one loses it and resets.
class Network {
public:
    struct Receiver {
        std::function<void(HostId, mesh::Input)> input;
        std::function<bool(HostId)> listening;  ///< a process runs there (it may be frozen)
        std::function<bool(HostId)> running;    ///< and it is not frozen
        std::function<OriginId(HostId)> oid;
    };

    Network(Scheduler& scheduler, Prng& prng, std::size_t hosts, Receiver receiver);

    [[nodiscard]] static std::string control_endpoint(HostId host) { return "host" + std::to_string(host) + ":7001"; }
    [[nodiscard]] static std::string data_endpoint(HostId host) { return "host" + std::to_string(host) + ":7002"; }

    [[nodiscard]] Path& path(HostId from, HostId to) { return paths_[from * hosts_ + to]; }

    // effects of a process on `host`
    void open_link(HostId host, mesh::LinkId link, const std::string& endpoint);
    void close_link(HostId host, mesh::LinkId link);
    void check_endpoint(HostId host, mesh::LinkId link, const std::string& endpoint);
    void connect_data(HostId host, const std::string& endpoint);
    void disconnect_data(HostId host, const std::string& endpoint);
    void send_control(HostId host, mesh::LinkId link, mesh::Control message);
    void send_data(HostId host, mesh::Data message);

    // faults
    void process_died(HostId host);
    void cut(HostId from, HostId to);
    void heal(HostId from, HostId to);
    /// Both TCP streams between the two are reset: what is in flight is lost.
    void reset(HostId a, HostId b);

    [[nodiscard]] std::uint64_t lost() const { return lost_; }

private:
    struct Link {
        HostId to = 0;
        bool up = false;
        std::uint64_t connection = 0;  // grows with each connect, so that what was in flight before a reset is dropped
    };
    struct Stuck {
        Instant sent;
        std::function<void()> deliver;
    };
    struct Stream {
        Instant last_arrival;
        std::deque<Stuck> stuck;
        Instant cut_at;
    };
    struct Subscription {
        bool subscribed = false;  // the publisher knows it
        OriginId oid;
        std::uint64_t connection = 0;
    };

    static HostId host_of(const std::string& endpoint);
    [[nodiscard]] Duration one_way(HostId from, HostId to);
    [[nodiscard]] bool reachable(HostId a, HostId b) { return !path(a, b).cut && !path(b, a).cut; }
    void try_connect(HostId host, mesh::LinkId link);
    void try_subscribe(HostId subscriber, HostId publisher);
    void break_link(HostId host, mesh::LinkId link, bool tell);
    void transmit(HostId from, HostId to, bool data, const std::function<void()>& deliver);

    Scheduler& scheduler_;
    Prng& prng_;
    std::size_t hosts_;
    Receiver receiver_;
    std::vector<Path> paths_;
    std::map<std::pair<HostId, mesh::LinkId>, Link> links_;
    std::map<std::pair<HostId, HostId>, Subscription> subscriptions_;  // (subscriber, publisher)
    std::map<std::pair<std::size_t, bool>, Stream> streams_;           // (from * hosts + to, data)
    std::uint64_t last_connection_ = 0;
    std::uint64_t lost_ = 0;
};

}  // namespace tulle::sim
