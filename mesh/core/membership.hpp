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
    std::uint64_t reconnects = 0;  ///< links that broke and came back in the same session
    std::uint64_t sessions = 0;
    std::uint64_t refused = 0;          ///< newcomers turned away
    mutable std::uint64_t relayed = 0;  ///< messages passed on for others
    std::uint64_t stale = 0;            ///< messages for another incarnation or an ended session
    std::uint64_t put_off = 0;          ///< newcomers that were not dialled, as too many were just then
    std::uint64_t names_ignored = 0;    ///< nodes that a peer named beyond its share
    std::uint64_t control_redials = 0;  ///< of peers that data was heard of, but no control
    std::uint64_t control_deaths = 0;   ///< verdicts on peers whose control did not work although data spoke
    std::uint64_t stuck_deaths = 0;     ///< verdicts on peers that took in none of our interest
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
        std::function<RecordNo()> last;               ///< our last record
        std::function<SessionTerms(OriginId)> terms;  ///< what we have of that origin, about to be told to it
    };

    Membership(const NodeOptions& options, Prng& prng, Records records);

    void start(Instant now, Effects& out);
    void on_link_up(Instant now, LinkId link, Effects& out);
    void on_link_down(Instant now, LinkId link, Effects& out);
    void on_endpoint_checked(Instant now, const EndpointChecked& checked, Effects& out);
    /// The end of a subscription says nothing of its peer: a newer one may stand already.
    void on_subscriber_gone();
    void on_name_resolved(Instant now, const NameResolved& resolved, Effects& out);

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
    /// The peer has answered what we sent it on control at `sent`: it hears us there. A moment that can't be is
    /// ignored.
    void on_echo(Instant now, OriginId oid, Instant sent);
    /// The peer was there, and its control messages had not come for as long as makes a peer suspect when its session
    /// ended: what it said there in the meantime is lost. (After less, duties would be told again whenever a node that
    /// was merely slow dies.)
    [[nodiscard]] bool was_deaf(Instant now, OriginId oid) const;
    /// The peer takes in none of our interest although all else of it is in order: its session ends, and the pause
    /// before the next one grows each time, as new subscriptions wait for it.
    void give_up_stuck(Instant now, OriginId oid, const std::string& why, Effects& out);
    /// A session with the peer has ended in that way, and none has stood for long since.
    [[nodiscard]] bool was_stuck(OriginId oid) const;
    /// Every peer has fallen silent on control while data spoke, and we do not hear ourselves there either: this node's
    /// own control path does not work.
    [[nodiscard]] bool is_deaf() const { return deaf_; }
    /// We begin to leave: no dialling any more.
    void stop_dialling(Effects& out);
    void set_ready(bool ready) { ready_ = ready; }

    /// Sends to a peer in session, round a one-way link if need be; dropped for any other.
    void send(OriginId to, ControlBody body, Effects& out) const;
    void send_data(OriginId to, std::variant<FramePtr, Tail> body, Effects& out) const;
    /// Directly and through the witnesses of either side: heartbeats, so that both learn which way is deaf, and when it
    /// no longer is.
    void send_every_way(OriginId to, ControlBody body, Effects& out) const;

    [[nodiscard]] std::vector<MembershipEvent> take_events();
    [[nodiscard]] const std::map<OriginId, Peer>& peers() const { return peers_; }
    [[nodiscard]] const Peer* find(OriginId oid) const;
    [[nodiscard]] JoinGate& gate() { return gate_; }
    [[nodiscard]] const JoinGate& gate() const { return gate_; }
    /// Our name was refused just now and nobody has taken us in since: do not serve.
    [[nodiscard]] bool barred() const { return barred_until_.has_value(); }
    /// All configured peers that have answered have refused us, also those that had taken us in before, and there is no
    /// session: do not serve.
    [[nodiscard]] bool is_refused() const;
    /// A refusal, by us or by another.
    struct Refused {
        bool by_us = false;
        std::string name;      ///< of the other; its id where that is not known
        std::string endpoint;  ///< of the other, as it says itself when it was refused
        RefusalReason reason = RefusalReason::kCluster;
        std::string text;
        std::uint64_t count = 0;
        Instant last = {};
        Instant noticed = {};  ///< when it was logged last
    };
    /// The latest ones, each once, the oldest first.
    [[nodiscard]] const std::vector<Refused>& refusals() const { return refused_; }
    /// Endpoints to knock at that are not our own, and names without any address; those of them where a session has
    /// stood.
    [[nodiscard]] std::size_t configured() const;
    [[nodiscard]] std::size_t met() const;
    /// One of the endpoints to knock at is, or was last, this peer's.
    [[nodiscard]] bool is_configured(const Peer& peer) const;
    [[nodiscard]] const MembershipCounters& counters() const { return counters_; }
    /// XOR over the ids of all in session, oneself included: equal views have equal digests.
    [[nodiscard]] std::uint64_t digest() const { return digest_; }
    /// All in session.
    [[nodiscard]] std::vector<MemberInfo> members() const;
    /// The newest protocol version that this node and all in session speak: what is newer is not used yet.
    [[nodiscard]] std::uint32_t common_protocol() const;

