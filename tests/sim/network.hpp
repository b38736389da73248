#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mesh/base/prng.hpp"
#include "mesh/core/node/effects.hpp"
#include "tests/sim/scheduler.hpp"

namespace tulle::sim {

/// A place where a process can run: its endpoints stay, its processes come and go.
using HostId = std::size_t;

inline constexpr Duration kReconnect = 100ms;  ///< until a connection or a subscription that was broken is tried again

/// What the network does to one direction between two hosts.
struct Path {
    Duration delay = 200us;
    Duration jitter = 100us;
    Duration subscribe_delay{};  ///< the publisher learns of a subscription so much later
    std::uint64_t loss_percent = 0;
    std::uint64_t control_loss_percent = 0;  ///< on top, of control messages alone
    std::uint64_t duplicate_percent = 0;
    bool cut = false;
    bool mute = false;  ///< the publisher's pipe is at its high-water mark: data falls on the floor
    friend bool operator==(const Path&, const Path&) = default;
};

/// The transport as the mesh knows it: DEALER connections with connection events, a PUB/SUB data path that drops
/// silently. Streams keep their order; control and data overtake each other.
///
/// A cut shorter than three seconds delays what was sent (TCP sends it again); a longer one loses it and resets.
/// A pipe of the publisher holds `high_water` messages that the subscriber has not taken; newer ones are dropped.
class Network {
public:
    struct Receiver {
        std::function<void(HostId, mesh::Input)> input;
        std::function<bool(HostId)> listening;  ///< a process runs there (it may be frozen)
        std::function<bool(HostId)> running;    ///< and it is not frozen
        std::function<OriginId(HostId)> oid;
        /// The newest protocol that the process there speaks. Without, messages are handed over as they are, not as
        /// bytes.
        std::function<std::uint32_t(HostId)> newest = {};
        std::function<void(const std::string&)> misread = {};  ///< somebody was sent what it can't read
    };
    /// What has happened, by kind.
    struct Tally {
        std::uint64_t lost_control = 0;
        std::uint64_t lost_data = 0;
        std::uint64_t dropped_at_high_water = 0;
        std::uint64_t duplicated = 0;
        std::uint64_t overtaken = 0;  ///< came before something that had been sent earlier, by another way
        std::uint64_t slow_subscriptions = 0;
        std::uint64_t old_pipes = 0;    ///< the end of an old subscription was told after the new one stood
        std::uint64_t written = 0;      ///< sent as bytes, in the version of their session …
        std::uint64_t written_old = 0;  ///< … and of these, in the older one
    };

    Network(Scheduler& scheduler, Prng& prng, std::size_t hosts, std::size_t high_water, Receiver receiver);

    [[nodiscard]] static std::string control_endpoint(HostId host) { return "host" + std::to_string(host) + ":7001"; }
    [[nodiscard]] static std::string data_endpoint(HostId host) { return "host" + std::to_string(host) + ":7002"; }

    [[nodiscard]] const Path& path(HostId from, HostId to) const { return paths_[from * hosts_ + to]; }

    // effects of a process on `host`
    void open_connection(HostId host, mesh::ConnectionId connection, const std::string& endpoint);
    void close_connection(HostId host, mesh::ConnectionId connection);
    void check_endpoint(HostId host, mesh::ConnectionId connection, const std::string& endpoint);
    void connect_data(HostId host, const std::string& endpoint);
    void disconnect_data(HostId host, const std::string& endpoint);
    void send_control(HostId host, mesh::ConnectionId connection, mesh::Control message);
    void send_data(HostId host, mesh::Data message);

    // faults
    /// To change how a path behaves.
    [[nodiscard]] Path& alter(HostId from, HostId to);
    void process_started(HostId host);
    void process_died(HostId host);
    void process_thawed(HostId host);
    void cut(HostId from, HostId to);
    void heal(HostId from, HostId to);
    /// The publisher's pipe is full, or has room again.
    void mute(HostId from, HostId to, bool on);
    /// Both TCP streams between the two are reset: what is in flight is lost.
    void reset(HostId a, HostId b);

