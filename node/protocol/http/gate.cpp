#include "node/protocol/http/gate.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "node/core/limits.hpp"

namespace tulle::node::http {
namespace {

constexpr std::size_t kMaxContentLengthDigits = 15;  // far beyond any body limit, far below an overflow

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr bool is_alphanumeric(char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z'); }

/// A set of bytes, as the gate asks of every byte of a head whether it belongs.
class ByteSet {
public:
    template <class Predicate>
    explicit constexpr ByteSet(Predicate belongs) {
        for (std::size_t i = 0; i < has_.size(); ++i) {
            has_[i] = belongs(static_cast<char>(i));
        }
    }
    [[nodiscard]] constexpr bool has(char c) const { return has_[static_cast<unsigned char>(c)]; }
    [[nodiscard]] constexpr bool has_all_of(std::string_view text) const {
        return std::all_of(text.begin(), text.end(), [this](char c) { return has(c); });
    }

private:
    std::array<bool, 256> has_{};
};

constexpr ByteSet kTokenChars([](char c) {
    return is_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
});

constexpr ByteSet kVisibleChars([](char c) { return c > ' ' && c < '\x7f'; });

/// Fields may hold spaces, tabs and bytes beyond ASCII, but no control characters.
constexpr ByteSet kFieldChars([](char c) {
    return kVisibleChars.has(c) || c == ' ' || c == '\t' || static_cast<unsigned char>(c) >= 0x80;
});

std::string_view trim(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) {
        return {};
    }
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// Whether a comma-separated list names `token`.
bool lists(std::string_view list, std::string_view token) {
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        if (equals_ignoring_case(trim(list.substr(0, comma)), token)) {
            return true;
        }
        list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
    }
    return false;
}

/// 16 random bytes in base64: 22 digits and "==".
bool is_websocket_key(std::string_view key) {
    return key.size() == 24 && key.ends_with("==") && std::all_of(key.begin(), key.end() - 2, [](char c) {
               return is_alphanumeric(c) || c == '+' || c == '/';
           });
}

/// A field that may come once.
struct Single {
    std::optional<std::string_view> value;
    bool repeated = false;

    void set(std::string_view v) {
        repeated = repeated || value.has_value();
        value = v;
    }
};

struct Fields {
    std::size_t count = 0;
    Single host;
    Single content_length;
    Single transfer_encoding;
    Single websocket_key;
    Single websocket_version;
    Single upgrade;
    Single connection;
    Single expect;

