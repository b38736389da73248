#include "tools/cli/json_fields.hpp"

#include <boost/json/value.hpp>

#include "tools/cli/terminal.hpp"

namespace tulle::cli {
namespace {

namespace json = boost::json;

const json::value* find(const json::object& object, std::string_view key) {
    return object.if_contains({key.data(), key.size()});
}

/// A number of type T; 0 for a missing member, another type, and a number that does not fit into T.
template <class T>
T number_or_zero(const json::object& object, std::string_view key) {
    const json::value* value = find(object, key);
    if (value == nullptr || !value->is_number()) {
        return T{};
    }
    json::error_code error;
    const T number = value->to_number<T>(error);
    return error ? T{} : number;
}

}  // namespace

std::string text_field(const json::object& object, std::string_view key) {
    const json::value* value = find(object, key);
    if (value == nullptr || !value->is_string()) {
        return {};
    }
    // Names and texts of other nodes go to the terminal, and must not steer the terminal.
    return printable({value->get_string().data(), value->get_string().size()});
}

double number_field(const json::object& object, std::string_view key) {
    const json::value* value = find(object, key);
    if (value == nullptr || !value->is_number()) {
        return -1;
    }
    json::error_code error;
    return value->to_number<double>(error);
}

std::uint64_t count_field(const json::object& object, std::string_view key) {
    return number_or_zero<std::uint64_t>(object, key);
}

std::int64_t integer_field(const json::object& object, std::string_view key) {
    return number_or_zero<std::int64_t>(object, key);
}

bool flag_field(const json::object& object, std::string_view key) {
    const json::value* value = find(object, key);
    return value != nullptr && value->is_bool() && value->get_bool();
}

const json::object* object_field(const json::object& object, std::string_view key) {
    const json::value* value = find(object, key);
    return value == nullptr ? nullptr : value->if_object();
}

const json::array* array_field(const json::object& object, std::string_view key) {
    const json::value* value = find(object, key);
    return value == nullptr ? nullptr : value->if_array();
}

std::vector<std::string> texts_field(const json::object& object, std::string_view key) {
    std::vector<std::string> texts;
    if (const json::array* array = array_field(object, key)) {
        for (const json::value& value : *array) {
            const json::string* text = value.if_string();
            texts.push_back(text == nullptr ? "?" : printable({text->data(), text->size()}));
        }
    }
    return texts;
}

}  // namespace tulle::cli
