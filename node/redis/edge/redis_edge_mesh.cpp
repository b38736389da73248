#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>
#include <variant>

#include <spdlog/spdlog.h>

#include "mesh/base/assert.hpp"
#include "mesh/base/event_body.hpp"
#include "mesh/base/overloaded.hpp"
#include "node/redis/core/glob.hpp"
#include "node/redis/core/limits.hpp"
#include "node/redis/edge/redis_edge.hpp"

/// RedisEdge: what comes from the mesh, and what this node and the others tell each other of their subscribers.
namespace tulle::node::redis {

void RedisEdge::on_mail(mesh::ToShard& message) {
    std::visit(Overloaded{[this](const mesh::Deliver& value) { handle(value); },
                          [this](const mesh::Subscribed& value) { handle(value); },
                          [this](const mesh::Gap& value) { handle(value); },
                          [this](const mesh::Published& value) { handle(value); },
                          [this](mesh::QueryResult& value) { handle(value); },
                          [this](const mesh::Readiness& value) { handle(value); },
                          [this](const mesh::PeerChange& value) { handle(value); },
                          [this](const mesh::Echoed& value) { handle(value); },
                          // Of presence, retained events, duties, usage, status and traces this edge knows nothing.
                          [](const auto&) {}},
               message);
}

/// Nobody knows whom a lost message was for.
void RedisEdge::on_mail_lost(const mesh::ToShard& message, const std::exception& error) noexcept {
    fanout_.fail_run(error);
    if (!std::holds_alternative<mesh::Published>(message) && !std::holds_alternative<mesh::PeerChange>(message)) {
        fanout_.fail_all(error);
    }
}

void RedisEdge::handle(const mesh::Deliver& deliver) {
    const mesh::Record& record = *deliver.record;
    for (const std::string& key : record.channels) {
        // Most messages are of one realm and of one kind.
        if (last_key_ == nullptr || last_key_->first != key) {
            const auto known = keys_.find(key);
            last_key_ = known == keys_.end() ? nullptr : &*known;
        }
        if (last_key_ == nullptr || !record.body) {
            continue;
        }
        RealmPort& port = *last_key_->second.port;
        const Use use = last_key_->second.use;
        if (use == Use::kCounts) {
            take_counts(port, record.body->data());
        } else if (use == Use::kStore) {
            port.store->on_record(record);
        } else {
            const Kind kind = use == Use::kChannels ? Kind::kChannel : Kind::kShardChannel;
            this->deliver(port, kind, record.body->name(), record.body->data(), record.body->sender() == self_text_);
        }
    }
}

void RedisEdge::deliver(RealmPort& port, Kind kind, std::string_view channel, std::string_view payload, bool is_own) {
    if (const std::span<const Slot> direct = audience(port, kind, channel, is_own); !direct.empty()) {
        send(port, kind, channel, channel, payload, direct);
    }
    if (kind != Kind::kChannel) {
        return;
    }
    for (const std::string& pattern : port.table.patterns()) {
        if (!matches(port, pattern, channel)) {
            continue;
        }
        if (const std::span<const Slot> matching = audience(port, Kind::kPattern, pattern, is_own); !matching.empty()) {
            send(port, Kind::kPattern, pattern, channel, payload, matching);
        }
    }
}

bool RedisEdge::matches(const RealmPort& port, std::string_view pattern, std::string_view channel) {
    // Usually nobody has used up the steps, and the pattern's owner need not be looked for.
    const bool is_short = !exhausted_.empty() && find_owner(port, pattern)->is_exhausted();
    const std::size_t steps = is_short ? kFreeMatchSteps : kMaxMatchSteps;
    std::size_t left = steps;
    const bool is_match = glob_matches(pattern, channel, left);
    if (left == 0) {
        // Nobody knows whether the subscribers were to have the message.
        for (const Slot slot : port.table.subscribers(Kind::kPattern, pattern)) {
            if (find(slot)->exhaust()) {
                exhausted_.push_back(slot);
            }
        }
    } else if (const std::size_t used = steps - left; used > kFreeMatchSteps) {
        RedisConnection* owner = find_owner(port, pattern);
        if (reactor_.now() - match_second_ >= 1s) {
            match_second_ = reactor_.now();
            match_steps_ = 0;
        }
        match_steps_ += used;
        const bool is_over = owner->use_steps(used, reactor_.now());
        if (is_over || (match_steps_ > kMaxMatchStepsOfNode && owner->exhaust())) {
            exhausted_.push_back(owner->slot());
        }
    }
    return is_match;
}

/// The first subscriber stands for all subscribers of the pattern.
RedisConnection* RedisEdge::find_owner(const RealmPort& port, std::string_view pattern) const {
    RedisConnection* owner = find(port.table.subscribers(Kind::kPattern, pattern).front());
    TULLE_ASSERT(owner != nullptr);
    return owner;
}

void RedisEdge::end_exhausted() {
    if (exhausted_.empty()) {
        return;
    }
    if (reactor_.now() >= exhausted_told_at_ + kExhaustedLogInterval) {
        exhausted_told_at_ = reactor_.now();
        spdlog::warn("Redis clients are disconnected: their patterns take too many steps, more than {} in a second",
                     kMaxMatchSteps);
    }
    for (const Slot slot : std::exchange(exhausted_, {})) {
        RedisConnection* connection = find(slot);
        if (connection != nullptr && connection->is_exhausted()) {
            reactor_.guard(*connection, [&] { connection->end_exhausted(); });
        }
    }
}

std::string RedisEdge::young_key(const RealmPort& port, Kind kind, std::string_view name) {
    std::string key = port.realm->name;
    key.append({'\0', static_cast<char>('0' + static_cast<int>(kind))}).append(name);
    return key;
}

void RedisEdge::forget_young(const RealmPort& port, Kind kind, Slot slot, std::string_view name) {
    if (young_.empty()) {
        return;
    }
    const auto entry = young_.find(young_key(port, kind, name));
    if (entry != young_.end()) {
        std::erase_if(entry->second, [&](const Young& young) { return young.slot == slot; });
        if (entry->second.empty()) {
            young_.erase(entry);
        }
    }
}

std::span<const Slot> RedisEdge::audience(const RealmPort& port, Kind kind, std::string_view name, bool is_own) {
    const std::span<const Slot> all = port.table.subscribers(kind, name);
    if (!is_own || young_.empty() || all.empty()) {
        return all;
    }
    const auto entry = young_.find(young_key(port, kind, name));
    if (entry == young_.end()) {
        return all;
    }
    const auto is_young = [&](Slot slot) {
        return std::any_of(entry->second.begin(), entry->second.end(),
                           [&](const Young& young) { return young.slot == slot; });
    };
    // A run that refers to the former list ends before the list changes.
    fanout_.end_run();
    old_subscribers_.clear();
    std::copy_if(all.begin(), all.end(), std::back_inserter(old_subscribers_), std::not_fn(is_young));
    return old_subscribers_;
}

void RedisEdge::ask_echo() {
    const auto is_new = [](const Settling& one) { return one.echo == 0; };
    if (!has_new_young_ && std::none_of(settling_.begin(), settling_.end(), is_new)) {
        return;
    }
    const std::uint64_t echo = ++last_id_;
    // An Echo that has to wait for room could be overtaken by a publish of another shard that came later than the
    // subscription: one message too many does less harm than a lost one.
    const bool is_late = hub_.send(mesh::Echo{echo}) == Push::kRefused;
    for (std::string& key : std::exchange(unechoed_, {})) {
        const auto entry = young_.find(key);
        if (entry == young_.end()) {
            continue;
        }
        if (is_late) {
            std::erase_if(entry->second, [](const Young& young) { return young.echo == 0; });
        } else {
            for (Young& young : entry->second) {
                young.echo = young.echo == 0 ? echo : young.echo;
            }
        }
        if (entry->second.empty()) {
            young_.erase(entry);
        } else {
            echoing_.emplace_back(echo, std::move(key));
        }
    }
    has_new_young_ = false;
    for (Settling& one : settling_) {
        one.echo = one.echo == 0 ? echo : one.echo;
    }
}

void RedisEdge::handle(const mesh::Echoed& echoed) {
    fanout_.end_run();
    for (; !echoing_.empty() && echoing_.front().first <= echoed.id; echoing_.pop_front()) {
        const auto entry = young_.find(echoing_.front().second);
        if (entry == young_.end()) {
            continue;
        }
        std::erase_if(entry->second, [&](const Young& young) { return young.echo != 0 && young.echo <= echoed.id; });
        if (entry->second.empty()) {
            young_.erase(entry);
        }
    }
    std::vector<Settling> settled;
    std::erase_if(settling_, [&](const Settling& one) {
        const bool is_settled = one.echo != 0 && one.echo <= echoed.id;
        if (is_settled) {
            settled.push_back(one);
        }
        return is_settled;
    });
    for (const Settling& one : settled) {
        RedisConnection* connection = find(one.slot);
        if (connection != nullptr && connection->card().id() == one.client) {
            reactor_.guard(*connection, [&] { connection->on_settled(); });
        }
    }
}

/// Frames for the same audience that follow each other are a run of the fan-out. A message with several audiences makes
/// runs of a single frame, so a connection in several of them gets its frames in the order of Redis.
void RedisEdge::send(const RealmPort& port, Kind kind, std::string_view name, std::string_view channel,
                     std::string_view payload, std::span<const Slot> subscribers) {
    const bool is_running = run_.port == &port && run_.kind == kind && run_.subscribers.data() == subscribers.data() &&
                            run_.subscribers.size() == subscribers.size() && fanout_.is_running(name, std::nullopt);
    if (!is_running) {
        fanout_.begin_run(name, subscribers, std::nullopt);
        run_ = {&port, kind, subscribers};
    }
    port.counters->deliveries_total.add(subscribers.size());
    fanout_.add_to_run(message_frame(reactor_.arena(), kind, name, channel, payload));
}

void RedisEdge::handle(const mesh::Subscribed& confirmed) {
    const auto use = keys_.find(confirmed.channel);
    if (use != keys_.end() && !std::exchange(use->second.is_confirmed, true)) {
        TULLE_ASSERT(unconfirmed_ > 0);
        --unconfirmed_;
    }
}

void RedisEdge::handle(const mesh::Gap& gap) {
    fanout_.end_run();
    for (RealmPort& port : ports_) {
        if (gap.channel.empty() || gap.channel == port.channels_key || gap.channel == port.shard_channels_key) {
            end_subscribers(port);
        }
        if (speaks_for_node_ && (gap.channel.empty() || gap.channel == port.counts_key)) {
            port.wants_told = true;
        }
        if (port.store != nullptr && (gap.channel.empty() || gap.channel == port.store_key)) {
            port.store->store().on_gap();
        }
    }
}

void RedisEdge::end_subscribers(RealmPort& port) {
    const std::vector<RedisConnection*> subscribers = connections_that([&](const RedisConnection& connection) {
        return connection.session().realm() == port.realm && connection.session().is_subscriber();
    });
    for (RedisConnection* connection : subscribers) {
        reactor_.guard(*connection, [&] { connection->end_for_gap(); });
    }
    if (!subscribers.empty()) {
        spdlog::warn("messages of the Redis realm {} were lost: {} subscribers are disconnected, to subscribe again",
                     port.realm->name, subscribers.size());
    }
}

/// The publish has been answered with a number already, so the connection ends: its client must not believe that the
/// message went out.
void RedisEdge::handle(const mesh::Published& refused) {
    if (refused.outcome == mesh::PublishOutcome::kAccepted) {
        return;
    }
    for (RedisConnection* connection :
         connections_that([&](const RedisConnection& one) { return one.card().id() == refused.id; })) {
        reactor_.guard(*connection, [&] { connection->end_for_gap(); });
    }
}

void RedisEdge::handle(mesh::QueryResult& result) {
    if (const std::size_t place = StorePort::place_of(result.id); place != StorePort::kNoPlace) {
        ports_.at(place).store->on_result(result);
        return;
    }
    if (const auto told = told_asked_.find(result.id); told != told_asked_.end()) {
        RealmPort& port = *told->second;
        told_asked_.erase(told);
        port.is_asking = false;
        if (!result.missing.empty()) {
            port.wants_told = true;
            port.ask_at = reactor_.now() + kToldRetryInterval;
            reactor_.wake_at(port.ask_at);
        }
        for (const CountChange& all : decode_told(result.parts)) {
            // A node that has gone meanwhile must not come back by its answer.
            if (met_.contains(all.node)) {
                (void)port.receivers->with([&](Receivers& mine) { return mine.apply(all); });
            }
        }
        return;
    }
    const auto entry = asked_.find(result.id);
    if (entry == asked_.end()) {
        return;
    }
    Asked asked = std::move(entry->second);
    asked_.erase(entry);
    RedisConnection* connection = find(asked.slot);
    if (connection == nullptr || connection->card().id() != asked.client) {
        return;
    }
    std::move(result.parts.begin(), result.parts.end(), std::back_inserter(asked.parts));
    asked.is_incomplete = asked.is_incomplete || !result.missing.empty();
    if (!asked.rest.empty()) {
        ask_next(std::move(asked));
        return;
    }
    if (asked.is_incomplete) {
        asked.counters->questions_incomplete_total.add();
    }
    fanout_.end_run();
    reactor_.guard(*connection, [&] { connection->on_answer(sum(asked.parts)); });
}

void RedisEdge::handle(const mesh::Readiness& readiness) {
    ready_since_ = readiness.ready && !is_ready_ ? reactor_.now() : ready_since_;
    is_ready_ = readiness.ready;
    self_ = readiness.self;
    self_text_ = to_hex(self_);
    for (RealmPort& port : ports_) {
        if (port.store != nullptr && is_ready_) {
            port.store->begin(self_);
        }
    }
    for (RealmPort& port : ports_) {
        port.wants_told = port.wants_told || speaks_for_node_;
    }
}

void RedisEdge::handle(const mesh::PeerChange& change) {
    if (!speaks_for_node_) {
        return;
    }
    if (change.is_gone) {
        met_.erase(change.oid);
    } else {
        met_.insert(change.oid);
    }
    for (RealmPort& port : ports_) {
        if (change.is_gone) {
            port.receivers->with([&](Receivers& all) { all.forget(change.oid); });
        } else {
            port.wants_told = true;
        }
        if (port.store != nullptr) {
            port.store->on_peer(change);
        }
    }
}

std::optional<std::vector<std::string>> RedisEdge::answer(const mesh::LocalQuery& query) {
    if (const std::optional<ClientQuestion> clients = decode_client_question(query.body)) {
        return answer_clients(*clients);
    }
    if (const std::optional<StoreAsk> ask = speaks_for_node_ ? decode_store_ask(query.body) : std::nullopt) {
        const Realm* of = options_.realms.find(ask->realm);
        if (of == nullptr || port_of(*of).store == nullptr) {
            return std::vector<std::string>{};
        }
        port_of(*of).store->on_ask(query.token, *ask);
        return std::nullopt;
    }
    // The shard that speaks for the node answers for all shards, as all count together. A node that leaves has no
    // subscribers any more that would answer a request.
    const std::optional<Question> question =
        speaks_for_node_ && !is_draining_ ? decode_question(query.body) : std::nullopt;
    const Realm* realm = question ? options_.realms.find(question->realm) : nullptr;
    if (realm == nullptr) {
        return std::vector<std::string>{};
    }
    const RealmPort& port = port_of(*realm);
    if (question->what == Question::What::kTold) {
        CountChange all = port.receivers->with([](const Receivers& mine) { return mine.told(); });
        all.node = self_;
        return encode_told(all, kMaxToldBytes);
    }
    return port.receivers->with(
        [&](const Receivers& mine) { return redis::answer(*question, mine, mesh::kMaxQueryPartBytes); });
}

// ---- the numbers of receivers ----

void RedisEdge::count(RealmPort& port, Kind kind, std::string_view name, bool is_added) {
    Counter& subscriptions = port.counters->subscriptions(kind);
    is_added ? subscriptions.add() : subscriptions.sub();
    const bool is_first_change =
        port.receivers->with([&](Receivers& all) { return is_added ? all.add(kind, name) : all.remove(kind, name); });
    // The shard's own turn ends anyway.
    if (is_first_change && !speaks_for_node_) {
        options_.node->wake_speaker();
    }
}

void RedisEdge::take_counts(RealmPort& port, std::string_view text) {
    const std::optional<CountChange> change = decode_count_change(text);
    if (!change || !met_.contains(change->node)) {
        return;
    }
    const auto applied = port.receivers->with([&](Receivers& all) { return all.apply(*change); });
    if (applied == Receivers::Applied::kMissing) {
        port.wants_told = true;
    }
}

void RedisEdge::tell_counts() {
    for (RealmPort& port : ports_) {
        while (!hub_.is_backed_up()) {
            const std::optional<CountChange> change =
                port.receivers->with([](Receivers& all) { return all.take_change(kMaxToldBytes); });
            if (!change) {
                break;
            }
            tell(port, *change);
        }
        // Nobody answers a message about numbers. A node that has missed one, or was refused one, is told so.
        if (!met_.empty() && reactor_.now() >= port.remind_at && !hub_.is_backed_up()) {
            tell(port, port.receivers->with([](const Receivers& all) { return all.reminder(); }));
        }
    }
}

void RedisEdge::tell(RealmPort& port, CountChange change) {
    change.node = self_;
    mesh::Publish publish;
    publish.channels = {port.counts_key};
    publish.body = share(EventBody({}, encode(change), DataKind::kBytes));
    hub_.send(std::move(publish));
    port.remind_at = reactor_.now() + kReminderInterval;
    reactor_.wake_at(port.remind_at);
}

void RedisEdge::ask_told() {
    for (RealmPort& port : ports_) {
        if (!port.wants_told || port.is_asking || hub_.is_backed_up() || reactor_.now() < port.ask_at) {
            continue;
        }
        port.wants_told = false;
        port.is_asking = true;
        told_asked_.emplace(++last_id_, &port);
        hub_.send(mesh::Query{last_id_, encode(Question{.what = Question::What::kTold, .realm = port.realm->name}),
                              kToldTimeout});
    }
}

}  // namespace tulle::node::redis
