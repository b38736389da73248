#include "mesh/core/session/streams.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "mesh/base/overloaded.hpp"

namespace tulle::mesh {
namespace {

/// Between two notices of repaired holes in what a peer sent.
constexpr Duration kRepairNotice = 1s;

}  // namespace

RecordNo Streams::begin(Instant now, const SessionUp& up) {
    // An unknown origin: its log before the session is of no concern here.
    if (!origins_.delivered(up.oid)) {
        origins_.set_delivered(now, up.oid, up.their_at);
    }
    return *origins_.delivered(up.oid);
}

void Streams::session_up(Instant now, Session& session, const SessionUp& up, Effects& out) {
    DataPath& data = session.data;
    data.resume_after = std::min(up.their_delivered.value_or(up.our_at), ring_.last());
    data.peer_extras = up.their_extras;
    // Numbers beyond our log are impossible: nobody can have got such records.
    std::erase_if(data.peer_extras, [&](RecordNo n) { return n > ring_.last(); });
    // Frames sent before the peer's subscription has arrived would be lost, and would have to be repaired.
    data.wait_until = now + context_.timing().data_settle;
    data.framed_at = now;
    data.last_data = now;
    deaf_at_ = std::min(deaf_at_, now + context_.timing().data_deaf);
    data.heard_at = now;
    data.spoke_at = now;
    data.control_at = now;
    data.steady_since = now;
    ++tallies_.of(session.oid).sessions;

    // A newer session with the same peer keeps the data connection, unless the peer names another data endpoint.
    const std::string& endpoint = context_.find(session.oid)->endpoints.data;
    std::string& connected = endpoints_[session.oid];
    if (connected != endpoint) {
        if (!connected.empty()) {
            out.push_back(DisconnectData{connected});
        }
        connected = endpoint;
        out.push_back(ConnectData{connected});
    }
}

void Streams::session_down(Instant now, const Session& session) {
    const auto& [sender, receiver] = std::tie(session.data.sender, session.data.receiver);
    origins_.set_delivered(now, session.oid, receiver.delivered());
    Tally& tally = tallies_.of(session.oid);
    tally.gaps += receiver.holes();
    tally.repaired += receiver.repaired();
    counters_.duplicates += receiver.duplicates();
    counters_.gone += sender.gone();
    counters_.repeated += sender.repeated();
}

void Streams::forget(OriginId oid, Effects& out) {
    out.push_back(DisconnectData{endpoints_[oid]});
    endpoints_.erase(oid);
    subscribers_.erase(oid);
}

void Streams::forgive(Duration late) {
    for (auto& [oid, session] : context_.sessions()) {
        session.data.framed_at += late;
        session.data.spoke_at += late;
        session.data.steady_since += late;
    }
}

void Streams::on(const SubscriberSeen& seen) {
    Session* session = context_.sessions().find(seen.oid);
    // Strangers can't fill the memory with invented ids.
    if (session != nullptr || subscribers_.size() < context_.limits().remembered_origins) {
        subscribers_.insert(seen.oid);
    }
    if (session != nullptr) {
        context_.sessions().touch(*session);
    }
}

void Streams::on(Instant now, Session& session, const Nack& nack, Effects& out) {
    std::vector<FramePtr> again;
    session.data.sender.on_nack(now, nack.missing, again);
    for (FramePtr& frame : again) {
        context_.send_data(session.oid, std::move(frame), out);
    }
}

void Streams::on(Instant now, Session& session, const Heartbeat& heartbeat, Effects& out) {
    // A heartbeat travels by control and may have overtaken frames.
    session.data.receiver.on_claim(now, heartbeat.last_sent, heartbeat.upto, false);
    session.data.waits_upto = std::max(session.data.waits_upto, heartbeat.waits_upto);
    origins_.set_delivered(now, session.oid, session.data.receiver.delivered());
    take_receipt(session, heartbeat.received, out);
}

void Streams::take_receipt(Session& session, FrameNo received, Effects& out) {
    std::vector<RecordPtr> held;
    session.data.sender.on_receipt(received, held);
    const std::uint32_t protocol = held.empty() ? kProtocolVersion : context_.find(session.oid)->protocol;
    for (const RecordPtr& record : held) {
        // The older protocol has no form for data that are not JSON, and tells of such a record as gone.
        if (protocol >= kProtocolOfBytes || record->body->kind() != DataKind::kBytes) {
            acknowledger_.on_copy(session.oid, record->n, out);
        }
    }
}

void Streams::on(Instant now, Session& session, const Data& message, OriginId via, Effects& out) {
    DataPath& data = session.data;
    data.last_data = now;
    // A long pause ends here, so the steady time begins again.
    if (data.is_silent(now, context_.timing())) {
        data.steady_since = now;
    }
    data.heard_at = now;
    data.spoke_at = now;
    // A tail travels behind the frames, so its claim is certain.
    std::visit(Overloaded{[&](const Tail& tail) {
                              data.receiver.on_claim(now, tail.last_sent, tail.upto, true);
                              origins_.set_delivered(now, session.oid, data.receiver.delivered());
                          },
                          [&](const FramePtr& frame) {
                              ++counters_.frames_received;
                              data.framed_at = now;
                              LinkEffects effects;
                              data.receiver.on_frame(now, frame, effects, via);
                              origins_.set_delivered(now, session.oid, data.receiver.delivered());
                              run(now, session, effects, out);
                              if (data.receiver.repaired() != data.repairs_told) {
                                  tell_repairs(now, session, out);
                              }
                          }},
               message.body);
}

void Streams::tell_repairs(Instant now, Session& session, Effects& out) const {
    DataPath& data = session.data;
    if (now < data.repairs_told_at + kRepairNotice) {
        return;
    }
    data.repairs_told_at = now;
    const std::uint64_t repaired =
        data.receiver.repaired() - std::exchange(data.repairs_told, data.receiver.repaired());
    out.push_back(Notice{Severity::kDebug,
                         (repaired == 1 ? "a hole" : std::to_string(repaired) + " holes") + " in what " +
                             context_.name_of(session.oid) + " sent " + (repaired == 1 ? "is" : "are") + " filled (" +
                             std::to_string(data.receiver.holes()) + " found in this session)",
                         EventKind::kRepair});
}

void Streams::write(const Session& session, Heartbeat& heartbeat) const {
    heartbeat.last_sent = session.data.sender.last_sent();
    heartbeat.upto = sent_upto(session);
    heartbeat.received = session.data.receiver.received();
    heartbeat.is_open = session.data.sender.is_open();
    // A sender that is not open yet owes what its peer will have subscribed to, which is known later.
    if (session.data.sender.is_open() && heartbeat.upto < considered_) {
        heartbeat.waits_upto = considered_;
    }
}

struct Streams::LinkHandler {
    Streams& all;
    Instant now;
    Session& session;
    Effects& out;

