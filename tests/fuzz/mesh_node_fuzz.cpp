// A whole MeshNode among three members that are hostile, or partly honest, or silent. The fuzzer's bytes choose what
// these say, what the node's own shards ask for, what becomes of connections, and how time passes. Whatever comes:
// - no invariant of the node's own breaks, its stores keep their limits, a step has few effects, and time goes on;
// - a shard learns of each presence change once, and a member's records are delivered once and in order;
// - when the others have fallen silent, the node serves its own clients again.
#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/assert.hpp"
#include "mesh/core/node/mesh_node.hpp"
#include "mesh/wire/codec.hpp"
#include "tests/fuzz/bytes.hpp"
#include "tests/fuzz/hostile_words.hpp"

namespace tulle::fuzz {
namespace {

using namespace mesh;

constexpr std::size_t kPeers = 3;
constexpr std::size_t kShards = 2;
constexpr std::size_t kSteps = 200;          // of one input
constexpr std::size_t kTurns = 20'000;       // of one input; then it is over, without a verdict
constexpr std::size_t kTurnsAtOnce = 5'000;  // without time passing: a turn's work goes in slices
constexpr std::size_t kTurnsASecond = 10'000;
constexpr std::size_t kEffects = 2'000;      // of one step or turn
constexpr std::size_t kOneMore = 16u << 10;  // by which a store may exceed its limit: what it took last

/// So small that inputs of some hundred bytes come to the limits.
Limits small_limits() {
    Limits limits;
    limits.frame_bytes = 4u << 10;
    limits.frame_records = 16;
    limits.credit_bytes = 64u << 10;
    limits.receipt_bytes = 4u << 10;
    limits.hold_bytes = 32u << 10;
    limits.frames_ahead = 1024;
    limits.ring_bytes = 16u << 10;
    limits.receive_ring_bytes = 16u << 10;
    limits.extras = 16;
    limits.ring_stubs = 16;
    limits.repair_frames = 8;
    limits.interest_log = 8;
    limits.delta_changes = 4;
    limits.interest_bytes = 512;
    limits.presence_slice = 2;
    limits.retained_bytes = 8u << 10;
    limits.retained_slice = 8;
    limits.members_per_message = 8;
    limits.held_publishes = 4;
    limits.queries = 4;
    limits.query_parts = 8;
    limits.traces = 4;
    limits.duty_tasks = 4;
    limits.duty_mail_entries = 4;
    limits.duty_slice = 16;
    limits.duty_items = 4;
    limits.duty_tombstones = 4;
    return limits;
}

class World {
public:
    World(const std::uint8_t* data, std::size_t size) : bytes_(data, size), words_(bytes_), options_(bytes_.byte()) {
        node_.set_shards((1u << kShards) - 1);
        node_.set_duty_shard(ShardIndex{0});
        node_.start(now_, out_);
        observe();
        for (std::size_t i = 0; i < options_ % 4; ++i) {
            meet(i);
        }
    }

    void run() {
        for (std::size_t i = 0; i < kSteps && !bytes_.empty() && !over_; ++i) {
            act();
        }
        if ((options_ & 0x80) != 0) {
            recover();
        }
    }

private:
    struct PlayedPeer {
        SessionTag tag;         // that the node has chosen for what we say
        std::uint64_t own = 0;  // our own last tag
        std::uint64_t frames = 0;
        std::uint64_t records = 0;
        FramePtr last;  // of our frames
        FrameNo received;
        bool honest = false;  // sends heartbeats, and acknowledges
    };
    struct Shard {
        std::map<std::string, std::uint64_t> subscribed;  // channel, generation
        std::optional<std::set<std::string>> users;       // of the presence channel, once it is Subscribed
    };

    static OriginId oid_of(std::size_t peer) { return OriginId{peer + 2}; }
    PlayedPeer* peer_of(OriginId oid) {
        return oid.value >= 2 && oid.value < 2 + kPeers ? &peers_[static_cast<std::size_t>(oid.value - 2)] : nullptr;
    }

    void act() {
        const std::size_t peer = bytes_.below(kPeers);
        switch (bytes_.below(16)) {
            case 0:
            case 1:
            case 2:
            case 3:
                control(peer, words_.control());
                break;
            case 4:
                data(peer, words_.data(FrameNo{peers_[peer].frames + 1}));
                break;
            case 5:
                honest_data(peer);
                break;
            case 6:
                raw();
                break;
            case 7:
            case 8:
            case 9:
                from_shard(ShardIndex{static_cast<std::uint16_t>(bytes_.below(kShards))});
                break;
            case 10:
                connection();
                break;
            case 11:
                advance(std::chrono::milliseconds{bytes_.byte()});
                break;
            case 12:
                advance(std::chrono::milliseconds{20u * bytes_.byte()});
                break;
            case 13:
                meet(peer);
                break;
            case 14:
                peers_[peer].honest = bytes_.flag();
                break;
            default:
                rarely();
                break;
        }
    }

