#pragma once

#include <gtest/gtest.h>

#include "mesh/core/node/mesh_node.hpp"

namespace tulle::mesh {

inline constexpr Instant kStart{10s};

template <class T>
std::vector<T> to_shards(const Effects& effects) {
    std::vector<T> found;
    for (const Effect& effect : effects) {
        const auto* to = std::get_if<ToPort>(&effect);
        if (const T* what = to == nullptr ? nullptr : std::get_if<T>(&to->message)) {
            found.push_back(*what);
        }
    }
    return found;
}

template <class T>
std::vector<T> controls(const Effects& effects) {
    std::vector<T> found;
    for (const Effect& effect : effects) {
        const auto* send = std::get_if<SendControl>(&effect);
        if (const T* what = send == nullptr ? nullptr : std::get_if<T>(&send->message.body)) {
            found.push_back(*what);
        }
    }
    return found;
}

inline std::vector<FramePtr> frames(const Effects& effects) {
    std::vector<FramePtr> found;
    for (const Effect& effect : effects) {
        const auto* send = std::get_if<SendData>(&effect);
        if (const auto* frame = send == nullptr ? nullptr : std::get_if<FramePtr>(&send->message.body)) {
            found.push_back(*frame);
        }
    }
    return found;
}

/// One real node with two shards, and a peer played by the test, in session from the start.
class PlayedPeerTest : public testing::Test {
protected:
    explicit PlayedPeerTest(const Limits& limits = {}) : node_(options(limits), 1) {
        node_.set_shards(3);
        node_.start(kStart, out_);
        const Introduction peer{"test",           "b", "1", {"b:1", "b:2", "b:3"}, kOldestProtocolVersion,
                                kProtocolVersion, true};
        control(Hello{peer, SessionTag{77}, {std::nullopt, RecordNo{}, {}, {}}, {}});
        for (const Effect& effect : Effects(out_)) {
            if (const auto* open = std::get_if<OpenConnection>(&effect)) {
                feed(ConnectionUp{open->connection});
            }
        }
        tag_ = controls<Welcome>(out_).back().tag;
        control(Heartbeat{});
        control(InterestPull{});
        control(InterestDelta{InterestVersion{0}, {}, InterestVersion{0}});
        feed(SubscriberSeen{OriginId{2}});
        out_.clear();
    }

    void feed(Input input) {
        node_.step(now_, input, out_);
        node_.settle(now_, out_);
    }
    /// Time passes, and the node's turns are in time: a late one is forgiven to its peers.
    void wait(Duration time) {
        for (const Instant until = now_ + time; now_ < until;) {
            now_ += 10ms;
            node_.settle(now_, out_);
        }
    }
    void control(ControlBody body) { feed(Control{OriginId{2}, OriginId{1}, tag_, std::move(body)}); }
    /// A heartbeat of the peer that answers this node's, announces a rebind within `rebind_ms` unless that is 0, and
    /// says that records up to `waits_upto` wait for this node's link.
    void heartbeat(std::uint32_t rebind_ms = 0, RecordNo waits_upto = {}) {
        Heartbeat beat;
        beat.sent_at_us = now_.time_since_epoch() / 1us;
        beat.echo_us = beat.sent_at_us;
        beat.ready = true;
        beat.rebind_ms = rebind_ms;
        beat.waits_upto = waits_upto;
        control(beat);
    }
    void from_shard(std::uint16_t shard, ToHub message) { feed(PortInput{ShardIndex{shard}, std::move(message)}); }
    void frame(std::vector<PresencePart> parts, std::vector<Record> records = {},
               std::vector<RetainedPart> retained = {}) {
        Frame made{.no = FrameNo{++frames_}, .upto = RecordNo{50}, .gone = {}, .records = {}};
        for (PresencePart& part : parts) {
            made.presence.push_back(std::make_shared<const PresencePart>(std::move(part)));
        }
        for (RetainedPart& part : retained) {
            made.retained.push_back(std::make_shared<const RetainedPart>(std::move(part)));
        }
        for (Record& record : records) {
            made.records.push_back(std::make_shared<const Record>(std::move(record)));
        }
        feed(Data{OriginId{2}, OriginId{1}, tag_, std::make_shared<const Frame>(std::move(made))});
    }

    static NodeOptions options(const Limits& limits) {
        return {.oid = OriginId{1},
                .cluster = "test",
                .name = "a",
                .version = "1",
                .endpoints = {"a:1", "a:2", "a:3"},
                .seeds = {},
                .timing = {},
                .limits = limits};
    }

    MeshNode node_;
    Instant now_ = kStart;
    Effects out_;
    SessionTag tag_;
    std::uint64_t frames_ = 0;
};

}  // namespace tulle::mesh
