#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/core/session/peer_table.hpp"

namespace tulle::mesh {

/// An endpoint to knock at.
struct Seed {
    std::string endpoint;
    std::string name = {};     ///< whose address this is; empty: it was configured itself
    Instant resolved_at = {};  ///< when a look-up of the name gave it last
    std::optional<ConnectionId> connection = {};
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

/// Where a node knocks to find the others: the configured endpoints, and every address of the configured names.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
/// Limits: `addresses_per_name` of one name, `named_seeds` of all names; beyond them the address that was given longest
///         ago goes.
class Seeds {
public:
    explicit Seeds(PeerTable& table);

    void start(Instant now, Effects& out);
    void stop(Effects& out);
    /// Words of the transport about a connection. False: the connection is no seed's.
    [[nodiscard]] bool on_connection_up(Instant now, ConnectionId connection, Effects& out);
    [[nodiscard]] bool on_connection_down(ConnectionId connection);
    [[nodiscard]] bool on_endpoint_checked(Instant now, const EndpointChecked& checked, Effects& out);
    void on_name_resolved(Instant now, const NameResolved& resolved, Effects& out);
    /// Our own knock has come back to us.
    void on_own_knock(Instant now, const Knock& knock, Effects& out);

    /// The seed that was sent the knock which a Hello answers; null: none was. The endpoint alone proves nothing, as a
    /// stranger can guess it: only who was sent the Knock knows its nonce.
    [[nodiscard]] Seed* asked(const Hello& hello);
    /// The seed whose knock a refusal answers; null: none.
    [[nodiscard]] Seed* refused_seed(const Refuse& refuse);
    void seed_answered(Seed& seed, OriginId oid, Effects& out);
    /// A session with the peer stands.
    void on_session(const Peer& peer, Effects& out);
    /// The node there refuses us: for the name that another one holds, or for good.
    void on_name_refused(const Seed* seed, OriginId from);
    void on_refused(Instant now, Seed& seed, RefusalReason reason, Effects& out);

    void tick(Instant now, Effects& out);
    [[nodiscard]] Instant first_deadline(Instant next) const;
    /// Says in the log why there is no session although peers are configured.
    void note_lonely(Instant now, bool alone, Effects& out);

    /// Endpoints that are not our own, and names without any address; those of them where a session has stood.
    [[nodiscard]] std::size_t configured() const;
    [[nodiscard]] std::size_t met() const;
    /// A node has taken us in there, and has not refused us since.
    [[nodiscard]] bool is_accepted() const;
    /// One of the endpoints is, or was last, this peer's.
    [[nodiscard]] bool is_configured(const Peer& peer) const;
    /// The endpoint, or its name, is configured.
    [[nodiscard]] bool expects(const std::string& endpoint) const;

private:
    /// A name whose addresses are seeds.
    struct SeedName {
        std::string name;
        std::optional<Instant> ask_at = {};  ///< nothing while an answer is owed
        std::string failure = {};            ///< of the last look-up
        bool overflowed = false;             ///< it had more addresses than are used, which was said
    };

    Seed& add_seed(std::string endpoint, std::string name);
    void start_seed(Instant now, Seed& seed, Effects& out);
    void close_seed(Seed& seed, Effects& out);
    void knock(Instant now, Seed& seed, Effects& out);
    void dial_seed(Instant now, Seed& seed, Effects& out);
    void seed_failed(Instant now, Seed& seed, std::string why, Effects& out);
    /// We have heard our own knock there.
    void seed_is_self(Instant now, Seed& seed, Effects& out);
    void tick_seed(Instant now, Seed& seed, Effects& out);
    void tick_self_seed(Instant now, Seed& seed, Effects& out);
    void tick_name(Instant now, SeedName& name, Effects& out);
    /// A seed for an address of the name; false: there is no room for one more.
    [[nodiscard]] bool take_address(Instant now, const std::string& name, const std::string& endpoint, Effects& out);
    void drop_old_addresses(Instant now, const std::string& name, Effects& out);
    [[nodiscard]] Seed* seed_of(ConnectionId connection);
    [[nodiscard]] std::string why_lonely() const;

    PeerTable& table_;
    std::vector<Seed> seeds_;
    std::vector<SeedName> names_;
    std::optional<Instant> lonely_at_;  // when that there is no session is said in the log
};

}  // namespace tulle::mesh
