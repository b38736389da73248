#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mesh/core/session/liveness.hpp"
#include "mesh/core/session/refusals.hpp"

namespace tulle::mesh {

/// How two nodes come to a session: Knock, Hello, Welcome, or a refusal; and who is met because others name it.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
class Handshake {
public:
    /// Questions to the owner of the records.
    struct Records {
        std::function<RecordNo()> last;               ///< our last record
        std::function<SessionTerms(OriginId)> terms;  ///< what we have of that origin, about to be told to it
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

    void on_knock(Instant now, OriginId from, const Knock& knock, Effects& out);
    void on_hello(Instant now, OriginId from, const Hello& hello, Effects& out);
    void on_welcome(Instant now, OriginId from, const Welcome& welcome, Effects& out);
    /// A refusal counts only when it answers what we have sent there: else anybody could bar a node.
    void on_refuse(Instant now, OriginId from, const Refuse& refuse, Effects& out);
    void on_connection_up(Instant now, Peer& peer, Effects& out);
    /// `by` names these.
    void learn(Instant now, OriginId by, const std::vector<MemberInfo>& members, Effects& out);
    /// A peer that speaks after its goodbye has not left: the peer counts as dead, so that it is met again.
    void doubt_goodbye(Instant now, Peer& peer, bool ready);
    /// A dead member has spoken: begin anew.
    void revive(Instant now, Peer& peer, Effects& out);
    /// The peer speaks in the session that was bound: it stands.
    void confirm(Instant now, Peer& peer, Effects& out);
    /// REQUIRES: no session stands.
    void tick(Instant now, Peer& peer, Effects& out);

private:
    /// The peer named to us whose Hello this answers.
    [[nodiscard]] bool is_refused_by(OriginId from, const Refuse& refuse) const;
    /// Another process than a peer in session answers at that peer's place, and says no; the peer is dead then.
    [[nodiscard]] bool is_refused_at_place(Instant now, OriginId from, const Refuse& refuse, Effects& out);
    [[nodiscard]] std::optional<Refuse> objection(Instant now, OriginId from, const Introduction& who, Effects& out);
    [[nodiscard]] std::optional<Refuse> name_objection(Instant now, OriginId from, const Introduction& who,
                                                       Effects& out);
    /// Finds or makes the peer, with a connection to it; nullptr when it has left or is shunned, when too many are
    /// being dialled, or when there is no room. `echo`: what a refusal would answer.
    Peer* acquaint(Instant now, OriginId oid, const Introduction& who, std::uint64_t echo, Effects& out);
    static void introduce(Peer& peer, const Introduction& who);
    void add_named(Instant now, OriginId by, const MemberInfo& info, Effects& out);
    /// A fresh tag: whatever belongs to the last attempt is void.
    void new_attempt(Instant now, Peer& peer);
    void send_hello(Instant now, Peer& peer, Effects& out);
    void bind(Instant now, Peer& peer, const Introduction& who, SessionTag remote, const SessionTerms& terms);
    void flag_name_conflicts(Peer& peer, Effects& out);
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
