#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "mesh/core/history/history_cover.hpp"
#include "mesh/core/history/history_page.hpp"
#include "mesh/core/history/history_progress.hpp"
#include "mesh/core/history/history_table.hpp"
#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/records/hybrid_clock.hpp"
#include "mesh/core/retained/retained.hpp"

namespace tulle::mesh {

/// The histories of channels: stamps messages that are accepted here, names the nodes that hold them, holds what this
/// node gets, and answers questions. A message is held by the keepers of its channel, by the node that has accepted the
/// message, and by each node with a subscriber of the channel, as the message comes there anyway.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Limits: the limits of HistoryTable.
class History {
public:
    History(MeshContext& context, HybridClock& clock, const Retained& retained)
        : context_(context),
          clock_(clock),
          retained_(retained),
          table_(context.limits()),
          cover_(context.options().oid) {}

    /// The node starts: nothing that was accepted before is known here.
    void start(Instant now) { cover_.agree(now, clock_.stamp(now)); }
    /// Prepares a record of this node before the record is numbered: gives the record a stamp, unless it has one, and
    /// names the keepers of its channels with history.
    void stamp(Instant now, Record& record);
    /// Takes a record in, of this node or of another. Taking a record in again has no effect.
    void on_record(Instant now, OriginId origin, const Record& record);
    /// Records that were due to this node are lost.
    void on_gone(Instant now, const Gone& gone);
    /// A session stands. `has_served`: the peer may have accepted messages before.
    void session_up(Instant now, OriginId oid, bool has_served);
    /// `has_left`: the peer has left in order, and all its messages have come.
    void session_down(Instant now, OriginId oid, bool has_left);
    /// All that others have of the messages of an origin that has gone has come.
    void recovered(OriginId oid) { progress_.recovered(oid); }
    /// A heartbeat of the session has come: perhaps all members see the same members now.
    void heard(Instant now, const Session& from, const Heartbeat& heartbeat);

    /// What has come of each origin's messages with history. All up to the stamps given have come here, or were
    /// reported lost to the subscribers here.
    [[nodiscard]] const HistoryProgress& progress() const { return progress_; }
    /// Since when this node has been told all messages of the channel; see HistoryCover::since_us().
    [[nodiscard]] std::uint64_t told_since_us(Instant now, const std::string& channel) const {
        return cover_.since_us(now, channel);
    }
    /// Grows when messages may have passed this node by: some were lost, or a session has begun with a node that
    /// perhaps brings messages of another part of a split mesh.
    [[nodiscard]] std::uint64_t doubts() const { return doubts_; }
    /// Takes in an entry that another node holds.
    void import(Instant now, const std::string& channel, const HistoryLimits& limits, const HistoryItem& item);
    /// As HistoryTable::raise_floors().
    void raise_floors(Instant now, const std::string& channel, std::span<const Stamp> floors,
                      std::uint64_t dropped_us) {
        table_.raise_floors(now, channel, floors, dropped_us);
    }

    /// This node's answer, in pieces that fit into messages; at least one.
    [[nodiscard]] std::vector<HistoryPartPtr> answer(Instant now, const HistoryAsk& ask) const;

    /// Removes entries whose time is over.
    void tick(Instant now);
    [[nodiscard]] std::optional<Instant> next_deadline() const { return table_.next_deadline(); }
    [[nodiscard]] const HistoryTable& table() const { return table_; }
    /// True while all members see the same members: all of them then name the same nodes to hold a message.
    [[nodiscard]] bool members_agree() const { return !cover_.is_changing(); }

private:
    MeshContext& context_;
    HybridClock& clock_;
    const Retained& retained_;
    HistoryTable table_;
    HistoryCover cover_;
    HistoryProgress progress_;
    std::uint64_t doubts_ = 0;
    /// Peers in session without a heartbeat so far, of which nothing is known that they have accepted.
    std::set<OriginId> unheard_;
};

}  // namespace tulle::mesh
