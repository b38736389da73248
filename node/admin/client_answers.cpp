#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "node/admin/admin_answers.hpp"
#include "node/admin/client_asks.hpp"
#include "node/admin/query_parts.hpp"
#include "node/wire/client_rows.hpp"

namespace tulle::node {
namespace {

namespace json = boost::json;

/// Everything that the edges have answered.
struct Gathered {
    std::vector<ConnectionRow> connections;
    std::vector<ChannelRow> channels;
    /// The nodes of each text: users, or ids of connections.
    std::map<std::string, std::set<std::string>> texts;
    /// By node: what fits the question there, and the texts of the node.
    std::map<std::string, std::uint64_t> totals;
    std::map<std::string, std::uint64_t> texts_of_node;
    std::uint64_t total = 0;
    std::uint64_t users = 0;
    std::uint64_t subscribers = 0;
    std::size_t rows = 0;
};

Gathered gather(const mesh::QueryResult& result) {
    Gathered all;
    for (const std::string& text : result.parts) {
        std::optional<AnswerPart> part = read_answer_part(text);
        if (!part) {
            continue;
        }
        all.total += part->head.total;
        all.totals[part->head.node] += part->head.total;
        all.subscribers += part->head.subscribers;
        // Each edge knows the users of the whole mesh.
        all.users = std::max(all.users, part->head.users);
        all.rows += part->connections.size() + part->channels.size() + part->texts.size();
        all.texts_of_node[part->head.node] += part->texts.size();
        for (const std::string& row : part->texts) {
            all.texts[row].insert(part->head.node);
        }
        all.connections.insert(all.connections.end(), std::make_move_iterator(part->connections.begin()),
                               std::make_move_iterator(part->connections.end()));
        all.channels.insert(all.channels.end(), std::make_move_iterator(part->channels.begin()),
                            std::make_move_iterator(part->channels.end()));
    }
    return all;
}

json::object connection_to_json(const ConnectionRow& row) {
    json::object object{{"node", row.node},
                        {"id", row.id},
                        {"kind", row.kind},
                        {"app", row.app},
                        {"address", row.address},
                        {"age_ms", row.numbers.age_ms},
                        {"subscriptions", row.numbers.subscriptions},
                        {"outbox", row.numbers.outbox}};
    if (!row.user.empty()) {
        object["user"] = row.user;
    }
    if (row.numbers.received) {
        object["received"] = *row.numbers.received;
    }
    return object;
}

json::array nodes_of(const std::map<std::string, std::uint64_t>& numbers, const char* what) {
    json::array nodes;
    for (const auto& [name, number] : numbers) {
        nodes.push_back({{"name", name}, {what, number}});
    }
    return nodes;
}

json::object connections_answer(const ClientAsk& ask, Gathered& all) {
    const ClientOrder order = ask.question.order;
    std::sort(all.connections.begin(), all.connections.end(),
              [order](const ConnectionRow& a, const ConnectionRow& b) { return comes_before(a, b, order); });
    json::array rows;
    for (std::size_t i = ask.offset; i < std::min(all.connections.size(), ask.offset + ask.limit); ++i) {
        rows.push_back(connection_to_json(all.connections[i]));
    }
    const bool has_more = ask.offset + rows.size() < all.total;
    return {{"connections", std::move(rows)},
            {"total", all.total},
            {"more", has_more},
            {"nodes", nodes_of(all.totals, "connections")}};
}

json::object channels_answer(const ClientAsk& ask, bool is_whole, Gathered& all) {
    const bool is_cut = all.total > all.rows;
    std::map<std::pair<std::string, std::string>, ChannelRow> sums;
    for (ChannelRow& row : all.channels) {
        ChannelRow& sum = sums[{row.app, row.name}];
        sum.subscribers += row.subscribers;
        sum.users = std::max(sum.users, row.users);
        sum.app = std::move(row.app);
        sum.name = std::move(row.name);
    }
    std::vector<ChannelRow> rows;
    for (auto& [key, row] : sums) {
        rows.push_back(std::move(row));
    }
    const ChannelOrder order = ask.question.channel_order;
    std::sort(rows.begin(), rows.end(),
              [order](const ChannelRow& a, const ChannelRow& b) { return comes_before(a, b, order); });
    const bool has_more = is_cut || rows.size() > ask.limit;
    rows.resize(std::min(rows.size(), ask.limit));
    json::array channels;
    for (const ChannelRow& row : rows) {
        json::object object{{"app", row.app}, {"name", row.name}, {"subscribers", row.subscribers}};
        if (row.users) {
            object["users"] = *row.users;
        }
        channels.push_back(std::move(object));
    }
    // By name every edge gives the first names, so a channel that is shown has come from all of them. By subscribers an
    // edge may have left out a channel that others have. Of a node without an answer nothing is known.
    const bool is_exact = is_whole && (order == ChannelOrder::kName || !is_cut);
    return {{"channels", std::move(channels)}, {"more", has_more}, {"exact", is_exact}};
}

json::object presence_answer(const ClientAsk& ask, const Gathered& all) {
    json::array users;
    for (const auto& [id, nodes] : all.texts) {
        if (users.size() == ask.limit) {
            break;
        }
        json::array names;
        for (const std::string& name : nodes) {
            names.push_back(json::string(name));
        }
        users.push_back({{"id", id}, {"nodes", std::move(names)}});
    }
    const std::uint64_t total = std::max<std::uint64_t>(all.users, all.texts.size());
    const bool has_more = users.size() < total;
    return {{"app", ask.question.app}, {"channel", ask.question.channel}, {"users", std::move(users)},
            {"total", total},          {"subscribers", all.subscribers},  {"more", has_more}};
}

/// Names every connection that was closed: the limit of an order is for each edge.
json::object kick_answer(const Gathered& all) {
    json::array ids;
    for (const auto& [id, nodes] : all.texts) {
        ids.push_back(json::string(id));
    }
    return {{"closed", all.rows},
            {"ids", std::move(ids)},
            {"more", all.rows < all.total},
            {"nodes", nodes_of(all.texts_of_node, "closed")}};
}

/// A connection with its channels; 404 when nobody has the id.
HttpResponse connection_answer(const Gathered& all, const mesh::QueryResult& result) {
    if (all.connections.empty()) {
        return admin_refusal(
            404, "no connection has this id" +
                     (result.missing.empty() ? std::string() : "; no answer has come from " + missing_text(result)));
    }
    const ConnectionRow& row = all.connections.front();
    json::object object = connection_to_json(row);
    json::array channels;
    for (const std::string& name : row.channels) {
        channels.push_back(json::string(name));
    }
    object["channels"] = std::move(channels);
    return admin_answer(200, kAdminJson, json::serialize(object));
}

}  // namespace

HttpResponse answer_client_ask(AdminPage page, const ClientAsk& ask, const mesh::QueryResult& result) {
    Gathered all = gather(result);
    if (!ask.question.node.empty() && !all.totals.contains(ask.question.node)) {
        return admin_refusal(404, "no node of this name has answered");
    }
    if (page == AdminPage::kConnection) {
        return connection_answer(all, result);
    }
    json::object answer = page == AdminPage::kChannels   ? channels_answer(ask, result.missing.empty(), all)
                          : page == AdminPage::kPresence ? presence_answer(ask, all)
                          : page == AdminPage::kKick     ? kick_answer(all)
                                                         : connections_answer(ask, all);
    answer["missing"] = missing_names(result);
    return admin_answer(200, kAdminJson, json::serialize(answer));
}

}  // namespace tulle::node
