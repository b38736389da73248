// The part of RedisEdge that answers questions about its clients, and closes connections by order of an operator.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <spdlog/spdlog.h>

#include "node/redis/edge/redis_edge.hpp"
#include "node/wire/client_rows.hpp"
#include "node/wire/first_rows.hpp"

namespace tulle::node::redis {
namespace {

/// A connection, its numbers and its name for operators.
struct CensusEntry {
    ConnectionNumbers numbers;
    std::string id;
    RedisConnection* connection;
};

/// The id of a connection for operators. Every node numbers its connections for itself, so the id names the node.
std::string census_id(const RedisConnection& connection, const std::string& node) {
    return std::to_string(connection.card().id()) + "@" + node;
}

ConnectionNumbers census_numbers(const RedisConnection& connection, Instant now) {
    const auto age =
        std::chrono::duration_cast<std::chrono::milliseconds>(now - connection.card().origin().opened_at).count();
    const ClientFacts& facts = connection.session().facts();
    return {static_cast<std::uint64_t>(std::max<std::int64_t>(age, 0)), facts.subscriptions(),
            connection.waiting_bytes(), std::nullopt};
}

}  // namespace

std::vector<std::string> RedisEdge::answer_clients(const ClientQuestion& question) {
    // Clients of Redis have neither apps, nor channels of apps, nor users.
    const bool is_of_apps = !question.app.empty() || !question.channel.empty() || !question.user.empty() ||
                            question.what == ClientQuestion::What::kChannels ||
                            question.what == ClientQuestion::What::kPresence;
    if (is_of_apps || (!question.node.empty() && question.node != options_.name)) {
        return {std::string()};
    }
    FirstRows<CensusEntry> first(question.limit, [&question](const CensusEntry& a, const CensusEntry& b) {
        return comes_before(ConnectionPlace{rank_of(a.numbers, question.order), a.id},
                            ConnectionPlace{rank_of(b.numbers, question.order), b.id});
    });
    for (RedisConnection* connection : connections_) {
        if (connection == nullptr || connection->is_ending() ||
            (question.address && *question.address != connection->peer().address())) {
            continue;
        }
        std::string id = census_id(*connection, options_.name);
        if (question.socket.empty() || question.socket == id) {
            first.add(CensusEntry{census_numbers(*connection, now()), std::move(id), connection});
        }
    }
    const bool is_kick = question.what == ClientQuestion::What::kKick;
    AnswerWriter out({.node = options_.name, .total = first.added()}, mesh::kMaxQueryPartBytes);
    const std::vector<CensusEntry> entries = first.take();
    for (const CensusEntry& entry : entries) {
        if (is_kick) {
            out.add(entry.id);
        } else {
            ConnectionRow row{.id = entry.id,
                              .kind = "redis",
                              .app = entry.connection->session().facts().realm,
                              .address = to_string(entry.connection->peer().address()),
                              .user = entry.connection->session().facts().name,
                              .numbers = entry.numbers};
            row.channels = question.names_channels ? names_of(entry.connection->slot()) : std::vector<std::string>{};
            out.add(row);
        }
    }
    std::vector<std::string> parts = out.finish();
    if (is_kick && !entries.empty()) {
        for (const CensusEntry& entry : entries) {
            reactor_.counters().clients_kicked_total.add();
            reactor_.guard(*entry.connection, [&] { entry.connection->drain(now()); });
        }
        spdlog::info("connections of Redis closed by an operator: {}", entries.size());
    }
    return parts;
}

std::vector<std::string> RedisEdge::names_of(Slot slot) const {
    std::vector<std::string> names;
    for (const RealmPort& port : ports_) {
        for (std::size_t i = 0; i < kKinds; ++i) {
            for (std::string& name : port.table.names_of(static_cast<Kind>(i), slot)) {
                names.push_back(std::move(name));
            }
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace tulle::node::redis
