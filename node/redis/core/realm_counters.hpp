#pragma once

#include "mesh/base/assert.hpp"
#include "node/core/counter.hpp"
#include "node/redis/core/realm_table.hpp"

namespace tulle::node::redis {

/// What a shard counts of a realm. A client counts for the realm that it is in; before AUTH it counts for none, where
/// the node asks for a password. Names with `_total` only grow; the others are gauges.
///
/// Thread: the shard writes, any thread reads.
struct RealmCounters {
    /// Connections in the realm.
    Counter clients;
    /// Subscriptions by SUBSCRIBE, PSUBSCRIBE and SSUBSCRIBE. A connection counts once for each name.
    Counter channels;
    Counter patterns;
    Counter shard_channels;
    /// Commands that clients of the realm have sent. An AUTH that takes a client into the realm is the first one.
    Counter commands_total;
    /// PUBLISH and SPUBLISH that the hub has taken.
    Counter publishes_total;
    /// Of those publishes, events for the realm's app as well.
    Counter app_events_total;
    /// Publishes on the app's channels that became no event of the app.
    Counter app_events_refused_total;
    /// Messages queued for subscribers, one for each subscription.
    Counter deliveries_total;
    /// Replies that are errors, those inside the reply of an EXEC too.
    Counter errors_total;
    /// Wrong passwords for a user of the realm. Those for an unknown user belong to no realm.
    Counter wrong_passwords_total;
    /// Connections ended because messages for them, or of them, were lost between the nodes.
    Counter gap_closes_total;
    /// Connections ended because they did not take what waited for them.
    Counter slow_closes_total;
    /// Questions of PUBSUB to the nodes.
    Counter questions_total;
    /// Of those questions, answered without the part of a node that did not answer in time.
    Counter questions_incomplete_total;
    // Of the realm's keys, which one shard of the node counts.
    /// Keys with a value, those that have expired and are not freed yet included.
    Counter store_keys;
    /// About the memory of the keys, of the deleted ones that are remembered too; and the limit (0: no keys).
    Counter store_bytes;
    Counter store_limit_bytes;
    /// Records of writes that this node has sent.
    Counter store_records_total;
    /// Of those records, not taken in by all nodes within kReplicationTimeout.
    Counter store_late_records_total;
    /// Attempts to have the owner of a key on another node do a command.
    Counter store_calls_total;
    /// Commands answered with -TRYAGAIN.
    Counter store_failed_calls_total;
    /// Looks into the keys of another node, because they differed or the node was met anew; and the keys taken over.
    Counter store_pulls_total;
    Counter store_pulled_keys_total;
    /// Records of other nodes that were missed.
    Counter store_gaps_total;
    /// Messages of other nodes that were not heard, as the clocks differ by more than kMaxClockDifference.
    Counter store_clock_refusals_total;
    /// Deleted keys that were forgotten early, for want of memory.
    Counter store_forgotten_total;

    [[nodiscard]] Counter& subscriptions(Kind kind) {
        switch (kind) {
            case Kind::kChannel:
                return channels;
            case Kind::kPattern:
                return patterns;
            case Kind::kShardChannel:
                return shard_channels;
        }
        TULLE_ASSERT(false);
        return channels;
    }
};

}  // namespace tulle::node::redis
