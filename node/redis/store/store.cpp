#include "node/redis/store/store.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "mesh/base/overloaded.hpp"

namespace tulle::node::redis {

Store::Store(StoreOptions options, Instant now)
    : options_(std::move(options)),
      clock_(static_cast<std::int64_t>(options_.wall_us(now)) - now.time_since_epoch() / 1us),
      table_(std::make_unique<StoreTable>(options_.most_bytes / kRememberedPart)),
      writes_(*table_, clock_),
      ids_(options_.question_base),
      replication_(ids_, counts_),
      sync_(*this, *table_, replication_, ids_, counts_),
      calls_(
          sync_, ids_, counts_,
          [this](Instant at, const Call& call, OriginId caller) { return execute(at, call, caller); },
          [this](Instant at) { return ask_head(at); },
          [this](OriginId caller, std::uint64_t number) {
              return sync_.has_settled(caller) && replication_.taken_in(caller) >= number;
          }) {}

StoreState Store::state(Instant now) const {
    return {sync_.self(), sync_.is_ready() && !is_leaving_, replication_.number(), clock_.read(now), table_->root()};
}

StoreAsk Store::ask_head(Instant now) {
    return {options_.realm, state(now), AskHello{}};
}

StoreAccess Store::access(Instant now, unsigned database) {
    return {*table_, writes_, options_.most_bytes, database, now, clock_.read(now), options_.wall_us(now)};
}

bool Store::is_near(Instant now, std::uint64_t clock_us) {
    const std::uint64_t here = clock_.read(now);
    const std::uint64_t difference = clock_us > here ? clock_us - here : here - clock_us;
    const bool is_far = difference > static_cast<std::uint64_t>(kMaxClockDifference / 1us);
    if (is_far) {
        ++counts_.clock_refusals;
    }
    return !is_far;
}

void Store::take_in(Instant now, const std::vector<KeyedCell>& cells) {
    for (const KeyedCell& keyed : cells) {
        const std::uint64_t latest = std::max(keyed.cell.written.time_us, keyed.cell.expiry_written.time_us);
        if (latest > clock_.read(now) && !is_near(now, latest)) {
            continue;
        }
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

void Store::begin_turn(Instant now) {
    if (std::exchange(last_turn_, now) + kMaxStall < now) {
        sync_.doubt_all(now);
    }
}

void Store::on_peer(Instant now, OriginId node, bool is_gone, StoreEffects& out) {
    begin_turn(now);
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
    begin_turn(now);
    const std::optional<StoreRecord> record = decode_store_record(bytes);
    if (!record) {
        ++counts_.bad_messages;
        // Its writes are in the node's keys.
        sync_.on_gap(OriginId{});
        return;
    }
    const OriginId from = record->state.node;
    if (from == sync_.self() || !is_near(now, record->state.clock_us)) {
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
    begin_turn(now);
    const OriginId from = ask.state.node;
    if (!is_near(now, ask.state.clock_us)) {
        // The other node is told the time here, and refuses likewise.
        out.answers.push_back({token, encode(StoreAnswer{.state = state(now)})});
        return;
    }
    clock_.see(now, ask.state.clock_us);
    sync_.learn(ask.state, false);
    StoreAnswer answer{.state = state(now)};
    std::visit(Overloaded{[&](const AskHello&) {
                              // The asker owns keys of this node from here on: the number in the answer covers the
                              // writes of this turn too.
                              publish(now, out);
                              answer.state = state(now);
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
                          [&](const AskCalls& asked) { calls_.on_ask(now, token, ask.state, asked); }},
               ask.what);
}

void Store::on_result(Instant now, std::uint64_t id, const std::vector<std::string>& parts, bool is_complete,
                      StoreEffects& out) {
    begin_turn(now);
    if (replication_.has_asked(id)) {
        // Asked of several nodes, with a part each.
        std::vector<StoreAnswer> answers;
        for (const std::string& part : parts) {
            if (std::optional<StoreAnswer> answer = decode_store_answer(part)) {
                answers.push_back(std::move(*answer));
            }
        }
        replication_.on_result(id, answers, [this](OriginId node) { return sync_.is_met(node); });
        return;
    }
    // Asked of a single node, which may answer in several parts.
    std::string whole;
    for (const std::string& part : parts) {
        whole.append(part);
    }
    const std::optional<StoreAnswer> answer = whole.empty() ? std::nullopt : decode_store_answer(whole);
    if (!whole.empty() && is_complete && !answer) {
        ++counts_.bad_messages;
    }
    if (answer && !is_near(now, answer->state.clock_us)) {
        sync_.set_apart(answer->state);
        (void)calls_.on_result(now, id, nullptr, out);
        return;
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
    begin_turn(now);
    if (sync_.self() == OriginId{}) {
        return;
    }
    table_->sweep(clock_.read(now), kCellsPerSweep);
    replication_.tick(now);
    if (is_leaving_) {
        sync_.leave();
    }
    sync_.tick(now, out);
    // A call says by its number which writes of this node come before it, so they go out first.
    publish(now, out);
    calls_.serve_due(now);
    calls_.send(now, out);
    publish(now, out);
    const bool tells_leaving = is_leaving_ && !std::exchange(has_told_leaving_, true);
    if (sync_.has_store_nodes() && (state_at_ <= now || tells_leaving)) {
        state_at_ = now + kStateInterval;
        out.records.push_back(encode(StoreRecord{state(now), {}}));
    }
    if (replication_.is_ask_due()) {
        replication_.ask(sync_.store_nodes(), ask_head(now), out);
    }
    for (; !gates_.closed.empty() && gates_.closed.front().second <= replication_.released();
         gates_.closed.pop_front()) {
        gates_.open = gates_.closed.front().first;
    }
    for (const auto& [token, number] :
         replication_.take_answered([this](OriginId node) { return sync_.has_settled(node); })) {
        StoreAnswer answer{.state = state(now), .taken_in = number};
        out.answers.push_back({token, encode(answer)});
    }
    for (auto& [token, replies] : calls_.take_answered(gates_.open)) {
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
        // Gathered for a while: an expired key is not found any more, whether freed or not.
        const std::uint64_t wait_us =
            end_us <= now_us ? 10'000 : std::clamp<std::uint64_t>(end_us - now_us, 100'000, 3'600'000'000);
        add(now + std::chrono::microseconds{static_cast<std::int64_t>(wait_us)});
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
    // A call that is known to be done has all of its writes in this record or in those before.
    part.calls = std::move(all.calls);
    send_record(now, std::move(part), out);
    gates_.closed.emplace_back(++gates_.last, replication_.number());
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
    StoreAccess access = this->access(now, call.database);
    const std::size_t before = writes_.changes();
    run_store(*command, arguments, access, reply);
    if (writes_.changes() == before) {
        return done;
    }
    done.gate = next_gate();
    if (caller != OriginId{}) {
        const bool is_cut = done.reply.size() > kMaxDoneReplyBytes;
        writes_.note_call({caller, call.number, is_cut ? std::string() : done.reply, is_cut});
    }
    return done;
}

std::optional<Store::Result> Store::run(Instant now, const Command& command,
                                        std::span<const std::string_view> arguments, unsigned database,
                                        RespWriter& out) {
    begin_turn(now);
    if (!is_ready() || is_leaving_) {
        out.error("LOADING Redis is loading the dataset in memory");
        return Result{};
    }
    if (is_without_script(command, arguments)) {
        out.error("NOSCRIPT No matching script. Please use EVAL.");
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
    StoreAccess access = this->access(now, database);
    const std::size_t before = writes_.changes();
    run_store(command, arguments, access, out);
    const bool must_wait = writes_.changes() != before && sync_.has_store_nodes();
    return Result{.gate = must_wait ? next_gate() : 0};
}

}  // namespace tulle::node::redis
