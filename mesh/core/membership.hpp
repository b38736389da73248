#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "mesh/base/prng.hpp"
#include "mesh/core/join_gate.hpp"
#include "mesh/core/node_options.hpp"
#include "mesh/core/peer.hpp"

namespace tulle::mesh {

/// A session with this peer stands; both sides know the other's tag.
struct SessionUp {
    OriginId oid;
    std::optional<RecordNo> their_delivered;  ///< of our records
    RecordNo their_at;                        ///< their last record when they chose their tag
    RecordNo our_at;                          ///< ours, when we chose ours
    std::vector<RecordNo> their_extras;       ///< what they have got of ours from others, beyond their_delivered
};
/// It has ended: by a verdict, by a newer session, or because the peer left.
struct SessionDown {
    OriginId oid;
    PeerState now = PeerState::kJoining;
};
using MembershipEvent = std::variant<SessionUp, SessionDown>;

struct MembershipCounters {
    std::uint64_t suspicions = 0;
    std::uint64_t false_suspicions = 0;  ///< suspects that were heard again
    std::uint64_t deaths = 0;
    std::uint64_t reconnects = 0;        ///< links that broke and came back in the same session
    std::uint64_t sessions = 0;
    std::uint64_t refused = 0;           ///< newcomers turned away
    mutable std::uint64_t relayed = 0;   ///< messages passed on for others
    std::uint64_t stale = 0;             ///< messages for another incarnation or an ended session
};

/// Who is there: seeds, dialling, handshakes, pairwise liveness.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
/// Order:  run the appended effects in order; handle the appended events before anything else is fed in.
/// Hearsay makes it dial or probe, never believe; a peer is alive while there is a session with it and it is heard.
class Membership {
public:
    /// What the owner of the records has to say.
    struct Records {
        std::function<RecordNo()> last;                ///< our last record
        std::function<SessionTerms(OriginId)> terms;   ///< what we have of that origin, about to be told to it
    };

    Membership(const NodeOptions& options, Prng& prng, Records records);

    void start(Instant now, Effects& out);
    void on_link_up(Instant now, LinkId link, Effects& out);
    void on_link_down(Instant now, LinkId link, Effects& out);
    void on_endpoint_checked(Instant now, const EndpointChecked& checked, Effects& out);
    void on_subscriber_gone(Instant now, OriginId oid, Effects& out);

    /// True: a message of a standing session, for the caller to handle. False: dealt with here, or dropped.
    [[nodiscard]] bool on_control(Instant now, const Control& message, Effects& out);
    /// The same for the data path.
    [[nodiscard]] bool on_data(Instant now, const Data& message, Effects& out);

    /// The same for what a witness has passed on. Handshakes are never relayed.
    [[nodiscard]] bool on_relayed(Instant now, const Control& message, Effects& out);
    [[nodiscard]] bool on_relayed(Instant now, const Data& message, Effects& out);
    /// Passes on what a member asks us to, if we hear its receiver ourselves.
    void forward(const Relay& relay, Effects& out) const;
    /// The peer says by whom it hears us; 0: directly. True when that is news.
    bool set_route(OriginId peer, OriginId via);

    /// Timers: dialling, handshakes, suspicion, verdicts.
    void on_deadline(Instant now, Effects& out);
    /// When on_deadline() has something to do next. Exact if that is before `horizon`; else some moment not before it.
    [[nodiscard]] Instant next_deadline(Instant horizon);

    /// Our own loop was late by so much: nobody is to blame for the silence meanwhile.
    void forgive(Duration late);
    /// The peer said goodbye and all it sent has come.
    void on_left(Instant now, OriginId oid, Effects& out);
    /// We begin to leave: no dialling any more.
    void stop_dialling(Effects& out);
    void set_ready(bool ready) { ready_ = ready; }

    /// Sends to a peer in session, round a one-way link if need be; dropped for any other.
    void send(OriginId to, ControlBody body, Effects& out) const;
    void send_data(OriginId to, std::variant<FramePtr, Tail> body, Effects& out) const;
    /// Directly and through the witnesses of either side: heartbeats, so that both learn which way is deaf, and when it no
    /// longer is.
    void send_every_way(OriginId to, ControlBody body, Effects& out) const;

    [[nodiscard]] std::vector<MembershipEvent> take_events();
    [[nodiscard]] const std::map<OriginId, Peer>& peers() const { return peers_; }
    [[nodiscard]] const Peer* find(OriginId oid) const;
    [[nodiscard]] JoinGate& gate() { return gate_; }
    [[nodiscard]] const JoinGate& gate() const { return gate_; }
    /// Our name was refused just now and nobody has taken us in since: do not serve.
    [[nodiscard]] bool barred() const { return barred_until_.has_value(); }
    [[nodiscard]] const MembershipCounters& counters() const { return counters_; }
    /// XOR over the ids of all in session, oneself included: equal views have equal digests.
    [[nodiscard]] std::uint64_t digest() const { return digest_; }
    /// All in session.
    [[nodiscard]] std::vector<MemberInfo> members() const;

private:
    struct Seed {
        std::string endpoint;
        std::optional<LinkId> link;
        bool up = false;
        std::optional<OriginId> oid;   ///< who answered last
        std::optional<Instant> knock_at;
        std::optional<Instant> give_up_at;
        std::optional<Instant> redial_at;
        Duration backoff{};
        bool is_self = false;
    };
    struct Refusal {
        LinkId link;
        Refuse message;
        OriginId to;
        Instant give_up_at;
    };

