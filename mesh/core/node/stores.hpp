#pragma once

#include "mesh/core/interest/audience.hpp"
#include "mesh/core/interest/interest_table.hpp"
#include "mesh/core/interest/local_interest.hpp"
#include "mesh/core/node/node_options.hpp"
#include "mesh/core/node/tallies.hpp"
#include "mesh/core/presence/presence_table.hpp"
#include "mesh/core/records/hybrid_clock.hpp"
#include "mesh/core/records/origins.hpp"
#include "mesh/core/records/record_ring.hpp"
#include "mesh/core/retained/retained_table.hpp"

namespace tulle::mesh {

/// The tables of a node that several services read. Each table is written by the service of its name alone; only the
/// ring takes records from every service with something to say.
///
/// Thread: confined to the hub.
/// Ownership: owns the tables; the audience refers to three of them, so Stores can't be copied.
/// Limits: as stated by each table.
struct Stores {
    /// Makes empty tables with the limits of `options`.
    explicit Stores(const NodeOptions& options)
        : ring(options.limits),
          local(options.limits),
          interest(options.limits),
          presence(options.oid, options.timing, options.limits),
          retained(options.oid, options.timing, options.limits),
          clock(options.wall_offset_us),
          origins(options.limits.remembered_origins),
          audience(interest, retained, local) {}
    Stores(const Stores&) = delete;
    Stores& operator=(const Stores&) = delete;

    /// The log of this node.
    RecordRing ring;
    /// The interest of this node's shards.
    LocalInterest local;
    /// The interest of the peers.
    InterestTable interest;
    /// The users of presence channels, and the last events of channels.
    PresenceTable presence;
    RetainedTable retained;
    /// The clock behind stamps, so all nodes order stamps alike.
    HybridClock clock;
    /// How far the other nodes' logs have come here.
    Origins origins;
    /// Figures about peers, for people.
    Tallies tallies;
    /// Names the nodes and shards to which a record is due.
    Audience audience;
};

}  // namespace tulle::mesh
