#include "node/app/config_admin.hpp"

#include <utility>

#include "mesh/keys/secret_file.hpp"
#include "node/admin/unix_socket.hpp"

namespace tulle::node {

std::string_view without_http(std::string_view text) {
    constexpr std::string_view kScheme = "http://";
    if (!text.starts_with(kScheme)) {
        return text;
    }
    text.remove_prefix(kScheme.size());
    return text.substr(0, text.size() - (text.ends_with('/') ? 1 : 0));
}

std::string admin_socket_of(const Setting& setting) {
    constexpr std::string_view kScheme = "unix:";
    std::string_view path = setting.value;
    if (!path.starts_with(kScheme)) {
        return {};
    }
    path.remove_prefix(kScheme.size());
    if (path.starts_with("///")) {
        path.remove_prefix(2);
    }
    if (!path.starts_with('/') || path.ends_with('/') || path.size() > kMaxUnixPathBytes) {
        throw ConfigError(setting.origin + ": '" + setting.value + "' is not unix:/PATH with a path of at most " +
                          std::to_string(kMaxUnixPathBytes) + " bytes");
    }
    return std::string(path);
}

void check_admin_access(const Config& config) {
    if (!config.admin_socket.empty()) {
        // Tokens that nobody is asked for would look like a protection.
        if (!config.admin_token_file.empty()) {
            throw ConfigError(
                "admin_token_file: the admin listener is on a Unix socket, which asks for no tokens: its"
                " mode lets in this node's user alone; leave one of the two out");
        }
    } else if (!config.admin.is_loopback() && config.admin_token_file.empty()) {
        throw ConfigError("the admin address " + to_string(config.admin) +
                          " is not on loopback, and no token protects it: name a file of tokens with admin_token_file"
                          " (--admin-token-file, TULLE_ADMIN_TOKEN_FILE), or use loopback or a Unix socket"
                          " (unix:/PATH)");
    }
}

std::vector<AdminToken> load_admin_tokens(const Config& config) {
    const std::string& path = config.admin_token_file;
    if (path.empty()) {
        return {};
    }
    const mesh::FileText file = mesh::read_secret_file(path, kMaxAdminTokenFileBytes);
    if (!file.error.empty()) {
        throw ConfigError("admin_token_file: " + path + " " + file.error);
    }
    ParsedAdminTokens parsed = parse_admin_tokens(file.text);
    if (!parsed.error.empty()) {
        const std::string at = parsed.line == 0 ? " " : ":" + std::to_string(parsed.line) + ": ";
        throw ConfigError("admin_token_file: " + path + at + parsed.error);
    }
    return std::move(parsed.tokens);
}

}  // namespace tulle::node
