#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mesh/core/session/peer_table.hpp"

namespace tulle::mesh {

/// Sends our refusals, keeps the latest refusals of either side for people, and remembers whether this node was
/// refused.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Ownership: refers to the table of the same Membership, which outlives the Refusals.
/// Limits: `refusals` of ours on their way at once, `refusals_foreign` of these to other clusters; further ones are not
///         sent. `refusals_kept` are remembered; beyond this the oldest goes.
/// Errors: none. A refusal that can't be delivered within `handshake` is given up.
class Refusals {
public:
    /// A refusal, by us or by another node.
    struct Refused {
        bool by_us = false;
        /// Name of the other node; its id if the name is not known.
        std::string name;
        /// Endpoint of the other node, by its own word at the refusal.
        std::string endpoint;
        RefusalReason reason = RefusalReason::kCluster;
        std::string text;
        /// How often the other node was refused for the same reason, and when last.
        std::uint64_t count = 0;
        Instant last = {};
        /// When the refusal was last logged.
        Instant noticed = {};
    };

    explicit Refusals(PeerTable& table) : table_(table) {}

    /// Opens a connection to the endpoint of `who` and sends the refusal there. The endpoint is the stranger's own word
    /// and may be false, so only one refusal at a time goes to an endpoint. `echo` names the refused message. No effect
    /// past a limit.
    void refuse(Instant now, OriginId to, const Introduction& who, std::uint64_t echo, Refuse message, Effects& out);
    /// The connection stands: sends the refusal. False: the connection belongs to no refusal.
    [[nodiscard]] bool on_connection_up(Instant now, ConnectionId connection, Effects& out);
    /// Keeps the refusal for `status`. The first refusal of a kind is logged at once, repetitions at most once per
    /// `refusal_notice`.
    void note(Instant now, Refused what, Effects& out);
    /// We were refused because another node holds our name. Bars this node for `name_memory`; after `name_patience` of
    /// such refusals the node gives up (Fatal).
    void on_refused_name(Instant now, const std::string& who, const Refuse& refuse, Effects& out);
    /// We were refused by a configured peer for another reason. Remembered for `refusal_memory`.
    void on_refused(Instant now) { refused_until_ = now + table_.timing().refusal_memory; }
    /// A node takes us in: all refusals of us are forgotten.
    void on_session();

    /// Forgets a refusal of this node when its time is over.
    void expire(Instant now);
    /// Closes the connections of our refusals that have had their time.
    void tick(Instant now, Effects& out);
    /// The earlier of `next` and the next moment with something to do.
    [[nodiscard]] Instant first_deadline(Instant next) const;

    /// True when our name was refused lately and no node has taken us in since: the node must not serve.
    [[nodiscard]] bool is_barred() const { return barred_until_.has_value(); }
    /// True when a configured peer has refused us lately and no node has taken us in since.
    [[nodiscard]] bool is_refused() const { return refused_until_.has_value(); }
    /// The latest refusals, each once, the oldest first.
    [[nodiscard]] const std::vector<Refused>& latest() const { return refused_; }

private:
    /// A refusal of ours on its way.
    struct Refusal {
        ConnectionId connection;
        Refuse message;
        OriginId to;
        Instant give_up_at;
        std::string endpoint;
    };

    PeerTable& table_;
    /// Ours on their way.
    std::vector<Refusal> refusals_;
    /// The latest of either side, the oldest first.
    std::vector<Refused> refused_;
    /// When the current row of refusals of our name began.
    std::optional<Instant> name_refused_since_;
    std::optional<Instant> barred_until_;
    std::optional<Instant> refused_until_;
};

}  // namespace tulle::mesh