    // what to look at
    /// When a message of the other's present or last process came, control and data each.
    [[nodiscard]] Instant last_arrival(HostId from, HostId to, bool data) const;
    [[nodiscard]] Instant last_arrival(HostId from, HostId to) const;
    /// When a frame came, as a node measures whether a peer's data says anything: a tail alone is no frame.
    [[nodiscard]] Instant last_frame(HostId from, HostId to) const;
    /// Both directions have been as they should be since then.
    [[nodiscard]] bool undisturbed(HostId a, HostId b, Instant since) const;
    /// For so long control messages of `asker` have not been answered by `by` long enough on end: a gap between two
    /// silences is no proof, nor is one direction that works while the other one is silent.
    [[nodiscard]] bool unanswered_on_control(HostId asker, HostId by, Duration time) const;
    /// The same of heartbeats alone, by which nodes check each other: a path that loses single messages, as no TCP
    /// does, may lose these and let others through.
    [[nodiscard]] bool unanswered_beats(HostId asker, HostId by, Duration time) const;
    /// What is published at one host has reached the other's pipe since then: it is subscribed, and the pipe has room.
    [[nodiscard]] bool data_passes_since(HostId publisher, HostId subscriber, Instant since) const;
    /// Nothing gets through on control since then, and nothing else was done to the direction.
    [[nodiscard]] bool deaf_since(HostId from, HostId to, Instant since) const;
    [[nodiscard]] bool unaltered_since(HostId from, HostId to, Instant since) const {
        return touched_[from * hosts_ + to] < since;
    }
    /// Data came since then without a pause that is long enough to be suspicious.
    [[nodiscard]] bool heard_steadily(HostId from, HostId to, Instant since) const;
    [[nodiscard]] bool cut_since(HostId from, HostId to, Instant since) const;
    [[nodiscard]] const Tally& tally() const { return tally_; }

private:
    struct Connection {
        bool open = false;
        bool up = false;
        HostId to = 0;
        std::uint64_t attempt = 0;  // grows with each connect, so that what was in flight before a reset is dropped
    };
    struct Stuck {
        Instant sent;
        Scheduler::Action deliver;
    };
    struct Answers {
        Instant newest_got;  // when the newest control message was sent that the receiver has got
        // Of control messages that the receiver had sent, when the newest was sent that it knows to have come:
        // something that was sent after that has arrived …
        Instant answered;
        Instant run_since;  // … since when that goes on without a break …
        // … when the first answer of these came: what a healed cut lets through at once is no run …
        Instant run_began;
        Instant steady;  // … and the last of a run that was long enough
    };
    /// One direction between two hosts, control or data.
    struct Stream {
        Instant last_arrival;
        Instant arrived;
        Instant framed;       // of data: a frame has arrived
        Instant paused;       // the end of the last long pause in what has arrived
        Answers any;          // of all that is said on control …
        Answers beats;        // … and of heartbeats alone
        Instant newest_sent;  // of what has arrived
        std::size_t in_pipe = 0;
        std::size_t backlog = 0;  // of that, at a frozen receiver
        std::vector<Stuck> stuck;
    };
    struct Subscription {
        bool subscribed = false;  // the publisher knows it …
        Instant since;            // … since then
        OriginId oid;
        std::uint64_t attempt = 0;
    };

    static HostId host_of(const std::string& endpoint);
    [[nodiscard]] Duration one_way(HostId from, HostId to);
    [[nodiscard]] bool reachable(HostId a, HostId b) const { return !path(a, b).cut && !path(b, a).cut; }
    [[nodiscard]] Stream& stream(HostId from, HostId to, bool data) {
        return streams_[2 * (from * hosts_ + to) + (data ? 1 : 0)];
    }
    [[nodiscard]] Connection* find(HostId host, mesh::ConnectionId connection);
    void try_connect(HostId host, mesh::ConnectionId connection, std::uint64_t incarnation);
    void try_subscribe(HostId subscriber, HostId publisher);
    void subscribe_later(HostId subscriber, HostId publisher, Duration wait, bool up);
    void old_pipe_ends(HostId subscriber, HostId publisher, OriginId oid);
    void break_connection(HostId host, mesh::ConnectionId connection, bool tell);
    /// What the receiver reads of what is written, if the two are to speak in bytes.
    template <class Message>
    [[nodiscard]] Message as_read(HostId to, Message message);
    void transmit(HostId from, HostId to, bool data, const std::function<void()>& deliver);
    void note_arrival(Stream& s);
    void note_answer(Answers& a, Instant sent, Instant answered);
    void arrive(HostId from, HostId to, bool data, Instant sent);
    void schedule(HostId from, HostId to, bool data, Instant sent, Scheduler::Action deliver);

    Scheduler& scheduler_;
    Prng& prng_;
    std::size_t hosts_;
    std::size_t high_water_;
    Receiver receiver_;
    std::vector<Path> paths_;
    std::vector<Instant> touched_;  // when a path was altered last
    std::vector<Instant> cut_at_;
    std::vector<Instant> unmuted_at_;
    std::vector<Stream> streams_;
    std::vector<std::vector<Connection>> connections_;  // by host and number
    std::vector<std::uint64_t> incarnations_;
    std::vector<std::map<HostId, Subscription>> subscriptions_;  // by publisher, then subscriber
    std::unordered_map<std::uint64_t, HostId> homes_;            // of every process that ever was
    std::uint64_t last_connection_ = 0;
    Tally tally_;
};

}  // namespace tulle::sim
