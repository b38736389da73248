#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mesh/core/session/peer_table.hpp"

namespace tulle::mesh {

/// Who refuses whom: refusals of ours on their way, and the latest ones of either side, for people.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
/// Limits: `refusals` of ours on their way at once, `refusals_foreign` of these to other clusters; further ones are not
///         sent. `refusals_kept` are remembered; beyond them the oldest goes.
class Refusals {
public:
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

    explicit Refusals(PeerTable& table) : table_(table) {}

    /// To one endpoint at a time: it says itself where it is, and that need not be true. `echo`: what is refused.
    void refuse(Instant now, OriginId to, const Introduction& who, std::uint64_t echo, Refuse message, Effects& out);
    /// False: the connection is not of a refusal.
    [[nodiscard]] bool on_connection_up(Instant now, ConnectionId connection, Effects& out);
    /// Keeps it for status; logs it the first time, and rarely then.
    void note(Instant now, Refused what, Effects& out);
    /// We were refused: because another holds our name, or for another reason by a configured peer.
    void on_refused_name(Instant now, const std::string& who, const Refuse& refuse, Effects& out);
    void on_refused(Instant now) { refused_until_ = now + table_.timing().refusal_memory; }
    /// Somebody takes us in.
    void on_session();

    /// Forgets that this node was refused, when that is long ago.
    void expire(Instant now);
    /// Closes the connections of our refusals that have had their time.
    void tick(Instant now, Effects& out);
    [[nodiscard]] Instant first_deadline(Instant next) const;

    /// Our name was refused just now and nobody has taken us in since: do not serve.
    [[nodiscard]] bool is_barred() const { return barred_until_.has_value(); }
    /// A configured peer has refused us lately, and nobody has taken us in since.
    [[nodiscard]] bool is_refused() const { return refused_until_.has_value(); }
    /// The latest ones, each once, the oldest first.
    [[nodiscard]] const std::vector<Refused>& latest() const { return refused_; }

private:
    struct Refusal {
        ConnectionId connection;
        Refuse message;
        OriginId to;
        Instant give_up_at;
        std::string endpoint;
    };

    PeerTable& table_;
    std::vector<Refusal> refusals_;
    std::vector<Refused> refused_;
    std::optional<Instant> name_refused_since_;
    std::optional<Instant> barred_until_;
    std::optional<Instant> refused_until_;
};

}  // namespace tulle::mesh
