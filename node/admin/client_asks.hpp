#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "mesh/base/result.hpp"
#include "mesh/base/time.hpp"
#include "mesh/core/node/port.hpp"
#include "node/admin/admin_routes.hpp"
#include "node/web/core/http_message.hpp"
#include "node/wire/client_question.hpp"

/// The requests of operators about clients: /v1/channels, /v1/presence, /v1/conns and what is below. Pure functions.
namespace tulle::node {

/// A request, as a question to the edges of all nodes.
struct ClientAsk {
    /// `limit` is the number of rows that each edge gives: offset and limit of the request together, or
    /// kMaxClientRows for channels by subscribers.
    ClientQuestion question;
    /// Rows of the sorted answer to leave out, and rows to give.
    std::size_t offset = 0;
    std::size_t limit = kDefaultClientRows;
    /// How long the other nodes may take.
    Duration timeout{};
};

/// Reads a request for one of the pages kChannels, kPresence, kConnections, kConnection and kKick. An error is a
/// sentence for the sender: a parameter is unknown, comes twice, is missing, or has a wrong value. An unknown parameter
/// is refused because an order with a misspelt condition would close the connections of others too.
[[nodiscard]] Result<ClientAsk, std::string> read_client_ask(AdminPage page, std::string_view path,
                                                             std::string_view query);

/// The answer to a request from the answers of the edges. Parts that are none are left out. 404 when no connection has
/// the id of kConnection, and when no node has the name in the question.
[[nodiscard]] HttpResponse answer_client_ask(AdminPage page, const ClientAsk& ask, const mesh::QueryResult& result);

}  // namespace tulle::node
