#include "node/admin/client_asks.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>
#include <utility>

#include "mesh/base/numbers.hpp"
#include "mesh/base/utf8.hpp"
#include "node/admin/admin_parameters.hpp"
#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/wire/auth.hpp"

namespace tulle::node {
namespace {

using Problem = std::optional<std::string>;

constexpr std::string_view kConnectionPath = "/v1/conns/";

constexpr std::string_view kOfChannels[] = {"app", "prefix", "sort", "limit", "node", "timeout_ms"};
constexpr std::string_view kOfPresence[] = {"app", "channel", "limit", "node", "timeout_ms"};
constexpr std::string_view kOfConnections[] = {"app",  "channel", "user",   "address",   "sort",
                                               "node", "limit",   "offset", "timeout_ms"};
constexpr std::string_view kOfConnection[] = {"node", "timeout_ms"};
constexpr std::string_view kOfKick[] = {"socket", "user", "address", "app", "node", "limit", "reconnect", "timeout_ms"};

/// The parameters that a page takes.
std::span<const std::string_view> names_of(AdminPage page) {
    switch (page) {
        case AdminPage::kChannels:
            return kOfChannels;
        case AdminPage::kPresence:
            return kOfPresence;
        case AdminPage::kConnections:
            return kOfConnections;
        case AdminPage::kKick:
            return kOfKick;
        default:
            return kOfConnection;
    }
}

ClientQuestion::What what_of(AdminPage page) {
    switch (page) {
        case AdminPage::kChannels:
            return ClientQuestion::What::kChannels;
        case AdminPage::kPresence:
            return ClientQuestion::What::kPresence;
        case AdminPage::kKick:
            return ClientQuestion::What::kKick;
        default:
            return ClientQuestion::What::kConnections;
    }
}

/// Reads a whole number from `least` to `most`.
Problem take_number(const std::string& name, std::string_view text, std::size_t least, std::size_t most,
                    std::size_t& out) {
    if (const auto number = parse_number(text, least, most)) {
        out = static_cast<std::size_t>(*number);
        return std::nullopt;
    }
    return name + " must be a number from " + std::to_string(least) + " to " + std::to_string(most);
}

Problem take_sort(AdminPage page, std::string_view text, ClientQuestion& question) {
    if (page == AdminPage::kChannels) {
        const std::optional<ChannelOrder> order = channel_order_of(text);
        question.channel_order = order.value_or(question.channel_order);
        return order ? std::nullopt : Problem("sort must be name or subscribers");
    }
    const std::optional<ClientOrder> order = client_order_of(text);
    question.order = order.value_or(question.order);
    return order ? std::nullopt : Problem("sort must be outbox, subscriptions, received, oldest or newest");
}

/// Takes a parameter with a text that names something. Nothing: `name` is another parameter.
std::optional<Problem> take_name(const std::string& name, const std::string& text, ClientQuestion& question) {
    if (name == "app") {
        question.app = text;
        return is_valid_app_id(text) ? Problem() : Problem("app must be the id of an app");
    }
    if (name == "channel" || name == "prefix") {
        question.channel = text;
        return is_valid_channel_name(text) || (name == "channel" && user_of_channel(text))
                   ? Problem()
                   : Problem(name + " must be the name of a channel" + (name == "prefix" ? ", or its beginning" : ""));
    }
    if (name == "user") {
        question.user = text;
        return text.empty() ? Problem("user must not be empty") : Problem();
    }
    if (name == "node") {
        question.node = text;
        return text.empty() ? Problem("node must be the name of a node") : Problem();
    }
    if (name == "socket") {
        question.socket = text;
        return text.empty() ? Problem("socket must be the id of a connection") : Problem();
    }
    return std::nullopt;
}

/// Takes a parameter that the page knows.
Problem take(AdminPage page, const std::string& name, const std::string& text, ClientAsk& ask) {
    if (const std::optional<Problem> taken = take_name(name, text, ask.question)) {
        return *taken;
    }
    if (name == "sort") {
        return take_sort(page, text, ask.question);
    }
    if (name == "address") {
        ask.question.address = parse_peer_address(text);
        return ask.question.address ? Problem() : Problem("address must be an IP address, without a port");
    }
    if (name == "reconnect") {
        ask.question.reconnects = text == "yes";
        return text == "yes" || text == "no" ? Problem() : Problem("reconnect must be yes or no");
    }
    if (name == "limit") {
        return take_number(name, text, 1, kMaxClientRows, ask.limit);
    }
    if (name == "offset") {
        return take_number(name, text, 0, kMaxClientRows, ask.offset);
    }
    // The only one that is left is timeout_ms.
    std::size_t timeout = 0;
    const Problem problem = take_number(name, text, 1, kMaxAdminTimeoutMs, timeout);
    ask.timeout = std::chrono::milliseconds(timeout);
    return problem;
}

/// What is wrong with the request as a whole.
Problem check(AdminPage page, const ClientAsk& ask) {
    const ClientQuestion& question = ask.question;
    if (page == AdminPage::kPresence && (question.app.empty() || question.channel.empty())) {
        return "app and channel must be given";
    }
    if (page == AdminPage::kPresence && classify(question.channel).type != ChannelType::kPresence) {
        return "channel must be the name of a presence channel";
    }
    if (page == AdminPage::kKick && question.socket.empty() && question.user.empty() && !question.address) {
        return "socket, user or address must be given";
    }
    if (ask.offset + ask.limit > kMaxClientRows) {
        return "offset and limit must be " + std::to_string(kMaxClientRows) +
               " together at most: ask for fewer by app, channel, user, address or node";
    }
    if (encode(question).size() > mesh::kMaxQueryBytes) {
        return "the parameters are too long";
    }
    return std::nullopt;
}

}  // namespace

Result<ClientAsk, std::string> read_client_ask(AdminPage page, std::string_view path, std::string_view query) {
    const Result<pusher::QueryParameters, std::string> given = parse_exactly(query, names_of(page));
    if (given.has_error()) {
        return given.error();
    }
    ClientAsk ask;
    ask.timeout = std::chrono::milliseconds(kDefaultAdminTimeoutMs);
    ask.question.what = what_of(page);
    if (page == AdminPage::kKick) {
        // An order is for all that fit.
        ask.limit = kMaxClientRows;
    }
    if (page == AdminPage::kConnection) {
        ask.question.names_channels = true;
        const std::optional<std::string> id = pusher::percent_decode(path.substr(kConnectionPath.size()));
        if (!id || !is_utf8(*id)) {
            return std::string("the id of the connection is malformed");
        }
        ask.question.socket = *id;
    }
    for (const auto& [name, text] : *given) {
        if (const Problem problem = is_utf8(text) ? take(page, name, text, ask) : Problem(name + " must be UTF-8")) {
            return *problem;
        }
    }
    // The largest channel of the mesh may be a small one at each shard, so each names as many as it may.
    const bool wants_all = ask.question.channel_order == ChannelOrder::kSubscribers;
    ask.question.limit = wants_all ? kMaxClientRows : std::min(ask.offset + ask.limit, kMaxClientRows);
    const Problem problem = check(page, ask);
    return problem ? Result<ClientAsk, std::string>(*problem) : Result<ClientAsk, std::string>(std::move(ask));
}

}  // namespace tulle::node
