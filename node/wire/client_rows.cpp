#include "node/wire/client_rows.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "mesh/base/utf8.hpp"

namespace tulle::node {
namespace {

namespace json = boost::json;

/// No node has so many of anything; a larger number is a peer's nonsense, and could overflow a sum.
constexpr std::uint64_t kMaxNumber = std::uint64_t{1} << 48;
/// Bytes of the names of channels in a row, as JSON, so that a row fits into every part.
constexpr std::size_t kMaxNamesBytes = 64u << 10;

json::string_view json_view(std::string_view text) {
    return {text.data(), text.size()};
}

/// The text as JSON, which must be UTF-8.
json::string safe(std::string_view text) {
    std::string made(text);
    make_utf8(made);
    return json::string(made.data(), made.size());
}

std::string text_of(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(json_view(key));
    const json::string* text = value == nullptr ? nullptr : value->if_string();
    return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

/// A number of a peer, within bounds; nothing for anything else.
std::optional<std::uint64_t> number_of(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(json_view(key));
    const std::int64_t* number = value == nullptr ? nullptr : value->if_int64();
    return number == nullptr || *number < 0 ? std::nullopt
                                            : std::optional(std::min(static_cast<std::uint64_t>(*number), kMaxNumber));
}

std::uint64_t number_or_0(const json::object& object, std::string_view key) {
    return number_of(object, key).value_or(0);
}

json::value to_value(std::uint64_t number) {
    return static_cast<std::int64_t>(std::min(number, kMaxNumber));
}

ConnectionRow read_connection(const json::object& object, const std::string& node) {
    ConnectionRow row{.id = text_of(object, "id"),
                      .kind = text_of(object, "kind"),
                      .app = text_of(object, "app"),
                      .address = text_of(object, "address"),
                      .user = text_of(object, "user"),
                      .numbers = {number_or_0(object, "age_ms"), number_or_0(object, "subscriptions"),
                                  number_or_0(object, "outbox"), number_of(object, "received")},
                      .channels = {},
                      .node = node};
    const json::value* channels = object.if_contains("channels");
    if (channels != nullptr && channels->is_array()) {
        for (const json::value& name : channels->get_array()) {
            if (const json::string* text = name.if_string()) {
                row.channels.emplace_back(text->data(), text->size());
            }
        }
    }
    return row;
}

void read_row(const json::value& value, AnswerPart& part) {
    if (const json::string* text = value.if_string()) {
        part.texts.emplace_back(text->data(), text->size());
        return;
    }
    const json::object* object = value.if_object();
    if (object == nullptr) {
        return;
    }
    if (object->contains("id")) {
        part.connections.push_back(read_connection(*object, part.head.node));
    } else if (object->contains("name")) {
        part.channels.push_back({text_of(*object, "app"), text_of(*object, "name"), number_or_0(*object, "subscribers"),
                                 number_of(*object, "users")});
    }
}

}  // namespace

std::uint64_t rank_of(const ConnectionNumbers& numbers, ClientOrder order) {
    switch (order) {
        case ClientOrder::kOutbox:
            return numbers.outbox;
        case ClientOrder::kSubscriptions:
            return numbers.subscriptions;
        case ClientOrder::kReceived:
            return numbers.received.value_or(0);
        case ClientOrder::kOldest:
            return numbers.age_ms;
        case ClientOrder::kNewest:
            return ~numbers.age_ms;
    }
    return 0;
}

AnswerWriter::AnswerWriter(const AnswerHead& head, std::size_t max_part) : max_part_(max_part) {
    const std::string node = R"({"node":)" + json::serialize(json_view(head.node));
    head_ = node + R"(,"rows":[)";
    parts_.push_back(node + R"(,"total":)" + std::to_string(head.total) + R"(,"users":)" + std::to_string(head.users) +
                     R"(,"subscribers":)" + std::to_string(head.subscribers) + R"(,"rows":[)");
}

void AnswerWriter::add_row(std::string_view row) {
    constexpr std::string_view kTail = "]}";
    // A comma, and the end of the part.
    if (!is_empty_ && parts_.back().size() + 1 + row.size() + kTail.size() > max_part_) {
        parts_.back().append(kTail);
        parts_.push_back(head_);
        is_empty_ = true;
    }
    if (parts_.back().size() + 1 + row.size() + kTail.size() <= max_part_) {
        parts_.back().append(is_empty_ ? "" : ",").append(row);
        is_empty_ = false;
    }
}

void AnswerWriter::add(const ConnectionRow& row) {
    json::object object{{"id", safe(row.id)},
                        {"kind", safe(row.kind)},
                        {"app", safe(row.app)},
                        {"address", safe(row.address)},
                        {"age_ms", to_value(row.numbers.age_ms)},
                        {"subscriptions", to_value(row.numbers.subscriptions)},
                        {"outbox", to_value(row.numbers.outbox)}};
    if (!row.user.empty()) {
        object["user"] = safe(row.user);
    }
    if (row.numbers.received) {
        object["received"] = to_value(*row.numbers.received);
    }
    if (!row.channels.empty()) {
        json::array names;
        std::size_t bytes = 0;
        for (const std::string& name : row.channels) {
            json::string text = safe(name);
            // With the comma.
            bytes += json::serialize(text).size() + 1;
            if (bytes > kMaxNamesBytes) {
                break;
            }
            names.push_back(std::move(text));
        }
        object["channels"] = std::move(names);
    }
    add_row(json::serialize(object));
}

void AnswerWriter::add(const ChannelRow& row) {
    json::object object{{"app", safe(row.app)}, {"name", safe(row.name)}, {"subscribers", to_value(row.subscribers)}};
    if (row.users) {
        object["users"] = to_value(*row.users);
    }
    add_row(json::serialize(object));
}

void AnswerWriter::add(std::string_view text) {
    add_row(json::serialize(safe(text)));
}

std::vector<std::string> AnswerWriter::finish() {
    parts_.back().append("]}");
    return std::move(parts_);
}

std::optional<AnswerPart> read_answer_part(std::string_view text) {
    json::error_code error;
    const json::value value = json::parse(json_view(text), error);
    const json::object* object = error ? nullptr : value.if_object();
    const json::value* rows = object == nullptr ? nullptr : object->if_contains("rows");
    // Edges answer other questions with rows too, but without a node.
    if (rows == nullptr || !rows->is_array() || !object->contains("node")) {
        return std::nullopt;
    }
    AnswerPart part;
    part.head = {text_of(*object, "node"), number_or_0(*object, "total"), number_or_0(*object, "users"),
                 number_or_0(*object, "subscribers")};
    for (const json::value& row : rows->get_array()) {
        read_row(row, part);
    }
    return part;
}

bool comes_before(const ConnectionRow& a, const ConnectionRow& b, ClientOrder order) {
    const std::uint64_t rank_a = rank_of(a.numbers, order);
    const std::uint64_t rank_b = rank_of(b.numbers, order);
    return rank_a != rank_b ? rank_a > rank_b : std::tie(a.node, a.id) < std::tie(b.node, b.id);
}

bool comes_before(const ConnectionPlace& a, const ConnectionPlace& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.id < b.id;
}

bool comes_before(const ChannelPlace& a, const ChannelPlace& b, ChannelOrder order) {
    if (order == ChannelOrder::kSubscribers && a.subscribers != b.subscribers) {
        return a.subscribers > b.subscribers;
    }
    return std::tie(a.app, a.name) < std::tie(b.app, b.name);
}

bool comes_before(const ChannelRow& a, const ChannelRow& b, ChannelOrder order) {
    return comes_before(ChannelPlace{a.app, a.name, a.subscribers}, ChannelPlace{b.app, b.name, b.subscribers}, order);
}

}  // namespace tulle::node
