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

/// A place where a process can run: the endpoints stay, the processes come and go.
using HostId = std::size_t;

/// How long after a break a connection or a subscription is tried again.
inline constexpr Duration kReconnect = 100ms;
/// How long the ports are closed while a process binds them again. Measured: up to a millisecond; longer here, so that
/// every peer's look falls into the time.
inline constexpr Duration kPortsClosed = 20ms;

/// The state of a direction between two hosts.
struct Path {
    Duration delay = 200us;
    Duration jitter = 100us;
    /// The publisher learns of a subscription later by this time.
    Duration subscribe_delay{};
    std::uint64_t loss_percent = 0;
    /// Loss of control messages, on top of loss_percent.
    std::uint64_t control_loss_percent = 0;
    std::uint64_t duplicate_percent = 0;
    bool cut = false;
    /// The publisher's pipe is at the high-water mark: data is dropped.
    bool mute = false;
    friend bool operator==(const Path&, const Path&) = default;
};

/// The transport as the mesh knows transports: DEALER connections with connection events, and a PUB/SUB data path that
/// drops silently. Streams keep their order; control and data overtake each other.
///
/// A cut shorter than three seconds delays messages, as TCP sends again. A longer cut loses the messages and resets the
/// connections.
///
/// Limits: a pipe of the publisher holds `high_water` messages not taken by the subscriber; newer messages are dropped.
class Network {
public:
    /// How the network asks for and reaches the processes.
    struct Receiver {
        std::function<void(HostId, mesh::Input)> input;
        /// True when a process runs on the host, frozen or not.
        std::function<bool(HostId)> listening;
        /// True when a process runs on the host and is not frozen.
        std::function<bool(HostId)> running;
        std::function<OriginId(HostId)> oid;
        /// The newest protocol of the process on the host. Without this function, messages are handed over as values
        /// and not as bytes.
        std::function<std::uint32_t(HostId)> newest = {};
        /// Called when a process was sent a message that the process can't read.
        std::function<void(const std::string&)> misread = {};
    };
    /// Counts of rare and notable happenings.
    struct Tally {
        std::uint64_t lost_control = 0;
        std::uint64_t lost_data = 0;
        std::uint64_t dropped_at_high_water = 0;
        std::uint64_t duplicated = 0;
        /// Messages that arrived before a message sent earlier by the other way.
        std::uint64_t overtaken = 0;
        std::uint64_t slow_subscriptions = 0;
        /// Ends of old subscriptions, told after the new subscription stood.
        std::uint64_t old_pipes = 0;
        std::uint64_t rebinds = 0;
        /// Looks at an endpoint that fell into a rebind.
        std::uint64_t refused_by_rebinds = 0;
        /// Messages sent as bytes, in the version of their session.
        std::uint64_t written = 0;
        /// Messages sent as bytes in the older version.
        std::uint64_t written_old = 0;
    };

    /// `scheduler` and `prng` must outlive the network. `high_water` is in messages.
    Network(Scheduler& scheduler, Prng& prng, std::size_t hosts, std::size_t high_water, Receiver receiver);

    [[nodiscard]] static std::string control_endpoint(HostId host) { return "host" + std::to_string(host) + ":7001"; }
    [[nodiscard]] static std::string data_endpoint(HostId host) { return "host" + std::to_string(host) + ":7002"; }

    /// The present state of a direction.
    [[nodiscard]] const Path& path(HostId from, HostId to) const { return paths_[from * hosts_ + to]; }

    // The effects of a process on `host`.
    void open_connection(HostId host, mesh::ConnectionId connection, const std::string& endpoint);
    void close_connection(HostId host, mesh::ConnectionId connection);
    void check_endpoint(HostId host, mesh::ConnectionId connection, const std::string& endpoint);
    void connect_data(HostId host, const std::string& endpoint);
    void disconnect_data(HostId host, const std::string& endpoint);
    void send_control(HostId host, mesh::ConnectionId connection, mesh::Control message);
    void send_data(HostId host, mesh::Data message);

