#include "node/wire/client_question.hpp"

#include <array>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "node/core/ip_address.hpp"

namespace tulle::node {
namespace {

namespace json = boost::json;

/// Begins a question, so that no question of another kind is taken for one about clients.
constexpr std::string_view kMark = "tulle.clients.v1 ";

constexpr std::array<std::string_view, 4> kWhats{"connections", "channels", "presence", "kick"};
constexpr std::array<std::string_view, 5> kClientOrders{"outbox", "subscriptions", "received", "oldest", "newest"};
constexpr std::array<std::string_view, 2> kChannelOrders{"name", "subscribers"};

/// The enumerator with this name.
template <class Enumerator, std::size_t kCount>
std::optional<Enumerator> enumerator_of(const std::array<std::string_view, kCount>& names, std::string_view name) {
    for (std::size_t i = 0; i < kCount; ++i) {
        if (names[i] == name) {
            return static_cast<Enumerator>(i);
        }
    }
    return std::nullopt;
}

template <class Enumerator, std::size_t kCount>
json::string name_of(const std::array<std::string_view, kCount>& names, Enumerator value) {
    const std::string_view name = names[static_cast<std::size_t>(value)];
    return json::string(name.data(), name.size());
}

/// Takes an enumerator in. False: the value names none.
template <class Enumerator, std::size_t kCount>
bool take(const json::value& value, const std::array<std::string_view, kCount>& names, Enumerator& out) {
    const json::string* name = value.if_string();
    const auto found = name == nullptr ? std::nullopt : enumerator_of<Enumerator>(names, {name->data(), name->size()});
    out = found.value_or(out);
    return found.has_value();
}

/// Takes a text in. False: the value is no text, or an empty one, which encode() leaves out.
bool take(const json::value& value, std::string& out) {
    const json::string* text = value.if_string();
    if (text == nullptr || text->empty()) {
        return false;
    }
    out.assign(text->data(), text->size());
    return true;
}

bool take(const json::value& value, bool& out) {
    const bool* flag = value.if_bool();
    out = flag == nullptr ? out : *flag;
    return flag != nullptr;
}

bool take_limit(const json::value& value, std::size_t& out) {
    const std::int64_t* number = value.if_int64();
    if (number == nullptr || *number < 1 || *number > static_cast<std::int64_t>(kMaxClientRows)) {
        return false;
    }
    out = static_cast<std::size_t>(*number);
    return true;
}

bool take_address(const json::value& value, std::optional<PeerAddress>& out) {
    std::string text;
    out = take(value, text) ? parse_peer_address(text) : std::nullopt;
    return out.has_value();
}

/// Takes a member of the object in. False: the member is unknown, or has a wrong value.
bool take_member(std::string_view key, const json::value& value, ClientQuestion& question) {
    if (key == "what") {
        return take(value, kWhats, question.what);
    }
    const std::pair<std::string_view, std::string*> texts[] = {{"node", &question.node},
                                                               {"app", &question.app},
                                                               {"channel", &question.channel},
                                                               {"user", &question.user},
                                                               {"socket", &question.socket}};
    for (const auto& [name, text] : texts) {
        if (name == key) {
            return take(value, *text);
        }
    }
    if (key == "order") {
        return take(value, kClientOrders, question.order);
    }
    if (key == "channel_order") {
        return take(value, kChannelOrders, question.channel_order);
    }
    if (key == "names_channels") {
        return take(value, question.names_channels);
    }
    if (key == "reconnects") {
        return take(value, question.reconnects);
    }
    return key == "limit" ? take_limit(value, question.limit)
                          : key == "address" && take_address(value, question.address);
}

}  // namespace

std::string encode(const ClientQuestion& question) {
    json::object object{{"what", name_of(kWhats, question.what)},
                        {"order", name_of(kClientOrders, question.order)},
                        {"channel_order", name_of(kChannelOrders, question.channel_order)},
                        {"limit", static_cast<std::int64_t>(question.limit)},
                        {"names_channels", question.names_channels},
                        {"reconnects", question.reconnects}};
    const std::pair<const char*, const std::string*> texts[] = {{"node", &question.node},
                                                                {"app", &question.app},
                                                                {"channel", &question.channel},
                                                                {"user", &question.user},
                                                                {"socket", &question.socket}};
    for (const auto& [name, text] : texts) {
        if (!text->empty()) {
            object[name] = *text;
        }
    }
    if (question.address) {
        object["address"] = to_string(*question.address);
    }
    return std::string(kMark) + json::serialize(object);
}

std::optional<ClientQuestion> decode_client_question(std::string_view text) {
    if (!text.starts_with(kMark)) {
        return std::nullopt;
    }
    text.remove_prefix(kMark.size());
    json::error_code error;
    const json::value value = json::parse({text.data(), text.size()}, error);
    if (error || !value.is_object()) {
        return std::nullopt;
    }
    ClientQuestion question;
    for (const auto& [key, member] : value.get_object()) {
        if (!take_member({key.data(), key.size()}, member, question)) {
            return std::nullopt;
        }
    }
    const bool names_nobody = question.user.empty() && !question.address && question.socket.empty();
    const bool names_no_channel = question.app.empty() || question.channel.empty();
    const bool is_wrong = (question.what == ClientQuestion::What::kKick && names_nobody) ||
                          (question.what == ClientQuestion::What::kPresence && names_no_channel);
    return is_wrong ? std::nullopt : std::optional(std::move(question));
}

std::optional<ClientOrder> client_order_of(std::string_view name) {
    return enumerator_of<ClientOrder>(kClientOrders, name);
}

std::optional<ChannelOrder> channel_order_of(std::string_view name) {
    return enumerator_of<ChannelOrder>(kChannelOrders, name);
}

std::optional<PeerAddress> parse_peer_address(std::string_view text) {
    constexpr std::string_view kNetwork = "/64";
    const bool is_network = text.ends_with(kNetwork);
    const std::optional<IpAddress> address =
        parse_ip(is_network ? text.substr(0, text.size() - kNetwork.size()) : text);
    const std::optional<PeerAddress> peer = address ? std::optional(peer_of(*address)) : std::nullopt;
    // "10.0.0.1/64" and "::ffff:10.0.0.1/64" name no network of 64 bits.
    return peer && is_network && !peer->is_v6 ? std::nullopt : peer;
}

}  // namespace tulle::node
