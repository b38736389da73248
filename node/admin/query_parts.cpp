#include "node/admin/query_parts.hpp"

#include <string>
#include <utility>

#include <boost/json/parse.hpp>

namespace tulle::node {

namespace json = boost::json;

std::vector<json::object> parts_with(const mesh::QueryResult& result, std::string_view key) {
    std::vector<json::object> found;
    for (const std::string& part : result.parts) {
        json::error_code error;
        json::value value = json::parse(part, error);
        if (!error && value.is_object() && value.get_object().contains(json::string_view(key.data(), key.size()))) {
            found.push_back(std::move(value.get_object()));
        }
    }
    return found;
}

json::array missing_names(const mesh::QueryResult& result) {
    json::array missing;
    for (const std::string& name : result.missing) {
        missing.push_back(json::string(name));
    }
    return missing;
}

std::string missing_text(const mesh::QueryResult& result) {
    std::string names;
    for (const std::string& name : result.missing) {
        names.append(names.empty() ? "" : ", ").append(name);
    }
    return names;
}

}  // namespace tulle::node
