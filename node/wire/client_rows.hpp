#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/wire/client_question.hpp"

/// What edges answer to a ClientQuestion: rows, in parts that each can be read alone.
namespace tulle::node {

/// The numbers of a connection, by which connections can be ordered.
struct ConnectionNumbers {
    std::uint64_t age_ms = 0;
    std::uint64_t subscriptions = 0;
    /// Bytes that wait to be handed to the kernel.
    std::uint64_t outbox = 0;
    /// Messages that have come from the client; nothing: not counted.
    std::optional<std::uint64_t> received{};
    friend bool operator==(const ConnectionNumbers&, const ConnectionNumbers&) = default;
};
/// The place of a connection in an order: the greater, the earlier.
[[nodiscard]] std::uint64_t rank_of(const ConnectionNumbers& numbers, ClientOrder order);

/// What decides about the place of a connection among those of an edge. `id` refers to the connection.
struct ConnectionPlace {
    std::uint64_t rank = 0;
    std::string_view id;
};
[[nodiscard]] bool comes_before(const ConnectionPlace& a, const ConnectionPlace& b);
/// What decides about the place of a channel.
struct ChannelPlace {
    std::string_view app;
    std::string_view name;
    std::uint64_t subscribers = 0;
};
[[nodiscard]] bool comes_before(const ChannelPlace& a, const ChannelPlace& b, ChannelOrder order);

/// A connection.
struct ConnectionRow {
    /// "1234.5678", as the protocol names the connection, or "7@n1": the number at the node n1.
    std::string id;
    /// The name of the protocol.
    std::string kind;
    /// The app, or the name space of a protocol without apps.
    std::string app;
    std::string address;
    /// The user, or what the client calls itself; empty for none.
    std::string user{};
    ConnectionNumbers numbers{};
    /// The channels, sorted, as many as fit; only for a question that asks for names.
    std::vector<std::string> channels{};
    /// The node of the connection. Read from an answer, and not written into a row.
    std::string node{};
    friend bool operator==(const ConnectionRow&, const ConnectionRow&) = default;
};

/// A channel, at one edge or in the whole mesh.
struct ChannelRow {
    std::string app;
    std::string name;
    std::uint64_t subscribers = 0;
    /// The users of a presence channel in the whole mesh, as the answering edge knows them; nothing for other channels.
    std::optional<std::uint64_t> users{};
    friend bool operator==(const ChannelRow&, const ChannelRow&) = default;
};

/// What is common to all rows of an answer.
struct AnswerHead {
    /// The name of the answering node.
    std::string node;
    /// All that fits the question, whether there is a row for it or not.
    std::uint64_t total = 0;
    /// For a presence channel: the users in the whole mesh, and the connections at this edge.
    std::uint64_t users = 0;
    std::uint64_t subscribers = 0;
};

/// Writes the answer of an edge. A row that fits into no part is left out, which no row of an edge is.
///
/// Errors: none. Texts that are no UTF-8 are written with "?" for each wrong byte.
class AnswerWriter {
public:
    /// `max_part`: bytes of a part.
    AnswerWriter(const AnswerHead& head, std::size_t max_part);
    void add(const ConnectionRow& row);
    void add(const ChannelRow& row);
    /// A user of a presence channel, or the id of a connection that was closed.
    void add(std::string_view text);
    /// Ends the last part. The writer is used up.
    [[nodiscard]] std::vector<std::string> finish();

private:
    void add_row(std::string_view row);

    const std::size_t max_part_;
    /// Begins each part after the first, which has the numbers as well: readers add numbers up.
    std::string head_;
    bool is_empty_ = true;
    std::vector<std::string> parts_;
};

/// A part of an answer, as read.
struct AnswerPart {
    AnswerHead head;
    std::vector<ConnectionRow> connections;
    std::vector<ChannelRow> channels;
    std::vector<std::string> texts;
};
/// Reads a part. Nothing for a text that is no part; rows of another form are left out, as a peer may send anything.
[[nodiscard]] std::optional<AnswerPart> read_answer_part(std::string_view text);

/// True when `a` comes before `b` in the order. Equal ones are ordered by node and id, so the order is total.
[[nodiscard]] bool comes_before(const ConnectionRow& a, const ConnectionRow& b, ClientOrder order);
[[nodiscard]] bool comes_before(const ChannelRow& a, const ChannelRow& b, ChannelOrder order);

}  // namespace tulle::node
