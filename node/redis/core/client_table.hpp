#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/time.hpp"

namespace tulle::node::redis {

/// What CLIENT LIST says of a connection and its session can change. A value.
struct ClientFacts {
    std::string name;
    std::string library;
    std::string library_version;
    /// The user of the last AUTH, and the name of the user's realm; no realm before AUTH.
    std::string user = "default";
    std::string realm;
    unsigned resp = 2;
    unsigned database = 0;
    std::size_t channels = 0;
    std::size_t patterns = 0;
    std::size_t shard_channels = 0;
    /// Commands that wait for EXEC; nothing without MULTI.
    std::optional<std::size_t> queued;

    [[nodiscard]] std::size_t subscriptions() const { return channels + patterns + shard_channels; }
    [[nodiscard]] bool is_subscriber() const { return subscriptions() > 0; }
};

/// What CLIENT LIST says of a connection and never changes.
struct ClientOrigin {
    /// "address:port" of the client, and of this node.
    std::string address;
    std::string local_address;
    int descriptor = 0;
    Instant opened_at{};
};

/// Which connections CLIENT LIST and CLIENT KILL mean: those that fit every member that is set.
struct ClientFilter {
    /// A client hears of no other realm than its own.
    std::string realm = {};
    std::vector<std::uint64_t> ids = {};
    std::optional<std::string> address = {};
    std::optional<std::string> local_address = {};
    std::optional<std::string> user = {};
    /// True: subscribers alone; false: others alone.
    std::optional<bool> is_subscriber = {};
    /// Never the connection with this id.
    std::optional<std::uint64_t> except = {};
};

/// The connections of the node, of all shards, for CLIENT LIST and CLIENT KILL.
///
/// Thread: one at a time; the edge locks (Locked), when a connection comes, goes or changes its facts, and not for each
///         command. Card::note_command takes no lock.
/// Ownership: the table and the connection share a card.
/// Limits: as many cards as connections (max_connections).
class ClientTable {
public:
    /// A connection's entry. The connection's thread writes, any thread reads.
    class Card {
    public:
        [[nodiscard]] std::uint64_t id() const { return id_; }
        /// Never changes.
        [[nodiscard]] const ClientOrigin& origin() const { return origin_; }
        /// A command has come. `name` must live for ever.
        void note_command(const char* name, Instant now) {
            command_.store(name, std::memory_order_relaxed);
            active_at_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
        }

    private:
        friend class ClientTable;
        std::uint64_t id_ = 0;
        ClientOrigin origin_;
        std::atomic<const char*> command_{"NULL"};
        std::atomic<Instant::rep> active_at_{0};
        // The members below are read and written by the table alone.
        ClientFacts facts_;
        std::function<void()> kill_;
    };

    /// Enters a connection under an id that no other connection of the process has had. `kill` ends the connection; the
    /// table calls it on any thread, so it must only post the work.
    [[nodiscard]] std::shared_ptr<Card> enter(ClientOrigin origin, std::function<void()> kill);
    void leave(const Card& card);
    void set(Card& card, ClientFacts facts);

    /// The lines of CLIENT LIST, by id.
    [[nodiscard]] std::string list(const ClientFilter& filter, Instant now) const;
    /// Ends the connections that fit; returns their number. A connection with the id `self` is counted, and ends by its
    /// own session: `*is_self` becomes true.
    std::size_t kill(const ClientFilter& filter, std::uint64_t self, bool& is_self);
    [[nodiscard]] std::size_t size() const { return cards_.size(); }

private:
    /// Calls `visit` for each card that fits, by id.
    template <class Visit>
    void each(const ClientFilter& filter, Visit&& visit) const;
    /// Whether the card fits the filter but for the ids.
    [[nodiscard]] static bool fits(const Card& card, const ClientFilter& filter);
    [[nodiscard]] static std::string line(const Card& card, Instant now);

    std::uint64_t last_id_ = 0;
    std::map<std::uint64_t, std::shared_ptr<Card>> cards_;
};

}  // namespace tulle::node::redis
