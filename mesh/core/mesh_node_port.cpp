#include <algorithm>
#include <utility>

#include "mesh/core/mesh_node.hpp"

namespace tulle::mesh {
namespace {

bool within_limits(const Publish& publish) {
    const auto too_long = [](const std::string& channel) {
        return channel.empty() || channel.size() > kMaxChannelBytes;
    };
    return !publish.channels.empty() && publish.channels.size() <= kMaxRecordChannels && publish.body != nullptr &&
           publish.body->size() <= kMaxBodyBytes && publish.kept <= publish.channels.size() &&
           publish.keep_for <= kMaxKeepFor && publish.exclude_socket.size() <= kMaxChannelBytes &&
           std::none_of(publish.channels.begin(), publish.channels.end(), too_long);
}

}  // namespace

void MeshNode::on_port(Instant now, ShardIndex shard, ToHub& message, Effects& out) {
    if (auto* wanted = std::get_if<Publish>(&message)) {
        publish(now, shard, *wanted, out);
    } else if (const auto* subscription = std::get_if<Subscribe>(&message)) {
        subscribe(now, shard, *subscription, out);
    } else if (const auto* gone = std::get_if<Unsubscribe>(&message)) {
        unsubscribe(now, shard, gone->channel, out);
    } else if (const auto* joining = std::get_if<MemberJoin>(&message)) {
        join(now, shard, *joining, out);
    } else if (const auto* leaving = std::get_if<MemberLeave>(&message)) {
        leave(now, shard, *leaving, out);
    } else if (const auto* question = std::get_if<Query>(&message)) {
        query(now, shard, *question, out);
    } else if (const auto* answer = std::get_if<LocalAnswer>(&message)) {
        if (auto forward = queries_.on_local_answer(shard, *answer, out)) {
            membership_.send(forward->to, std::move(forward->answer), out);
        }
    } else if (const auto* load = std::get_if<ShardLoad>(&message)) {
        clients_[shard] = load->clients;
    } else if (on_duty_word(now, shard, message)) {
        return;
    } else if (const auto* marked = std::get_if<Trace>(&message)) {
        trace(now, shard, *marked, out);
    } else if (const auto* used = std::get_if<ShareUsage>(&message)) {
        usage_.share(now, shard, *used);
    } else if (const auto* request = std::get_if<StatusRequest>(&message)) {
        out.push_back(ToPort{shard, StatusReply{request->id, status(now)}});
    }
}

void MeshNode::publish(Instant now, ShardIndex shard, Publish& publish, Effects& out) {
    PublishOutcome outcome = PublishOutcome::kAccepted;
    if (ready_ && hold(shard, publish)) {
        return;
    }
    if (!ready_ || !unconfirmed_.empty()) {
        outcome = PublishOutcome::kNotReady;
    } else if (!within_limits(publish)) {
        outcome = PublishOutcome::kTooLarge;
    } else if (publish.body->kind() == DataKind::kBytes && membership_.common_protocol() < kProtocolOfBytes) {
        outcome = PublishOutcome::kNotSpoken;
    }
    if (outcome == PublishOutcome::kAccepted) {
        ++counters_.published;
        Record record{.n = {},
                      .channels = std::move(publish.channels),
                      .body = std::move(publish.body),
                      .exclude_socket = std::move(publish.exclude_socket)};
        record.kept = publish.kept;
        record.keep_for = publish.keep_for;
        stamp(now, record);
        const RecordPtr numbered = ring_.append(now, std::move(record));
        keep(now, *numbered, true);
        deliver(numbered, out);
    } else {
        ++counters_.publish_refused;
    }
    const bool is_silent = publish.answers == Publish::Answers::kRefusal && outcome == PublishOutcome::kAccepted;
    if (publish.id != 0 && !is_silent) {
        out.push_back(ToPort{shard, Published{publish.id, outcome, ring_.last()}});
    }
}

void MeshNode::deliver(const RecordPtr& record, Effects& out) {
    if (const std::uint64_t shards = local_.shards_of(*record); shards != 0) {
        out.push_back(DeliverLocal{record, shards});
    }
}

void MeshNode::subscribe(Instant now, ShardIndex shard, const Subscribe& subscribe, Effects& out) {
    InterestTicket ticket = local_.add(shard, subscribe.channel);
    if (subscribe.presence) {
        ticket = std::max(ticket, local_.add(shard, presence_key(subscribe.channel)));
    }
    if (subscribe.kept) {
        ticket = std::max(ticket, local_.add(shard, kept_key(subscribe.channel)));
        kept_.want(subscribe.channel);
    }
    if (local_.is_backed_up()) {
        move_window(now, out);
    }
    Barrier::Waiting waiting{shard,
                             {.channel = subscribe.channel, .generation = subscribe.generation, .members = nullptr},
                             subscribe.presence,
                             subscribe.kept};
    if (ticket <= local_.covered(acked_by_all())) {
        confirm(now, std::move(waiting), out);
    } else {
        barrier_.wait(ticket, std::move(waiting));
    }
}

void MeshNode::unsubscribe(Instant now, ShardIndex shard, const std::string& channel, Effects& out) {
    drop_presence(now, shard, channel, out);
    drop_kept(shard, channel);
    local_.remove(shard, channel);
    barrier_.forget(shard, channel);
    if (const auto untold = untold_.find(channel); untold != untold_.end()) {
        std::erase_if(untold->second, [shard](const Barrier::Waiting& waiting) { return waiting.shard == shard; });
        if (untold->second.empty()) {
            untold_.erase(untold);
        }
    }
    if (local_.is_backed_up()) {
        move_window(now, out);
    }
}

void MeshNode::query(Instant now, ShardIndex shard, const Query& query, Effects& out) {
    std::set<OriginId> members;
    for (const auto& [oid, link] : links_) {
        members.insert(oid);
    }
    std::vector<KeptPartPtr> held;
    for (const std::string& channel : query.kept) {
        held.push_back(std::make_shared<const KeptPart>(kept_part(now, channel)));
    }
    if (const auto token = queries_.ask(now, shard, query, members, held, out)) {
        const auto timeout = static_cast<std::uint32_t>(std::clamp<Duration>(query.timeout, 1ms, 60s) / 1ms);
        for (const OriginId oid : members) {
            membership_.send(oid, QueryAsk{*token, query.body, timeout, query.kept}, out);
        }
    }
}

/// Who is deaf on control, or refused by its peers, confirms subscriptions that nobody else knows of.
void MeshNode::check_readiness(Effects& out) {
    if (!ready_ || (!membership_.is_deaf() && !membership_.is_refused())) {
        return;
    }
    ready_ = false;
    out.push_back(
        Notice{Severity::kError, membership_.is_deaf()
                                     ? "this node's own control path does not work: no peer is heard there, nor are we "
                                       "ourselves, although data speaks; not ready"
                                     : "every configured peer that has answered refuses this node; not ready"});
    out.push_back(ReadinessChanged{false});
}

void MeshNode::tick_gate(Instant now, Effects& out) {
    if (!may_open_gate()) {
        return;
    }
    const bool open = membership_.gate().try_open(now, [this](OriginId oid) {
        const auto found = links_.find(oid);
        return found != links_.end() && found->second.synced;
    });
    if (open) {
        ready_ = true;
        duties_.begin();
        membership_.set_ready(true);
        out.push_back(ReadinessChanged{true});
    }
}

}  // namespace tulle::mesh
