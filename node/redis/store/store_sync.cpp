#include "node/redis/store/store_sync.hpp"

#include <algorithm>
#include <utility>

#include "mesh/core/node/rendezvous.hpp"
#include "node/redis/core/limits.hpp"

namespace tulle::node::redis {

void StoreSync::begin(Instant now, OriginId self) {
    self_ = self;
    if (phase_ == Phase::kWaiting) {
        phase_ = Phase::kJoining;
        joining_since_ = now;
    }
}

void StoreSync::meet(Instant now, OriginId oid, StoreEffects& out) {
    nodes_[oid] = {};
    if (pull_ && pull_->node == oid) {
        pull_.reset();
    }
    say_hello(now, oid, nodes_[oid], out);
}

void StoreSync::forget(OriginId oid) {
    nodes_.erase(oid);
    if (pull_ && pull_->node == oid) {
        pull_.reset();
    }
}

void StoreSync::say_hello(Instant now, OriginId oid, Node& node, StoreEffects& out) {
    // Without a name of its own the node has not joined; begin() is followed by the hellos.
    if (self_ == OriginId{}) {
        node.hello_at = now;
        return;
    }
    StoreAsk ask = host_.ask_head(now);
    ask.what = AskHello{};
    node.hello = ids_.next();
    node.hello_said_ready = is_ready();
    ++node.hellos;
    out.questions.push_back({node.hello, {oid}, encode(ask), kHelloTimeout});
}

void StoreSync::learn(const StoreState& state, bool is_periodic) {
    const auto found = nodes_.find(state.node);
    if (found == nodes_.end()) {
        return;
    }
    Node& node = found->second;
    // A node that is not ready when it is met has written nothing.
    const bool is_first = node.kind != Kind::kKeeps;
    node.kind = Kind::kKeeps;
    learn_readiness(state, node);
    const bool is_equal = state.root == table_.root();
    if (is_first && (!state.is_ready || is_equal)) {
        node.is_settled = true;
        replication_.on_pulled(state.node, state.number);
    }
    node.is_pull_wanted = node.is_pull_wanted || (is_first && !node.is_settled);
    if (is_periodic) {
        node.mismatches = is_equal || !state.is_ready ? 0 : node.mismatches + 1;
        node.is_pull_wanted = node.is_pull_wanted || node.mismatches >= kMostMismatches;
    }
}

void StoreSync::learn_readiness(const StoreState& state, Node& node) {
    // Of two words of the same moment the one that says ready holds: a node that leaves says so again.
    const bool is_late = state.clock_us < node.told_us || (state.clock_us == node.told_us && !state.is_ready);
    if (is_late) {
        return;
    }
    if (node.is_ready && !state.is_ready) {
        node.gave_up_at = std::max(node.gave_up_at, state.number);
    }
    node.told_us = state.clock_us;
    node.is_ready = state.is_ready;
}

void StoreSync::doubt_all(Instant now) {
    for (auto& [oid, node] : nodes_) {
        node.has_confirmed = false;
        node.hello = 0;
        node.hello_at = now;
    }
}

void StoreSync::set_apart(const StoreState& state) {
    const auto found = nodes_.find(state.node);
    if (found == nodes_.end()) {
        return;
    }
    found->second = {};
    found->second.kind = state.is_ready ? Kind::kApartAndReady : Kind::kApart;
    // The answer to a look into the node's keys was this one: without an end no other node's keys would be looked at.
    if (pull_ && pull_->node == state.node) {
        pull_.reset();
    }
}

void StoreSync::on_gap(OriginId oid) {
    for (auto& [met, node] : nodes_) {
        node.is_pull_wanted = node.is_pull_wanted || met == oid || oid == OriginId{};
    }
}

bool StoreSync::on_result(Instant now, std::uint64_t id, const StoreAnswer* answer, bool is_complete,
                          StoreEffects& out) {
    if (pull_ && pull_->question == id) {
        on_pull_result(now, answer, out);
        return true;
    }
    const auto asked =
        std::find_if(nodes_.begin(), nodes_.end(), [&](const auto& entry) { return entry.second.hello == id; });
    if (asked == nodes_.end()) {
        return false;
    }
    on_hello_result(now, asked->second, answer, is_complete);
    return true;
}

void StoreSync::on_hello_result(Instant now, Node& node, const StoreAnswer* answer, bool is_complete) {
    node.hello = 0;
    if (answer != nullptr) {
        if (node.hello_said_ready) {
            node.has_confirmed = true;
            node.gave_up_at = std::max(node.gave_up_at, answer->state.number);
        }
        return;
    }
    if (is_complete && node.kind == Kind::kUnknown) {
        node.kind = Kind::kKeepsNone;
    }
    node.hello_at = now + kHelloTimeout;
}

void StoreSync::begin_pull(Instant now, StoreEffects& out) {
    for (auto& [oid, node] : nodes_) {
        if (!node.is_pull_wanted || !node.is_ready || node.pull_at > now) {
            continue;
        }
        node.is_pull_wanted = false;
        node.mismatches = 0;
        ++counts_.pulls;
        StoreAsk ask = host_.ask_head(now);
        ask.what = AskDigests{};
        pull_ = Pull{oid, ids_.next(), 0, {}};
        out.questions.push_back({pull_->question, {oid}, encode(ask), kPageTimeout});
        return;
    }
}

void StoreSync::on_pull_result(Instant now, const StoreAnswer* answer, StoreEffects& out) {
    if (answer != nullptr) {
        host_.take_in(now, answer->calls);
    }
    if (answer != nullptr && pull_->wanted.empty() && answer->digests) {
        pull_->number = answer->state.number;
        host_.take_in(answer->digests->flushes);
        pull_->wanted.resize(kStoreBuckets);
        for (std::size_t i = 0; i < kStoreBuckets; ++i) {
            pull_->wanted[i] = answer->digests->digests[i] != table_.digests()[i];
        }
        if (std::find(pull_->wanted.begin(), pull_->wanted.end(), true) == pull_->wanted.end()) {
            end_pull(now, true);
        } else {
            ask_page(now, {}, out);
        }
    } else if (answer != nullptr && !pull_->wanted.empty() && answer->page) {
        counts_.pulled_cells += answer->page->cells.size();
        host_.take_in(now, answer->page->cells);
        if (answer->page->is_last) {
            end_pull(now, true);
        } else {
            ask_page(now, answer->page->next, out);
        }
    } else {
        end_pull(now, false);
    }
}

void StoreSync::ask_page(Instant now, StoreTable::Place from, StoreEffects& out) {
    StoreAsk ask = host_.ask_head(now);
    ask.what = AskPage{pull_->wanted, std::move(from)};
    pull_->question = ids_.next();
    out.questions.push_back({pull_->question, {pull_->node}, encode(ask), kPageTimeout});
}

void StoreSync::end_pull(Instant now, bool is_done) {
    const Pull pull = *std::exchange(pull_, std::nullopt);
    const auto found = nodes_.find(pull.node);
    if (found == nodes_.end()) {
        return;
    }
    if (is_done) {
        found->second.is_settled = true;
        replication_.on_pulled(pull.node, pull.number);
    } else {
        found->second.is_pull_wanted = true;
        found->second.pull_at = now + kStateInterval;
    }
}

void StoreSync::judge_joining(Instant now, StoreEffects& out) {
    if (phase_ != Phase::kJoining) {
        return;
    }
    const bool is_late = now >= joining_since_ + kStorePatience;
    const bool is_too_late = now >= joining_since_ + kStoreJoinTime;
    const bool waits = std::any_of(nodes_.begin(), nodes_.end(), [&](const auto& entry) {
        const Node& node = entry.second;
        // Beside a node that serves, the clock that is wrong is rather this node's.
        return node.kind == Kind::kApartAndReady || (node.kind == Kind::kUnknown && !is_late) ||
               (node.is_ready && !node.is_settled && !is_too_late);
    });
    if (waits) {
        return;
    }
    phase_ = Phase::kReady;
    for (auto& [oid, node] : nodes_) {
        if (node.kind != Kind::kKeepsNone) {
            say_hello(now, oid, node, out);
        }
    }
}

void StoreSync::tick(Instant now, StoreEffects& out) {
    if (phase_ == Phase::kWaiting) {
        return;
    }
    for (auto& [oid, node] : nodes_) {
        const bool needs_hello =
            node.kind == Kind::kUnknown || (node.kind == Kind::kKeeps && is_ready() && !node.has_confirmed);
        if (needs_hello && node.hello == 0 && node.hello_at <= now) {
            say_hello(now, oid, node, out);
        }
    }
    if (!pull_) {
        begin_pull(now, out);
    }
    judge_joining(now, out);
}

std::optional<Instant> StoreSync::next_deadline(Instant now) const {
    std::optional<Instant> next;
    const auto add = [&](Instant at) {
        if (at > now) {
            next = next ? std::min(*next, at) : at;
        }
    };
    if (phase_ == Phase::kJoining) {
        add(joining_since_ + kStorePatience);
        add(joining_since_ + kStoreJoinTime);
    }
    for (const auto& [oid, node] : nodes_) {
        add(node.hello_at);
        add(node.pull_at);
    }
    return next;
}

bool StoreSync::is_acting() const {
    return phase_ == Phase::kReady && std::all_of(nodes_.begin(), nodes_.end(), [this](const auto& entry) {
               const Node& node = entry.second;
               // A node that was met just now may be ready; one that does not answer is not waited for.
               const bool is_being_asked = node.kind == Kind::kUnknown && node.hello != 0 && node.hellos <= 1;
               // What the node did as the owner must be known before another node counts on.
               const bool is_known = replication_.taken_in(entry.first) >= node.gave_up_at;
               return !is_being_asked && is_known && (!node.is_ready || (node.is_settled && node.has_confirmed));
           });
}

OriginId StoreSync::owner_of(std::string_view key) const {
    std::vector<OriginId> nodes = ready_nodes();
    if (phase_ == Phase::kReady) {
        nodes.push_back(self_);
    }
    return mesh::duty_node(nodes, key);
}

std::vector<OriginId> StoreSync::ready_nodes() const {
    std::vector<OriginId> nodes;
    for (const auto& [oid, node] : nodes_) {
        if (node.is_ready) {
            nodes.push_back(oid);
        }
    }
    return nodes;
}

std::vector<OriginId> StoreSync::store_nodes() const {
    std::vector<OriginId> nodes;
    for (const auto& [oid, node] : nodes_) {
        if (node.kind == Kind::kKeeps) {
            nodes.push_back(oid);
        }
    }
    return nodes;
}

bool StoreSync::has_store_nodes() const {
    return std::any_of(nodes_.begin(), nodes_.end(),
                       [](const auto& entry) { return entry.second.kind == Kind::kKeeps; });
}

}  // namespace tulle::node::redis
