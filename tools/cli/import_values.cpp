#include "tools/cli/import_values.hpp"

#include <charconv>
#include <cstdio>

#include <boost/json.hpp>

#include "tools/cli/import_source.hpp"

namespace tulle::cli {
namespace {

namespace json = boost::json;

std::string_view view_of(const json::string& text) {
    return {text.data(), text.size()};
}

/// The default of a variable; null when `value` is no variable, or one without a default.
const json::value* default_of(const json::value& value) {
    const json::object* object = value.if_object();
    return object == nullptr ? nullptr : object->if_contains("default");
}

/// `text` with the escapes of a basic string of TOML, without the quotes.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out.append("\\").append(1, c);
        } else if (byte < 0x20 || byte == 0x7F) {
            char code[8];
            std::snprintf(code, sizeof code, "\\u%04X", static_cast<unsigned>(byte));
            out += code;
        } else {
            out += c;
        }
    }
    return out;
}

}  // namespace

std::string import_quoted(std::string_view text) {
    std::string doubled;
    for (const char c : text) {
        doubled += c == '$' ? "$$" : std::string(1, c);
    }
    return "\"" + escaped(doubled) + "\"";
}

std::optional<std::string> import_text(const json::value& value) {
    if (const json::string* text = value.if_string()) {
        return text->empty() ? std::nullopt : std::optional(import_quoted(view_of(*text)));
    }
    if (value.is_int64() || value.is_uint64()) {
        return import_quoted(json::serialize(value));
    }
    const json::object* variable = value.if_object();
    const json::value* name = variable == nullptr ? nullptr : variable->if_contains("$env");
    if (name == nullptr || !name->is_string()) {
        return std::nullopt;
    }
    const json::value* fallback = default_of(value);
    std::string text = "${" + std::string(view_of(name->get_string()));
    if (fallback != nullptr && fallback->is_string()) {
        text += ":-" + std::string(view_of(fallback->get_string()));
    }
    return "\"" + escaped(text + "}") + "\"";
}

std::optional<double> import_number(const json::value& value) {
    if (value.is_number()) {
        json::error_code error;
        return value.to_number<double>(error);
    }
    if (const json::string* text = value.if_string()) {
        double number = 0;
        const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
        return error == std::errc{} && end == text->data() + text->size() && !text->empty() ? std::optional(number)
                                                                                            : std::nullopt;
    }
    const json::value* fallback = default_of(value);
    return fallback == nullptr || fallback->is_object() ? std::nullopt : import_number(*fallback);
}

std::optional<bool> import_flag(const json::value& value) {
    if (value.is_bool()) {
        return value.get_bool();
    }
    if (const json::string* text = value.if_string()) {
        const std::string_view word = view_of(*text);
        if (word == "true" || word == "1" || word == "false" || word == "0") {
            return word == "true" || word == "1";
        }
        return std::nullopt;
    }
    if (const std::optional<double> number = value.is_object() ? std::nullopt : import_number(value)) {
        return *number != 0;
    }
    const json::value* fallback = default_of(value);
    return fallback == nullptr || fallback->is_object() ? std::nullopt : import_flag(*fallback);
}

std::optional<json::value> take_value(json::object& tree, std::string_view path) {
    const std::size_t dot = path.find('.');
    const std::string name(path.substr(0, dot));
    json::value* found = tree.if_contains(name);
    if (found == nullptr) {
        return std::nullopt;
    }
    if (dot == std::string_view::npos) {
        json::value out = std::move(*found);
        tree.erase(name);
        return out.is_null() ? std::nullopt : std::optional(std::move(out));
    }
    if (!found->is_object()) {
        return std::nullopt;
    }
    std::optional<json::value> out = take_value(found->get_object(), path.substr(dot + 1));
    if (found->get_object().empty()) {
        tree.erase(name);
    }
    return out;
}

std::vector<std::string> paths_of(const json::object& tree) {
    std::vector<std::string> out;
    for (const auto& member : tree) {
        const json::value& value = member.value();
        const std::string name(member.key().data(), member.key().size());
        const json::object* object = value.if_object();
        if (object != nullptr && !object->contains("$env")) {
            for (const std::string& inner : paths_of(*object)) {
                out.push_back(name + "." + inner);
            }
        } else if (!value.is_null() && !(value.is_string() && value.get_string().empty()) &&
                   !(value.is_array() && value.get_array().empty())) {
            out.push_back(name);
        }
    }
    return out;
}

}  // namespace tulle::cli
