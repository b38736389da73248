#pragma once

#include <cstddef>
#include <cstdint>

#include "mesh/base/time.hpp"

/// Every default number of the mesh protocol, each with its reason. Only tests and simulations use other values.
namespace tulle::mesh {

/// Of the control envelope, in which nodes tell each other what versions they speak: it stays as it is.
inline constexpr std::uint32_t kControlVersion = 1;
/// The newest and the oldest protocol version that this build speaks. A session is in the newest that both of its nodes
/// speak, and each message is written in the version of the session that it travels by. 1 had the topic of data as a
/// part of its own.
inline constexpr std::uint32_t kProtocolVersion = 3;
inline constexpr std::uint32_t kOldestProtocolVersion = 2;
/// From this one on an event may bear data that are not JSON.
inline constexpr std::uint32_t kProtocolOfBytes = 3;
static_assert(kOldestProtocolVersion + 1 == kProtocolVersion,
              "nodes of the version before work in one mesh with these");

/// Members that one node can hold (slots of the interest table); a further one is refused when none of them is gone.
inline constexpr std::size_t kMaxMembers = 1024;
/// The largest number accepted from a peer, wherever this node computes with the number (records, frames, versions,
/// holdings, counts). With the bound, sums and differences stay within 64 bits. An honest node does not reach the bound
/// in a thousand years. Beyond: the message is refused (CodecError::kLimit). A number made from a peer's number is cut
/// to the bound too, or other nodes would refuse this node's messages.
inline constexpr std::uint64_t kMaxNumber = std::uint64_t{1} << 53;
/// Name of a node or of a cluster, in bytes.
inline constexpr std::size_t kMaxNameBytes = 64;
/// Nodes that hold the last event of a channel: two may die at once.
inline constexpr std::size_t kKeepers = 3;
/// "host:port" of an endpoint, in bytes.
inline constexpr std::size_t kMaxEndpointBytes = 255;

struct Timing {
    Duration heartbeat = 250ms;       ///< four per suspicion; any valid message counts as one
    Duration suspicion = 1s;          ///< shorter stalls must never kill
    Duration verdict = 2s;            ///< of silence, when witnesses answered and none hears it
    Duration verdict_alone = 2500ms;  ///< of silence, when nobody has an opinion
    /// without a word to us, though a witness hears it: it has no session with us any more
    Duration verdict_unspoken = 5s;
    Duration probe_round = 400ms;    ///< between the two rounds of questions to witnesses
    Duration own_loop_late = 100ms;  ///< from here a late turn stretches our own timeouts
    /// from here it also promises nothing until every member has confirmed its session
    Duration own_loop_asleep = 500ms;
    Duration hello_retry = 250ms;  ///< a Hello or a Knock may be lost with a reset
    Duration handshake = 2s;       ///< a handshake that has not ended by then is given up
    /// how long a joiner waits for a seed, and for each member that was named to it
    Duration join = 2s;
    Duration redial_min = 250ms;       ///< first re-dial of a dead member or an unanswered seed
    Duration redial_max = 2s;          ///< one SYN in 2 s per dead member costs nothing, and a heal is seen within 5 s
    Duration redial_seed_max = 750ms;  ///< a seed that starts late is found within a second
    /// a seed where this node itself answered is tried again so often while there is no session: a balancer may stand
    /// there, and send the next connection to another node
    Duration redial_self = 5s;
    /// between look-ups of the name of seeds: nodes that were started since are dialled then
    Duration resolve_again = 5s;
    Duration resolve_retry = 1s;  ///< the same after a failure
    /// an address that the look-ups no longer give stays a seed for so long: name servers may give a part of the
    /// addresses each time
    Duration resolved_for = 60s;
    Duration lonely_notice = 5s;  ///< without a session for so long, a node says in the log why it has none
    Duration redial_for = 24h;    ///< then a dead member is forgotten
    Duration left_shown = 60s;    ///< a member that has left stays in status and metrics for so long …
    /// … and a dead one: long enough for an alert that waits a few minutes. An earlier process of a name that is alive
    /// again is not shown at all
    Duration dead_shown = 5min;
    Duration endpoint_check = 50ms;  ///< between checks whether a lost endpoint refuses
    /// a newcomer whose name is held goes on asking as long: longer than any verdict
    Duration name_patience = 10s;
    /// refused by its peers for another reason, a node does not serve for so long: longer than the longest pause
    /// between two attempts
    Duration refusal_memory = 15s;
    /// between attempts at a peer that refuses: somebody has to change a configuration first
    Duration redial_refused_max = 5s;
    Duration refusal_notice = 60s;  ///< between two log lines about the same refusal
    /// who speaks later than that after its goodbye (`drain` and a moment) has not left
    Duration left_for_good = 6s;
    Duration left_ready = 1s;    ///< the same for who says that it serves clients: a leaver says so no more
    Duration name_memory = 5s;   ///< a refusal counts for so long: longer than the pauses between two knocks
    Duration nack_delay = 2ms;   ///< a hole is real at once (TCP does not reorder), but a relay may overtake
    Duration nack_retry = 20ms;  ///< doubling to nack_retry_max
    Duration nack_retry_max = 1s;
    /// a claim by the control socket can overtake data; believed after this much quiet
    Duration claim_quiet = 20ms;
    Duration tail = 20ms;          ///< after a burst, so that a lost last frame is found before the heartbeat
    Duration data_keepalive = 1s;  ///< between tails when idle: proves the data path, which heartbeats do not use
    Duration data_deaf = 3s;       ///< no word on the data path for so long while control speaks: dial it again
    Duration control_deaf = 2s;    ///< no word on control while data speaks, or ours not heard: dial control again
    /// the same for so long is a death: longer than any silence that is forgiven, and a re-dial
    Duration control_verdict = 4s;
    /// a peer takes in none of our interest for so long: new subscriptions wait for it alone
    Duration interest_patience = 5s;
    /// the same for a peer that has failed so before: no honest pause is that long
    Duration interest_patience_again = 2s;
    Duration interest_patience_most = 60s;  ///< also with a snapshot on its way: longer than a million channels take
    /// more than that for each thousand of many channels: a chunk of a snapshot holds some 600 names of 100 bytes and
    /// takes a round trip, and one around the world is 250 ms
    Duration interest_patience_thousand = 250ms;
    /// longest pause before the next session with a peer that was deaf on control again
    Duration shun_deaf_max = 4s;
    Duration shun_stuck_min = 2s;   ///< the first such pause for a peer that took in no interest, doubling …
    Duration shun_stuck_max = 64s;  ///< … to this: it holds new subscriptions up for 3 % of the time at most
    Duration strike_memory = 120s;  ///< a session that has stood for so long makes up for the failures before
    Duration data_settle = 500ms;   ///< longest wait for a peer's subscription before the first frame
    /// one frame is repeated at most once per so long: repair must not add to stress
    Duration repair_again = 20ms;
    Duration interest_coalesce = 2ms;  ///< deltas wait so long when one was sent just now
    Duration interest_retry = 100ms;   ///< unacknowledged deltas are sent again
    /// wait for survivors' answers: verdicts on a frozen origin differ by half a second
    Duration reconcile = 1500ms;
    Duration reconcile_retry = 200ms;  ///< a question or an answer may be lost
    /// a user of a dead node who connects elsewhere by then has neither left nor joined
    Duration presence_grace = 2s;
    Duration retained_transit = 60s;  ///< an event that was accepted here has reached its keepers: the ring's age
    /// between looks for last events that are too old, or no longer to be kept here
    Duration retained_sweep = 10s;
    Duration usage = 1s;          ///< between words on what is rationed over the mesh
    Duration duty_retry = 250ms;  ///< an unacknowledged DutyMail is sent again: one or its receipt is lost rarely
    /// what a lost member held counts for so long: it, or its clients, may come again
    Duration duty_grace = 2s;
    /// after a change of members, who has not handed over by then is not waited for
    Duration duty_patience = 5s;
    /// a duty that moves away while it is being done holds the handing over up for so long
    Duration duty_finish = 1s;
    /// tasks done for a lost member are remembered, so that its repetition is known
    Duration duty_memory = 60s;
    Duration drain = 5s;  ///< a leaver waits for receipts at most so long
};

struct Limits {
    std::size_t frame_bytes = 256u << 10;  ///< one ZeroMQ message; more would delay what queues behind it
    std::size_t frame_records = 1024;
    std::size_t credit_bytes = 16u << 20;  ///< unreceipted per link: bounds kernel and ZeroMQ queues
    std::size_t receipt_bytes = 1u << 20;  ///< a receipt at the latest after so much: credit / 16
    /// out of order, per link; beyond it the newest is dropped and asked for again
    std::size_t hold_bytes = 16u << 20;
    std::uint64_t frames_ahead = 262144;  ///< credit / the smallest frame: a frame number beyond that is an error
    std::size_t ring_bytes = 64u << 20;   ///< record ring: bounds memory for every slow peer together
    Duration ring_age = 60s;
    /// kept of each origin, to fill others in: as long as a verdict takes, and more
    std::size_t receive_ring_bytes = 16u << 20;
    Duration receive_ring_age = 10s;
    std::size_t extras = 4096;  ///< filled-in records told to an origin that comes back
    /// evicted records whose channels are still known, for exact gap reports
    std::size_t ring_stubs = 65536;
    std::size_t nack_ranges = 64;
    std::size_t repair_frames = 64;    ///< repeated per nack
    std::size_t interest_log = 65536;  ///< changes kept for deltas; a peer further behind gets a snapshot
    /// changes ahead of the slowest peer: two of the largest deltas; more wait
    std::size_t interest_window = 8192;
    std::size_t delta_changes = 4096;        ///< per message
    std::size_t interest_bytes = 64u << 10;  ///< per delta or snapshot chunk
    /// that a peer has interest in: ten times what a node with a million clients has
    std::size_t interest_channels = 4'000'000;
    std::size_t interest_peer_bytes = 512u << 20;  ///< the same in bytes of names
    std::size_t sweep_buckets = 512;          ///< of the interest index per turn: a dead peer's channels go in slices
    std::size_t presence_users = 100'000;     ///< that a peer has in one channel: ten times what an edge lets in
    std::size_t presence_bytes = 256u << 20;  ///< of a peer's list of them
    std::size_t presence_slice = 2048;        ///< users of a lost member taken away per turn
    std::size_t retained_bytes = 64u << 20;   ///< of last events; beyond it the one that was put first goes
    std::size_t retained_slice = 20'000;      ///< rendezvous weights computed per turn to see what is to be handed on
    std::size_t members_per_message = 256;    ///< in Hello, Welcome and Members
    std::size_t held_publishes = 65536;       ///< while sessions are being confirmed after a sleep; more are refused
    std::size_t queries = 1024;               ///< under way at once, ours and others' together
    std::size_t queries_per_peer = 256;       ///< of those, asked by one peer: others still get theirs
    /// collected per query; more are dropped and the member counts as missing
    std::size_t query_parts = 4096;
    std::size_t query_bytes = 16u << 20;  ///< the same in bytes
    /// marked messages under way, and reports kept for origins without session
    std::size_t traces = 64;
    /// that a node keeps until they are done; further ones are refused and counted …
    std::size_t duty_tasks = 10'000;
    std::size_t duty_task_bytes = 16u << 20;  ///< … or so many bytes of them
    /// one item or task may overshoot it: a lost mail costs little to repeat
    std::size_t duty_mail_bytes = 64u << 10;
    std::size_t duty_mail_entries = 4096;  ///< in each list of a mail
    /// weights compared in one turn after a change of members: less than 1 ms
    std::size_t duty_slice = 65536;
    /// items told to the shard, or taken in from this node itself, in one turn
    std::size_t duty_items = 1024;
    /// items told to be gone, remembered in case a lost member saw it otherwise: 5 MB
    std::size_t duty_tombstones = 16'384;
    std::size_t refusals = 16;  ///< links open at once only to say no; further strangers get no answer
    /// of those, to nodes of another cluster: our own newcomers get their answer
    std::size_t refusals_foreign = 8;
    /// links open at once to nodes that have spoken but never had a session here: four descriptors each
    std::size_t handshakes = 32;
    /// of those, for endpoints that are configured, or where a member has died
    std::size_t handshakes_reserved = 8;
    /// the same for nodes that are only named: whoever dials us is answered meanwhile
    std::size_t handshakes_named = 16;
    /// of those to one endpoint: nobody is flooded because a peer names him often
    std::size_t handshakes_at_endpoint = 2;
    std::size_t addresses_per_name = 64;  ///< seeds that one name stands for; any of them names the other members
    std::size_t named_seeds = 1024;       ///< the same of all names together
    /// nodes that a peer may name in vain; one more each second, one back for each met
    std::uint32_t names_per_peer = 256;
    std::size_t refusals_kept = 16;         ///< of the latest refusals, for status
    std::size_t remembered_origins = 4096;  ///< positions kept of members that are gone
};

}  // namespace tulle::mesh