    // Faults.
    /// Gives access to change a path, and notes the moment of the change.
    [[nodiscard]] Path& alter(HostId from, HostId to);
    /// To be called after the start of a process.
    void process_started(HostId host);
    /// Breaks all connections and subscriptions of the host's process.
    void process_died(HostId host);
    /// The thawed process takes the messages that waited at the host.
    void process_thawed(HostId host);
    /// Nothing passes in the direction until heal().
    void cut(HostId from, HostId to);
    /// Ends a cut: delayed messages arrive, or are lost with a reset after three seconds.
    void heal(HostId from, HostId to);
    /// The publisher's pipe is full (`on`), or has room again.
    void mute(HostId from, HostId to, bool on);
    /// Both TCP streams between the two hosts are reset: messages in flight are lost.
    void reset(HostId a, HostId b);
    /// The host's process binds its ports again: all connections to the host and from the host are reset, and the host
    /// refuses for some milliseconds, so that whoever looks just then meets a closed port. No fault of a path: a judge
    /// must not excuse anything by a rebind.
    void rebind(HostId host);

    // Things to look at.
    /// When the last message from the host came, on control or on data. Counts all processes of the host.
    [[nodiscard]] Instant last_arrival(HostId from, HostId to, bool data) const;
    /// The later of control and data.
    [[nodiscard]] Instant last_arrival(HostId from, HostId to) const;
    /// When the last frame came on data. A node measures by frames whether a peer's data says anything; a tail alone is
    /// no frame.
    [[nodiscard]] Instant last_frame(HostId from, HostId to) const;
    /// True when both directions have been in order since `since`.
    [[nodiscard]] bool undisturbed(HostId a, HostId b, Instant since) const;
    /// True when control messages of `asker` have not been answered by `by` for `time`, in a run of answers long enough
    /// to count. A short gap between two silences is no proof of life, nor is a single direction that works while the
    /// other is silent.
    [[nodiscard]] bool unanswered_on_control(HostId asker, HostId by, Duration time) const;
    /// Like unanswered_on_control(), for heartbeats alone, by which nodes check each other. A path that loses single
    /// messages, as no TCP does, may lose heartbeats and let others through.
    [[nodiscard]] bool unanswered_beats(HostId asker, HostId by, Duration time) const;
    /// True when published data has reached the subscriber's pipe since `since`: the subscription stands, and the pipe
    /// has room.
    [[nodiscard]] bool data_passes_since(HostId publisher, HostId subscriber, Instant since) const;
    /// True when no control has passed since `since`, and nothing else was done to the direction.
    [[nodiscard]] bool deaf_since(HostId from, HostId to, Instant since) const;
    /// True when nothing was done to the direction since `since`.
    [[nodiscard]] bool unaltered_since(HostId from, HostId to, Instant since) const {
        return touched_[from * hosts_ + to] < since;
    }
    /// True when data came from `since` to `until` without a pause long enough to be suspicious.
    [[nodiscard]] bool heard_steadily(HostId from, HostId to, Instant since, Instant until) const;
    /// True when the direction has been cut since `since`.
    [[nodiscard]] bool cut_since(HostId from, HostId to, Instant since) const;
    /// Until when the process on `to` knows that the ports of `from` may refuse: by the newest announcement that has
    /// arrived there.
    [[nodiscard]] Instant announced_until(HostId from, HostId to) const;
    /// True when the host binds its ports again, or has done so within the time of a reconnect.
    [[nodiscard]] bool has_just_rebound(HostId host) const;
    [[nodiscard]] const Tally& tally() const { return tally_; }

private:
    /// A control connection of a process.
    struct Connection {
        bool open = false;
        bool up = false;
        HostId to = 0;
        // Grows with each connect, so that messages in flight before a reset are dropped.
        std::uint64_t attempt = 0;
    };
    /// A message held up by a cut.
    struct Stuck {
        Instant sent;
        Scheduler::Action deliver;
    };
    /// The evidence, for the receiver of a stream, of a living sender. An answer is a message sent after the sender got
    /// a message of the receiver.
    struct Answers {
        // The sending time of the newest control message that the receiver has got.
        Instant newest_got;
        // The sending time of the newest control message of the receiver that the sender is known to have got.
        Instant answered;
        // Since then answers have come without a break.
        Instant run_since;
        // When the first answer of the run came. Messages let through at once by a healed cut are no run.
        Instant run_began;
        // The last answer of a run that was long enough.
        Instant steady;
    };
    /// A direction between two hosts, for control or for data.
    struct Stream {
        Instant last_arrival;
        Instant arrived;
        // For data: when the last frame arrived.
        Instant framed;
        // The end of the last long pause between arrivals.
        Instant paused;
        // By all control messages.
        Answers any;
        // By heartbeats alone.
        Answers beats;
        // The latest sending time of all arrived messages.
        Instant newest_sent;
        std::size_t in_pipe = 0;
        // Messages of in_pipe that wait at a frozen receiver.
        std::size_t backlog = 0;
        std::vector<Stuck> stuck;
    };
    /// A data subscription of a process at a publisher.
    struct Subscription {
        // True once the publisher knows of the subscription.
        bool subscribed = false;
        // Since when the publisher knows.
        Instant since;
        OriginId oid;
        std::uint64_t attempt = 0;
    };

