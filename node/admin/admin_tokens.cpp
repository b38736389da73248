#include "node/admin/admin_tokens.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "mesh/base/digest.hpp"

namespace tulle::node {
static_assert(kMaxAdminTokens * (kMaxAdminTokenBytes + 128) < kMaxAdminTokenFileBytes,
              "a file with as many tokens as allowed can be read");

namespace {

constexpr std::size_t kMaxTokenNameBytes = 64;
constexpr std::string_view kBlanks = " \t\r";
constexpr std::string_view kForm = "a line must be NAME SCOPE TOKEN, with the scope read or operate";

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_token_name(std::string_view text) {
    return text.size() <= kMaxTokenNameBytes && std::all_of(text.begin(), text.end(), [](char c) {
               return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
           });
}

/// True for the characters that a token may have in an Authorization header (RFC 6750, 2.1).
bool is_token_text(std::string_view text) {
    static constexpr std::string_view kOthers = "-._~+/=";
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return is_alphanumeric(c) || kOthers.find(c) != std::string_view::npos; });
}

bool has_token_size(std::string_view text) {
    return text.size() >= kMinAdminTokenBytes && text.size() <= kMaxAdminTokenBytes;
}

/// The words of a line; none for a comment.
std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    for (;;) {
        line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
        if (line.empty() || (words.empty() && line.front() == '#')) {
            return words;
        }
        words.push_back(line.substr(0, line.find_first_of(kBlanks)));
        line.remove_prefix(words.back().size());
    }
}

std::optional<AdminScope> scope_from(std::string_view word) {
    if (word == "read") {
        return AdminScope::kRead;
    }
    return word == "operate" ? std::optional(AdminScope::kOperate) : std::nullopt;
}

/// Adds the token of a line. Returns the error of the line; empty for none.
std::string take_line(const std::vector<std::string_view>& words, std::vector<AdminToken>& tokens) {
    const std::optional<AdminScope> scope = words.size() == 3 ? scope_from(words[1]) : std::nullopt;
    if (!scope) {
        return std::string(kForm);
    }
    const std::string_view name = words[0];
    const std::string_view secret = words[2];
    if (!is_token_name(name)) {
        return "the name must be 1 to 64 of the characters A-Z a-z 0-9 - _ .";
    }
    if (!has_token_size(secret)) {
        return "the token must have " + std::to_string(kMinAdminTokenBytes) + " to " +
               std::to_string(kMaxAdminTokenBytes) + " characters";
    }
    if (!is_token_text(secret)) {
        return "the token may have the characters A-Z a-z 0-9 - . _ ~ + / = alone";
    }
    for (const AdminToken& other : tokens) {
        if (other.name == name || other.secret == secret) {
            return other.name == name ? "an earlier line has the same name" : "an earlier line has the same token";
        }
    }
    if (tokens.size() == kMaxAdminTokens) {
        return "more than " + std::to_string(kMaxAdminTokens) + " tokens";
    }
    tokens.push_back({std::string(name), *scope, std::string(secret)});
    return {};
}

std::string digest_of(std::string_view secret) {
    return hmac_sha256_hex("tulle admin token", secret);
}

}  // namespace

ParsedAdminTokens parse_admin_tokens(std::string_view text) {
    ParsedAdminTokens result;
    for (std::size_t line = 1; !text.empty(); ++line) {
        const std::size_t end = text.find('\n');
        const std::vector<std::string_view> words = words_of(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        if (words.empty()) {
            continue;
        }
        if (std::string error = take_line(words, result.tokens); !error.empty()) {
            return {{}, std::move(error), line};
        }
    }
    if (result.tokens.empty()) {
        result.error = "holds no token: " + std::string(kForm);
    }
    return result;
}

std::string admin_token_to_send(std::string_view text) {
    const ParsedAdminTokens parsed = parse_admin_tokens(text);
    if (parsed.error.empty()) {
        // max_element returns the first of several greatest elements.
        return std::max_element(parsed.tokens.begin(), parsed.tokens.end(),
                                [](const AdminToken& a, const AdminToken& b) { return a.scope < b.scope; })
            ->secret;
    }
    // A bare token: a single word in the whole file.
    const std::size_t begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
    const std::string_view word = text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
    return has_token_size(word) && is_token_text(word) ? std::string(word) : std::string();
}

AdminTokens::AdminTokens(const std::vector<AdminToken>& tokens) {
    for (const AdminToken& token : tokens) {
        entries_.push_back({token.name, token.scope, digest_of(token.secret)});
    }
}

const AdminTokens::Entry* AdminTokens::find(std::string_view secret) const {
    const std::string digest = digest_of(secret);
    const Entry* found = nullptr;
    // Every entry is compared, also after a match.
    for (const Entry& entry : entries_) {
        found = equal_constant_time(entry.digest, digest) ? &entry : found;
    }
    return found;
}

}  // namespace tulle::node