    void operator()(const DeliverRecord& arrived) const {
        // Kept before delivery: other survivors may need the record if the origin dies.
        all.recovery_.keep(now, session.oid, arrived.record);
        all.arrivals_.on_record(now, session.oid, arrived, out);
    }
    void operator()(const ReportGone& lost) const { all.take(now, session, lost, out); }
    void operator()(const AcceptMembers& members) const {
        // Subscriptions may wait for this list.
        Subscriptions::note_told(now, session);
        if (all.presence_.accept(now, session.oid, *members.part, out)) {
            all.subscriptions_.on_told(now, members.part->channel, out);
        }
    }
    void operator()(const AcceptRetained& retained) const {
        // Subscriptions may wait for this event.
        Subscriptions::note_told(now, session);
        if (all.retained_.accept(now, session.oid, *retained.part, out)) {
            all.subscriptions_.on_told(now, retained.part->channel, out);
        }
    }
    void operator()(const SendNack& nack) const {
        ++all.counters_.nacks_sent;
        all.context_.send(session.oid, Nack{nack.missing}, out);
    }
    void operator()(const SendReceipt&) const {
        all.context_.send(session.oid, Receipt{session.data.receiver.received()}, out);
    }
};

void Streams::run(Instant now, Session& session, const LinkEffects& effects, Effects& out) {
    const LinkHandler handler{*this, now, session, out};
    for (const LinkEffect& effect : effects) {
        std::visit(handler, effect);
    }
}

void Streams::take(Instant now, Session& session, const ReportGone& lost, Effects& out) {
    // Changes of presence may be among the lost records. The origin lists its users again.
    if (lost.gone.unknown > 0) {
        presence_.lose(now, session.oid);
    }
    recovery_.keep_gone(now, session.oid, lost.upto, lost.gone);
    arrivals_.report_gone(now, session.oid, lost.upto, lost.gone, out);
}

void Streams::note_due() {
    Sessions& sessions = context_.sessions();
    const RecordNo before = std::exchange(considered_, ring_.last());
    // The ring has dropped records in the turn that brought them, so they can't be named any more.
    if (before.next() < ring_.first_whole() && before < considered_) {
        for (auto& [oid, session] : sessions) {
            session.data.sender.fall_behind(before);
        }
        sessions.touch_all();
        return;
    }
    // The audience names each session to which the record is due: readers by interest, and keepers.
    for (RecordNo n = before.next(); n <= considered_; n = n.next()) {
        const RecordPtr& record = ring_.at(n);
        const auto note = [&](Session& session) {
            // A link that is behind will look at the record itself when its credit allows.
            if (session.data.sender.is_level()) {
                sessions.touch(session);
            }
            session.data.sender.note_due(before, record);
        };
        context_.audience().each_reader(
            *record, [&](InterestSlot slot) { note(sessions.at(slot)); },
            [&](OriginId keeper) {
                if (Session* session = sessions.find(keeper)) {
                    note(*session);
                }
            });
    }
}

void Streams::find_deaf(Instant now) {
    // Data comes all the time. So silence is looked for now and then, instead of moving a deadline with each frame.
    if (now < deaf_at_) {
        return;
    }
    const Duration deaf = context_.timing().data_deaf;
    deaf_at_ = Instant::max();
    for (auto& [oid, session] : context_.sessions()) {
        if (now - session.data.last_data >= deaf) {
            context_.sessions().touch(session);
            deaf_at_ = std::min(deaf_at_, now + deaf);
        } else {
            deaf_at_ = std::min(deaf_at_, session.data.last_data + deaf);
        }
    }
}

void Streams::ask_for_missing(Instant now, Session& session, Effects& out) {
    LinkEffects effects;
    session.data.receiver.on_deadline(now, effects);
    run(now, session, effects, out);
}

void Streams::flush(Instant now, Session& session, Effects& out) {
    // Without the peer's interest nobody knows which records are due.
    if (!session.interest.synced) {
        return;
    }
    LinkSender& sender = session.data.sender;
    if (!sender.is_open()) {
        // Wait for the subscription, but not for ever: the word of a subscription may be lost.
        if (!subscribers_.contains(session.oid) && now < session.data.wait_until) {
            return;
        }
        sender.open(session.data.resume_after, session.data.peer_extras);
    }
    if (sender.has_work()) {
        send_frames(now, session, out);
    }
    if (sender.on_deadline(now)) {
        ++counters_.tails_sent;
        context_.send_data(session.oid, Tail{sender.last_sent(), sender.upto(considered_)}, out);
    }
}

void Streams::send_frames(Instant now, Session& session, Effects& out) {
    std::vector<FramePtr> frames;
    const Audience& audience = context_.audience();
    const Audience::Reader reader = MeshContext::reader(session);
    const LinkSender::Sources sources{
        .ring = ring_,
        .interested = [&](const std::string& key) { return audience.wants(reader, key); },
        .due = [&](const Record& record) { return audience.is_due(reader, record); },
        .keeps = [&](const Record& record) { return Audience::is_named_keeper(reader.oid, record); },
        .retained = [this, now](const std::string& channel) { return retained_.part(now, channel); },
        .members = [this](const std::string& channel) { return presence_.own(channel); },
        .version = interest_.version(reader.slot).value_or(InterestVersion{})};
    session.data.sender.flush(now, sources, frames);
    // Nobody knows which changes the peer has missed, so all lists and recent last events are owed again.
    if (session.data.sender.take_unknown_lost()) {
        presence_.owe_all(session);
        retained_.owe_lately(now, session);
        session.data.sender.flush(now, sources, frames);
    }
    for (FramePtr& frame : frames) {
        ++counters_.frames_sent;
        counters_.records_sent += frame->records.size();
        context_.send_data(session.oid, std::move(frame), out);
    }
}

void Streams::redial(Instant now, Session& session, Effects& out) {
    // The new connection gets a full `data_deaf` before the next attempt.
    session.data.last_data = now;
    ++counters_.data_redials;
    const std::string& endpoint = endpoints_[session.oid];
    out.push_back(Notice{Severity::kWarn, "no data from " + endpoint + " although control speaks: dialling again",
                         EventKind::kPath});
    out.push_back(DisconnectData{endpoint});
    out.push_back(ConnectData{endpoint});
}

Instant Streams::next_deadline(const Session& session, Instant next) const {
    const DataPath& data = session.data;
    next = std::min(next, data.receiver.next_deadline().value_or(next));
    if (session.interest.synced) {
        next = std::min(next, data.sender.next_deadline().value_or(next));
        // A link that waits for a subscription opens at wait_until.
        next = data.sender.is_open() ? next : std::min(next, data.wait_until);
    }
    return next;
}

Streams::Counters Streams::counters() const {
    Counters sum = counters_;
    for (const auto& [oid, session] : context_.sessions()) {
        sum.duplicates += session.data.receiver.duplicates();
        sum.gone += session.data.sender.gone();
        sum.repeated += session.data.sender.repeated();
    }
    return sum;
}

}  // namespace tulle::mesh
