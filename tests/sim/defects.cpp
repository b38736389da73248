#include "tests/sim/defects.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace tulle::sim {
namespace {

/// Longer than any run.
constexpr Duration kNever = 1h;

/// Gives the message a frame of its own and spoils the frame. Frames are shared, and other receivers must not see the
/// change.
template <class Change>
void change(mesh::Data& data, Change&& spoil) {
    auto frame = std::make_shared<mesh::Frame>(*std::get<mesh::FramePtr>(data.body));
    spoil(*frame);
    data.body = mesh::FramePtr(std::move(frame));
}

}  // namespace

void Defects::spoil(mesh::NodeOptions& options) const {
    if (planted_ == Planted::kControlUnheeded) {
        options.timing.control_deaf = kNever;
        options.timing.control_verdict = kNever;
    }
}

void Defects::turn(mesh::MeshNode& node, OriginId self, Instant now, const std::vector<mesh::Input>& inputs,
                   mesh::Effects& out) {
    // Without a defect the node takes every input as the input stands.
    if (planted_ == Planted::kNone) {
        for (const mesh::Input& input : inputs) {
            node.step(now, input, out);
        }
        node.settle(now, out);
        return;
    }
    Turn turn{node, self, nodes_[self], now, out};
    for (const mesh::Input& input : inputs) {
        step(turn, input);
    }
    settle(turn);
}

void Defects::step(Turn& turn, mesh::Input input) {
    if (auto* control = std::get_if<mesh::Control>(&input)) {
        on_control(turn, std::move(*control));
    } else if (auto* data = std::get_if<mesh::Data>(&input)) {
        on_data(turn, std::move(*data));
    } else if (const auto* port = std::get_if<mesh::PortInput>(&input)) {
        on_port(turn, *port);
    } else if (std::holds_alternative<mesh::LeaveRequest>(input) && planted_ == Planted::kLeaveUnflushed) {
        // Not a word more: a heartbeat would tell the peers how much there was.
        turn.state.is_mute = true;
        turn.out.push_back(mesh::Left{});
    } else {
        const auto* gone = std::get_if<mesh::SubscriberGone>(&input);
        turn.node.step(turn.now, input, turn.out);
        if (gone != nullptr && planted_ == Planted::kOldPipe) {
            end_session(turn, gone->oid);
        }
    }
}

void Defects::on_control(Turn& turn, mesh::Control control) {
    if (planted_ == Planted::kRepairOff && std::holds_alternative<mesh::Nack>(control.body)) {
        return;
    }
    if (auto* chunk = std::get_if<mesh::InterestChunk>(&control.body);
        chunk != nullptr && planted_ == Planted::kStaleSnapshot) {
        // Raises the version of the snapshot, so that the node takes an old snapshot for newer than all deltas.
        if (const auto held = turn.node.interest_of(control.src)) {
            chunk->base = std::max(chunk->base, held->first);
        }
    }
    if (auto* answer = std::get_if<mesh::QueryAnswer>(&control.body);
        answer != nullptr && answer->history && planted_ == Planted::kHistoryAlwaysWhole) {
        auto part = *answer->history;
        part.whole_since_us = 1;
        answer->history = std::make_shared<const mesh::HistoryPart>(std::move(part));
    }
    turn.node.step(turn.now, control, turn.out);
    const mesh::Peer* peer = turn.node.membership().find(control.src);
    // Only a session that stands gives a defect something to harm.
    const bool stands = peer != nullptr && peer->in_session() && peer->local_tag == control.tag;
    if (const auto* delta = std::get_if<mesh::InterestDelta>(&control.body);
        delta != nullptr && planted_ == Planted::kAckBeforeApply && stands && peer->connection) {
        turn.out.push_back(mesh::SendControl{*peer->connection,
                                             {.src = turn.self,
                                              .dst = control.src,
                                              .tag = peer->remote_tag,
                                              .body = mesh::InterestAck{delta->base.plus(delta->changes.size())},
                                              .protocol = peer->protocol}});
    }
    if (const auto* ask = std::get_if<mesh::ProbeAsk>(&control.body);
        ask != nullptr && planted_ == Planted::kHearsayKills && stands) {
        end_session(turn, ask->target);
    }
    if (std::holds_alternative<mesh::Heartbeat>(control.body)) {
        turn.state.withheld[control.src].is_due = true;
    }
}

