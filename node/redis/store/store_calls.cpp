#include "node/redis/store/store_calls.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"
#include "node/redis/core/limits.hpp"

namespace tulle::node::redis {
namespace {

constexpr std::string_view kNoOwner =
    "-TRYAGAIN the owner of the key has not answered: the command may have been done\r\n";

std::size_t bytes_of(const Call& call) {
    std::size_t bytes = 32;
    for (const std::string& argument : call.arguments) {
        bytes += argument.size() + 8;
    }
    return bytes;
}

}  // namespace

std::uint64_t StoreCalls::begin(Instant now, std::string key, Call call) {
    TULLE_ASSERT(!is_full());
    call.number = ++last_number_;
    pending_.emplace(last_number_, Pending{std::move(key), std::move(call), now + kCallTime, now});
    return last_number_;
}

void StoreCalls::fail(std::uint64_t number, StoreEffects& out) {
    ++counts_.failed_calls;
    out.replies.push_back({number, std::string(kNoOwner)});
}

void StoreCalls::send(Instant now, StoreEffects& out) {
    std::map<OriginId, std::vector<std::uint64_t>> by_owner;
    for (auto it = pending_.begin(); it != pending_.end();) {
        const auto current = it++;
        auto& [number, pending] = *current;
        if (pending.deadline <= now) {
            fail(number, out);
            pending_.erase(current);
        } else if (pending.question == 0 && pending.next_at <= now) {
            const OriginId owner = sync_.owner_of(pending.key);
            if (owner != OriginId{} && owner == sync_.self() && sync_.is_acting()) {
                do_own(now, number, pending.call, out);
                pending_.erase(current);
            } else if (owner == OriginId{} || owner == sync_.self()) {
                pending.next_at = now + kCallRetryInterval;
            } else {
                by_owner[owner].push_back(number);
            }
        }
    }
    for (const auto& [owner, numbers] : by_owner) {
        std::size_t i = 0;
        while (i < numbers.size()) {
            AskCalls calls;
            const std::uint64_t id = ids_.next();
            for (std::size_t bytes = 0; i < numbers.size(); ++i) {
                Pending& pending = pending_.at(numbers[i]);
                bytes += bytes_of(pending.call);
                if (!calls.calls.empty() && bytes > kMaxCallBytes) {
                    break;
                }
                calls.calls.push_back(pending.call);
                pending.question = id;
                asked_[id].push_back(numbers[i]);
                ++counts_.calls;
            }
            StoreAsk ask = ask_head_(now);
            ask.what = std::move(calls);
            out.questions.push_back({id, {owner}, encode(ask), kCallTimeout});
        }
    }
}

void StoreCalls::do_own(Instant now, std::uint64_t number, const Call& call, StoreEffects& out) {
    // The owner before may have done the call and died with the reply.
    const auto known = done_.find({sync_.self(), number});
    if (known == done_.end()) {
        Done done = execute_(now, call, OriginId{});
        out.replies.push_back({number, done.reply, done.gate});
    } else if (known->second.is_cut) {
        fail(number, out);
    } else {
        out.replies.push_back({number, known->second.reply, known->second.gate});
    }
}

bool StoreCalls::on_result(Instant now, std::uint64_t id, const StoreAnswer* answer, StoreEffects& out) {
    const auto asked = asked_.extract(id);
    if (asked.empty()) {
        return false;
    }
    for (const std::uint64_t number : asked.mapped()) {
        // Past its time the call has been given up.
        if (const auto pending = pending_.find(number); pending != pending_.end()) {
            pending->second.question = 0;
            pending->second.next_at = now + kCallRetryInterval;
        }
    }
    for (std::size_t i = 0; answer != nullptr && i < answer->replies.size(); ++i) {
        const CallReply& reply = answer->replies[i];
        const bool is_over = reply.outcome != CallOutcome::kAgain;
        // A peer answers for the calls of the question alone.
        const bool was_asked = std::binary_search(asked.mapped().begin(), asked.mapped().end(), reply.number);
        if (!is_over || !was_asked || pending_.erase(reply.number) == 0) {
            continue;
        }
        if (reply.outcome == CallOutcome::kDone) {
            out.replies.push_back({reply.number, reply.reply});
        } else {
            fail(reply.number, out);
        }
    }
    return true;
}

void StoreCalls::retry_all(Instant now) {
    for (auto& [number, pending] : pending_) {
        pending.next_at = now;
    }
}

std::optional<Instant> StoreCalls::next_deadline() const {
    std::optional<Instant> next;
    for (const auto& [number, pending] : pending_) {
        const Instant at = pending.question == 0 ? std::min(pending.next_at, pending.deadline) : pending.deadline;
        next = next ? std::min(*next, at) : at;
    }
    return next;
}

void StoreCalls::on_ask(Instant now, std::uint64_t token, const StoreState& caller, AskCalls asked) {
    if (early_.size() >= kMaxWaitingQuestions) {
        early_.pop_front();
    }
    early_.push_back({token, caller.node, caller.number, std::move(asked), now + kCallTimeout});
    serve_due(now);
}

void StoreCalls::serve_due(Instant now) {
    std::deque<Early> waiting;
    for (Early& early : std::exchange(early_, {})) {
        if (has_taken_in_(early.caller, early.number)) {
            serve(now, early.token, early.caller, early.asked);
        } else if (early.until > now) {
            waiting.push_back(std::move(early));
        }
    }
    early_ = std::move(waiting);
}

void StoreCalls::serve(Instant now, std::uint64_t token, OriginId caller, const AskCalls& asked) {
    Answering answering{.token = token};
    std::size_t bytes = 0;
    for (const Call& call : asked.calls) {
        const CallId id{caller, call.number};
        if (const auto done = done_.find(id); done != done_.end()) {
            answering.gate = std::max(answering.gate, done->second.gate);
            answering.replies.push_back(
                {call.number, done->second.is_cut ? CallOutcome::kForgotten : CallOutcome::kDone, done->second.reply});
            continue;
        }
        const Command* command = find_command(call.arguments.front());
        const std::vector<std::string_view> arguments(call.arguments.begin(), call.arguments.end());
        const bool is_valid = command != nullptr && command->is_store && command->takes(arguments.size()) &&
                              store_refusal(*command, arguments).empty() && !is_without_script(*command, arguments) &&
                              way_of(*command, arguments) == StoreWay::kOwner;
        const std::string key = is_valid ? store_key(call.database, owned_key(*command, arguments)) : std::string();
        const bool is_long = bytes > kMaxRepliesBytes;
        if (!is_valid || is_long || !sync_.is_acting() || sync_.owner_of(key) != sync_.self()) {
            if (!is_valid) {
                ++counts_.bad_messages;
            }
            answering.replies.push_back({call.number, CallOutcome::kAgain, {}});
            continue;
        }
        ++counts_.calls_served;
        Done done = execute_(now, call, caller);
        answering.gate = std::max(answering.gate, done.gate);
        bytes += done.reply.size();
        // A call that has written nothing may be done again.
        if (done.gate != 0) {
            const bool is_cut = done.reply.size() > kMaxDoneReplyBytes;
            remember(now, id, {is_cut ? std::string() : done.reply, is_cut, done.gate});
        }
        answering.replies.push_back({call.number, CallOutcome::kDone, std::move(done.reply)});
    }
    answering_.push_back(std::move(answering));
}

void StoreCalls::on_done(Instant now, const DoneCall& call) {
    remember(now, {call.caller, call.number}, {call.reply, call.is_cut, 0});
}

std::vector<DoneCall> StoreCalls::recent(Instant now) const {
    std::vector<DoneCall> calls;
    for (auto it = done_until_.rbegin(); it != done_until_.rend() && it->first > now + kDoneCallTime - kCallTime;
         ++it) {
        const Remembered& done = done_.at(it->second);
        calls.push_back({it->second.first, it->second.second, done.reply, done.is_cut});
    }
    return calls;
}

void StoreCalls::remember(Instant now, const CallId& id, Remembered done) {
    while (!done_until_.empty() && (done_until_.front().first <= now || done_.size() >= kMaxDoneCalls)) {
        done_.erase(done_until_.front().second);
        done_until_.pop_front();
    }
    if (done_.emplace(id, std::move(done)).second) {
        done_until_.emplace_back(now + kDoneCallTime, id);
    }
}

std::vector<std::pair<std::uint64_t, std::vector<CallReply>>> StoreCalls::take_answered(std::uint64_t released) {
    std::vector<std::pair<std::uint64_t, std::vector<CallReply>>> answered;
    std::erase_if(answering_, [&](Answering& answering) {
        if (answering.gate > released) {
            return false;
        }
        answered.emplace_back(answering.token, std::move(answering.replies));
        return true;
    });
    return answered;
}

}  // namespace tulle::node::redis