    void rarely() {
        switch (bytes_.below(8)) {
            case 0:
                ending_ = true;
                feed(LeaveRequest{std::chrono::milliseconds{20u * bytes_.byte()}});
                break;
            case 1:
            case 2:  // the machine has slept
                now_ += std::chrono::milliseconds{100u * bytes_.byte()};
                settle();
                break;
            case 3:
                static_cast<void>(node_.status(now_));
                break;
            default:
                feed(SubscriberGone{words_.oid()});
                break;
        }
    }

    // ---- what the peers do
    // -------------------------------------------------------------------------------------------

    /// A session from the beginning, as an honest peer would make it.
    void meet(std::size_t i) {
        const std::string at(1, static_cast<char>('b' + i));
        const bool is_older = i == 0 && (options_ & 0x40) != 0;
        const Introduction who{"test",
                               at,
                               "1",
                               {at + ":1", at + ":2", at + ":3"},
                               kOldestProtocolVersion,
                               is_older ? kOldestProtocolVersion : kProtocolVersion,
                               true};
        PlayedPeer& peer = peers_[i];
        peer.own = std::max(peer.own + 1, std::uint64_t{100});
        peer.frames = 0;
        peer.last = nullptr;
        peer.received = {};
        send(Control{
            oid_of(i), OriginId{1}, {}, Hello{who, SessionTag{peer.own}, {std::nullopt, RecordNo{}, {}, {}}, {}}});
        for (const auto& [connection, endpoint] : std::map<ConnectionId, std::string>(connections_)) {
            if (endpoint == who.endpoints.control) {
                feed(ConnectionUp{connection});
            }
        }
        control_as(i, peer.tag, Heartbeat{});
        control_as(i, peer.tag, InterestPull{});
        control_as(i, peer.tag, InterestDelta{InterestVersion{0}, {}, InterestVersion{0}});
        feed(SubscriberSeen{oid_of(i)});
    }

    void beat() {
        for (std::size_t i = 0; i < kPeers; ++i) {
            if (peers_[i].honest) {
                Heartbeat beat;
                beat.last_sent = FrameNo{peers_[i].frames};
                beat.received = peers_[i].received;
                beat.applied = interest_;
                control_as(i, peers_[i].tag, beat);
                send(Data{oid_of(i), OriginId{1}, peers_[i].tag, Tail{FrameNo{peers_[i].frames}, {}}});
            }
        }
    }

    void control(std::size_t peer, ControlBody body) {
        const std::size_t choice = bytes_.below(16);
        control_as(peer, choice == 15 ? words_.tag() : peers_[peer].tag, std::move(body));
    }
    void control_as(std::size_t peer, SessionTag tag, ControlBody body) {
        const bool is_first_word = body.index() < 4;  // Knock, Hello, Welcome, Refuse
        send(Control{oid_of(peer), OriginId{1}, is_first_word ? SessionTag{} : tag, std::move(body)});
    }
    void data(std::size_t peer, std::variant<FramePtr, Tail> body) {
        if (const auto* frame = std::get_if<FramePtr>(&body);
            frame != nullptr && (*frame)->no.value == peers_[peer].frames + 1) {
            ++peers_[peer].frames;
        }
        const std::size_t choice = bytes_.below(16);
        send(Data{oid_of(peer), OriginId{1}, choice == 15 ? words_.tag() : peers_[peer].tag, std::move(body)});
    }

    /// The next frame as an honest peer would number it, or the last one again.
    void honest_data(std::size_t i) {
        PlayedPeer& peer = peers_[i];
        if (peer.last == nullptr || bytes_.below(4) != 0) {
            Record record{.n = RecordNo{++peer.records},
                          .channels = {own_channel()},
                          .body = words_.event(),
                          .exclude_socket = std::to_string(i)};  // names the member when the record is delivered
            if (record.channels.front() == "app/presence-a") {
                record.channels = {presence_key("app/presence-a")};
                record.user = std::string(1, static_cast<char>('a' + bytes_.below(4)));
                record.left = bytes_.flag();
            }
            Frame frame{.no = FrameNo{++peer.frames}, .upto = record.n, .gone = {}, .records = {}};
            frame.records.push_back(std::make_shared<const Record>(std::move(record)));
            peer.last = std::make_shared<const Frame>(std::move(frame));
        }
        send(Data{oid_of(i), OriginId{1}, peer.tag, peer.last});
    }