void Defects::on_data(Turn& turn, mesh::Data data) {
    if (const auto* frame = std::get_if<mesh::FramePtr>(&data.body)) {
        if (planted_ == Planted::kDuplicateFilterOff &&
            !turn.state.frames.insert({data.src, data.tag, (*frame)->no}).second) {
            deliver_again(turn, **frame);
        } else if (planted_ == Planted::kHistoryGoneUntold) {
            change(data, [](mesh::Frame& spoilt) { spoilt.gone.history = false; });
        } else if (planted_ == Planted::kPresenceOvertakes) {
            change(data, [&](mesh::Frame& spoilt) { withhold(turn, data.src, spoilt); });
        } else if (planted_ == Planted::kRetainedUnmoved) {
            change(data, [&](mesh::Frame& spoilt) {
                std::erase_if(spoilt.retained,
                              [&](const mesh::RetainedPartPtr& part) {  // what is no answer is handed on
                                  // An event that answers nobody's subscription is a handed-on event.
                                  return turn.node.local_interest().shards_of(mesh::retained_key(part->channel)) == 0;
                              });
            });
        } else if (planted_ == Planted::kReconcileOpen) {
            for (const mesh::RecordPtr& record : (*frame)->records) {
                // Remembers the records of all nodes, to be filled in later.
                records_[data.src][record->n] = record;
                mesh::RecordNo& last = turn.state.received[data.src];
                last = std::max(last, record->n);
            }
        }
    }
    turn.node.step(turn.now, std::move(data), turn.out);
}

void Defects::on_port(Turn& turn, const mesh::PortInput& input) {
    if (const auto* publish = std::get_if<mesh::Publish>(&input.message);
        publish != nullptr && planted_ == Planted::kCopiesUncounted) {
        answer_at_once(turn, input.shard, *publish);
        return;
    }
    const auto* wanted = std::get_if<mesh::Subscribe>(&input.message);
    // Looked at before the node takes the subscription.
    const bool is_second = wanted != nullptr && turn.node.local_interest().shards_of(wanted->channel) != 0;
    turn.node.step(turn.now, input, turn.out);
    const bool unheeded = planted_ == Planted::kBarrierOff || (planted_ == Planted::kSecondSkipsBarrier && is_second);
    if (wanted != nullptr && unheeded && !wanted->presence && !wanted->retained) {
        // The shard is told at once. The node's own word follows later and is dropped by settle().
        turn.state.confirmed.emplace(Confirmed{input.shard, wanted->channel, wanted->generation}, false);
        turn.out.push_back(mesh::ToPort{input.shard, mesh::Subscribed{wanted->channel, wanted->generation, nullptr}});
    }
}

void Defects::answer_at_once(Turn& turn, mesh::ShardIndex shard, mesh::Publish publish) {
    const std::uint32_t copies = std::exchange(publish.copies, std::uint8_t{1});
    const std::uint64_t id = publish.id;
    turn.node.step(turn.now, mesh::PortInput{shard, std::move(publish)}, turn.out);
    for (mesh::Effect& effect : turn.out) {
        auto* to = std::get_if<mesh::ToPort>(&effect);
        auto* published = to == nullptr ? nullptr : std::get_if<mesh::Published>(&to->message);
        if (published != nullptr && to->shard == shard && published->id == id && copies > 1) {
            published->copies = copies;
        }
    }
}

void Defects::settle(Turn& turn) {
    if (planted_ == Planted::kReconcileOpen) {
        fill_in(turn);
    }
    turn.node.settle(turn.now, turn.out);
    if (planted_ == Planted::kTaskForgotten || planted_ == Planted::kSettledEarly) {
        answer_duties(turn, planted_);
    }
    if (planted_ == Planted::kResumeNotAhead || planted_ == Planted::kResumeAlwaysRecovers) {
        change_resumed(turn, planted_);
    }
    // Drops confirmations already given, and all words of a mute leaver.
    std::erase_if(turn.out, [&](const mesh::Effect& effect) {
        const auto* to = std::get_if<mesh::ToPort>(&effect);
        const auto* subscribed = to == nullptr ? nullptr : std::get_if<mesh::Subscribed>(&to->message);
        if (subscribed != nullptr) {
            const auto early = turn.state.confirmed.find({to->shard, subscribed->channel, subscribed->generation});
            return early != turn.state.confirmed.end() && std::exchange(early->second, true);
        }
        return turn.state.is_mute &&
               (std::holds_alternative<mesh::SendControl>(effect) || std::holds_alternative<mesh::SendData>(effect));
    });
}

