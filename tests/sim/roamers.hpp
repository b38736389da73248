#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/prng.hpp"
#include "mesh/base/time.hpp"
#include "mesh/core/node/port.hpp"
#include "tests/sim/network.hpp"

namespace tulle::sim {

struct Process;
class World;

/// Clients that move from node to node with their positions in the histories of channels. P12: what a client gets after
/// it was told that nothing was missed holds each message once, and the messages of an origin in order; and no message
/// that was accepted since the client was first there is missing at the end.
///
/// A client that is told that something may be missing, or of a gap, begins anew. Not judged at the end, and counted:
/// a client that went on at a node without a session with each living node; and messages that Annals excuses.
class Roamers {
public:
    /// The shard of the roamers on every node: nobody else is there.
    static constexpr mesh::ShardIndex kShard{2};

    Roamers(World& world, std::uint64_t seed) : world_(world), prng_(seed) {}

    /// Lets the clients roam until that moment.
    void start(Instant until);
    /// The clients whose nodes have ended go on at other nodes, and stay there.
    void settle();
    /// Judges what the clients have got.
    void judge();

    void deliver(const Process& process, const mesh::Record& record);
    void to_shard(HostId host, const Process& process, const mesh::ToShard& message);

    struct Tally {
        std::uint64_t recovered = 0;
        /// By reason.
        std::uint64_t lost = 0;
        std::uint64_t evicted = 0;
        std::uint64_t replayed = 0;
        std::uint64_t skipped = 0;
        std::uint64_t judged = 0;
        std::uint64_t split = 0;
        std::uint64_t excused = 0;
    };
    [[nodiscard]] const Tally& tally() const { return tally_; }

private:
    enum class Stage : std::uint8_t { kAway, kSubscribing, kAsking, kThere };
    struct Roamer {
        std::string channel;
        Stage stage = Stage::kAway;
        HostId host = 0;
        OriginId process;
        std::uint64_t id = 0;
        std::optional<mesh::HistoryPosition> position = {};
        std::vector<mesh::Stamp> ahead = {};
        /// Since the client began.
        Instant begun{};
        bool is_split = false;
        std::set<std::pair<OriginId, mesh::RecordNo>> got = {};
        std::map<OriginId, mesh::RecordNo> last = {};
    };
    /// A channel with roamers on a node.
    struct Room {
        std::uint64_t generation = 0;
        bool is_confirmed = false;
    };

    void move(std::size_t which, Instant until);
    void come(Roamer& roamer, HostId host);
    void leave(Roamer& roamer);
    void ask(Roamer& roamer);
    void on_resumed(const Process& process, const mesh::Resumed& answer);
    void begin_anew(Roamer& roamer);
    /// The client gets a message.
    void take(Roamer& roamer, const mesh::Stamp& stamp, mesh::RecordNo n, const char* how);

    World& world_;
    Prng prng_;
    std::vector<Roamer> roamers_;
    std::map<std::pair<OriginId, std::string>, Room> rooms_;
    std::uint64_t last_id_ = 0;
    Tally tally_;
};

}  // namespace tulle::sim
