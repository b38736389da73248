#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mesh/core/session/liveness.hpp"
#include "mesh/core/session/refusals.hpp"

namespace tulle::mesh {

/// How two nodes come to a session: Knock, Hello, Welcome, or a refusal. Also decides which nodes are met because a
/// peer names them. The head of handshake.cpp explains the algorithm.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Ownership: refers to the parts of the same Membership; all of them outlive the Handshake.
/// Limits: as of Dialler (connections, names) and Refusals (answers).
/// Errors: none. A message without a matching attempt is dropped and counted as stale; a newcomer beyond a limit is put
///         off and counted.
class Handshake {
public:
    /// Questions to the owner of the records.
    struct Records {
        /// Returns the number of our last record.
        std::function<RecordNo()> last;
        /// Returns how much of the given origin's log has been delivered here, to be told to that origin.
        std::function<SessionTerms(OriginId)> terms;
    };

    Handshake(PeerTable& table, Records records, Seeds& seeds, Refusals& refusals, Dialler& dialler, OwnControl& own,
              Liveness& liveness)
        : table_(table),
          records_(std::move(records)),
          seeds_(seeds),
          refusals_(refusals),
          dialler_(dialler),
          own_(own),
          liveness_(liveness) {}

    /// A node asks who is here. The answer is a Hello, a Refuse, or silence when too many strangers are being dialled.
    /// `from` is the sender by its own word; nothing is proved yet.
    void on_knock(Instant now, OriginId from, const Knock& knock, Effects& out);
    /// A node offers a session. The answer is a Welcome or a Refuse. A Hello with an older tag than the newest of the
    /// same sender is stale and dropped.
    void on_hello(Instant now, OriginId from, const Hello& hello, Effects& out);
    /// A node accepts our Hello: the session stands from here on. A Welcome without our attempt, or with another echo,
    /// is stale and dropped.
    void on_welcome(Instant now, OriginId from, const Welcome& welcome, Effects& out);
    /// A node refuses us. The refusal counts only when `refuse.echo` answers something we have sent there: otherwise
    /// anybody could bar a node.
    void on_refuse(Instant now, OriginId from, const Refuse& refuse, Effects& out);
    /// The peer's connection stands: sends the Hello or the Welcome that waits for the connection.
    void on_connection_up(Instant now, Peer& peer, Effects& out);
    /// The peer `by` names `members`. Unknown nodes are dialled within the limits of Dialler; known dead ones are
    /// dialled earlier.
    void learn(Instant now, OriginId by, const std::vector<MemberInfo>& members, Effects& out);
    /// A peer that speaks long enough after its goodbye has not left. The peer then counts as dead, so a new handshake
    /// may begin. `ready`: the peer says that it serves clients, which a leaver does not say any more.
    void doubt_goodbye(Instant now, Peer& peer, bool ready);
    /// A dead peer has spoken: begins a new handshake with the peer.
    /// REQUIRES: the peer's state is dead.
    void revive(Instant now, Peer& peer, Effects& out);
    /// The peer has spoken with the tags of the bound attempt: the session stands. Tells the node (SessionUp).
    /// REQUIRES: the attempt is bound and no session stands.
    void confirm(Instant now, Peer& peer, Effects& out);
    /// Repeats a Hello, ends a handshake that takes too long, dials again. `peer` may dangle afterwards.
    /// REQUIRES: no session stands.
    void tick(Instant now, Peer& peer, Effects& out);

private:
    /// True when `refuse` answers the Hello that we have sent to `from`, a node that a peer named.
    [[nodiscard]] bool is_refused_by(OriginId from, const Refuse& refuse) const;
    /// True when the refusal answers the Knock sent to the place of another peer, in session: so another process
    /// answers there. The peer is declared dead if its connection has broken.
    [[nodiscard]] bool is_refused_at_place(Instant now, OriginId from, const Refuse& refuse, Effects& out);
    /// The reason to refuse `who`: another cluster, no common protocol version, or a name that is held. Nothing when
    /// `who` may come in.
    [[nodiscard]] std::optional<Refuse> objection(Instant now, OriginId from, const Introduction& who, Effects& out);
    /// The objection to the name alone. May declare a former holder dead when `who` answers at the same endpoint.
    [[nodiscard]] std::optional<Refuse> name_objection(Instant now, OriginId from, const Introduction& who,
                                                       Effects& out);
    /// Finds or makes the peer, with a connection to it. nullptr when the peer has left or is shunned, when too many
    /// are being dialled, or when the table is full; a full table is answered with a Refuse that bears `echo`.
    Peer* acquaint(Instant now, OriginId oid, const Introduction& who, std::uint64_t echo, Effects& out);
    /// Copies what the peer says of itself. The control endpoint stays as dialled.
    static void introduce(Peer& peer, const Introduction& who);
    /// Adds a peer that is known by name only, and dials it when a place is free.
    void add_named(Instant now, OriginId by, const MemberInfo& info, Effects& out);
    /// Draws a fresh tag: all messages of the last attempt are void.
    void new_attempt(Instant now, Peer& peer);
    /// REQUIRES: the peer has a connection.
    void send_hello(Instant now, Peer& peer, Effects& out);
    /// Joins our tag and the peer's tag to an attempt, in the newest protocol version of both nodes. The session stands
    /// when the peer uses the tags.
    /// REQUIRES: the attempt is not bound and no session stands.
    void bind(Instant now, Peer& peer, const Introduction& who, SessionTag remote, const SessionTerms& terms);
    /// Marks established nodes that bear the same name, and logs an error. Both nodes stay.
    void flag_name_conflicts(Peer& peer, Effects& out);
    /// Our terms for a session with the peer: delivered records, our starting record, our members (at most
    /// `members_per_message`).
    [[nodiscard]] SessionTerms terms_for(const Peer& peer) const;

    PeerTable& table_;
    Records records_;
    Seeds& seeds_;
    Refusals& refusals_;
    Dialler& dialler_;
    OwnControl& own_;
    Liveness& liveness_;
};

}  // namespace tulle::mesh