    /// Only what the decoder lets through reaches a node.
    void send(const Control& message) {
        if (auto decoded = decode_control(encode(message))) {
            feed(std::move(*decoded));
        }
    }
    void send(const Data& message) {
        if (auto decoded = decode_data(encode(message))) {
            feed(std::move(*decoded));
        }
    }
    void raw() {
        const std::string_view bytes = bytes_.take(bytes_.byte());
        if (auto control = decode_control(bytes)) {
            feed(std::move(*control));
        } else if (auto data = decode_data(bytes)) {
            feed(std::move(*data));
        }
    }

    // ---- what the node's own side does
    // -------------------------------------------------------------------------------

    void connection() {
        if (connections_.empty()) {
            return;
        }
        const auto chosen =
            std::next(connections_.begin(), static_cast<std::ptrdiff_t>(bytes_.below(256) % connections_.size()));
        const ConnectionId connection = chosen->first;
        switch (bytes_.below(4)) {
            case 0:
            case 1:
                feed(ConnectionUp{connection});
                break;
            case 2:
                feed(ConnectionDown{connection});
                break;
            default:
                feed(EndpointChecked{connection, static_cast<EndpointState>(bytes_.below(3))});
                break;
        }
    }

    std::string own_channel() {
        constexpr std::array<const char*, 6> kChannels = {"app/presence-a", "app/cache-a", "app/6",
                                                          "app/7",          "app/8",       "app/9"};
        return kChannels[bytes_.below(kChannels.size())];
    }

    void from_shard(ShardIndex shard) {
        const std::string channel = own_channel();
        switch (bytes_.below(12)) {
            case 0:
            case 1:
                subscribe(shard, channel);
                break;
            case 2:
                unsubscribe(shard, channel);
                break;
            case 3:
            case 4:
                publish(shard, channel);
                break;
            case 5:
                from(shard, MemberJoin{++ids_,
                                       "app/presence-a",
                                       {std::string(1, static_cast<char>('a' + bytes_.below(4))), words_.body()},
                                       3});
                break;
            case 6:
                from(shard, MemberLeave{"app/presence-a", std::string(1, static_cast<char>('a' + bytes_.below(4)))});
                break;
            case 7:
                from(shard, Query{++ids_, "q", std::chrono::milliseconds{bytes_.byte()}, {channel}});
                break;
            case 8:
                from(shard, Trace{++ids_, channel, std::chrono::milliseconds{bytes_.byte()}});
                break;
            case 9:
                from(shard, DutyCount{channel, "i", bytes_.below(4), {}});
                break;
            case 10:
                from(shard, DutyTask{channel, words_.body()});
                break;
            default:
                answer(shard);
                break;
        }
    }

    /// An answer of the shard that does the duties: any outcome, about a token that may never have been given out.
    void done() {
        const std::uint64_t token = bytes_.number();
        const std::uint64_t choice = bytes_.below(16);
        const auto outcome = static_cast<DutyOutcome>(choice / 4);
        from(ShardIndex{0},
             DutyDone{token, choice % 4, outcome, outcome == DutyOutcome::kPartly ? share("behind") : SharedBytes()});
    }

    void answer(ShardIndex shard) {
        switch (bytes_.below(4)) {
            case 0:
                from(shard, LocalAnswer{bytes_.number(), "a", bytes_.flag()});
                break;
            case 1:
                done();
                break;
            case 2:
                from(shard, ShareUsage{{{"app/connections", bytes_.byte()}}});
                break;
            default:
                from(shard, ShardLoad{bytes_.byte()});
                break;
        }
    }

    void from(ShardIndex shard, ToHub message) { feed(PortInput{shard, std::move(message)}); }

    void subscribe(ShardIndex shard, const std::string& channel) {
        shards_[shard.value].subscribed[channel] = ++ids_;
        from(shard, Subscribe{channel, ids_, channel == "app/presence-a", channel == "app/cache-a"});
    }
    void unsubscribe(ShardIndex shard, const std::string& channel) {
        if (shards_[shard.value].subscribed.erase(channel) == 1) {
            if (channel == "app/presence-a") {
                shards_[shard.value].users.reset();
            }
            from(shard, Unsubscribe{channel});
        }
    }
    void publish(ShardIndex shard, const std::string& channel) {
        Publish made{.id = ++ids_, .channels = {channel, own_channel()}, .body = words_.event(), .exclude_socket = {}};
        if (channel == "app/cache-a") {
            made.retained = 1;
            made.keep_for = 30min;
        }
        from(shard, std::move(made));
    }