    void take(std::string_view name, std::string_view value) {
        const std::pair<std::string_view, Single*> known[] = {
            {"host", &host},
            {"content-length", &content_length},
            {"transfer-encoding", &transfer_encoding},
            {"sec-websocket-key", &websocket_key},
            {"sec-websocket-version", &websocket_version},
            {"upgrade", &upgrade},
            {"connection", &connection},
            {"expect", &expect},
        };
        for (const auto& [known_name, field] : known) {
            if (equals_ignoring_case(name, known_name)) {
                field->set(value);
            }
        }
    }
};

/// Cuts the next line, without its CR LF, off `text`.
std::string_view next_line(std::string_view& text) {
    const std::size_t end = text.find("\r\n");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
    return line;
}

struct RequestLine {
    std::string_view method;
    bool is_1_1 = false;
};

std::optional<Refusal> check_request_line(std::string_view line, RequestLine& out) {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) {
        return Refusal{400, "malformed request line"};
    }
    out.method = line.substr(0, first);
    const std::string_view target = line.substr(first + 1, last - first - 1);
    const std::string_view version = line.substr(last + 1);
    if (out.method.empty() || !kTokenChars.has_all_of(out.method)) {
        return Refusal{400, "malformed method"};
    }
    if (target.empty() || target.front() != '/' || !kVisibleChars.has_all_of(target)) {
        return Refusal{400, "the target must be an absolute path"};
    }
    if (target.size() > kMaxTargetBytes) {
        return Refusal{414, "the target is too long"};
    }
    if (version != "HTTP/1.1" && version != "HTTP/1.0") {
        return Refusal{400, "HTTP/1.1 is spoken here"};
    }
    if (!std::all_of(out.method.begin(), out.method.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) {
        return Refusal{501, "unknown method"};
    }
    out.is_1_1 = version == "HTTP/1.1";
    return std::nullopt;
}

std::optional<Refusal> read_fields(std::string_view text, Fields& fields) {
    for (std::string_view line = next_line(text); !line.empty(); line = next_line(text)) {
        if (++fields.count > kMaxHeaderFields) {
            return Refusal{431, "too many header fields"};
        }
        const std::size_t colon = line.find(':');
        const std::string_view name = line.substr(0, colon);
        if (colon == std::string_view::npos || name.empty() || !kTokenChars.has_all_of(name)) {
            return Refusal{400, "malformed header field"};  // folded lines too: they begin with a space
        }
        const std::string_view value = trim(line.substr(colon + 1));
        if (!kFieldChars.has_all_of(value)) {
            return Refusal{400, "control character in a header field"};
        }
        fields.take(name, value);
    }
    return std::nullopt;
}

std::optional<Refusal> check_framing(const Fields& fields, bool is_1_1) {
    if (fields.host.repeated || (is_1_1 && !fields.host.value)) {
        return Refusal{400, "exactly one Host is needed"};
    }
    const Single& length = fields.content_length;
    if (length.repeated ||
        (length.value && (length.value->empty() || length.value->size() > kMaxContentLengthDigits ||
                          !std::all_of(length.value->begin(), length.value->end(), is_digit)))) {
        return Refusal{400, "malformed Content-Length"};
    }
    const Single& encoding = fields.transfer_encoding;
    if (encoding.value && (!is_1_1 || encoding.repeated || length.value || !equals_ignoring_case(*encoding.value, "chunked"))) {
        return Refusal{400, "Transfer-Encoding must be chunked, alone"};
    }
    if (fields.expect.value && (fields.expect.repeated || !equals_ignoring_case(*fields.expect.value, "100-continue"))) {
        return Refusal{417, "unknown expectation"};
    }
    return std::nullopt;
}

std::optional<Refusal> check_upgrade(const Fields& fields, const RequestLine& line) {
    if (fields.upgrade.repeated || !equals_ignoring_case(*fields.upgrade.value, "websocket")) {
        return Refusal{400, "only an upgrade to websocket is known"};
    }
    if (line.method != "GET" || !line.is_1_1) {
        return Refusal{400, "a WebSocket begins with GET and HTTP/1.1"};
    }
    if (!fields.connection.value || fields.connection.repeated || !lists(*fields.connection.value, "upgrade")) {
        return Refusal{400, "an upgrade needs Connection: Upgrade"};
    }
    if (fields.transfer_encoding.value || fields.content_length.value.value_or("0") != "0") {
        return Refusal{400, "an upgrade has no body"};
    }
    if (fields.websocket_version.repeated || fields.websocket_version.value != "13") {
        return Refusal{426, "WebSocket version 13 is spoken here"};
    }
    if (!fields.websocket_key.value || fields.websocket_key.repeated || !is_websocket_key(*fields.websocket_key.value)) {
        return Refusal{400, "malformed Sec-WebSocket-Key"};
    }
    return std::nullopt;
}

}  // namespace

std::size_t head_size(std::string_view bytes, std::size_t searched) {
    constexpr std::string_view kEnd = "\r\n\r\n";
    const std::size_t end = bytes.find(kEnd, searched < kEnd.size() ? 0 : searched - (kEnd.size() - 1));
    return end == std::string_view::npos ? 0 : end + kEnd.size();
}

bool cannot_be_request(std::string_view bytes, std::size_t searched) {
    if (bytes.substr(0, searched).find('\n') != std::string_view::npos) {
        return false;  // the whole first line has been looked at
    }
    const std::string_view more = bytes.substr(std::min(searched, bytes.size()));
    const std::string_view line = more.substr(0, more.find_first_of("\r\n"));
    return std::any_of(line.begin(), line.end(), [](char c) { return !kVisibleChars.has(c) && c != ' '; }) ||
           (!bytes.empty() && !kTokenChars.has(bytes.front()));
}

Refusal too_large(std::string_view bytes) {
    if (bytes.find("\r\n") == std::string_view::npos) {
        return {414, "the target is too long"};
    }
    return {431, "the header is too large"};
}

bool check_head(std::string_view text, Head& head, Refusal& refusal) {
    RequestLine line;
    Fields fields;
    std::optional<Refusal> found = check_request_line(next_line(text), line);
    if (!found) {
        found = read_fields(text, fields);
    }
    if (!found) {
        found = check_framing(fields, line.is_1_1);
    }
    head = Head{fields.upgrade.value.has_value(), fields.expect.value.has_value()};
    if (!found && head.is_upgrade) {
        found = check_upgrade(fields, line);
    }
    if (found) {
        refusal = *found;
    }
    return !found;
}

}  // namespace tulle::node::http
