#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mesh/core/node/mesh_node.hpp"

namespace tulle::bench {

/// One real node with a session with each of `peers` others, which are played here: they hold its interest, want one
/// channel each ("app/c" and the number), send heartbeats and receipt what they get. Time is virtual: 100 us a turn.
class MeshStar {
public:
    static constexpr Duration kTurn = 100us;

    explicit MeshStar(std::size_t peers) {
        node_.set_shards(1);
        node_.start(now_, effects_);
        for (std::size_t i = 0; i < peers; ++i) {
            join(i);
        }
        effects_.clear();
    }

    [[nodiscard]] static std::string channel(std::size_t peer) { return "app/c" + std::to_string(peer); }

    /// What has come from outside, then the end of the turn. The frames that the node has sent in it.
    std::size_t turn(std::vector<mesh::Input>& inputs) {
        effects_.clear();
        for (const mesh::Input& input : inputs) {
            node_.step(now_, input, effects_);
        }
        if (now_ >= peers_[next_].heartbeat_at) {
            node_.step(now_, heartbeat(next_), effects_);
            next_ = (next_ + 1) % peers_.size();
        }
        node_.settle(now_, effects_);
        now_ += kTurn;
        std::size_t frames = 0;
        for (const mesh::Effect& effect : effects_) {
            if (const auto* sent = std::get_if<mesh::SendData>(&effect)) {
                ++frames;
                if (const auto* frame = std::get_if<mesh::FramePtr>(&sent->message.body)) {
                    peers_[sent->message.dst.value - kFirst].received = (*frame)->no;
                }
            }
        }
        return frames;
    }

    /// A frame of `records` messages from peer 0 to this node.
    mesh::Input frame(std::size_t records, const std::string& channel, const SharedBody& body) {
        mesh::Frame frame{.no = peers_[0].sent = peers_[0].sent.next(), .upto = {}};
        for (std::size_t i = 0; i < records; ++i) {
            last_record_ = last_record_.next();
            frame.records.push_back(
                std::make_shared<const mesh::Record>(mesh::Record{last_record_, {channel}, body, {}}));
            frame.bytes += frame.records.back()->cost();
        }
        frame.upto = last_record_;
        return mesh::Data{OriginId{kFirst}, OriginId{1}, peers_[0].tag,
                          std::make_shared<const mesh::Frame>(std::move(frame))};
    }

    [[nodiscard]] const mesh::Effects& effects() const { return effects_; }

private:
    static constexpr std::uint64_t kFirst = 1000;

    struct Peer {
        mesh::SessionTag tag;  // the node's, which messages to it bear
        mesh::FrameNo received;
        mesh::FrameNo sent;
        Instant heartbeat_at;
    };

    static mesh::NodeOptions options() {
        return {.oid = OriginId{1},
                .cluster = "bench",
                .name = "node",
                .version = "1",
                .endpoints = {"node:1", "node:2", "node:3"},
                .seeds = {},
                .timing = {},
                .limits = {}};
    }

    mesh::Control from(std::size_t peer, mesh::ControlBody body) const {
        return {OriginId{kFirst + peer}, OriginId{1}, peers_[peer].tag, std::move(body)};
    }

    void feed(const mesh::Input& input) {
        effects_.clear();
        node_.step(now_, input, effects_);
        node_.settle(now_, effects_);
    }

    template <class T>
    const T* find_control() const {
        const T* found = nullptr;
        for (const mesh::Effect& effect : effects_) {
            if (const auto* sent = std::get_if<mesh::SendControl>(&effect)) {
                found = std::get_if<T>(&sent->message.body) ? std::get_if<T>(&sent->message.body) : found;
            }
        }
        return found;
    }

    void join(std::size_t i) {
        const std::string name = "peer" + std::to_string(i);
        const mesh::Introduction who{"bench",
                                     name,
                                     "1",
                                     {name + ":1", name + ":2", name + ":3"},
                                     mesh::kOldestProtocolVersion,
                                     mesh::kProtocolVersion,
                                     true};
        peers_.push_back({});
        feed(from(i, mesh::Hello{who, mesh::SessionTag{7}, {std::nullopt, mesh::RecordNo{0}, {}, {}}, {}}));
        mesh::ConnectionId connection;
        for (const mesh::Effect& effect : effects_) {
            if (const auto* open = std::get_if<mesh::OpenConnection>(&effect)) {
                connection = open->connection;
            }
        }
        feed(mesh::ConnectionUp{connection});
        peers_[i].tag = find_control<mesh::Welcome>()->tag;
        feed(from(i, mesh::Heartbeat{}));
        feed(from(i, mesh::InterestPull{}));
        feed(from(i, mesh::InterestDelta{mesh::InterestVersion{0}, {{true, channel(i)}}, mesh::InterestVersion{1}}));
        feed(mesh::SubscriberSeen{OriginId{kFirst + i}});
        peers_[i].heartbeat_at = now_;
        members_digest_ ^= kFirst + i;
    }

    mesh::Input heartbeat(std::size_t i) {
        Peer& peer = peers_[i];
        peer.heartbeat_at = now_ + 250ms;
        return from(i, mesh::Heartbeat{.last_sent = peer.sent,
                                       .upto = last_record_,
                                       .received = peer.received,
                                       .version = mesh::InterestVersion{1},
                                       .digest = stable_hash(channel(i)),
                                       .members_digest = members_digest_});
    }

    Instant now_{10s};
    mesh::MeshNode node_{options(), 1};
    std::vector<Peer> peers_;
    std::uint64_t members_digest_ = options().oid.value;  // each peer sees all others, as the node does
    std::size_t next_ = 0;                                // whose heartbeat comes next
    mesh::RecordNo last_record_;
    mesh::Effects effects_;
};

}  // namespace tulle::bench
