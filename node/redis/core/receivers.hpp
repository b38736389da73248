#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/hash.hpp"
#include "mesh/base/ids.hpp"
#include "node/redis/core/realm_table.hpp"

namespace tulle::node::redis {

/// How many subscribers a name has on one node.
struct NameCount {
    Kind kind = Kind::kChannel;
    std::string name;
    std::uint64_t count = 0;
    friend bool operator==(const NameCount&, const NameCount&) = default;
};

/// What a node tells the others about its subscribers. `from` and `to` are versions: the number of changes told before
/// this message, and with it. A message with `from` 0 tells everything.
struct CountChange {
    OriginId node;
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    std::vector<NameCount> counts;
    friend bool operator==(const CountChange&, const CountChange&) = default;
};

/// How many connections of the whole mesh a publish in one realm goes to: PUBLISH answers with this number.
///
/// The shards of this node count their own subscriptions, so what is counted here is exact as soon as a subscription is
/// answered. What other nodes count is remembered from their messages (CountChange), and so is late by the way between
/// the nodes. PUBSUB NUMSUB asks the nodes instead.
///
/// Thread: one at a time; the edge locks (Locked).
/// Cost:   of_publish is one look-up, and one match for each pattern of the mesh.
/// Limits: a node tells of kMaxToldNames names at a time. With more subscribed names the numbers of the other nodes are
///         too low, until half of the told names are gone; this node's own are exact. kMaxCountedNodes nodes are
///         remembered, further ones count nothing.
/// Errors: a message that does not follow the last one of its node is reported (Applied::kMissing), and changes
/// nothing.
class Receivers {
public:
    /// A connection of this node is subscribed to a further name, or to one name less. True: changes wait for
    /// take_change() from here on, and the caller wakes whoever tells the other nodes.
    [[nodiscard]] bool add(Kind kind, std::string_view name);
    [[nodiscard]] bool remove(Kind kind, std::string_view name);

    /// The connections that a publish to the channel goes to, here and elsewhere: subscribers of the name, and of each
    /// pattern that matches. REQUIRES: kind is not kPattern.
    [[nodiscard]] std::uint64_t of_publish(Kind kind, std::string_view channel) const;
    /// The subscribers of the name on this node.
    [[nodiscard]] std::uint64_t here(Kind kind, std::string_view name) const;
    /// The names with a subscriber on this node that match the pattern, at most `most`; all names without a pattern. In
    /// no particular order. Valid until the next change.
    [[nodiscard]] std::vector<std::string_view> names_here(Kind kind, std::optional<std::string_view> pattern,
                                                           std::size_t most) const;

    /// The next changes to tell the other nodes, of at most `max_bytes` of names. Nothing: all has been told. The
    /// caller fills in the node.
    [[nodiscard]] std::optional<CountChange> take_change(std::size_t max_bytes);
    /// Everything that has been told so far, as one message.
    [[nodiscard]] CountChange told() const;
    /// A message without a change, by which another node finds out that a message before has not come. The caller fills
    /// in the node.
    [[nodiscard]] CountChange reminder() const { return {{}, version_, version_, {}}; }

    /// Different names with a subscriber anywhere in the mesh.
    struct Totals {
        std::size_t channels = 0;
        std::size_t patterns = 0;
        std::size_t shard_channels = 0;
    };
    [[nodiscard]] Totals totals() const;

    enum class Applied : std::uint8_t {
        kDone,
        /// A message before this one has not come: ask the node for everything.
        kMissing
    };
    /// Takes in what another node tells.
    Applied apply(const CountChange& change);
    /// The node is dead or has left.
    void forget(OriginId node);
    /// Nodes whose counts are remembered.
    [[nodiscard]] std::size_t nodes() const { return nodes_.size(); }

private:
    struct Count {
        std::uint64_t here = 0;
        std::uint64_t elsewhere = 0;
        /// The number that the other nodes have been told of `here`; 0 also when the name is not told.
        std::uint64_t told = 0;
        /// The name waits in changed_.
        bool has_changed = false;
    };
    /// What another node has told.
    struct Node {
        std::uint64_t version = 0;
        std::array<StringMap<std::uint64_t>, kKinds> counts;
    };
    using Counts = StringMap<Count>;

    [[nodiscard]] Counts& of(Kind kind) {
        last_.is_known = false;
        return counts_[static_cast<std::size_t>(kind)];
    }
    /// The sum for a publish to the channel.
    [[nodiscard]] std::uint64_t sum_for(Kind kind, std::string_view channel) const;
    [[nodiscard]] const Counts& of(Kind kind) const { return counts_[static_cast<std::size_t>(kind)]; }
    /// Has a changed name told. Returns true for the first one that waits.
    [[nodiscard]] bool note_change(Kind kind, Counts::iterator entry);
    /// Has the names told that were passed over when kMaxToldNames had been told.
    void tell_untold();
    /// Frees an entry of which nothing is known any more.
    void drop_if_empty(Kind kind, Counts::iterator entry);
    /// Sets a remembered number of another node.
    void set(Node& node, const NameCount& told);
    /// Takes all numbers of the node out of the sums.
    void take_out(Node& node);

    std::array<Counts, kKinds> counts_;
    /// Names to be told of, in the order of their first change.
    std::deque<std::pair<Kind, std::string>> changed_;
    /// Names with told > 0.
    std::size_t told_names_ = 0;
    /// Names may have been passed over.
    bool has_untold_ = false;
    /// Changes told so far.
    std::uint64_t version_ = 0;
    std::map<OriginId, Node> nodes_;
    /// The last result of of_publish(), as a client often publishes to one channel again and again. Any change forgets
    /// the result.
    struct Last {
        bool is_known = false;
        Kind kind = Kind::kChannel;
        std::string channel;
        std::uint64_t sum = 0;
    };
    mutable Last last_;
};

}  // namespace tulle::node::redis
