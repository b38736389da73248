#include "tests/unit/node/redis/store/store_mesh.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "mesh/base/assert.hpp"

namespace tulle::node::redis {
namespace {

/// 2026, in microseconds.
constexpr std::int64_t kWallUs = 1'770'000'000'000'000;
constexpr Duration kLeastVerdict = 300ms;
constexpr Duration kMostVerdict = 2500ms;

Duration between(Prng& random, Duration least, Duration most) {
    return least +
           Duration{static_cast<Duration::rep>(random.below(static_cast<std::uint64_t>((most - least).count())))};
}

}  // namespace

Duration StoreMesh::delay() {
    return is_busy_ && random_.below(20) == 0 ? between(random_, 1ms, 60ms) : between(random_, 50us, 500us);
}

std::uint64_t StoreMesh::wall_us(Duration skew) const {
    return static_cast<std::uint64_t>(kWallUs + (now_.time_since_epoch() + skew) / 1us);
}

std::size_t StoreMesh::start(Duration skew) {
    const std::size_t place = nodes_.size();
    auto node = std::make_unique<Node>();
    node->oid = OriginId{random_.next() | 1u};
    node->skew = skew;
    node->store = std::make_unique<Store>(StoreOptions{.realm = "default",
                                                       .most_bytes = std::uint64_t{64} << 20,
                                                       .wall_us = [this, skew](Instant) { return wall_us(skew); }},
                                          now_);
    nodes_.push_back(std::move(node));
    for (std::size_t other = 0; other < place; ++other) {
        if (nodes_[other]->is_alive && !is_cut(place, other)) {
            meet(place, other);
        }
    }
    nodes_[place]->store->begin(now_, nodes_[place]->oid);
    end_turn(place);
    return place;
}

void StoreMesh::meet(std::size_t a, std::size_t b) {
    for (const auto& [here, there] : {std::pair{a, b}, std::pair{b, a}}) {
        Node& node = *nodes_[here];
        node.sessions[there] = nodes_[there]->records.size();
        node.store->on_peer(now_, nodes_[there]->oid, false, node.effects);
        at_node(now_, here, [this, place = here] { end_turn(place); });
    }
}

void StoreMesh::part(std::size_t place, std::size_t gone) {
    Node& node = *nodes_[place];
    if (!node.is_alive || !node.sessions.contains(gone)) {
        return;
    }
    // What others have of a dead node's records comes before the word of its death.
    std::size_t known = node.sessions[gone];
    for (const auto& other : nodes_) {
        const bool helps = other->is_alive && other->sessions.contains(gone) && !nodes_[gone]->is_alive &&
                           node.sessions.contains(static_cast<std::size_t>(&other - nodes_.data()));
        known = helps ? std::max(known, other->sessions[gone]) : known;
    }
    for (std::size_t& next = node.sessions[gone]; next < known; ++next) {
        node.store->on_record(now_, nodes_[gone]->records[next]);
    }
    node.sessions.erase(gone);
    node.store->on_peer(now_, nodes_[gone]->oid, true, node.effects);
    end_turn(place);
}

void StoreMesh::kill(std::size_t place) {
    Node& dead = *nodes_[place];
    dead.is_alive = false;
    for (std::size_t other = 0; other < nodes_.size(); ++other) {
        if (other != place && nodes_[other]->is_alive) {
            at(now_ + between(random_, 1ms, kMostVerdict), [this, other, place] { part(other, place); });
        }
    }
}

void StoreMesh::split(const std::set<std::size_t>& others) {
    cut_ = others;
    const std::uint64_t epoch = ++epoch_;
    for (std::size_t a = 0; a < nodes_.size(); ++a) {
        for (std::size_t b = 0; b < nodes_.size(); ++b) {
            if (a != b && is_cut(a, b)) {
                at(now_ + between(random_, kLeastVerdict, kMostVerdict), [this, a, b, epoch] {
                    if (epoch == epoch_) {
                        part(a, b);
                    }
                });
            }
        }
    }
}

void StoreMesh::heal() {
    ++epoch_;
    cut_.clear();
    for (std::size_t a = 0; a < nodes_.size(); ++a) {
        for (std::size_t b = 0; b < a; ++b) {
            if (!nodes_[a]->is_alive || !nodes_[b]->is_alive) {
                continue;
            }
            const bool is_whole = nodes_[a]->sessions.contains(b) && nodes_[b]->sessions.contains(a);
            if (is_whole) {
                // What was held up by the cut arrives.
                deliver(a, b);
                deliver(b, a);
                continue;
            }
            // One of them has given the other up: the session begins anew.
            at(now_ + between(random_, 1ms, 500ms), [this, a, b] {
                if (!is_cut(a, b) && nodes_[a]->is_alive && nodes_[b]->is_alive) {
                    part(a, b);
                    part(b, a);
                    meet(a, b);
                }
            });
        }
    }
}

void StoreMesh::at_node(Instant when, std::size_t place, std::function<void()> what) {
    at(when, [this, place, what = std::move(what)] {
        if (nodes_[place]->frozen_until > now_) {
            at_node(nodes_[place]->frozen_until, place, what);
        } else {
            what();
        }
    });
}

void StoreMesh::freeze(std::size_t place, Duration duration) {
    Node& node = *nodes_[place];
    node.frozen_until = now_ + duration;
    for (std::size_t other = 0; other < nodes_.size(); ++other) {
        if (other == place || !nodes_[other]->is_alive) {
            continue;
        }
        at_node(now_ + between(random_, 2s, kMostVerdict), other, [this, place, other] {
            if (nodes_[place]->frozen_until > now_) {
                part(other, place);
            }
        });
        at(node.frozen_until + between(random_, 1ms, 50ms), [this, place, other] {
            const bool is_whole = nodes_[other]->sessions.contains(place) && nodes_[place]->sessions.contains(other);
            if (!is_whole && nodes_[place]->is_alive && nodes_[other]->is_alive && !is_cut(place, other)) {
                part(place, other);
                part(other, place);
                meet(place, other);
            }
        });
    }
}

void StoreMesh::deliver(std::size_t from, std::size_t to) {
    Instant& last = nodes_[from]->last_arrival[to];
    last = std::max(last, now_ + delay());
    at_node(last, to, [this, from, to] {
        Node& node = *nodes_[to];
        const auto session = node.sessions.find(from);
        if (!node.is_alive || session == node.sessions.end() || is_cut(from, to)) {
            return;
        }
        while (session->second < nodes_[from]->records.size()) {
            node.store->on_record(now_, nodes_[from]->records[session->second++]);
        }
        end_turn(to);
    });
}

void StoreMesh::ask(std::size_t place, StoreEffects::Question question) {
    auto asked = std::make_shared<Asked>();
    asked->asker = place;
    asked->id = question.id;
    asked->open = question.to.size();
    for (const OriginId oid : question.to) {
        const auto found =
            std::find_if(nodes_.begin(), nodes_.end(), [&](const auto& node) { return node->oid == oid; });
        TULLE_ASSERT(found != nodes_.end());
        const auto to = static_cast<std::size_t>(found - nodes_.begin());
        const std::uint64_t token = ++last_token_;
        at_node(now_ + delay(), to, [this, place, to, token, asked, body = question.body] {
            if (!nodes_[to]->is_alive || is_cut(place, to) || !nodes_[place]->is_alive ||
                !nodes_[to]->sessions.contains(place)) {
                return;
            }
            const std::optional<StoreAsk> ask = decode_store_ask(body);
            TULLE_ASSERT(ask.has_value());
            asked_.emplace(token, std::pair{asked, to});
            nodes_[to]->store->on_ask(now_, token, *ask, nodes_[to]->effects);
            end_turn(to);
        });
    }
    at_node(now_ + question.timeout, place, [this, asked] {
        if (!std::exchange(asked->is_over, true) && nodes_[asked->asker]->is_alive) {
            Node& node = *nodes_[asked->asker];
            node.store->on_result(now_, asked->id, asked->parts, false, node.effects);
            end_turn(asked->asker);
        }
    });
}

void StoreMesh::answer(std::size_t place, std::uint64_t token, std::string body) {
    const auto found = asked_.find(token);
    if (found == asked_.end()) {
        return;
    }
    const std::shared_ptr<Asked> asked = found->second.first;
    asked_.erase(found);
    at_node(now_ + delay(), asked->asker, [this, place, asked, body = std::move(body)] {
        if (asked->is_over || is_cut(place, asked->asker) || !nodes_[asked->asker]->is_alive ||
            !nodes_[asked->asker]->sessions.contains(place)) {
            return;
        }
        asked->parts.push_back(body);
        if (--asked->open > 0) {
            return;
        }
        asked->is_over = true;
        Node& node = *nodes_[asked->asker];
        node.store->on_result(now_, asked->id, asked->parts, true, node.effects);
        end_turn(asked->asker);
    });
}

void StoreMesh::end_turn(std::size_t place) {
    Node& node = *nodes_[place];
    if (!node.is_alive) {
        return;
    }
    node.store->end_turn(now_, node.effects);
    StoreEffects effects = std::exchange(node.effects, {});
    for (std::string& record : effects.records) {
        node.records.push_back(std::move(record));
    }
    for (std::size_t other = 0; other < nodes_.size() && !effects.records.empty(); ++other) {
        if (nodes_[other]->sessions.contains(place)) {
            deliver(place, other);
        }
    }
    for (StoreEffects::Question& question : effects.questions) {
        ask(place, std::move(question));
    }
    for (StoreEffects::Answer& given : effects.answers) {
        answer(place, given.token, std::move(given.body));
    }
    for (const StoreEffects::Reply& reply : effects.replies) {
        Waiting waiting = std::move(node.calls.at(reply.call));
        node.calls.erase(reply.call);
        waiting.answer->reply = reply.text;
        waiting.gate = reply.gate;
        node.gated.push_back(std::move(waiting));
    }
    std::vector<Waiting> open;
    std::erase_if(node.gated, [&](Waiting& waiting) {
        const bool is_open = waiting.gate <= node.store->released();
        if (is_open) {
            open.push_back(waiting);
        }
        return is_open;
    });
    for (const Waiting& waiting : open) {
        waiting.answer->is_done = true;
        if (on_answered) {
            on_answered(place, waiting.key, *waiting.answer);
        }
    }
    if (const auto next = node.store->next_deadline(now_); next && (*next < node.wake_at || node.wake_at <= now_)) {
        node.wake_at = std::max(*next, now_ + 1ms);
        at_node(node.wake_at, place, [this, place] { end_turn(place); });
    }
}

StoreMesh::AnswerPtr StoreMesh::command(std::size_t place, std::vector<std::string> arguments) {
    Node& node = *nodes_.at(place);
    const std::vector<std::string_view> views(arguments.begin(), arguments.end());
    const Command* command = find_command(views.front());
    TULLE_ASSERT(command != nullptr && command->takes(views.size()) && store_refusal(*command, views).empty());
    auto answer = std::make_shared<Answer>();
    answer->late_before = node.store->counts().late_records;
    RespWriter out(answer->reply, Resp::k2);
    const auto result = node.store->run(now_, *command, views, 0, out);
    TULLE_ASSERT(result.has_value());
    const std::string key = views.size() > 1 ? store_key(0, views[1]) : std::string();
    const Cell* cell = result->gate != 0 && !key.empty() ? node.store->table().held(key) : nullptr;
    // An EXPIRE may stand on a value of another node that not all nodes have yet.
    answer->stamp = cell == nullptr || cell->written.origin != node.oid ? Stamp{} : cell->written;
    if (result->call != 0) {
        node.calls.emplace(result->call, Waiting{answer, key, 0});
    } else {
        node.gated.push_back({answer, key, result->gate});
    }
    at_node(now_, place, [this, place] { end_turn(place); });
    return answer;
}

void StoreMesh::run_for(Duration duration) {
    const Instant end = now_ + duration;
    while (!events_.empty() && events_.begin()->first <= end) {
        const auto event = events_.extract(events_.begin());
        now_ = std::max(now_, event.key());
        event.mapped()();
    }
    now_ = end;
}

std::vector<std::size_t> StoreMesh::alive() const {
    std::vector<std::size_t> places;
    for (std::size_t place = 0; place < nodes_.size(); ++place) {
        if (nodes_[place]->is_alive) {
            places.push_back(place);
        }
    }
    return places;
}

bool StoreMesh::is_equal() const {
    std::set<std::uint64_t> roots;
    for (const std::size_t place : alive()) {
        roots.insert(nodes_[place]->store->table().root());
    }
    return roots.size() <= 1;
}

}  // namespace tulle::node::redis