    // ---- time
    // --------------------------------------------------------------------------------------------------------

    /// To `now_ + step`, with a turn whenever the node has asked for one.
    void advance(Duration step) {
        const Instant end = now_ + step;
        while (!over_) {
            const Instant next = std::max(now_, std::min(node_.next_deadline(), next_beat_));
            if (next > end) {
                break;
            }
            count_turn(next);
            now_ = next;
            if (next_beat_ <= now_) {
                next_beat_ = now_ + 200ms;
                beat();
            }
            settle();
        }
        now_ = end;
        settle();
    }

    void count_turn(Instant at) {
        at_once_ = at == now_ ? at_once_ + 1 : 0;
        TULLE_ASSERT(at_once_ < kTurnsAtOnce);
        if (at - second_ >= 1s) {
            second_ = at;
            in_second_ = 0;
        }
        TULLE_ASSERT(++in_second_ < kTurnsASecond);
        over_ = over_ || ++turns_ > kTurns;
    }

    void feed(Input input) {
        if (!over_) {
            node_.step(now_, std::move(input), out_);
            observe();
            settle();
        }
    }
    void settle() {
        if (!over_) {
            node_.settle(now_, out_);
            observe();
        }
    }

    // ---- what the node does
    // ------------------------------------------------------------------------------------------

    void observe() {
        TULLE_ASSERT(out_.size() <= kEffects);
        const Effects effects = std::exchange(out_, {});
        for (const Effect& effect : effects) {
            if (const auto* open = std::get_if<OpenConnection>(&effect)) {
                TULLE_ASSERT(connections_.emplace(open->connection, open->endpoint).second);
            } else if (const auto* close = std::get_if<CloseConnection>(&effect)) {
                TULLE_ASSERT(connections_.erase(close->connection) == 1);
            } else if (const auto* check = std::get_if<CheckEndpoint>(&effect)) {
                TULLE_ASSERT(connections_.contains(check->connection));
            } else if (const auto* said = std::get_if<SendControl>(&effect)) {
                TULLE_ASSERT(connections_.contains(said->connection));
                hear(said->message);
            } else if (const auto* sent = std::get_if<SendData>(&effect)) {
                hear(sent->message);
            } else if (const auto* local = std::get_if<DeliverLocal>(&effect)) {
                delivered_ = delivered_ || local->record->channels.front() == "app/last";
                if (const std::string& from = local->record->exclude_socket; !from.empty()) {
                    RecordNo& before = delivered_of_[from];
                    TULLE_ASSERT(before < local->record->n);
                    before = local->record->n;
                }
            } else if (const auto* to = std::get_if<ToPort>(&effect)) {
                tell(to->shard, to->message);
            } else if (std::holds_alternative<Fatal>(effect) || std::holds_alternative<Left>(effect)) {
                over_ = true;  // the process ends
            }
        }
        check_memory();
    }

    void check_memory() {
        const MeshNode::MemoryUse use = node_.memory_use();
        TULLE_ASSERT(use.ring <= limits_.ring_bytes + kOneMore);
        TULLE_ASSERT(use.unreceipted <= limits_.credit_bytes + kOneMore);
        TULLE_ASSERT(use.held <= limits_.hold_bytes + kOneMore);
        TULLE_ASSERT(use.receive_ring <= limits_.receive_ring_bytes + kOneMore);
        TULLE_ASSERT(use.retained <= limits_.retained_bytes + kOneMore);
    }

    /// What the node says must be what its peers can decode, and what it chooses becomes what they may say.
    void hear(const Control& message) {
        TULLE_ASSERT(decode_control(encode(message)));
        PlayedPeer* peer = peer_of(message.dst);
        if (const auto* hello = std::get_if<Hello>(&message.body)) {
            bytes_.see(hello->tag.value);
            if (peer != nullptr) {
                peer->tag = hello->tag;
            }
        } else if (const auto* welcome = std::get_if<Welcome>(&message.body)) {
            bytes_.see(welcome->tag.value);
            if (peer != nullptr) {
                peer->tag = welcome->tag;
            }
        } else if (const auto* heartbeat = std::get_if<Heartbeat>(&message.body)) {
            interest_ = heartbeat->version;
            bytes_.see(heartbeat->last_sent.value);
        } else if (const auto* ask = std::get_if<QueryAsk>(&message.body)) {
            bytes_.see(ask->id);
        } else if (const auto* pull = std::get_if<InterestPull>(&message.body)) {
            bytes_.see(pull->snapshot);
        } else if (const auto* ping = std::get_if<Ping>(&message.body)) {
            bytes_.see(ping->nonce);
        } else if (const auto* chunk = std::get_if<InterestChunk>(&message.body)) {
            bytes_.see(chunk->snapshot);
            interest_ = chunk->current;
        } else if (const auto* delta = std::get_if<InterestDelta>(&message.body)) {
            interest_ = delta->current;
        } else if (const auto* mail = std::get_if<DutyMail>(&message.body)) {
            bytes_.see(mail->seq);
        }
    }

