#include "node/app/app_credentials.hpp"

#include <algorithm>
#include <string_view>

#include "node/pusher/core/channel_name.hpp"

namespace tulle::node {
namespace {

// Far more than any key or secret needs. The key is part of targets, so its length also bounds the length of URLs.
constexpr std::size_t kMaxCredentialBytes = 256;

/// True for 1 to 256 visible characters of ASCII.
bool is_credential(std::string_view text) {
    return !text.empty() && text.size() <= kMaxCredentialBytes &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

std::string wrong_credentials(const App& app) {
    if (!is_valid_app_id(app.id)) {
        return "id must be 1 to 64 of the characters A-Z a-z 0-9 _ -";
    }
    // The key stands in the path /app/KEY, so characters with a meaning in URLs are not allowed.
    if (!is_credential(app.key) || app.key.find_first_of("/:?#%") != std::string::npos) {
        return "key must be 1 to 256 visible characters without / : ? # %";
    }
    if (!is_credential(app.secret)) {
        return "secret or secret_file must give 1 to 256 visible characters";
    }
    return {};
}

}  // namespace tulle::node
