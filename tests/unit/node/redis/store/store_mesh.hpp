#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/ids.hpp"
#include "mesh/base/prng.hpp"
#include "mesh/base/time.hpp"
#include "node/redis/store/store.hpp"

namespace tulle::node::redis {

/// Stores in a mesh of virtual time, which delays messages, loses the messages of cut nodes, and lets nodes come,
/// freeze, die and part. What the true mesh promises holds here as well: records of a node arrive in order and once
/// while a session stands; a node hears of a death after a verdict, and then has every record of the dead node that any
/// living one has.
class StoreMesh {
public:
    /// `is_busy`: messages are late now and then.
    explicit StoreMesh(std::uint64_t seed, bool is_busy = false) : random_(seed), is_busy_(is_busy) {}

    /// Starts a node, whose wall clock is off by so much. Returns its place.
    std::size_t start(Duration skew = {});
    void kill(std::size_t place);
    /// Cuts every connection between the two groups: the nodes in `others` and the rest.
    void split(const std::set<std::size_t>& others);
    void heal();
    /// A node does not run for so long. What comes for the node meanwhile is dealt with afterwards, before the node
    /// hears that the others have given it up.
    void freeze(std::size_t place, Duration duration);
    void run_for(Duration duration);

    /// What a client of a node is answered.
    struct Answer {
        bool is_done = false;
        std::string reply;
        /// The stamp of the key's cell just after the command at the node that did it; none for a command of an owner.
        Stamp stamp;
        /// StoreCounts::late_records before the command.
        std::uint64_t late_before = 0;
    };
    using AnswerPtr = std::shared_ptr<Answer>;
    /// Has a node do a command, as if by a client.
    AnswerPtr command(std::size_t place, std::vector<std::string> arguments);

    [[nodiscard]] bool is_alive(std::size_t place) const { return nodes_.at(place)->is_alive; }
    [[nodiscard]] Store& store(std::size_t place) { return *nodes_.at(place)->store; }
    [[nodiscard]] std::vector<std::size_t> alive() const;
    /// True when all living nodes hold the same keys.
    [[nodiscard]] bool is_equal() const;
    [[nodiscard]] Instant now() const { return now_; }
    [[nodiscard]] Prng& random() { return random_; }
    /// Called with each write that has been answered, at the moment of its answer: the place of the node and the
    /// answer.
    std::function<void(std::size_t place, const std::string& key, const Answer& answer)> on_answered;

private:
    struct Waiting {
        AnswerPtr answer;
        std::string key;
        std::uint64_t gate = 0;
    };
    struct Node {
        std::unique_ptr<Store> store;
        OriginId oid;
        Duration skew{};
        bool is_alive = true;
        Instant frozen_until{};
        StoreEffects effects;
        std::vector<Waiting> gated;
        std::map<std::uint64_t, Waiting> calls;
        /// The nodes with a session, and how many of their records have been delivered here.
        std::map<std::size_t, std::size_t> sessions;
        /// All records of this node.
        std::vector<std::string> records;
        /// For each other node: the moment at which its last message arrives, as messages keep their order.
        std::map<std::size_t, Instant> last_arrival;
        Instant wake_at = Instant::max();
    };
    struct Asked {
        std::size_t asker = 0;
        std::uint64_t id = 0;
        std::size_t open = 0;
        std::vector<std::string> parts;
        bool is_over = false;
    };

    void at(Instant when, std::function<void()> what) { events_.emplace(when, std::move(what)); }
    /// Has a node do something then, or when the node runs again.
    void at_node(Instant when, std::size_t place, std::function<void()> what);
    [[nodiscard]] Duration delay();
    /// The wall clock of a node whose clock is off by so much.
    [[nodiscard]] std::uint64_t wall_us(Duration skew) const;
    [[nodiscard]] bool is_cut(std::size_t a, std::size_t b) const { return cut_.contains(a) != cut_.contains(b); }
    void meet(std::size_t a, std::size_t b);
    void part(std::size_t place, std::size_t gone);
    void end_turn(std::size_t place);
    void deliver(std::size_t from, std::size_t to);
    void ask(std::size_t place, StoreEffects::Question question);
    void answer(std::size_t place, std::uint64_t token, std::string body);

    Prng random_;
    const bool is_busy_;
    Instant now_{std::chrono::seconds{1000}};
    std::multimap<Instant, std::function<void()>> events_;
    std::vector<std::unique_ptr<Node>> nodes_;
    std::set<std::size_t> cut_;
    std::uint64_t epoch_ = 0;
    /// By token: questions under way with the node that is asked.
    std::map<std::uint64_t, std::pair<std::shared_ptr<Asked>, std::size_t>> asked_;
    std::uint64_t last_token_ = 0;
};

}  // namespace tulle::node::redis
