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

/// The tables of a node that several services read. Each is written by the service of its name alone, but for
/// the ring, which whoever has something to say appends to.
/// Thread: confined to the hub.
struct Stores {
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

    RecordRing ring;         ///< the log of this node
    LocalInterest local;     ///< of this node's shards
    InterestTable interest;  ///< of the peers
    PresenceTable presence;
    RetainedTable retained;
    HybridClock clock;
    Origins origins;  ///< how far the others' logs have come here
    Tallies tallies;
    Audience audience;
};

}  // namespace tulle::mesh
