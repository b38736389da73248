#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tulle::node {

/// Rights on the admin listener. Each scope includes the scopes before.
enum class AdminScope : std::uint8_t {
    /// Health checks, which everybody may ask for.
    kNone,
    /// Everything that only looks: metrics, status, doctor and trace.
    kRead,
    /// Everything that changes the node.
    kOperate,
};

/// Bytes of a token. 16 bytes of a random text are beyond guessing. The upper bound keeps a header field short, because
/// every request carries a token.
inline constexpr std::size_t kMinAdminTokenBytes = 16;
inline constexpr std::size_t kMaxAdminTokenBytes = 256;
/// Tokens in a file. Each wrong or right token of a request is compared with all of them.
inline constexpr std::size_t kMaxAdminTokens = 64;
/// Bytes of a file of tokens: ample for kMaxAdminTokens of the greatest length, with comments.
inline constexpr std::size_t kMaxAdminTokenFileBytes = 64u << 10;

/// A token as written in a file.
struct AdminToken {
    /// For metrics and the log. Never secret.
    std::string name;
    AdminScope scope = AdminScope::kRead;
    std::string secret;
};

/// The tokens of a file, or the first error.
struct ParsedAdminTokens {
    std::vector<AdminToken> tokens;
    /// Empty without an error. The text never holds a word of the file, because any word may be a misplaced token.
    std::string error;
    /// The line of the error, from 1 on; 0 when the error concerns the whole file.
    std::size_t line = 0;
};

/// Reads lines of the form `NAME SCOPE TOKEN`, where SCOPE is `read` or `operate`. Empty lines, and lines that begin
/// with "#", are skipped.
/// Limits: kMaxAdminTokens; a name has 1 to 64 of the characters A-Z a-z 0-9 - _ . and stands once; a token has
///         kMinAdminTokenBytes to kMaxAdminTokenBytes of the characters A-Z a-z 0-9 - . _ ~ + / = and stands once. A
///         file without any token is an error.
[[nodiscard]] ParsedAdminTokens parse_admin_tokens(std::string_view text);

/// The token that a program sends: the only word of `text`, as in the files for Prometheus; or, of a file for
/// parse_admin_tokens, the first token with the greatest scope. Empty when `text` has neither form.
[[nodiscard]] std::string admin_token_to_send(std::string_view text);

/// The tokens that a listener accepts. Keeps digests of the tokens, so that neither a dump of the memory nor the length
/// of a token tells anything.
///
/// Thread: any, one at a time.
class AdminTokens {
public:
    AdminTokens() = default;
    explicit AdminTokens(const std::vector<AdminToken>& tokens);

    /// A token without its secret.
    struct Entry {
        std::string name;
        AdminScope scope;
        std::string digest;
    };

    /// True without any token: the listener then asks for none.
    [[nodiscard]] bool empty() const { return entries_.empty(); }
    [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
    /// The token equal to `secret`; null for none. The duration does not depend on how much of a token is right, nor on
    /// which token is right.
    [[nodiscard]] const Entry* find(std::string_view secret) const;

private:
    std::vector<Entry> entries_;
};

}  // namespace tulle::node