private:
    struct Seed {
        std::string endpoint;
        std::string name = {};     ///< whose address this is; empty: it was configured itself
        Instant resolved_at = {};  ///< when a look-up of the name gave it last
        std::optional<LinkId> link = {};
        bool up = false;
        std::optional<OriginId> oid = {};  ///< who answered last
        std::optional<Instant> knock_at = {};
        std::optional<Instant> give_up_at = {};
        std::optional<Instant> redial_at = {};
        Duration backoff{};
        std::uint64_t nonce = 0;                    ///< of our knocks there
        bool is_self = false;                       ///< we answered there ourselves
        std::optional<Instant> self_again_at = {};  ///< when that is to be tried again
        std::string_view seen = {};                 ///< what this attempt has come to so far, in a word of the log
        std::string failure = {};                   ///< why the last attempt has failed
        bool met = false;                           ///< a session has stood with a node there
        bool refused = false;                       ///< and it has refused us since
    };
    /// A name whose addresses are seeds.
    struct SeedName {
        std::string name;
        std::optional<Instant> ask_at = {};  ///< nothing while an answer is owed
        std::string failure = {};            ///< of the last look-up
        bool overflowed = false;             ///< it had more addresses than are used, which was said
    };
    struct Refusal {
        LinkId link;
        Refuse message;
        OriginId to;
        Instant give_up_at;
        std::string endpoint;
    };

    [[nodiscard]] Instant first_deadline() const;
    enum class Way : std::uint8_t { kControl, kData };
    [[nodiscard]] bool in_standing_session(Instant now, OriginId from, SessionTag tag, Way way, bool serves,
                                           Effects& out);
    [[nodiscard]] bool in_relayed_session(Instant now, OriginId from, SessionTag tag, Way way);
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
    void on_refused_name(Instant now, const std::string& who, const Refuse& refuse, Effects& out);
    /// The seed whose knock, or the peer named to us whose Hello, this answers; nullptr and false for all else.
    [[nodiscard]] Seed* refused_seed(const Refuse& refuse);
    [[nodiscard]] bool is_refused_by(OriginId from, const Refuse& refuse) const;
    /// Keeps it for status; logs it the first time, and rarely then.
    void note_refusal(Instant now, Refused what, Effects& out);
    [[nodiscard]] std::optional<Refuse> objection(Instant now, OriginId from, const Introduction& who, Effects& out);
    [[nodiscard]] std::optional<Refuse> name_objection(Instant now, OriginId from, const Introduction& who,
                                                       Effects& out);
    void refuse(Instant now, OriginId to, const Introduction& who, std::uint64_t echo, Refuse message, Effects& out);
    /// Finds or makes the peer, with a link to it; nullptr when it has left or is shunned, when too many are being
    /// dialled, or when there is no room. `echo`: what a refusal would answer.
    Peer* acquaint(Instant now, OriginId oid, const Introduction& who, std::uint64_t echo, Effects& out);
    /// Another node answers at this endpoint: whoever had it, and is not connected any more, is dead.
    void replace_at(Instant now, const std::string& endpoint, Effects& out);
    void introduce(Peer& peer, const Introduction& who);
    /// A fresh tag: whatever belongs to the last attempt is void.
    void new_attempt(Instant now, Peer& peer);
    void send_hello(Instant now, Peer& peer, Effects& out);
    void bind(Instant now, Peer& peer, const Introduction& who, SessionTag remote, const SessionTerms& terms);
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

    // membership_control.cpp
    /// Data alone does not keep a peer alive. True when it has died of that.
    bool check_control(Instant now, Peer& peer, Effects& out);
    void heard_on_control(Instant now, Peer& peer, Effects& out);
    /// Control counts as heard now: nobody could have spoken before.
    static void restart_control(Instant now, Peer& peer);
    /// When check_control() has something to do next.
    [[nodiscard]] Instant control_deadline(const Peer& peer) const;
    void redial_control(Instant now, Peer& peer, Effects& out);
    /// The next session with the peer waits for `pause`.
    void shun(Instant now, Peer& peer, Duration pause);
    [[nodiscard]] static bool is_shunned(Instant now, const Peer& peer) {
        return peer.shunned_until && now < *peer.shunned_until;
    }
    void listen_to_self(Instant now, Effects& out);
    void tick_self(Instant now, Effects& out);
    void heard_self(Effects& out);
    void rest_alone(Instant now, bool alone, Effects& out);
    [[nodiscard]] bool on_self_link(Instant now, LinkId link, bool up, Effects& out);

    void on_probe_ask(Instant now, OriginId from, const ProbeAsk& ask, Effects& out);
    void on_probe_answer(Instant now, OriginId from, const ProbeAnswer& answer);
    void declare_dead(Instant now, Peer& peer, const std::string& why, Effects& out);
    void end_session(Peer& peer, PeerState state);

    // membership_dial.cpp
    void learn(Instant now, OriginId by, const std::vector<MemberInfo>& members, Effects& out);
    /// Takes one from what `by` may name in vain. False when nothing is left.
    [[nodiscard]] bool may_name(Instant now, OriginId by);
    void add_named(Instant now, OriginId by, const MemberInfo& info, Effects& out);
    /// Whether a link may be opened to a node there that never had a session here; `spoke`: that has spoken to us.
    [[nodiscard]] bool may_dial(const std::string& endpoint, bool spoke);
    /// A member may come there: the endpoint is configured, or is that of a node that was a member.
    [[nodiscard]] bool is_expected_at(const std::string& endpoint) const;
    /// What speaks after its goodbye has not left: it counts as dead, so that it is met again.
    void doubt_goodbye(Instant now, Peer& peer, bool ready);
    /// False when the table is full of living members.
    [[nodiscard]] bool make_room(Effects& out);
    void open_link(Instant now, Peer& peer, Effects& out);
    void close_link(Peer& peer, Effects& out);
    void knock(const Peer& peer, Effects& out) const;
    void tick_peer(Instant now, Peer& peer, Effects& out);
    /// The handshake has not ended in time.
    void give_up(Instant now, Peer& peer, Effects& out);
    /// A dead member has spoken: begin anew.
    void revive(Instant now, Peer& peer, Effects& out);
    void redial_later(Instant now, Peer& peer);
    [[nodiscard]] Peer* peer_of(LinkId link);
    [[nodiscard]] Duration jittered(Duration d);
    [[nodiscard]] std::uint64_t secret() { return options_.secret ? options_.secret() : prng_.next(); }
    [[nodiscard]] LinkId fresh_link() { return LinkId{++last_link_}; }

    // membership_seeds.cpp
    Seed& add_seed(std::string endpoint, std::string name);
    void start_seed(Instant now, Seed& seed, Effects& out);
    void close_seed(Seed& seed, Effects& out);
    void knock(Instant now, Seed& seed, Effects& out);
    void dial_seed(Instant now, Seed& seed, Effects& out);
    void seed_failed(Instant now, Seed& seed, std::string why, Effects& out);
    void seed_answered(Seed& seed, OriginId oid, Effects& out);
    /// We have heard our own knock there.
    void seed_is_self(Instant now, Seed& seed, Effects& out);
    void tick_seed(Instant now, Seed& seed, Effects& out);
    void tick_self_seed(Instant now, Seed& seed, Effects& out);
    void tick_name(Instant now, SeedName& name, Effects& out);
    /// A seed for an address of the name; false: there is no room for one more.
    [[nodiscard]] bool take_address(Instant now, const std::string& name, const std::string& endpoint, Effects& out);
    void drop_old_addresses(Instant now, const std::string& name, Effects& out);
    [[nodiscard]] Seed* seed_of(LinkId link);
    [[nodiscard]] bool has_session() const;
    /// Says in the log why there is no session although peers are configured.
    void note_lonely(Instant now, bool alone, Effects& out);
    [[nodiscard]] std::string why_lonely() const;

    const NodeOptions& options_;
    Prng& prng_;
    Records records_;
    std::map<OriginId, Peer> peers_;
    std::vector<Seed> seeds_;
    std::vector<SeedName> names_;
    std::optional<Instant> lonely_at_;  ///< when that there is no session is said in the log
    std::vector<Refusal> refusals_;
    std::vector<MembershipEvent> events_;
    JoinGate gate_;
    MembershipCounters counters_;
    std::optional<Instant> name_refused_since_;
    std::optional<Instant> barred_until_;
    std::optional<Instant> refused_until_;
    std::vector<Refused> refused_;
    std::uint32_t last_link_ = 0;
    std::uint32_t attempts_ = 0;
    std::uint64_t digest_;  // kept up with each session, as every heartbeat bears it
    /// A link of ours to our own control endpoint, while every peer is silent on control.
    struct SelfLink {
        LinkId link;
        std::uint64_t nonce = 0;  // of our knocks there
        bool up = false;
        Instant knock_at;
        Instant redial_at;
        Instant since;
    };
    std::optional<SelfLink> self_;
    Instant self_again_at_;  // no second one before
    bool deaf_ = false;
    std::optional<Instant> alone_since_;  // while deaf: without a session since then
    bool named_full_ = false;             // in this turn nobody else who is only named is dialled
    bool ready_ = false;
    bool dialling_ = true;
    // Whoever is in session and heard only puts deadlines off. All else is a change: every peer is looked at again.
    bool changed_ = true;
    Instant quiet_until_;  // without a change, nothing is due before
};

}  // namespace tulle::mesh
