#pragma once

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/node/stores.hpp"

namespace tulle::mesh {

/// A node as its services see it, played by a test: what is sent is kept instead.
class PlayedContext final : public MeshContext {
public:
    using MeshContext::MeshContext;

    void send(OriginId to, ControlBody body, Effects&) override { sent.emplace_back(to, std::move(body)); }
    void send_data(OriginId to, std::variant<FramePtr, Tail> body, Effects&) override {
        data.emplace_back(to, std::move(body));
    }
    void give_up(Instant, OriginId oid, const std::string& why, Effects&) override { given_up[oid] = why; }
    [[nodiscard]] bool was_given_up(OriginId oid) const override { return given_up.contains(oid); }
    [[nodiscard]] const Peer* find(OriginId oid) const override {
        const auto found = peers.find(oid);
        return found == peers.end() ? nullptr : &found->second;
    }

    /// To whom those of one kind went.
    template <class T>
    [[nodiscard]] std::vector<OriginId> receivers() const {
        std::vector<OriginId> found;
        for (const auto& [to, body] : sent) {
            if (std::holds_alternative<T>(body)) {
                found.push_back(to);
            }
        }
        return found;
    }
    template <class T>
    [[nodiscard]] const T& last() const {
        for (auto it = sent.rbegin(); it != sent.rend(); ++it) {
            if (const T* found = std::get_if<T>(&it->second)) {
                return *found;
            }
        }
        throw std::runtime_error("nothing of that kind was sent");
    }

    std::vector<std::pair<OriginId, ControlBody>> sent;
    std::vector<std::pair<OriginId, std::variant<FramePtr, Tail>>> data;
    std::map<OriginId, std::string> given_up;
    std::map<OriginId, Peer> peers;
};

/// Sessions and stores of a node without a node.
class ServiceTest : public testing::Test {
protected:
    explicit ServiceTest(const Limits& limits = {}) : options_(options(limits)) {}

    static NodeOptions options(const Limits& limits) {
        return {.oid = OriginId{1},
                .cluster = "test",
                .name = "n1",
                .version = "1",
                .endpoints = {"n1:1", "n1:2", "n1:3"},
                .seeds = {},
                .timing = {},
                .limits = limits};
    }

    /// A session with that peer, which has fetched nothing yet.
    Session& meet(std::uint64_t id) {
        const OriginId oid{id};
        Peer& peer = context_.peers[oid];
        peer.oid = oid;
        peer.name = "n" + std::to_string(id);
        peer.endpoints = {peer.name + ":1", peer.name + ":2", ""};
        peer.state = PeerState::kAlive;
        return sessions_.open(options_, oid, {}, *stores_.interest.take_slot());
    }
    /// The peer has interest in these, and all of its interest is held.
    void want(Session& session, const std::vector<std::string>& channels) {
        InterestDelta delta{stores_.interest.version(session.interest.slot).value_or(InterestVersion{}), {}, {}};
        for (const std::string& channel : channels) {
            delta.changes.push_back({true, channel});
        }
        static_cast<void>(stores_.interest.apply(session.interest.slot, delta));
        session.interest.synced = true;
    }
    static Record record(std::uint64_t n, std::vector<std::string> channels, const std::string& user = {}) {
        return {.n = RecordNo{n},
                .channels = std::move(channels),
                .body = user.empty() ? share(EventBody()) : nullptr,
                .exclude_socket = {},
                .user = user};
    }
    /// What the shards were told of one kind.
    template <class T>
    [[nodiscard]] std::vector<std::pair<ShardIndex, T>> told() const {
        std::vector<std::pair<ShardIndex, T>> found;
        for (const Effect& effect : out_) {
            const auto* to = std::get_if<ToPort>(&effect);
            if (const T* what = to == nullptr ? nullptr : std::get_if<T>(&to->message)) {
                found.emplace_back(to->shard, *what);
            }
        }
        return found;
    }
    /// The masks of shards that records were delivered to.
    [[nodiscard]] std::vector<std::uint64_t> delivered() const {
        std::vector<std::uint64_t> masks;
        for (const Effect& effect : out_) {
            if (const auto* local = std::get_if<DeliverLocal>(&effect)) {
                masks.push_back(local->shards);
            }
        }
        return masks;
    }

    NodeOptions options_;
    Stores stores_{options_};
    Sessions sessions_;
    PlayedContext context_{options_, sessions_, stores_.audience};
    Instant now_{100s};
    Effects out_;
};

}  // namespace tulle::mesh
