#include <algorithm>
#include <utility>

#include "mesh/base/assert.hpp"
#include "mesh/core/mesh_node.hpp"

namespace tulle::mesh {
namespace {

constexpr std::int64_t kLatestUs = std::int64_t{1} << 60;  // a monotonic clock that shows more is none

}  // namespace

void MeshNode::on_session_up(Instant now, const SessionUp& up, Effects& out) {
    const std::optional<InterestSlot> slot = table_.take_slot();
    TULLE_ASSERT(slot.has_value());  // membership holds no more than kMaxMembers
    if (!origins_.delivered(up.oid)) {
        origins_.set_delivered(now, up.oid, up.their_at);
    }
    Link& link = links_.try_emplace(up.oid, options_, up.oid, *origins_.delivered(up.oid), *slot).first->second;
    in_slot_.resize(std::max<std::size_t>(in_slot_.size(), slot->value + 1u));
    in_slot_[slot->value] = &link;
    touch(link);
    link.resume_after = std::min(up.their_delivered.value_or(up.our_at), ring_.last());
    link.peer_extras = up.their_extras;
    std::erase_if(link.peer_extras, [&](RecordNo n) { return n > ring_.last(); });  // nobody can have got those
    link.data_wait_until = now + options_.timing.data_settle;
    link.interest_progress = now;
    link.interest_marked = now;
    link.up_version = local_.log().version();
    link.told_at = now;
    link.in_step_at = now;
    link.framed_at = now;
    link.last_data = now;
    deaf_at_ = std::min(deaf_at_, now + options_.timing.data_deaf);
    link.data_heard_at = now;
    link.data_steady_since = now;
    link.members_sent_at = now;
    ++tallies_[up.oid].sessions;

    const Peer* peer = membership_.find(up.oid);
    std::string& data = data_endpoints_[up.oid];
    if (data != peer->endpoints.data) {
        if (!data.empty()) {
            out.push_back(DisconnectData{data});
        }
        data = peer->endpoints.data;
        out.push_back(ConnectData{data});
    }
    confirmed(now, up.oid, out);
    duties_.member_up(now, up.oid);
    send_heartbeat(now, up.oid, link, out);
    pull(now, up.oid, link, {}, out);
    for (const TraceReport& report : traces_.take_owed(up.oid)) {
        membership_.send(up.oid, report, out);
    }
    ask_again(now, up.oid, out);
    newcomers_.push_back({peer->oid, peer->name, peer->endpoints});
    members_changed();
}

/// Tells everybody whom a turn has brought: once a turn and peer, as a mesh that starts makes sessions by the dozen.
void MeshNode::introduce(Effects& out) {
    if (newcomers_.empty()) {
        return;
    }
    const std::vector<MemberInfo> newcomers = std::exchange(newcomers_, {});
    for (const auto& [oid, link] : links_) {
        Members news;
        for (const MemberInfo& newcomer : newcomers) {
            if (newcomer.oid != oid) {
                news.members.push_back(newcomer);
            }
            if (news.members.size() == options_.limits.members_per_message) {
                membership_.send(oid, std::exchange(news, {}), out);
            }
        }
        if (!news.members.empty()) {
            membership_.send(oid, std::move(news), out);
        }
    }
}

void MeshNode::on_session_down(Instant now, const SessionDown& down, Effects& out) {
    const auto found = links_.find(down.oid);
    TULLE_ASSERT(found != links_.end());
    Link& link = found->second;
    origins_.set_delivered(now, down.oid, link.receiver.delivered());
    Tally& tally = tallies_[down.oid];
    tally.gaps += link.receiver.holes();
    tally.repaired += link.receiver.repaired();
    counters_.duplicates += link.receiver.duplicates();
    counters_.gone += link.sender.gone();
    counters_.repeated += link.sender.repeated();
    table_.give_back(link.slot);
    in_slot_[link.slot.value] = nullptr;
    due_.remove(down.oid, link.place);
    const LinkReceiver receiver = link.receiver;
    links_.erase(found);
    presence_.lose(now, down.oid);
    kept_.lose(down.oid);
    usage_.lose(now, down.oid);
    members_changed();
    duties_.member_down(now, down.oid, down.now == PeerState::kLeft, membership_.was_deaf(now, down.oid));
    if (down.now == PeerState::kDead || down.now == PeerState::kLeft) {
        out.push_back(DisconnectData{data_endpoints_[down.oid]});
        data_endpoints_.erase(down.oid);
        subscribers_.erase(down.oid);
        queries_.member_gone(down.oid, out);
        confirmed(now, down.oid, out);
        reconcile_.survivor_gone(down.oid);
    }
    if (down.now == PeerState::kDead) {
        mourn(now, down.oid, receiver, out);
    } else if (down.now == PeerState::kJoining) {
        // it is dialled anew: if it does not come, it is mourned then
        unmourned_.insert_or_assign(down.oid, position_of(receiver));
    }
    forget_old_tallies();
    release_barrier(now, out);
    confirm_all_told(now, out);
}

void MeshNode::forget_old_tallies() {
    for (auto it = tallies_.begin(); it != tallies_.end();) {
        if (membership_.find(it->first) != nullptr) {
            ++it;
            continue;
        }
        forgotten_.gaps += it->second.gaps;
        forgotten_.repaired += it->second.repaired;
        it = tallies_.erase(it);
    }
}

void MeshNode::on_control(Instant now, const Control& message, Effects& out) {
    const auto found = links_.find(message.src);
    TULLE_ASSERT(found != links_.end());
    Link& link = found->second;
    touch(link);
    const OriginId from = message.src;
    if (const auto* heartbeat = std::get_if<Heartbeat>(&message.body)) {
        on_heartbeat(now, from, link, *heartbeat, out);
    } else if (const auto* delta = std::get_if<InterestDelta>(&message.body)) {
        on_delta(now, from, link, *delta, out);
    } else if (const auto* ack = std::get_if<InterestAck>(&message.body)) {
        link.feed.on_ack(now, std::min(ack->applied, local_.log().version()));
        release_barrier(now, out);
    } else if (const auto* wanted = std::get_if<InterestPull>(&message.body)) {
        on_pull(now, from, link, *wanted, out);
    } else if (const auto* chunk = std::get_if<InterestChunk>(&message.body)) {
        on_chunk(now, from, link, *chunk, out);
    } else if (const auto* receipt = std::get_if<Receipt>(&message.body)) {
        link.sender.on_receipt(receipt->received);
    } else if (const auto* nack = std::get_if<Nack>(&message.body)) {
        std::vector<FramePtr> again;
        link.sender.on_nack(now, nack->missing, again);
        for (FramePtr& frame : again) {
            membership_.send_data(from, std::move(frame), out);
        }
    } else if (const auto* ask = std::get_if<QueryAsk>(&message.body)) {
        queries_.on_ask(now, from, *ask, out);
        for (const std::string& channel : ask->kept) {
            KeptPart part = kept_part(now, channel);
            if (part.stamp.time_us != 0) {
                membership_.send(
                    from, QueryAnswer{ask->id, {}, false, std::make_shared<const KeptPart>(std::move(part))}, out);
            }
        }
    } else if (const auto* answer = std::get_if<QueryAnswer>(&message.body)) {
        queries_.on_answer(now, from, *answer, out);
    } else if (const auto* leave = std::get_if<Leave>(&message.body)) {
        link.leaving = leave->last_frame;
        link.receiver.on_claim(now, leave->last_frame, {}, false);
        check_leaver(now, from, link, out);
    } else if (std::holds_alternative<LeaveReceipt>(message.body)) {
        link.leave_receipted = true;
    } else if (const auto* ping = std::get_if<Ping>(&message.body)) {
        membership_.send(from, Pong{ping->nonce}, out);
    } else if (const auto* pong = std::get_if<Pong>(&message.body)) {
        on_pong(now, from, *pong, out);
    } else if (const auto* wake = std::get_if<Wake>(&message.body)) {
        on_wake(now, from, *wake, out);
    } else if (const auto* fill = std::get_if<Fill>(&message.body)) {
        on_fill(now, from, *fill, out);
    } else if (const auto* relay = std::get_if<Relay>(&message.body)) {
        on_relay(now, from, *relay, out);
    } else if (const auto* report = std::get_if<TraceReport>(&message.body)) {
        on_trace_report(now, from, *report, out);
    } else if (const auto* usage = std::get_if<Usage>(&message.body)) {
        usage_.accept(now, from, *usage);
    } else if (const auto* mail = std::get_if<DutyMail>(&message.body)) {
        duties_.on_mail(now, from, *mail);
    }
}

void MeshNode::on_relay(Instant now, OriginId from, const Relay& relay, Effects& out) {
    if (relay.to != options_.oid) {
        membership_.forward(relay, out);
    } else if (relay.control && membership_.on_relayed(now, *relay.control, out)) {
        on_control(now, *relay.control, out);
    } else if (relay.data && membership_.on_relayed(now, *relay.data, out)) {
        on_data(now, *relay.data, out, from);
    }
}

void MeshNode::on_data(Instant now, const Data& message, Effects& out, OriginId via) {
    const auto found = links_.find(message.src);
    TULLE_ASSERT(found != links_.end());
    Link& link = found->second;
    touch(link);
    link.last_data = now;
    if (is_data_silent(now, link)) {
        link.data_steady_since = now;
    }
    link.data_heard_at = now;
    if (const auto* tail = std::get_if<Tail>(&message.body)) {
        link.receiver.on_claim(now, tail->last_sent, tail->upto, true);
        origins_.set_delivered(now, message.src, link.receiver.delivered());
        return;
    }
    ++counters_.frames_received;
    link.framed_at = now;
    LinkEffects effects;
    link.receiver.on_frame(now, std::get<FramePtr>(message.body), effects, via);
    origins_.set_delivered(now, message.src, link.receiver.delivered());
    run(now, message.src, link, effects, out);
    check_leaver(now, message.src, link, out);
}

void MeshNode::run(Instant now, OriginId from, Link& link, const LinkEffects& effects, Effects& out) {
    for (const LinkEffect& effect : effects) {
        if (const auto* record = std::get_if<DeliverRecord>(&effect)) {
            ++counters_.delivered_remote;
            reconcile_.keep(now, from, record->record);
            if (record->record->is_presence()) {
                on_presence_record(now, from, *record->record, out);
            } else if (record->record->trace) {
                witness(now, from, *record->record, record->arrival, out);
            } else if (record->record->kept == 0) {
                deliver(record->record, out);
            } else {
                keep(now, *record->record, false);
                if (const RecordPtr news = news_of(from, record->record)) {
                    deliver(news, out);
                }
            }
        } else if (const auto* gone = std::get_if<ReportGone>(&effect)) {
            if (gone->gone.unknown > 0) {
                presence_.lose(now, from);  // it lists its users again
            }
            reconcile_.keep_gone(now, from, gone->upto, gone->gone);
            report_gone(from, gone->upto, gone->gone, out);
        } else if (const auto* members = std::get_if<AcceptMembers>(&effect)) {
            on_members(now, from, link, *members->part, out);
        } else if (const auto* kept = std::get_if<AcceptKept>(&effect)) {
            on_kept(now, from, link, *kept->part, out);
        } else if (const auto* nack = std::get_if<SendNack>(&effect)) {
            ++counters_.nacks_sent;
            membership_.send(from, Nack{nack->missing}, out);
        } else {
            membership_.send(from, Receipt{link.receiver.received()}, out);
        }
    }
}

/// No record that is gone is later than `upto`; nothing: nobody knows.
void MeshNode::report_gone(OriginId origin, std::optional<RecordNo> upto, const Gone& gone, Effects& out) {
    const auto tell = [&](std::uint64_t shards, const std::string& channel, std::uint64_t missing) {
        for (std::uint16_t i = 0; i < kMaxShards; ++i) {
            if ((shards >> i) & 1) {
                out.push_back(ToPort{ShardIndex{i}, Gap{channel, missing}});
            }
        }
    };
    for (const auto& [channel, missing] : gone.channels) {
        tell(local_.shards_of(channel), channel, missing);
    }
    if (gone.unknown > 0) {
        tell(shards_, {}, gone.unknown);
    }
    out.push_back(Notice{Severity::kError, "messages of " + to_hex(origin) +
                                               (upto ? " up to number " + std::to_string(upto->value) : "") +
                                               " can't be delivered: nobody has them any more, or they came too late"});
}

void MeshNode::on_heartbeat(Instant now, OriginId from, Link& link, const Heartbeat& heartbeat, Effects& out) {
    link.receiver.on_claim(now, heartbeat.last_sent, heartbeat.upto, false);
    origins_.set_delivered(now, from, link.receiver.delivered());
    link.sender.on_receipt(heartbeat.received);
    duties_.on_claim(from, heartbeat.duty_view, heartbeat.duty_view_no);
    if (heartbeat.leaving && duties_.on_leaving(now, from, heartbeat.last)) {
        link.heartbeat_at = now;  // it waits to hear that this is known
    }
    link.leaving_heard = link.leaving_heard || (link.leaving_said_us != 0 && heartbeat.echo_us >= link.leaving_said_us);
    if (link.feed.counted()) {
        link.feed.on_ack(now, std::min(heartbeat.applied, local_.log().version()));
        release_barrier(now, out);
    }
    clock_.see(now, heartbeat.hybrid_us);
    link.echo_us = heartbeat.sent_at_us;
    link.echo_at = now;
    Tally& tally = tallies_[from];
    tally.load = heartbeat.load;
    const std::int64_t now_us = now.time_since_epoch() / 1us;
    const bool is_echo = heartbeat.echo_us > 0 && heartbeat.echo_us <= now_us;
    if (is_echo) {
        membership_.on_echo(now, from, Instant{std::chrono::microseconds{heartbeat.echo_us}});
    }
    // What we sent before we slept has not been under way all that time.
    const std::int64_t away = is_echo ? now_us - heartbeat.echo_us : 0;
    if (is_echo && heartbeat.echo_us >= awake_since_.time_since_epoch() / 1us && heartbeat.echo_held_us >= 0 &&
        heartbeat.echo_held_us <= away && heartbeat.sent_at_us >= 0 && heartbeat.sent_at_us < kLatestUs) {
        const std::int64_t rtt = std::max<std::int64_t>(1, away - heartbeat.echo_held_us);
        const auto measured = static_cast<std::uint64_t>(rtt);
        tally.rtt_us = tally.rtt_us == 0 ? measured : (7 * tally.rtt_us + measured) / 8;
        if (measured <= tally.rtt_us) {  // the shorter the way, the less it hides
            tally.clock = {heartbeat.sent_at_us - now_us + rtt / 2, measured / 2 + 1};
        }
    }
    if (membership_.set_route(from, heartbeat.deaf_via)) {
        link.receiver.hurry(now);  // what we have asked for has not reached it
    }
    check_digest(now, from, link, heartbeat, out);
    if (heartbeat.members_digest != membership_.digest() && now - link.members_sent_at >= options_.timing.suspicion) {
        link.members_sent_at = now;
        const std::vector<MemberInfo> members = membership_.members();
        for (auto first = members.begin(); first != members.end();) {
            const auto most = static_cast<std::ptrdiff_t>(options_.limits.members_per_message);
            const auto last = first + std::min(most, members.end() - first);
            membership_.send(from, Members{{first, last}}, out);
            first = last;
        }
    }
}

void MeshNode::send_heartbeat(Instant now, OriginId to, Link& link, Effects& out) {
    link.heartbeat_at = now + options_.timing.heartbeat;
    Heartbeat heartbeat{.last_sent = link.sender.last_sent(),
                        .upto = link.sender.is_open() ? link.sender.upto(considered_) : link.resume_after,
                        .received = link.receiver.received(),
                        .version = local_.log().version(),
                        .digest = local_.log().digest(),
                        .applied = table_.version(link.slot).value_or(InterestVersion{}),
                        .sent_at_us = now.time_since_epoch() / 1us,
                        .echo_us = link.echo_us,
                        .echo_held_us = link.echo_us == 0 ? 0 : (now - link.echo_at) / 1us,
                        .members_digest = membership_.digest(),
                        .ready = ready_,
                        .hybrid_us = clock_.read(now)};
    heartbeat.load.uptime_s = static_cast<std::uint64_t>((now - started_) / 1s);
    heartbeat.load.channels = local_.log().size();
    for (const auto& [shard, clients] : clients_) {
        heartbeat.load.clients += clients;
    }
    heartbeat.duty_view = duties_.claim(now, to);
    heartbeat.duty_view_no = duties_.view_no();
    heartbeat.leaving = duties_.retiring();
    heartbeat.last = duties_.takes_over();
    if (heartbeat.leaving && link.leaving_said_us == 0) {
        link.leaving_said_us = heartbeat.sent_at_us;
    }
    heartbeat.deaf_via = membership_.find(to)->deaf_via;
    membership_.send_every_way(to, std::move(heartbeat), out);
}

void MeshNode::tick_link(Instant now, OriginId oid, Link& link, Effects& out) {
    LinkEffects effects;
    link.receiver.on_deadline(now, effects);
    run(now, oid, link, effects, out);
    tick_interest(now, oid, link, out);
    flush(now, oid, link, out);
    if (link.heartbeat_at <= now) {
        check_intake(now, oid, link, out);
        check_told(now, oid, link, out);
        send_heartbeat(now, oid, link, out);
        if (unconfirmed_.contains(oid)) {
            if (now - awake_since_ >= options_.timing.control_verdict) {
                // Publishers wait for its word: no member may hold them up longer than a deaf one.
                membership_.give_up_stuck(now, oid, "it has not confirmed its session", out);
            }
            membership_.send(oid, Ping{ping_nonce_}, out);
        }
    }
    if (now - link.last_data >= options_.timing.data_deaf) {
        link.last_data = now;
        ++counters_.data_redials;
        const std::string& endpoint = data_endpoints_[oid];
        out.push_back(Notice{Severity::kWarn, "no data from " + endpoint + " although control speaks: dialling again"});
        out.push_back(DisconnectData{endpoint});
        out.push_back(ConnectData{endpoint});
    }
}

void MeshNode::flush(Instant now, OriginId oid, Link& link, Effects& out) {
    if (!link.synced) {
        return;
    }
    if (!link.sender.is_open()) {
        if (!subscribers_.contains(oid) && now < link.data_wait_until) {
            return;
        }
        link.sender.open(link.resume_after, link.peer_extras);
    }
    if (link.sender.has_work()) {
        send_frames(now, oid, link, out);
    }
    if (link.sender.on_deadline(now)) {
        ++counters_.tails_sent;
        membership_.send_data(oid, Tail{link.sender.last_sent(), link.sender.upto(considered_)}, out);
    }
}

void MeshNode::send_frames(Instant now, OriginId oid, Link& link, Effects& out) {
    std::vector<FramePtr> frames;
    const LinkSender::Sources sources{
        .ring = ring_,
        .interested = [this, &link](const std::string& channel) { return table_.interested(link.slot, channel); },
        .due = [this, &link](const Record& record) { return is_due(link.oid, link, record); },
        .kept = [this, now](const std::string& channel) { return kept_part(now, channel); },
        .members = [this](const std::string& channel) { return presence_.own(channel); },
        .version = table_.version(link.slot).value_or(InterestVersion{})};
    link.sender.flush(now, sources, frames);
    if (link.sender.take_unknown_lost()) {
        owe_all_members(link);
        for (const std::string& channel : kept_.lately_for(now, oid)) {
            owe_kept(link, channel);
        }
        link.sender.flush(now, sources, frames);
    }
    for (FramePtr& frame : frames) {
        ++counters_.frames_sent;
        counters_.records_sent += frame->records.size();
        membership_.send_data(oid, std::move(frame), out);
    }
}

bool MeshNode::is_due(OriginId oid, const Link& link, const Record& record) const {
    return std::find(record.keepers.begin(), record.keepers.end(), oid) != record.keepers.end() ||
           std::any_of(record.channels.begin(), record.channels.end(),
                       [&](const std::string& channel) { return table_.interested(link.slot, channel); });
}

void MeshNode::check_leaver(Instant now, OriginId oid, Link& link, Effects& out) {
    if (link.leaving && *link.leaving <= link.receiver.received()) {
        membership_.send(oid, LeaveReceipt{}, out);
        membership_.on_left(now, oid, out);
    }
}

}  // namespace tulle::mesh
