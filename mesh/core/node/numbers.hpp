#pragma once

#include <cstddef>
#include <cstdint>

#include "mesh/base/time.hpp"

/// Every default number of the mesh protocol, each with its reason. Only tests and simulations use other values.
namespace tulle::mesh {

/// Version of the control envelope. Nodes tell each other their protocol versions in this envelope, so the envelope
/// never changes.
inline constexpr std::uint32_t kControlVersion = 1;
/// The newest and the oldest protocol version that this build speaks. A session uses the newest version that both nodes
/// speak, and each message is written in the version of its session. (Version 1 sent the topic of data as a part of its
/// own.)
inline constexpr std::uint32_t kProtocolVersion = 3;
inline constexpr std::uint32_t kOldestProtocolVersion = 2;
/// From this version on an event may bear data other than JSON.
inline constexpr std::uint32_t kProtocolOfBytes = 3;
static_assert(kOldestProtocolVersion + 1 == kProtocolVersion,
              "nodes of the version before work in one mesh with these");

/// Members that a node can hold (slots of the interest table). A further member is refused while all of them are there.
inline constexpr std::size_t kMaxMembers = 1024;
/// The largest number accepted from a peer, wherever this node computes with the number (records, frames, versions,
/// holdings, counts). With the bound, sums and differences stay within 64 bits. An honest node does not reach the bound
/// in a thousand years. Beyond: the message is refused (CodecError::kLimit). A number made from a peer's number is cut
/// to the bound too, or other nodes would refuse this node's messages.
inline constexpr std::uint64_t kMaxNumber = std::uint64_t{1} << 53;
/// The longest time for which a peer may announce that its ports refuse (Heartbeat::rebind_ms): more than rebind_notice
/// and rebind_grace together, and less than a stranger to the truth could use to stay alive, as silence still decides.
inline constexpr std::uint32_t kMaxRebindMs = 5000;
/// Most ids of mesh keys that a peer may tell. A node has two keys at most (KeyRing::kMaxKeys); a later version may
/// have more.
inline constexpr std::size_t kMaxKeyIds = 8;
/// Longest name of a node or of a cluster, in bytes.
inline constexpr std::size_t kMaxNameBytes = 64;
/// Nodes that hold the last event of a channel: two of them may die at once.
inline constexpr std::size_t kKeepers = 3;
/// Greatest limits of a channel's history: entries, bytes, and age.
inline constexpr std::size_t kMaxHistorySize = 10'000;
inline constexpr std::size_t kMaxHistoryBytes = 16u << 20;
inline constexpr Duration kMaxHistoryTtl = 24h;
/// Origins of a channel whose evicted entries are remembered one by one: the nodes of a large mesh.
inline constexpr std::size_t kMaxHistoryFloors = 64;
/// Origins in a position: all nodes of a large mesh, and some of those that have gone.
inline constexpr std::size_t kMaxPositionOrigins = 256;
/// Longest "host:port" of an endpoint, in bytes.
inline constexpr std::size_t kMaxEndpointBytes = 255;

/// Durations of the protocol. In these comments "so long" stands for the value of the constant. Each node has its own
/// copy.
struct Timing {
    /// Between heartbeats: four per suspicion. Any valid message counts as a heartbeat.
    Duration heartbeat = 250ms;
    /// Silence after which a peer is suspect: shorter stalls must never kill.
    Duration suspicion = 1s;
    /// Silence after which a peer is dead, when witnesses have answered and none hears the peer.
    Duration verdict = 2s;
    /// Silence after which a peer is dead, when no witness has an opinion.
    Duration verdict_alone = 2500ms;
    /// Between two rounds of questions to witnesses: two rounds end before the verdict.
    Duration probe_round = 400ms;
    /// A turn later than this stretches our own timeouts.
    Duration own_loop_late = 100ms;
    /// After a turn later than this a node promises nothing until every member has confirmed its session.
    Duration own_loop_asleep = 500ms;
    /// Between repetitions of a Hello or a Knock, as a reset connection may lose either.
    Duration hello_retry = 250ms;
    /// A handshake that has not ended by then is given up.
    Duration handshake = 2s;
    /// How long a joiner waits for each seed, and for each member that was named to the joiner.
    Duration join = 2s;
    /// Pause before the first new attempt at a dead member or an unanswered seed.
    Duration redial_min = 250ms;
    /// Longest pause between attempts: one SYN in 2 s per dead member costs nothing, and a heal is seen within 5 s.
    Duration redial_max = 2s;
    /// Longest pause between attempts at a seed, so a seed that starts late is found within a second.
    Duration redial_seed_max = 750ms;
    /// Between attempts at a seed where this node itself answered, while no session stands: a balancer may stand there
    /// and send the next connection to another node.
    Duration redial_self = 5s;
    /// Between look-ups of a seed's name, so nodes started later under the name are dialled.
    Duration resolve_again = 5s;
    /// Pause after a failed look-up.
    Duration resolve_retry = 1s;
    /// An address missing in look-ups stays a seed for so long: name servers may give a part of the addresses each
    /// time.
    Duration resolved_for = 60s;
    /// After so long without a session a node says in the log why there is none.
    Duration lonely_notice = 5s;
    /// A member dead for so long is not dialled any more.
    Duration redial_for = 24h;
    /// A member that has left stays in `status` and metrics for so long.
    Duration left_shown = 60s;
    /// A dead member stays in `status` and metrics for so long: enough for an alert that waits a few minutes. An
    /// earlier process of a name in use is not shown at all.
    Duration dead_shown = 5min;
    /// Between checks whether the endpoint of a lost connection refuses.
    Duration endpoint_check = 50ms;
    /// A newcomer with a taken name asks on for so long: longer than any verdict on a dead holder takes.
    Duration name_patience = 10s;
    /// A node refused by its peers for another reason does not serve for so long: longer than the longest pause between
    /// two attempts.
    Duration refusal_memory = 15s;
    /// Longest pause between attempts at a peer that refuses: somebody has to change a configuration first.
    Duration redial_refused_max = 5s;
    /// Between two log lines about the same refusal.
    Duration refusal_notice = 60s;
    /// A node that speaks later than so long after its goodbye has not left: `drain` and a moment.
    Duration left_for_good = 6s;
    /// As left_for_good, for a node that says "ready": a leaver never says so.
    Duration left_ready = 1s;
    /// A refusal of our name counts for so long: longer than the pauses between two knocks.
    Duration name_memory = 5s;
    /// Between finding a hole and asking. TCP does not reorder, so a hole is real at once; but a relay may overtake.
    Duration nack_delay = 2ms;
    /// Pause before asking again, doubling to nack_retry_max.
    Duration nack_retry = 20ms;
    Duration nack_retry_max = 1s;
    /// A claim by control can overtake data, and is believed after so much quiet on the data path.
    Duration claim_quiet = 20ms;
    /// From a burst to its tail, so a lost last frame is found before the next heartbeat.
    Duration tail = 20ms;
    /// Between tails when idle: tails prove the data path, which heartbeats do not use.
    Duration data_keepalive = 1s;
    /// A data path silent for so long while control speaks is dialled again.
    Duration data_deaf = 3s;
    /// Control is dialled again after so long without a control message while data speaks, or without an answer to
    /// ours.
    Duration control_deaf = 2s;
    /// After so long without working control a peer is dead, though data comes or a witness hears the peer: longer than
    /// any silence that is forgiven, and a new dial.
    Duration control_verdict = 4s;
    /// A peer that takes in none of our interest for so long is given up, as new subscriptions wait for that peer
    /// alone.
    Duration interest_patience = 5s;
    /// As interest_patience, for a peer that has failed so before: no honest pause is that long.
    Duration interest_patience_again = 2s;
    /// Longest patience, also with a snapshot under way: longer than a million channels take.
    Duration interest_patience_most = 60s;
    /// More patience for each thousand channels: a chunk of a snapshot holds some 600 names of 100 bytes and takes a
    /// round trip, and a round trip around the world is 250 ms.
    Duration interest_patience_thousand = 250ms;
    /// Longest pause before the next session with a peer that was deaf on control repeatedly.
    Duration shun_deaf_max = 4s;
    /// First pause before the next session with a peer that took in no interest, doubling to shun_stuck_max.
    Duration shun_stuck_min = 2s;
    /// Such a peer then holds new subscriptions up for 3 % of the time at most.
    Duration shun_stuck_max = 64s;
    /// A session that has stood for so long makes up for earlier failures.
    Duration strike_memory = 120s;
    /// Longest wait for a peer's subscription before the first frame.
    Duration data_settle = 500ms;
    /// A frame is repeated at most once per so long: repair must not add to stress.
    Duration repair_again = 20ms;
    /// Deltas wait for so long when another delta was sent just before.
    Duration interest_coalesce = 2ms;
    /// Unacknowledged deltas are sent again after so long.
    Duration interest_retry = 100ms;
    /// How long recovery waits for the answers of other survivors: verdicts on a frozen origin differ by half a second.
    Duration reconcile = 1500ms;
    /// Recovery asks again after so long, as a question or an answer may be lost.
    Duration reconcile_retry = 200ms;
    /// A user of a dead node that connects elsewhere within so long has neither left nor joined.
    Duration presence_grace = 2s;
    /// A publish waits no longer for its copies: two heartbeats of a peer that sends receipts with heartbeats alone,
    /// and a repaired frame, fit in.
    Duration copies_wait = 1s;
    /// After so long an event accepted here has reached its keepers: the ring's age.
    Duration retained_transit = 60s;
    /// Between looks for last events that are too old, or no longer to be kept here.
    Duration retained_sweep = 10s;
    /// A keeper that was handed an event waits for so long for the other keepers to hand the event over as well, before
    /// handing the event on to those that have not. All keepers hand on at once after a change of members, so a round
    /// trip and a busy turn suffice; the second that P10 allows must hold twice this time.
    Duration retained_spread = 400ms;
    /// Between messages about usage that is rationed over the mesh.
    Duration usage = 1s;
    /// An unacknowledged DutyMail is sent again after so long: a mail or its receipt is lost rarely.
    Duration duty_retry = 250ms;
    /// The counts of a lost member still count for so long, as the member or its clients may come again.
    Duration duty_grace = 2s;
    /// After a change of members, a node that has not handed over by then is not waited for.
    Duration duty_patience = 5s;
    /// A duty that moves away while under way holds up the handing over for so long at most.
    Duration duty_finish = 1s;
    /// Tasks done for a lost member are remembered for so long, so a repetition is recognised.
    Duration duty_memory = 60s;
    /// A leaver waits for receipts for so long at most.
    Duration drain = 5s;
    /// A node whose key has changed binds its ports again within so long, at a moment of its own: all nodes hear of a
    /// new key at once, and a peer has one connection less for a moment.
    Duration rebind_spread = 5s;
    /// The peers are told of a rebind so long before: four heartbeats, as a single one may be lost.
    Duration rebind_notice = 1s;
    /// After so long the ports are surely bound again, and a refusal means death again.
    Duration rebind_grace = 1s;
};

/// Sizes and counts that bound memory and work. Every node has its own copy. port.hpp holds the limits of single
/// values.
struct Limits {
    /// Payload of a frame, a single ZeroMQ message: a larger frame would delay the messages queued behind.
    std::size_t frame_bytes = 256u << 10;
    /// Records in a frame.
    std::size_t frame_records = 1024;
    /// Bytes without a receipt on a link: bounds the queues of the kernel and of ZeroMQ.
    std::size_t credit_bytes = 16u << 20;
    /// A receiver sends a receipt after so many bytes at the latest: a sixteenth of the credit.
    std::size_t receipt_bytes = 1u << 20;
    /// Memory of frames held out of order on a link. Beyond it the newest frame is dropped and asked for again.
    std::size_t hold_bytes = 16u << 20;
    /// Frames that a link may be ahead: the credit divided by the smallest frame. A frame number beyond is an error.
    std::uint64_t frames_ahead = 262144;
    /// Bytes in the record ring: bounds memory for all slow peers together.
    std::size_t ring_bytes = 64u << 20;
    /// Age at which a record leaves the ring.
    Duration ring_age = 60s;
    /// Bytes and age of the records kept of each origin to fill in others: as long as a verdict takes, and more.
    std::size_t receive_ring_bytes = 16u << 20;
    Duration receive_ring_age = 10s;
    /// Filled-in records reported to an origin that comes back.
    std::size_t extras = 4096;
    /// Evicted records with their channels still known, for exact gap reports.
    std::size_t ring_stubs = 65536;
    /// Ranges of missing frames in a Nack.
    std::size_t nack_ranges = 64;
    /// Frames repeated for a Nack.
    std::size_t repair_frames = 64;
    /// Changes of interest kept for deltas. A peer further behind gets a snapshot.
    std::size_t interest_log = 65536;
    /// Changes of interest ahead of the slowest peer: two of the largest deltas. Further changes wait.
    std::size_t interest_window = 8192;
    /// Changes in a delta.
    std::size_t delta_changes = 4096;
    /// Bytes in a delta or in a chunk of a snapshot.
    std::size_t interest_bytes = 64u << 10;
    /// Channels of a peer's interest: ten times the interest of a node with a million clients.
    std::size_t interest_channels = 4'000'000;
    /// Bytes of the names of a peer's interest.
    std::size_t interest_peer_bytes = 512u << 20;
    /// Buckets of the interest index swept in a turn: a dead peer's channels go in slices.
    std::size_t sweep_buckets = 512;
    /// Users of a peer in a channel: ten times the number that an edge lets in.
    std::size_t presence_users = 100'000;
    /// Bytes of a peer's list of the users of a channel. A single message may pass the limit.
    std::size_t presence_bytes = 256u << 20;
    /// Users of a lost member taken away in a turn.
    std::size_t presence_slice = 2048;
    /// Bytes of last events. Beyond it the event that was put first goes.
    std::size_t retained_bytes = 64u << 20;
    /// Bytes of the histories of all channels.
    std::size_t history_bytes = 256u << 20;
    /// Channels without entries of which the evicted entries are remembered, and for how long: longer than clients stay
    /// away.
    std::size_t history_floors = 65'536;
    Duration history_floors_for = 1h;
    /// Entries evicted in a turn because their time is over, and channels forgotten.
    std::size_t history_slice = 1024;
    /// Rendezvous weights computed in a turn to find the events to hand on.
    std::size_t retained_slice = 20'000;
    /// Nodes named in a Hello, Welcome or Members.
    std::size_t members_per_message = 256;
    /// Publishes held while sessions are being confirmed after a sleep. Further publishes are refused.
    std::size_t held_publishes = 65536;
    /// Publishes that wait for copies. Further publishes with copies are refused.
    std::size_t awaited_copies = 65536;
    /// Queries under way at once, our own and others' together.
    std::size_t queries = 1024;
    /// Queries under way for a single peer, so other peers still get answers.
    std::size_t queries_per_peer = 256;
    /// Parts, and their bytes, collected for a query. Beyond it parts are dropped and the member counts as missing.
    std::size_t query_parts = 4096;
    std::size_t query_bytes = 16u << 20;
    /// Own questions about histories under way: each lets every peer send kMaxHistoryPageBytes by control.
    std::size_t history_reads = 16;
    /// Those of them that bring whole histories here, for subscribers that resume. Further ones wait.
    std::size_t history_imports = 8;
    /// Marked messages under way, and reports kept for origins without a session.
    std::size_t traces = 64;
    /// Tasks, and their bytes, that a node keeps until they are done. Further tasks are refused and counted.
    std::size_t duty_tasks = 10'000;
    std::size_t duty_task_bytes = 16u << 20;
    /// Bytes in a DutyMail; a single item or task may exceed it. A lost mail costs little to repeat.
    std::size_t duty_mail_bytes = 64u << 10;
    /// Entries in each list of a DutyMail.
    std::size_t duty_mail_entries = 4096;
    /// Rendezvous weights compared in a turn after a change of members: less than 1 ms.
    std::size_t duty_slice = 65536;
    /// Items told to the shard, or taken in from this node itself, in a turn.
    std::size_t duty_items = 1024;
    /// Items told to be gone and remembered, in case a lost member saw otherwise: 5 MB.
    std::size_t duty_tombstones = 16'384;
    /// Connections open at once only to refuse. Further strangers get no answer.
    std::size_t refusals = 16;
    /// The part of `refusals` for nodes of another cluster, so our own newcomers get an answer.
    std::size_t refusals_foreign = 8;
    /// Connections open at once to nodes that have spoken but never had a session here: four descriptors each.
    std::size_t handshakes = 32;
    /// The part of `handshakes` for endpoints that are configured, or belonged to a former member.
    std::size_t handshakes_reserved = 8;
    /// Connections open at once to nodes known by name only: a node that dials us is still answered meanwhile.
    std::size_t handshakes_named = 16;
    /// Connections open at once to a single endpoint, so nobody is flooded because a peer names the endpoint often.
    std::size_t handshakes_at_endpoint = 2;
    /// Seeds that a configured name stands for: any of them names the other members.
    std::size_t addresses_per_name = 64;
    /// Seeds of all configured names together.
    std::size_t named_seeds = 1024;
    /// Nodes that a peer may name in vain. The budget grows by a name each second, and by a name for each named node
    /// that was met.
    std::uint32_t names_per_peer = 256;
    /// Latest refusals kept for `status`.
    std::size_t refusals_kept = 16;
    /// Positions kept of members that are gone.
    std::size_t remembered_origins = 4096;
};

}  // namespace tulle::mesh
