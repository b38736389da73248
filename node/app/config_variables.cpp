#include "node/app/config_variables.hpp"

#include <algorithm>

#include "node/app/config_entry.hpp"

namespace tulle::node {
namespace {

bool is_name_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// A name with what follows the name between the braces.
struct Reference {
    std::string_view name;
    /// ":-", "-", ":?", "?" or nothing.
    std::string_view operation;
    /// A default or a message.
    std::string_view rest;
};

/// Reads the text between the braces. The name is empty for a malformed text.
Reference reference_in(std::string_view text) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_name_letter);
    const auto length = static_cast<std::size_t>(end - text.begin());
    Reference out{text.substr(0, length), {}, {}};
    std::string_view rest = text.substr(length);
    const bool is_digit_first = length > 0 && text.front() >= '0' && text.front() <= '9';
    if (is_digit_first) {
        return {};
    }
    if (rest.empty()) {
        return out;
    }
    const std::size_t size = rest.front() == ':' ? 2 : 1;
    out.operation = rest.substr(0, size);
    out.rest = rest.substr(std::min(size, rest.size()));
    constexpr std::string_view kOperations[] = {":-", "-", ":?", "?"};
    const bool is_known =
        std::find(std::begin(kOperations), std::end(kOperations), out.operation) != std::end(kOperations);
    return is_known ? out : Reference{};
}

/// The value of a reference.
Expansion value_of(const Reference& reference, const Variables& variables) {
    const auto found = variables.find(reference.name);
    const bool counts_empty = reference.operation.starts_with(':');
    if (found != variables.end() && !(counts_empty && found->second.empty())) {
        return {found->second, ""};
    }
    if (reference.operation.ends_with('-')) {
        return {std::string(reference.rest), ""};
    }
    const std::string name(reference.name);
    const std::string reason = found == variables.end() ? " is not set" : " is empty";
    if (reference.operation.ends_with('?') && !reference.rest.empty()) {
        return {"", "the environment variable " + name + reason + ": " + std::string(reference.rest)};
    }
    return {"", "the environment variable " + name + reason + ": set it, or write ${" + name +
                    ":-a default}; $$ stands for a dollar sign"};
}

/// Expands the strings below `node`. `key`: the full key of `node`.
void expand_below(toml::node& node, const std::string& key, const std::string& path, const Variables& variables) {
    if (toml::table* table = node.as_table()) {
        for (auto&& [name, value] : *table) {
            const std::string inner = key.empty() ? std::string(name.str()) : key + "." + std::string(name.str());
            expand_below(value, inner, path, variables);
        }
    } else if (toml::array* array = node.as_array()) {
        for (toml::node& element : *array) {
            expand_below(element, key, path, variables);
        }
    } else if (toml::value<std::string>* text = node.as_string()) {
        Expansion expansion = expanded(text->get(), variables);
        if (!expansion.error.empty()) {
            Entry{node, key, path}.reject(expansion.error);
        }
        text->get() = std::move(expansion.text);
    }
}

}  // namespace

Variables variables_of(const std::vector<std::string>& environment) {
    Variables out;
    for (const std::string& variable : environment) {
        const std::size_t equals = variable.find('=');
        if (equals != std::string::npos) {
            out.emplace(variable.substr(0, equals), variable.substr(equals + 1));
        }
    }
    return out;
}

Expansion expanded(std::string_view text, const Variables& variables) {
    std::string out;
    while (!text.empty()) {
        const std::size_t dollar = text.find('$');
        out.append(text.substr(0, dollar));
        if (dollar == std::string_view::npos) {
            break;
        }
        text.remove_prefix(dollar);
        if (!text.starts_with("${")) {
            out += '$';
            text.remove_prefix(text.starts_with("$$") ? 2 : 1);
            continue;
        }
        const std::size_t close = text.find('}');
        const Reference reference =
            close == std::string_view::npos ? Reference{} : reference_in(text.substr(2, close - 2));
        if (reference.name.empty()) {
            return {"", "after ${ the name of an environment variable and } must follow; write $${ for the two signs"};
        }
        Expansion value = value_of(reference, variables);
        if (!value.error.empty()) {
            return value;
        }
        out += value.text;
        text.remove_prefix(close + 1);
    }
    return {std::move(out), ""};
}

void expand_all(toml::table& root, const std::string& path, const Variables& variables) {
    expand_below(root, "", path, variables);
}

}  // namespace tulle::node
