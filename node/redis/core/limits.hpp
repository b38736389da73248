#pragma once

#include <cstddef>

#include "mesh/base/time.hpp"

/// The limits of the Redis protocol, each with the reason for its value and with the consequence of exceeding the
/// limit. A "protocol error" is answered with an error, and then the connection is closed, as Redis does.
namespace tulle::node::redis {

// ---- commands ----

/// Arguments of a single command, its name included. A client that reconnects subscribes to all its channels by a
/// single command, and kMaxSubscriptions are allowed. More arguments are a protocol error.
inline constexpr std::size_t kMaxArguments = 16'384;
/// Bytes of a single argument. A body of the mesh (1 MiB) must hold a payload together with the name of its channel.
/// A longer argument is a protocol error.
inline constexpr std::size_t kMaxBulkBytes = (1u << 20) - (4u << 10);
/// Bytes of a whole command as received, so the most that a connection holds of a command that is not complete. Room
/// for the largest argument with the largest names; the model is Redis' client-query-buffer-limit. A longer command is
/// a protocol error.
inline constexpr std::size_t kMaxCommandBytes = (1u << 20) + (64u << 10);
/// Bytes of an inline command without the end of its line, and of the line that announces a number of arguments or
/// bytes: Redis' own limit. A longer line is a protocol error.
inline constexpr std::size_t kMaxInlineBytes = 64u << 10;
/// Bytes of commands that are not complete, of all connections of a node together. The connection that goes past the
/// limit is closed and counted as shed, so that half-sent commands cannot fill the memory between two measurements.
inline constexpr std::size_t kMaxHeldBytes = 256u << 20;
/// Arguments of a command before AUTH: Redis' own limit, so that a stranger cannot make a node hold much. More are a
/// protocol error.
inline constexpr std::size_t kMaxUnauthenticatedArguments = 10;
/// Bytes of an argument before AUTH: Redis' own limit. A longer argument is a protocol error.
inline constexpr std::size_t kMaxUnauthenticatedBulkBytes = 16u << 10;
/// Commands that a connection runs before the other connections of its shard get their turn. The rest of a longer
/// pipeline waits for the next turn.
inline constexpr std::size_t kMaxCommandsPerTurn = 512;
/// Time of a connection's commands in a turn, and the commands between two looks at the clock. The rest waits for the
/// next turn, so that costly commands do not hold up the other connections or the mesh.
inline constexpr Duration kWorkTime = 5ms;
inline constexpr std::size_t kCommandsPerLook = 16;
/// Bytes of replies after which a connection runs no further command before the other connections of its shard get
/// their turn.
inline constexpr std::size_t kMaxRepliesPerTurn = 1u << 20;
/// Bytes of a read. Some hundred commands of a pipeline.
inline constexpr std::size_t kReadBytes = 64u << 10;
/// Memory for bytes that have been read, which an idle connection keeps; more is freed.
inline constexpr std::size_t kKeptReadBytes = 256;
/// Time from the accept to a right AUTH or HELLO. A client sends its password first, so a later client is none; the
/// connection is closed.
inline constexpr Duration kAuthTimeout = 5s;
/// Commands between MULTI and EXEC; their bytes together are bounded by kMaxCommandBytes. A further command is answered
/// with an error, and EXEC fails.
inline constexpr std::size_t kMaxQueuedCommands = 16'384;
/// Channels of the script for several channels: the script is a single command, which holds up the other connections of
/// the shard. Broadcasters for Pusher take 100 at a time. A script for more is answered with an error, and publishes
/// nothing.
inline constexpr std::size_t kMaxScriptChannels = 1000;
/// Bytes that such a script may publish: the bytes of the payload for each channel. A short command must not take much
/// of the node's memory and time. A script for more is answered with an error, and publishes nothing.
inline constexpr std::size_t kMaxScriptBytes = 8u << 20;
/// Databases that SELECT accepts, as many as Redis has by default. Channels are the same in all of them.
inline constexpr int kDatabases = 16;
/// Bytes of the name of a client, of its library and of the version of its library: each is kept for every connection.
/// A longer word is refused with an error.
inline constexpr std::size_t kMaxClientWord = 256;

// ---- names ----

/// Bytes of a channel or a pattern. A question to the mesh holds at most 4,096 bytes, the name among them. A longer
/// name is refused with an error; the connection goes on.
inline constexpr std::size_t kMaxNameBytes = 4000;
/// Bytes of a pattern. Matching may cost the pattern's length times the channel's length. A longer pattern is refused
/// with an error; the connection goes on.
inline constexpr std::size_t kMaxPatternBytes = 1024;
/// Stars of a pattern; stars that follow each other count as one. Patterns of real clients have one or two. A pattern
/// with more stars is refused with an error; the connection goes on.
inline constexpr std::size_t kMaxPatternStars = 32;
/// Steps (glob_matches) that the patterns of a connection may take in a second; at 2 to 4 ns a step they are a tenth of
/// a second at most. A connection whose patterns take more is closed and counted, because it holds up all others.
inline constexpr std::size_t kMaxMatchSteps = 25'000'000;
/// The same of all connections of a node together: the connection whose pattern is matched then is closed.
inline constexpr std::size_t kMaxMatchStepsOfNode = 50'000'000;
/// Time between two lines of the log about such connections.
inline constexpr Duration kExhaustedLogInterval = 60s;
/// Steps of a match that do not count for that limit. Patterns of real clients take some 30.
inline constexpr std::size_t kFreeMatchSteps = 4096;
/// Steps of a publish for counting its receivers among the patterns of the mesh: 0.2 ms. Patterns beyond are not
/// counted.
inline constexpr std::size_t kMaxCountSteps = 100'000;
/// Steps for the names of PUBSUB CHANNELS. Names beyond are left out.
inline constexpr std::size_t kMaxListSteps = 5'000'000;

// ---- connections ----

/// Channels and patterns that a single connection is subscribed to. A further one is refused with an error; the
/// connection goes on.
inline constexpr std::size_t kMaxSubscriptions = 10'000;
/// Bytes that wait for a client. A connection with more bytes for longer than kSoftOutboxTime is closed and counted.
/// These limits are those of Redis' class "pubsub": adapters send bursts.
inline constexpr std::size_t kSoftOutboxBytes = 8u << 20;
/// How long more than kSoftOutboxBytes may wait for a client.
inline constexpr Duration kSoftOutboxTime = 60s;
/// Time between two looks for such clients.
inline constexpr Duration kSlowLookInterval = 1s;
/// Time for a blocked client to take the bytes that were waiting. Redis has no such time: a suspended client with
/// little to read stays. A day only frees the connections whose other end is gone for good.
inline constexpr Duration kBlockedTime = 24h;
/// Bytes that wait for a client. A connection with more bytes is closed at once and counted.
inline constexpr std::size_t kHardOutboxBytes = 32u << 20;

/// Connections of a shard that wait while the node joins, and how long they wait. Further ones, and those that have
/// waited for so long, are closed, and their clients try again.
inline constexpr std::size_t kMaxEarlyConnections = 1024;
inline constexpr Duration kEarlyPatience = 2s;

/// Bytes that wait for a client before AUTH. A stranger who does not read the errors is closed.
inline constexpr std::size_t kUnauthenticatedOutboxBytes = 64u << 10;
/// Commands of an EXEC in a turn, and names that a command of subscribing begins or ends in a turn. The rest is for the
/// next turns.
inline constexpr std::size_t kExecCommandsPerTurn = 64;
inline constexpr std::size_t kNamesPerTurn = 512;
/// Memory of a subscription besides its name, for the decision whom to close for want of memory: entries in the tables
/// of the connection, the channel and the counts, and the name in each of them once more. Measured: 8.3 KB for a name
/// of 4,000 bytes.
inline constexpr std::size_t kSubscriptionBytes = 400;

// ---- numbers of receivers ----

/// Names with subscribers that a node tells the other nodes of, so that PUBLISH can answer with the number of receivers
/// of the whole mesh. Of further names the numbers at other nodes are too low; PUBSUB NUMSUB asks, and stays exact.
inline constexpr std::size_t kMaxToldNames = 4096;
/// Nodes whose numbers are remembered; more than the members of a mesh. The numbers of further nodes count nothing.
inline constexpr std::size_t kMaxCountedNodes = 1024;
/// Bytes of names in a message about numbers. A part of an answer to a question of the mesh (192 KiB) must hold such a
/// message.
inline constexpr std::size_t kMaxToldBytes = 128u << 10;
/// Time that PUBSUB waits for the other nodes. A node that is silent for so long would not answer the request that the
/// number is needed for either, so it is not counted.
inline constexpr Duration kQuestionTimeout = 150ms;
/// Questions of a node that are under way, shared by its shards: fewer than a peer answers (Limits::queries_per_peer).
/// A further PUBSUB waits for its turn.
inline constexpr std::size_t kMaxQuestions = 192;
/// The same for PUBSUB CHANNELS, whose answers may be long, and which no adapter waits for.
inline constexpr Duration kListTimeout = 1s;
/// Time for the other nodes to tell everything about their numbers.
inline constexpr Duration kToldTimeout = 1s;
/// Names that PUBSUB CHANNELS answers with at most, of each node.
inline constexpr std::size_t kMaxListedNames = 100'000;
/// Bytes of those names. An answer of the mesh holds twice as many (Limits::query_bytes).
inline constexpr std::size_t kMaxListedBytes = 8u << 20;
/// Time between two reminders of a node's numbers, and before a question for everything told is repeated.
inline constexpr Duration kReminderInterval = 5s;
inline constexpr Duration kToldRetryInterval = 1s;

// ---- the store

/// Bytes of the name of a key. A longer name is answered with an error. A cell with the largest name and the largest
/// value (kMaxBulkBytes) must fit into a body of the mesh.
inline constexpr std::size_t kMaxKeyBytes = 2048;
/// About the memory of a key besides its name and value: two nodes of tables, the stamps, the allocator.
inline constexpr std::size_t kCellBytes = 240;
/// The parts of the table that two nodes compare, and the steps of SCAN.
inline constexpr std::size_t kStoreBuckets = 4096;
/// How long a deleted key is remembered: twice what was left of its life, but at least and at most so long, and for
/// ever counts as the most. A node that was cut off for less cannot bring the value back. A key that had a minute or
/// less to live, such as a lock's or a limiter's, is remembered for two minutes at least. A key that has expired is
/// remembered until the values that it had before would have expired, kMaxRemembered at most.
inline constexpr Duration kMinRemembered = 1h;
inline constexpr Duration kMaxRemembered = 24h;
inline constexpr Duration kBriefLife = 1min;
inline constexpr Duration kMinBriefRemembered = 2min;
/// The part of the memory of a realm's keys that deleted keys may take besides: 1/4. Past it those that would be
/// forgotten first are forgotten, and counted.
inline constexpr std::uint64_t kRememberedPart = 4;
/// The clocks of two nodes may differ so much. What a node says whose clock is further away is not heard, as its time
/// would let every key expire; a node that joins so does not serve keys.
inline constexpr Duration kMaxClockDifference = 15min;
/// The log says so at most once in that time.
inline constexpr Duration kClockLogInterval = 1min;
/// Time in which all nodes are to have taken in a write before the client is answered; then the answer goes out all the
/// same and is counted, so a slow node holds nobody up for longer.
inline constexpr Duration kReplicationTimeout = 20ms;
/// Questions about records taken in that may be under way at a time. A later question covers all records before.
inline constexpr std::size_t kMaxReplicationQuestions = 4;
/// Such questions of other nodes that wait for records; further ones are answered when they time out.
inline constexpr std::size_t kMaxWaitingQuestions = 1024;
/// Bytes of the writes of a turn after which they go out as a record of their own.
inline constexpr std::size_t kStoreRecordBytes = 256u << 10;
/// Bytes of a page of another node's table, and how long a question for a page or for digests may take.
inline constexpr std::size_t kStorePageBytes = 1u << 20;
inline constexpr Duration kPageTimeout = 2s;
/// Time of a question to another node who it is, and between two of them.
inline constexpr Duration kHelloTimeout = 500ms;
/// How often a node tells the digest of its keys. Digests that differ so many times in a row make the node look where.
inline constexpr Duration kStateInterval = 1s;
inline constexpr unsigned kMostMismatches = 3;
/// A node that has had no turn for so long asks the others anew before it does an owner's work: they may have given it
/// up meanwhile, which takes them 2 s at least. Longer than kStateInterval, as each state is a turn.
inline constexpr Duration kMaxStall = 1500ms;
/// How long a joining node waits to be told by all nodes who they are, and for their keys. Then it serves with the keys
/// that it has.
inline constexpr Duration kStorePatience = 2s;
inline constexpr Duration kStoreJoinTime = 30s;
/// Bytes of a command for the owner of its key on another node. A longer one is answered with an error.
inline constexpr std::size_t kMaxCallBytes = 128u << 10;
/// Bytes of the replies to the commands of one question; the caller asks again for the rest.
inline constexpr std::size_t kMaxRepliesBytes = 4u << 20;
/// Commands for other nodes that may be under way on a node, and how long one may take. Past the number a command
/// waits; past the time the client is answered with -TRYAGAIN. The time is longer than a silent owner is waited for.
inline constexpr std::size_t kMaxCalls = 4096;
inline constexpr Duration kCallTime = 3s;
/// Time of a question to an owner, and between two attempts when the nodes disagree who the owner is.
inline constexpr Duration kCallTimeout = 500ms;
inline constexpr Duration kCallRetryInterval = 10ms;
/// How long the replies of commands for other nodes are remembered, how many, and how many bytes of each: a caller that
/// asks again gets the first reply.
inline constexpr Duration kDoneCallTime = 10s;
inline constexpr std::size_t kMaxDoneCalls = 65'536;
inline constexpr std::size_t kMaxDoneReplyBytes = 256;
/// Cells freed in a turn.
inline constexpr std::size_t kCellsPerSweep = 1000;
/// Keys that a SCAN visits in a turn, and that KEYS answers with; more are an error that names SCAN.
inline constexpr std::size_t kMaxScanCount = 10'000;
inline constexpr std::size_t kMaxKeysAnswer = 100'000;
/// Hits that the sliding window of a limiter holds one by one, so limits up to that are counted exactly: each admitted
/// hit sends the whole window to all nodes, 16 bytes for a hit. Past the number only the latest hits are held so, and
/// older ones are counted by slots, so many in the length of a window: such a hit counts up to 1/128 of the window too
/// long, and a member that is sent again counts anew.
inline constexpr std::size_t kMaxWindowHits = 256;
inline constexpr std::size_t kKeptWindowHits = 64;
inline constexpr std::size_t kWindowSlots = 128;
/// Slots of a window: a window has kWindowSlots and one more, and callers whose clocks differ need further ones. Past
/// the number slots are twice as wide.
inline constexpr std::size_t kMaxWindowSlots = 192;
/// Bytes of the value with such a window. A longer value is none.
inline constexpr std::size_t kMaxWindowBytes = 7184;
/// The key of a window lives for a window longer than the clock of the caller says the latest hit is old. A hit that is
/// further ahead of the caller's clock than this is forgotten early: a wrong clock must not keep a key for ever.
inline constexpr Duration kMaxWindowAhead = 15min;

}  // namespace tulle::node::redis