void Defects::change_resumed(Turn& turn, Planted planted) {
    for (mesh::Effect& effect : turn.out) {
        auto* to = std::get_if<mesh::ToPort>(&effect);
        auto* resumed = to == nullptr ? nullptr : std::get_if<mesh::Resumed>(&to->message);
        if (resumed == nullptr) {
            continue;
        }
        if (planted == Planted::kResumeNotAhead) {
            resumed->ahead.clear();
        } else if (resumed->outcome != mesh::ResumeOutcome::kBegun) {
            resumed->outcome = mesh::ResumeOutcome::kRecovered;
        }
    }
}

void Defects::deliver_again(Turn& turn, const mesh::Frame& frame) {
    for (const mesh::RecordPtr& record : frame.records) {
        const std::uint64_t shards = turn.node.local_interest().shards_of(*record);
        if (shards != 0 && !record->is_presence() && !record->trace) {
            turn.out.push_back(mesh::DeliverLocal{record, shards});
        }
    }
}

void Defects::withhold(Turn& turn, OriginId from, mesh::Frame& frame) {
    Withheld& withheld = turn.state.withheld[from];
    std::vector<mesh::PresencePartPtr> listed = std::exchange(frame.presence, {});
    if (std::exchange(withheld.is_due, false)) {
        frame.presence = std::exchange(withheld.parts, {});
    }
    withheld.parts.insert(withheld.parts.end(), listed.begin(), listed.end());
}

/// As if nobody listened any more at the peer's endpoint.
void Defects::end_session(Turn& turn, OriginId oid) {
    const mesh::Peer* peer = turn.node.membership().find(oid);
    if (peer == nullptr || !peer->in_session() || !peer->connection) {
        return;
    }
    const mesh::ConnectionId connection = *peer->connection;
    turn.node.step(turn.now, mesh::ConnectionDown{connection}, turn.out);
    turn.node.step(turn.now, mesh::EndpointChecked{connection, mesh::EndpointState::kRefused}, turn.out);
}

/// For each silent peer, delivers the records that any other node has received beyond the last record received here.
void Defects::fill_in(Turn& turn) {
    for (const auto& [oid, peer] : turn.node.membership().peers()) {
        const auto received = turn.state.received.find(oid);
        if (!peer.in_session() || peer.state == mesh::PeerState::kAlive || received == turn.state.received.end()) {
            continue;
        }
        const auto& records = records_[oid];
        for (auto it = records.upper_bound(received->second); it != records.end(); ++it) {
            received->second = it->first;
            const std::uint64_t shards = turn.node.local_interest().shards_of(*it->second);
            if (shards != 0 && it->second->body != nullptr && !it->second->trace) {
                turn.out.push_back(mesh::DeliverLocal{it->second, shards});
            }
        }
    }
}

void Defects::answer_duties(Turn& turn, Planted planted) {
    std::vector<mesh::PortInput> done;
    for (const mesh::Effect& effect : turn.out) {
        const auto* to = std::get_if<mesh::ToPort>(&effect);
        if (to == nullptr) {
            continue;
        }
        const auto* task = std::get_if<mesh::DutyPerform>(&to->message);
        const auto* changed = std::get_if<mesh::DutyChanged>(&to->message);
        if (task != nullptr && planted == Planted::kTaskForgotten) {
            done.push_back({to->shard, mesh::DutyDone{.token = task->token}});
        } else if (changed != nullptr && planted == Planted::kSettledEarly) {
            done.push_back({to->shard, mesh::DutyDone{.token = changed->token, .told = changed->count}});
        }
    }
    for (mesh::PortInput& input : done) {
        turn.node.step(turn.now, std::move(input), turn.out);
    }
    if (!done.empty()) {
        turn.node.settle(turn.now, turn.out);
    }
}

}  // namespace tulle::sim