    void hear(const Data& message) {
        TULLE_ASSERT(decode_data(encode(message)));
        PlayedPeer* peer = peer_of(message.dst);
        if (const auto* frame = std::get_if<FramePtr>(&message.body); frame != nullptr && peer != nullptr) {
            peer->received = std::max(peer->received, (*frame)->no);
            bytes_.see((*frame)->no.value);
            bytes_.see((*frame)->upto.value);
        }
    }

    void tell(ShardIndex index, const ToShard& message) {
        Shard& shard = shards_.at(index.value);
        if (const auto* subscribed = std::get_if<Subscribed>(&message)) {
            const auto found = shard.subscribed.find(subscribed->channel);
            if (found == shard.subscribed.end() || found->second != subscribed->generation) {
                return;  // the answer to an older request
            }
            if (subscribed->members != nullptr) {
                shard.users.emplace();
                for (const PresenceMember& member : *subscribed->members) {
                    TULLE_ASSERT(shard.users->insert(member.user).second);
                }
            }
            confirmed_ = confirmed_ || subscribed->channel == "app/last";
        } else if (const auto* changed = std::get_if<MemberChanged>(&message)) {
            if (shard.users) {
                TULLE_ASSERT(changed->joined ? shard.users->insert(changed->member.user).second
                                             : shard.users->erase(changed->member.user) == 1);
            }
        } else if (const auto* query = std::get_if<LocalQuery>(&message)) {
            bytes_.see(query->token);
        } else if (const auto* duty = std::get_if<DutyChanged>(&message)) {
            bytes_.see(duty->token);
        } else if (const auto* perform = std::get_if<DutyPerform>(&message)) {
            bytes_.see(perform->token);
        }
    }

    /// The others fall silent for good, and their endpoints refuse. A node that is alone serves.
    void recover() {
        for (PlayedPeer& peer : peers_) {
            peer.honest = false;
        }
        for (int i = 0; i < 15 && !over_; ++i) {
            for (const auto& [connection, endpoint] : std::map<ConnectionId, std::string>(connections_)) {
                if (connections_.contains(connection)) {
                    feed(ConnectionDown{connection});
                }
                if (connections_.contains(connection)) {
                    feed(EndpointChecked{connection, EndpointState::kRefused});
                }
            }
            advance(1s);
        }
        if (over_ || ending_) {
            return;
        }
        TULLE_ASSERT(node_.ready());
        subscribe(ShardIndex{1}, "app/last");
        from(ShardIndex{0},
             Publish{.id = ++ids_, .channels = {"app/last"}, .body = share(EventBody("e", "x")), .exclude_socket = {}});
        if (!over_) {
            TULLE_ASSERT(confirmed_ && delivered_);
        }
    }

    Bytes bytes_;
    HostileWords words_;
    std::uint8_t options_;
    Limits limits_ = small_limits();
    MeshNode node_{{.oid = OriginId{1},
                    .cluster = "test",
                    .name = "a",
                    .version = "1",
                    .endpoints = {"a:1", "a:2", "a:3"},
                    .seeds = {},
                    .timing = {},
                    .limits = limits_},
                   1};
    Instant now_{10s};
    Instant next_beat_{10s};
    Effects out_;
    bool over_ = false;
    bool ending_ = false;
    std::array<PlayedPeer, kPeers> peers_;
    std::array<Shard, kShards> shards_;
    std::map<ConnectionId, std::string> connections_;
    std::map<std::string, RecordNo> delivered_of_;  // of the records in good frames, by member
    InterestVersion interest_;
    std::uint64_t ids_ = 0;
    bool confirmed_ = false;
    bool delivered_ = false;
    Instant second_{10s};
    std::size_t at_once_ = 0;
    std::size_t in_second_ = 0;
    std::size_t turns_ = 0;
};

}  // namespace
}  // namespace tulle::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    tulle::fuzz::World(data, size).run();
    return 0;
}