    [[nodiscard]] Instant first_deadline() const;
    [[nodiscard]] bool in_standing_session(Instant now, OriginId from, SessionTag tag, Effects& out);
    [[nodiscard]] bool in_relayed_session(Instant now, OriginId from, SessionTag tag);
    [[nodiscard]] const Peer* relay_of(const Peer& peer) const;
    [[nodiscard]] const Peer* usable_witness(OriginId oid) const;
    void relay(const Peer& witness, Relay what, Effects& out) const;
    /// What every standing session may carry and membership deals with; false for the rest.
    [[nodiscard]] bool handle(Instant now, const Control& message, Effects& out);

    // membership_handshake.cpp
    void on_knock(Instant now, OriginId from, const Knock& knock, Effects& out);
    void on_hello(Instant now, OriginId from, const Hello& hello, Effects& out);
    void on_welcome(Instant now, OriginId from, const Welcome& welcome, Effects& out);
    void on_refuse(Instant now, OriginId from, const Refuse& refuse, Effects& out);
    [[nodiscard]] std::optional<Refuse> objection(Instant now, OriginId from, const Introduction& who, Effects& out);
    [[nodiscard]] std::optional<Refuse> name_objection(Instant now, OriginId from, const Introduction& who, Effects& out);
    void refuse(Instant now, OriginId to, const std::string& endpoint, Refuse message, Effects& out);
    /// Finds or makes the peer, with a link to it; nullptr when it has left or there is no room.
    Peer* acquaint(Instant now, OriginId oid, const Introduction& who, Effects& out);
    /// Another node answers at this endpoint: whoever had it, and is not connected any more, is dead.
    void replace_at(Instant now, const std::string& endpoint, Effects& out);
    void introduce(Peer& peer, const Introduction& who);
    /// A fresh tag: whatever belongs to the last attempt is void.
    void new_attempt(Instant now, Peer& peer);
    void send_hello(Instant now, Peer& peer, Effects& out);
    void bind(Instant now, Peer& peer, SessionTag remote, const SessionTerms& terms);
    void confirm(Instant now, Peer& peer, Effects& out);
    void flag_name_conflicts(Peer& peer, Effects& out);
    [[nodiscard]] SessionTerms terms_for(const Peer& peer) const;
    [[nodiscard]] Introduction introduction() const;
    [[nodiscard]] Control envelope(const Peer& peer, SessionTag tag, ControlBody body) const;

    // membership_liveness.cpp
    void heard(Instant now, Peer& peer, Effects& out);
    /// The last moment at which it certainly lived, by whatever way we know.
    [[nodiscard]] static Instant latest_sign(const Peer& peer);
    void check_silence(Instant now, Peer& peer, Effects& out);
    [[nodiscard]] std::optional<Instant> silence_deadline(const Peer& peer) const;
    void ask_witnesses(Instant now, Peer& peer, Effects& out);
    void on_probe_ask(Instant now, OriginId from, const ProbeAsk& ask, Effects& out);
    void on_probe_answer(Instant now, OriginId from, const ProbeAnswer& answer);
    void declare_dead(Instant now, Peer& peer, const std::string& why, Effects& out);
    void end_session(Peer& peer, PeerState state);

    // membership_dial.cpp
    void learn(Instant now, const std::vector<MemberInfo>& members, Effects& out);
    /// False when the table is full of living members.
    [[nodiscard]] bool make_room(Effects& out);
    void open_link(Instant now, Peer& peer, Effects& out);
    void close_link(Peer& peer, Effects& out);
    void close_seed(Seed& seed, Effects& out);
    void knock(Instant now, Seed& seed, Effects& out);
    void knock(const Peer& peer, Effects& out) const;
    void dial_seed(Instant now, Seed& seed, Effects& out);
    void seed_failed(Instant now, Seed& seed, Effects& out);
    void seed_answered(const std::string& endpoint, OriginId oid, Effects& out);
    void tick_seed(Instant now, Seed& seed, Effects& out);
    void tick_peer(Instant now, Peer& peer, Effects& out);
    /// The handshake has not ended in time.
    void give_up(Instant now, Peer& peer, Effects& out);
    /// A dead member has spoken: begin anew.
    void revive(Instant now, Peer& peer, Effects& out);
    void redial_later(Instant now, Peer& peer);
    [[nodiscard]] Seed* seed_of(LinkId link);
    [[nodiscard]] Peer* peer_of(LinkId link);
    [[nodiscard]] Duration jittered(Duration d);
    [[nodiscard]] LinkId fresh_link() { return LinkId{++last_link_}; }

    const NodeOptions& options_;
    Prng& prng_;
    Records records_;
    std::map<OriginId, Peer> peers_;
    std::vector<Seed> seeds_;
    std::vector<Refusal> refusals_;
    std::vector<MembershipEvent> events_;
    JoinGate gate_;
    MembershipCounters counters_;
    std::optional<Instant> name_refused_since_;
    std::optional<Instant> barred_until_;
    std::uint32_t last_link_ = 0;
    std::uint64_t last_tag_ = 0;
    std::uint64_t digest_;  // kept up with each session, as every heartbeat bears it
    bool ready_ = false;
    bool dialling_ = true;
    // Whoever is in session and heard only puts deadlines off. All else is a change: every peer is looked at again.
    bool changed_ = true;
    Instant quiet_until_;  // without a change, nothing is due before
};

}  // namespace tulle::mesh