    static HostId host_of(const std::string& endpoint);
    /// True when a process listens at the host, and its ports are not closed at the moment.
    [[nodiscard]] bool listens(HostId host);
    /// A heartbeat has arrived that announces a rebind within `ms`; 0: it announces nothing.
    void note_announcement(HostId from, HostId to, std::uint32_t ms);
    /// Draws the time of a message on the way.
    [[nodiscard]] Duration one_way(HostId from, HostId to);
    [[nodiscard]] bool reachable(HostId a, HostId b) const { return !path(a, b).cut && !path(b, a).cut; }
    [[nodiscard]] Stream& stream(HostId from, HostId to, bool data) {
        return streams_[2 * (from * hosts_ + to) + (data ? 1 : 0)];
    }
    [[nodiscard]] Connection* find(HostId host, mesh::ConnectionId connection);
    /// Tries to bring a connection up, again and again, until the process or the connection ends.
    void try_connect(HostId host, mesh::ConnectionId connection, std::uint64_t incarnation);
    /// Tries to make the publisher know of a subscription, likewise.
    void try_subscribe(HostId subscriber, HostId publisher);
    void subscribe_later(HostId subscriber, HostId publisher, Duration wait, bool up);
    /// Tells the publisher late of the end of an old subscription.
    void old_pipe_ends(HostId subscriber, HostId publisher, OriginId oid);
    /// Breaks the connections and the subscriptions between two hosts.
    void break_both_ways(HostId a, HostId b);
    /// Takes a connection down; `tell`: the process learns of the break.
    void break_connection(HostId host, mesh::ConnectionId connection, bool tell);
    /// The message as read by the receiver after writing as bytes, if the two are to speak in bytes.
    template <class Message>
    [[nodiscard]] Message as_read(HostId to, Message message);
    /// Sends a message by a path: may lose, double, hold up or delay the message.
    void transmit(HostId from, HostId to, bool data, const std::function<void()>& deliver);
    /// Updates the pauses of a stream.
    void note_arrival(Stream& s);
    /// Updates the answers of a stream.
    void note_answer(Answers& a, Instant sent, Instant answered);
    /// Counts an arrival in the pipe of the stream.
    void arrive(HostId from, HostId to, bool data, Instant sent);
    /// Plans the arrival, in the order of the stream.
    void schedule(HostId from, HostId to, bool data, Instant sent, Scheduler::Action deliver);

    Scheduler& scheduler_;
    Prng& prng_;
    std::size_t hosts_;
    std::size_t high_water_;
    Receiver receiver_;
    std::vector<Path> paths_;
    // By path: the last change.
    std::vector<Instant> touched_;
    std::vector<Instant> cut_at_;
    /// By host: until when the ports refuse.
    std::map<HostId, Instant> closed_until_;
    /// By announcing host and hearing host: the process that has heard, and until when the ports may refuse.
    std::map<std::pair<HostId, HostId>, std::pair<OriginId, Instant>> announced_;
    std::vector<Instant> unmuted_at_;
    std::vector<Stream> streams_;
    // By host and number.
    std::vector<std::vector<Connection>> connections_;
    std::vector<std::uint64_t> incarnations_;
    // By publisher, then subscriber.
    std::vector<std::map<HostId, Subscription>> subscriptions_;
    // The host of every process that ever ran.
    std::unordered_map<std::uint64_t, HostId> homes_;
    std::uint64_t last_connection_ = 0;
    Tally tally_;
};

}  // namespace tulle::sim
