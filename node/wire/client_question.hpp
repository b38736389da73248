#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "node/core/peer_address.hpp"

/// What the admin listener of a node asks the edges of all nodes about their clients, through mesh::Query. The mesh
/// does not read the text. To an edge the text is input from a peer, and is checked like any input.
namespace tulle::node {

/// The most rows in the answer of an edge, and the most clients that an order to close ends at an edge. A row costs an
/// edge some microseconds, during which the edge serves nobody.
inline constexpr std::size_t kMaxClientRows = 1'000;
/// The rows without a given number.
inline constexpr std::size_t kDefaultClientRows = 100;
static_assert(kDefaultClientRows <= kMaxClientRows);

/// The order of connections, the first ones first.
enum class ClientOrder : std::uint8_t {
    /// The most bytes that wait to be written.
    kOutbox,
    /// The most subscriptions.
    kSubscriptions,
    /// The most messages that have come from the client.
    kReceived,
    /// The connections that have lasted longest.
    kOldest,
    /// The connections that came last.
    kNewest,
};
/// The order of channels.
enum class ChannelOrder : std::uint8_t {
    /// By app and name.
    kName,
    /// The most subscribers.
    kSubscribers,
};

/// A question about clients. Members that are empty, or nothing, set no condition; a connection fits when all
/// conditions hold.
struct ClientQuestion {
    enum class What : std::uint8_t {
        /// Connections, in the order `order`.
        kConnections,
        /// Channels whose name begins with `channel`, in the order `channel_order`.
        kChannels,
        /// The users on the presence channel `channel` of `app`, by id.
        kPresence,
        /// Close the connections.
        kKick,
    };
    What what = What::kConnections;
    /// The name of the only node that answers.
    std::string node{};
    std::string app{};
    std::string channel{};
    /// The signed-in user, or a user that the connection has brought to a presence channel.
    std::string user{};
    std::optional<PeerAddress> address{};
    /// The id of the only connection.
    std::string socket{};
    ClientOrder order = ClientOrder::kOutbox;
    ChannelOrder channel_order = ChannelOrder::kName;
    /// The most rows of each edge, 1 to kMaxClientRows.
    std::size_t limit = kDefaultClientRows;
    /// Rows name the channels of their connections.
    bool names_channels = false;
    /// Of kKick: the clients are told to connect again.
    bool reconnects = true;

    friend bool operator==(const ClientQuestion&, const ClientQuestion&) = default;
};

/// The text of the question, less than mesh::kMaxQueryBytes for texts that the admin listener accepts.
[[nodiscard]] std::string encode(const ClientQuestion& question);
/// Nothing for a text that encode() cannot have produced: the question of another protocol, an unknown member, a member
/// of another type, a number out of its range, or an order to close without a user, an address or an id.
[[nodiscard]] std::optional<ClientQuestion> decode_client_question(std::string_view text);

/// An order by its name in requests: outbox, subscriptions, received, oldest, newest; name, subscribers.
[[nodiscard]] std::optional<ClientOrder> client_order_of(std::string_view name);
[[nodiscard]] std::optional<ChannelOrder> channel_order_of(std::string_view name);

/// Reads an address as to_string(PeerAddress) writes one, or any IP address. An IPv6 address stands for its network of
/// 64 bits. Nothing for any other text.
[[nodiscard]] std::optional<PeerAddress> parse_peer_address(std::string_view text);

}  // namespace tulle::node
