#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mesh/core/session/peer_table.hpp"
#include "mesh/core/session/unmet.hpp"

namespace tulle::mesh {

/// An endpoint to knock at.
struct Seed {
    std::string endpoint;
    /// The configured name with this address; empty: the endpoint itself was configured.
    std::string name = {};
    /// When a look-up of the name last gave this address.
    Instant resolved_at = {};
    std::optional<ConnectionId> connection = {};
    bool up = false;
    /// The node that answered last.
    std::optional<OriginId> oid = {};
    /// When the knock is repeated, the attempt is given up, and the next attempt begins.
    std::optional<Instant> knock_at = {};
    std::optional<Instant> give_up_at = {};
    std::optional<Instant> redial_at = {};
    Duration backoff{};
    /// Nonce of our knocks there.
    std::uint64_t nonce = 0;
    /// Our own knock came back: the endpoint leads to this node.
    bool is_self = false;
    /// When the endpoint of this node itself is tried again.
    std::optional<Instant> self_again_at = {};
    /// How far this attempt has come.
    Unmet seen = Unmet::kWaiting;
    /// Why the last attempt has failed; nothing after an answer.
    std::optional<Unmet> failure = {};
    /// Since when no session stands with the node there, and the attempts that have failed since; nothing while one
    /// stands.
    std::optional<Instant> unmet_since = {};
    std::uint64_t attempts = 0;
    /// A session has stood with a node there.
    bool met = false;
    /// The node there has refused us since the last session.
    bool refused = false;
};

/// Where a node knocks to find the others: the configured endpoints, and every address of the configured names. Seeds
/// are dialled for ever. The head of seeds.cpp explains the algorithm.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Ownership: refers to the table of the same Membership, which outlives the Seeds.
/// Limits: `addresses_per_name` for each name, `named_seeds` for all names together. Past a limit the address of the
///         name that was given longest ago makes room; if all are fresh, further addresses are not used, and a warning
///         says so once.
/// Errors: none. Each failed attempt is repeated after a growing pause; views() tells the reason.
class Seeds {
public:
    /// Takes the endpoints and the names from the table's options.
    explicit Seeds(PeerTable& table);

    /// Dials all endpoints and looks up all names. Call once.
    void start(Instant now, Effects& out);
    /// Closes all connections to seeds.
    void stop(Effects& out);
    /// The transport reports on a connection. False: the connection is no seed's.
    [[nodiscard]] bool on_connection_up(Instant now, ConnectionId connection, Effects& out);
    [[nodiscard]] bool on_connection_down(ConnectionId connection);
    [[nodiscard]] bool on_endpoint_checked(Instant now, const EndpointChecked& checked, Effects& out);
    /// The seed with the connection; null: the connection is no seed's.
    [[nodiscard]] Seed* of(ConnectionId connection);
    /// The look-up of a name has ended: new addresses become seeds, and addresses not given for `resolved_for` are
    /// dropped. A failed look-up keeps all addresses.
    void on_name_resolved(Instant now, const NameResolved& resolved, Effects& out);
    /// Our own knock has come back: the seed leads to this node itself.
    void on_own_knock(Instant now, const Knock& knock, Effects& out);

    /// The seed that was sent the Knock answered by this Hello; null: none. The endpoint alone proves nothing, as a
    /// stranger can guess the endpoint; the nonce is known only to the receiver of the Knock.
    [[nodiscard]] Seed* asked(const Hello& hello);
    /// The seed that was sent the Knock answered by this refusal; null: none.
    [[nodiscard]] Seed* refused_seed(const Refuse& refuse);
    /// The node `oid` answers at the seed: ends the attempt.
    void seed_answered(Seed& seed, OriginId oid, Effects& out);
    /// A session with the peer stands.
    void on_session(const Peer& peer, Effects& out);
    /// The node there refuses us because another node holds our name.
    void on_name_refused(const Seed* seed, OriginId from);
    /// The node there refuses us for another reason; the pauses grow up to `redial_refused_max`.
    void on_refused(Instant now, Seed& seed, RefusalReason reason, Effects& out);

    /// Runs the timers of all seeds and names.
    void tick(Instant now, Effects& out);
    /// The earlier of `next` and the next moment with something to do.
    [[nodiscard]] Instant first_deadline(Instant next) const;

    /// The number of configured peers: endpoints other than our own, and names without any address.
    [[nodiscard]] std::size_t configured() const;
    /// The number of endpoints where a session has stood.
    [[nodiscard]] std::size_t met() const;
    /// What is known of each configured name without addresses, and then of each endpoint.
    [[nodiscard]] std::vector<SeedView> views() const;
    /// True when some endpoint but our own, or some name, is without a session.
    [[nodiscard]] bool is_missing_any() const;
    /// True when a node at a seed has taken us in and has not refused us since.
    [[nodiscard]] bool is_accepted() const;
    /// True when one of the endpoints is the peer's, or the peer answered there last.
    [[nodiscard]] bool is_configured(const Peer& peer) const;
    /// True when the endpoint, or a name equal to it, is configured.
    [[nodiscard]] bool expects(const std::string& endpoint) const;

private:
    /// A configured name; each of its addresses is a seed.
    struct SeedName {
        std::string name;
        /// When the name is looked up again; nothing while an answer is owed.
        std::optional<Instant> ask_at = {};
        /// Why the last look-up failed, since when all look-ups have failed, and how many have.
        std::string failure = {};
        Instant unmet_since = {};
        std::uint64_t attempts = 0;
        /// The warning about too many addresses was logged.
        bool overflowed = false;
    };

    /// Adds a seed with a nonce of its own. References to other seeds may dangle afterwards.
    Seed& add_seed(std::string endpoint, std::string name);
    /// Dials a new seed; our own endpoint is not dialled.
    void start_seed(Instant now, Seed& seed, Effects& out);
    /// Closes the connection and drops all timers of the attempt.
    void close_seed(Seed& seed, Effects& out);
    /// Sends a Knock.
    /// REQUIRES: the seed has a connection.
    void knock(Instant now, Seed& seed, Effects& out);
    /// Begins an attempt.
    void dial_seed(Instant now, Seed& seed, Effects& out);
    /// Ends an attempt without an answer and schedules the next.
    void seed_failed(Instant now, Seed& seed, Unmet why, Effects& out);
    /// Our own knock came back from there.
    void seed_is_self(Instant now, Seed& seed, Effects& out);
    /// Runs the timers of one seed, and begins an attempt when the seed's node is not in session.
    void tick_seed(Instant now, Seed& seed, Effects& out);
    /// Tries this node's own endpoint again, while no session stands.
    void tick_self_seed(Instant now, Seed& seed, Effects& out);
    /// Looks a name up again when due.
    void tick_name(Instant now, SeedName& name, Effects& out);
    /// Makes an address of the name a seed. False: there is no room for another address.
    [[nodiscard]] bool take_address(Instant now, const std::string& name, const std::string& endpoint, Effects& out);
    /// Drops the addresses that look-ups have not given for `resolved_for`.
    void drop_old_addresses(Instant now, const std::string& name, Effects& out);
    /// True when an address of the name is a seed.
    [[nodiscard]] bool has_address(const SeedName& name) const;
    /// Notes the beginning and the end of a session with the seed's node.
    void note_session(Instant now, Seed& seed) const;
    [[nodiscard]] SeedView view(const Seed& seed) const;

    PeerTable& table_;
    std::vector<Seed> seeds_;
    std::vector<SeedName> names_;
};

}  // namespace tulle::mesh
