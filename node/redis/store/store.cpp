#include "node/redis/store/store.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "mesh/base/overloaded.hpp"

namespace tulle::node::redis {

Store::Store(StoreOptions options)
    : options_(std::move(options)),
      clock_(options_.wall_offset_us),
      table_(std::make_unique<StoreTable>()),
      writes_(*table_, clock_),
      ids_(options_.question_base),
      replication_(ids_, counts_),
      sync_(*this, *table_, replication_, ids_, counts_),
      calls_(
          sync_, ids_, counts_,
          [this](Instant now, const Call& call, OriginId caller) { return execute(now, call, caller); },
          [this](Instant now) { return ask_head(now); }) {}

StoreState Store::state(Instant now) const {
    return {sync_.self(), sync_.is_ready() && !is_leaving_, replication_.number(), clock_.read(now), table_->root()};
}

StoreAsk Store::ask_head(Instant now) {
    return {options_.realm, state(now), AskHello{}};
}

StoreAccess Store::access(Instant now, std::uint64_t wall_us, unsigned database) {
    return {*table_, writes_, options_.most_bytes, database, now, clock_.read(now), wall_us};
}

void Store::take_in(Instant now, const std::vector<KeyedCell>& cells) {
    for (const KeyedCell& keyed : cells) {
        clock_.see(now, keyed.cell.written.time_us);
        clock_.see(now, keyed.cell.expiry_written.time_us);
        table_->merge(clock_.read(now), keyed.key, keyed.cell);
    }
}

void Store::take_in(const std::vector<Flush>& flushes) {
    for (const Flush& flush : flushes) {
        table_->merge(flush);
    }
}

void Store::take_in(Instant now, const std::vector<DoneCall>& calls) {
    for (const DoneCall& call : calls) {
        calls_.on_done(now, call);
    }
}

// ---- the mesh

void Store::on_peer(Instant now, OriginId node, bool is_gone, StoreEffects& out) {
    if (is_gone) {
        sync_.forget(node);
        replication_.forget(node);
        calls_.retry_all(now);
    } else {
        replication_.meet(node);
        sync_.meet(now, node, out);
    }
}

void Store::on_record(Instant now, std::string_view bytes) {
    const std::optional<StoreRecord> record = decode_store_record(bytes);
    if (!record) {
        ++counts_.bad_messages;
        // Its writes are in the node's keys.
        sync_.on_gap(OriginId{});
        return;
    }
    const OriginId from = record->state.node;
    if (from == sync_.self()) {
        return;
    }
    clock_.see(now, record->state.clock_us);
    take_in(record->writes.flushes);
    take_in(now, record->writes.cells);
    take_in(now, record->writes.calls);
    if (record->writes.empty()) {
        sync_.learn(record->state, true);
    } else if (!replication_.on_record(from, record->state.number)) {
        sync_.on_gap(from);
    }
}

void Store::on_ask(Instant now, std::uint64_t token, const StoreAsk& ask, StoreEffects& out) {
    const OriginId from = ask.state.node;
    clock_.see(now, ask.state.clock_us);
    sync_.learn(ask.state, false);
    StoreAnswer answer{.state = state(now)};
    std::visit(Overloaded{[&](const AskHello&) {
                              out.answers.push_back({token, encode(answer)});
                          },
                          [&](const AskTakenIn& asked) { replication_.on_ask(now, token, from, asked.number); },
                          [&](const AskDigests&) {
                              // The writes of this turn go out as a record before the state's number counts for them.
                              publish(now, out);
                              answer.state = state(now);
                              answer.digests = DigestsAnswer{table_->digests(), table_->flushes()};
                              answer.calls = calls_.recent(now);
                              out.answers.push_back({token, encode(answer)});
                          },
                          [&](const AskPage& asked) {
                              answer.page = table_->page(clock_.read(now), asked.wanted, asked.from, kStorePageBytes);
                              if (answer.page->is_last) {
                                  answer.calls = calls_.recent(now);
                              }
                              out.answers.push_back({token, encode(answer)});
                          },
                          [&](const AskCalls& asked) { calls_.on_ask(now, token, from, asked); }},
               ask.what);
}

void Store::on_result(Instant now, std::uint64_t id, const std::vector<std::string>& parts, bool is_complete,
                      StoreEffects& out) {
    // A question about records goes to several nodes, with a part each; any other one to a single node, which may
    // answer in several parts.
    std::vector<StoreAnswer> answers;
    std::string whole;
    for (const std::string& part : parts) {
        whole.append(part);
        if (std::optional<StoreAnswer> answer = decode_store_answer(part)) {
            answers.push_back(std::move(*answer));
        }
    }
    if (replication_.on_result(id, answers, sync_.met())) {
        return;
    }
    const std::optional<StoreAnswer> answer = whole.empty() ? std::nullopt : decode_store_answer(whole);
    if (!whole.empty() && is_complete && !answer) {
        ++counts_.bad_messages;
    }
    if (answer) {
        clock_.see(now, answer->state.clock_us);
        sync_.learn(answer->state, false);
    }
    const StoreAnswer* given = answer ? &*answer : nullptr;
    if (!calls_.on_result(now, id, given, out)) {
        (void)sync_.on_result(now, id, given, is_complete, out);
    }
}

void Store::end_turn(Instant now, StoreEffects& out) {
    if (sync_.self() == OriginId{}) {
        return;
    }
    table_->sweep(clock_.read(now), kCellsPerSweep);
    replication_.tick(now);
    if (is_leaving_) {
        sync_.leave();
    }
    sync_.tick(now, out);
    calls_.send(now, out);
    publish(now, out);
    const bool tells_leaving = is_leaving_ && !std::exchange(has_told_leaving_, is_leaving_);
    if (sync_.has_store_nodes() && (state_at_ <= now || tells_leaving)) {
        state_at_ = now + kStateInterval;
        out.records.push_back(encode(StoreRecord{state(now), {}}));
    }
    if (replication_.is_ask_due()) {
        replication_.ask(sync_.store_nodes(), ask_head(now), out);
    }
    for (; !gates_.empty() && gates_.front().second <= replication_.released(); gates_.pop_front()) {
        open_gate_ = gates_.front().first;
    }
    for (const auto& [token, number] :
         replication_.take_answered([this](OriginId node) { return sync_.has_settled(node); })) {
        StoreAnswer answer{.state = state(now), .taken_in = number};
        out.answers.push_back({token, encode(answer)});
    }
    for (auto& [token, replies] : calls_.take_answered(open_gate_)) {
        StoreAnswer answer{.state = state(now)};
        answer.replies = std::move(replies);
        out.answers.push_back({token, encode(answer)});
    }
}

std::optional<Instant> Store::next_deadline(Instant now) const {
    std::optional<Instant> next = sync_.next_deadline(now);
    const auto add = [&](Instant at) { next = next ? std::min(*next, at) : at; };
    if (const std::optional<Instant> calls = calls_.next_deadline()) {
        add(*calls);
    }
    if (sync_.has_store_nodes()) {
        add(state_at_);
    }
    if (const std::uint64_t end_us = table_->next_sweep_us(); end_us != 0) {
        const std::uint64_t now_us = clock_.read(now);
        // Freed once a second: an expired key is not found any more, whether freed or not.
        const std::uint64_t wait_us = std::max<std::uint64_t>(end_us > now_us ? end_us - now_us : 0, 1'000'000);
        add(now +
            std::chrono::microseconds{static_cast<std::int64_t>(std::min<std::uint64_t>(wait_us, 3'600'000'000))});
    }
    return next;
}

void Store::publish(Instant now, StoreEffects& out) {
    if (writes_.empty()) {
        return;
    }
    StoreWriteSet all = writes_.take();
    StoreWriteSet part;
    part.flushes = std::move(all.flushes);
    part.calls = std::move(all.calls);
    std::size_t bytes = 0;
    for (KeyedCell& keyed : all.cells) {
        const std::size_t more = keyed.key.size() + keyed.cell.value.size() + kCellBytes;
        if (!part.cells.empty() && bytes + more > kStoreRecordBytes) {
            send_record(now, std::exchange(part, {}), out);
            bytes = 0;
        }
        bytes += more;
        part.cells.push_back(std::move(keyed));
    }
    send_record(now, std::move(part), out);
    gates_.emplace_back(++gate_, replication_.number());
}

void Store::send_record(Instant now, StoreWriteSet writes, StoreEffects& out) {
    ++counts_.writes;
    (void)replication_.take_number();
    out.records.push_back(encode(StoreRecord{state(now), std::move(writes)}));
}

// ---- commands

StoreCalls::Done Store::execute(Instant now, const Call& call, OriginId caller) {
    const Command* command = find_command(call.arguments.front());
    const std::vector<std::string_view> arguments(call.arguments.begin(), call.arguments.end());
    StoreCalls::Done done;
    RespWriter reply(done.reply, call.resp);
    StoreAccess access = this->access(now, wall_us_, call.database);
    const std::size_t before = writes_.bytes();
    run_store(*command, arguments, access, reply);
    if (writes_.bytes() == before) {
        return done;
    }
    done.gate = next_gate();
    if (caller != OriginId{}) {
        const bool is_cut = done.reply.size() > kMaxDoneReplyBytes;
        writes_.note_call({caller, call.number, is_cut ? std::string() : done.reply, is_cut});
    }
    return done;
}

std::optional<Store::Result> Store::run(Instant now, std::uint64_t wall_us, const Command& command,
                                        std::span<const std::string_view> arguments, unsigned database,
                                        RespWriter& out) {
    wall_us_ = wall_us;
    if (!is_ready() || is_leaving_) {
        out.error("LOADING Redis is loading the dataset in memory");
        return Result{};
    }
    const bool is_owned = way_of(command, arguments) == StoreWay::kOwner;
    const std::string key = is_owned ? store_key(database, owned_key(command, arguments)) : std::string();
    if (is_owned && !(sync_.owner_of(key) == sync_.self() && sync_.is_acting())) {
        if (calls_.is_full()) {
            return std::nullopt;
        }
        Call call{0, database, out.version(), {arguments.begin(), arguments.end()}};
        return Result{.call = calls_.begin(now, key, std::move(call))};
    }
    StoreAccess access = this->access(now, wall_us, database);
    const std::size_t before = writes_.bytes();
    run_store(command, arguments, access, out);
    const bool must_wait = writes_.bytes() != before && sync_.has_store_nodes();
    return Result{.gate = must_wait ? next_gate() : 0};
}

}  // namespace tulle::node::redis
