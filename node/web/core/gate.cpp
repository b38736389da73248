// The gate works in four steps: the request line (method, target, version), the fields one by one, then the framing
// (Host, Content-Length, Transfer-Encoding, Expect) and, for a WebSocket, the upgrade. Each step returns the refusal of
// the first error. A head is accepted only in the single form in which all readers of HTTP agree, because a difference
// between a proxy's reading and ours would let a client smuggle a second request past the proxy.

#include "node/web/core/gate.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "node/web/core/characters.hpp"
#include "node/web/core/limits.hpp"

namespace tulle::node::http {
static_assert(kMaxTargetBytes < kMaxHeaderBytes, "the longest target leaves room for fields");

namespace {

// 15 digits are far beyond the limit of any body, and far below an overflow of 64 bits.
constexpr std::size_t kMaxContentLengthDigits = 15;

constexpr bool is_alphanumeric(char c) {
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
}

/// A set of bytes, as a table. The gate asks of every byte of a head whether the byte belongs to a set.
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

/// Characters of a token, such as a method or the name of a field (RFC 9110, 5.6.2).
constexpr ByteSet kTokenChars([](char c) {
    return is_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
});

constexpr ByteSet kVisibleChars([](char c) { return c > ' ' && c < '\x7f'; });

/// Fields may hold spaces, tabs and bytes beyond ASCII, but no control characters.
constexpr ByteSet kFieldChars([](char c) {
    return kVisibleChars.has(c) || c == ' ' || c == '\t' || static_cast<unsigned char>(c) >= 0x80;
});

/// Gives the result of kVisibleChars.has_all_of, with eight bytes at a time, because targets are long. The highest bit
/// of a byte says "wrong": subtracting '!' borrows into the highest bit of a smaller byte, adding 1 carries '\x7f' into
/// its highest bit, and bytes beyond ASCII have the bit set. A borrow or carry spills over into the next byte only when
/// the answer is already false.
bool are_visible(std::string_view text) {
    constexpr std::uint64_t kEach = 0x0101'0101'0101'0101;
    std::uint64_t wrong = 0;
    while (!text.empty()) {
        // The last, shorter piece is filled up with '!', a visible character.
        std::uint64_t bytes = kEach * '!';
        const std::size_t size = std::min(text.size(), sizeof(bytes));
        if (size == sizeof(bytes)) {
            std::memcpy(&bytes, text.data(), sizeof(bytes));
        } else {
            std::memcpy(&bytes, text.data(), size);
        }
        wrong |= (bytes - kEach * '!') | (bytes + kEach) | bytes;
        text.remove_prefix(size);
    }
    return (wrong & (kEach * 0x80)) == 0;
}

/// A field with a list as its value, over all lines of the field (RFC 9110, 5.3). The gate looks for a single member,
/// `wanted`, and notes whether any other member came.
struct List {
    std::string_view wanted;
    bool has_wanted = false;
    bool has_other = false;

    void add(std::string_view list) {
        while (!list.empty()) {
            const std::size_t comma = list.find(',');
            const std::string_view member = trim(list.substr(0, comma));
            has_wanted = has_wanted || equals_ignoring_case(member, wanted);
            has_other = has_other || !(member.empty() || equals_ignoring_case(member, wanted));
            list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
        }
    }
};

/// True for 16 bytes in base64: 22 digits and "==".
bool is_websocket_key(std::string_view key) {
    return key.size() == 24 && key.ends_with("==") &&
           std::all_of(key.begin(), key.end() - 2, [](char c) { return is_alphanumeric(c) || c == '+' || c == '/'; });
}

/// A field that may come once. A second line of the field sets `repeated`.
struct Single {
    std::optional<std::string_view> value;
    bool repeated = false;

    void set(std::string_view v) {
        repeated = repeated || value.has_value();
        value = v;
    }
};

/// The fields that decide about framing and upgrade. All other fields are checked for their form and left to the
/// parser.
struct Fields {
    std::size_t count = 0;
    Single host;
    Single content_length;
    Single transfer_encoding;
    Single websocket_key;
    Single websocket_version;
    List upgrade{"websocket"};
    List connection{"upgrade"};
    List expect{"100-continue"};

    void take(std::string_view name, std::string_view value) {
        // Names of fields are compared without regard to case (RFC 9110, 5.1).
        const auto is = [name](std::string_view known) { return equals_ignoring_case(name, known); };
        if (is("host")) {
            host.set(value);
        } else if (is("content-length")) {
            content_length.set(value);
        } else if (is("transfer-encoding")) {
            transfer_encoding.set(value);
        } else if (is("sec-websocket-key")) {
            websocket_key.set(value);
        } else if (is("sec-websocket-version")) {
            websocket_version.set(value);
        } else if (is("upgrade")) {
            upgrade.add(value);
        } else if (is("connection")) {
            connection.add(value);
        } else if (is("expect")) {
            expect.add(value);
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

/// The parts of the request line, as far as later steps need them.
struct RequestLine {
    std::string_view method;
    bool is_1_1 = false;
    /// For a target in absolute form: the values of Head::target and Head::host.
    std::string target{};
    std::string host{};
};

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
    return equals_ignoring_case(text.substr(0, prefix.size()), prefix);
}

/// Characters of the host and port of a URI (RFC 3986, 3.2.2). Userinfo is not allowed (RFC 9110, 4.2.4), so "@" is
/// missing.
constexpr ByteSet kHostChars([](char c) {
    return is_alphanumeric(c) || std::string_view("-._~!$&'()*+,;=:[]%").find(c) != std::string_view::npos;
});

/// Splits a target in absolute form into host and target in origin form.
std::optional<Refusal> read_absolute(std::string_view target, RequestLine& out) {
    const std::string_view rest = target.substr(target.find("://") + 3);
    const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    const std::string_view host = rest.substr(0, end);
    if (host.empty() || host.front() == ':' || !kHostChars.has_all_of(host)) {
        return Refusal{400, "the host in the target is malformed"};
    }
    out.host = std::string(host);
    out.target = std::string(rest.substr(end));
    if (out.target.empty() && out.method == "OPTIONS") {
        // OPTIONS for a URI without a path asks about the server as a whole (RFC 9112, 3.2.4).
        out.target = "*";
    } else if (!out.target.starts_with('/')) {
        out.target.insert(0, "/");
    }
    return std::nullopt;
}

/// Checks the target for the four forms of RFC 9112, 3.2. CONNECT has the fourth form, and is refused.
std::optional<Refusal> check_target(std::string_view target, RequestLine& out) {
    if (target.size() > kMaxTargetBytes) {
        return Refusal{414, "the target is too long"};
    }
    if (target.empty() || !are_visible(target)) {
        return Refusal{400, "malformed target"};
    }
    if (target.front() == '/' || (target == "*" && out.method == "OPTIONS")) {
        return std::nullopt;
    }
    if (out.method == "CONNECT") {
        return Refusal{501, "CONNECT is not served here"};
    }
    if (starts_with_ignoring_case(target, "http://") || starts_with_ignoring_case(target, "https://")) {
        return read_absolute(target, out);
    }
    return Refusal{400, "the target must be an absolute path, or a URI of http or https"};
}

/// Accepts HTTP/1.0 and later minor versions: a client of a later minor version speaks 1.1 too (RFC 9110, 2.5). 400 for
/// a text that is no version, 505 for another major version.
std::optional<Refusal> check_version(std::string_view version, RequestLine& out) {
    constexpr std::string_view kName = "HTTP/";
    if (version.size() != kName.size() + 3 || !version.starts_with(kName) || !is_digit(version[5]) ||
        version[6] != '.' || !is_digit(version[7])) {
        return Refusal{400, "HTTP/1.1 is spoken here"};
    }
    if (version[5] != '1') {
        return Refusal{505, "HTTP/1.1 is spoken here"};
    }
    out.is_1_1 = version[7] != '0';
    return std::nullopt;
}

/// Splits the request line at its first and last space, and checks the parts. A space inside the target is refused by
/// check_target.
std::optional<Refusal> check_request_line(std::string_view line, RequestLine& out) {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) {
        return Refusal{400, "malformed request line"};
    }
    out.method = line.substr(0, first);
    if (out.method.empty() || !kTokenChars.has_all_of(out.method)) {
        return Refusal{400, "malformed method"};
    }
    // The meaning of a target in another major version is not known: the preface of HTTP/2 has the target "*" with the
    // method "PRI" (RFC 9113, 3.4). 505 is therefore returned before the target is checked. A malformed version is
    // reported after the errors of the target.
    const std::optional<Refusal> version = check_version(line.substr(last + 1), out);
    if (version && version->status == 505) {
        return version;
    }
    if (const auto refusal = check_target(line.substr(first + 1, last - first - 1), out)) {
        return refusal;
    }
    if (version) {
        return version;
    }
    // All methods of HTTP are written in capital letters. A token with other characters is a method that nobody knows.
    if (!std::all_of(out.method.begin(), out.method.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) {
        return Refusal{501, "unknown method"};
    }
    return std::nullopt;
}

/// Reads field after field, up to the empty line.
std::optional<Refusal> read_fields(std::string_view text, Fields& fields) {
    for (std::string_view line = next_line(text); !line.empty(); line = next_line(text)) {
        if (++fields.count > kMaxHeaderFields) {
            return Refusal{431, "too many header fields"};
        }
        const std::size_t colon = line.find(':');
        const std::string_view name = line.substr(0, colon);
        if (colon == std::string_view::npos || name.empty() || !kTokenChars.has_all_of(name)) {
            // A folded line is refused here too: such a line begins with a space, which is no character of a name.
            return Refusal{400, "malformed header field"};
        }
        const std::string_view value = trim(line.substr(colon + 1));
        if (!kFieldChars.has_all_of(value)) {
            return Refusal{400, "control character in a header field"};
        }
        fields.take(name, value);
    }
    return std::nullopt;
}

/// Checks the fields that decide where the request ends and for whom the request is.
std::optional<Refusal> check_framing(const Fields& fields, bool is_1_1) {
    // Two Hosts would let a proxy and this node serve different hosts (RFC 9112, 3.2).
    if (fields.host.repeated || (is_1_1 && !fields.host.value)) {
        return Refusal{400, "exactly one Host is needed"};
    }
    // Only plain digits are accepted: "+5" or "5, 5" is read differently by different programs.
    const Single& length = fields.content_length;
    if (length.repeated || (length.value && (length.value->empty() || length.value->size() > kMaxContentLengthDigits ||
                                             !std::all_of(length.value->begin(), length.value->end(), is_digit)))) {
        return Refusal{400, "malformed Content-Length"};
    }
    // A length beside a transfer coding is the classic way to smuggle a request (RFC 9112, 6.1).
    const Single& encoding = fields.transfer_encoding;
    if (encoding.value &&
        (!is_1_1 || encoding.repeated || length.value || !equals_ignoring_case(*encoding.value, "chunked"))) {
        return Refusal{400, "Transfer-Encoding must be chunked, alone"};
    }
    if (fields.expect.has_other) {
        return Refusal{417, "unknown expectation"};
    }
    return std::nullopt;
}

/// True when the request begins a WebSocket (RFC 6455, 4.1). Any other offer to upgrade is not taken up.
bool begins_websocket(const Fields& fields, const RequestLine& line) {
    return line.method == "GET" && line.is_1_1 && fields.upgrade.has_wanted && fields.connection.has_wanted;
}

/// Checks the fields of an upgrade to a WebSocket (RFC 6455, 4.2.1).
std::optional<Refusal> check_upgrade(const Fields& fields) {
    if (fields.transfer_encoding.value || fields.content_length.value.value_or("0") != "0") {
        return Refusal{400, "an upgrade has no body"};
    }
    if (fields.websocket_version.repeated || fields.websocket_version.value != "13") {
        return Refusal{426, "WebSocket version 13 is spoken here"};
    }
    if (!fields.websocket_key.value || fields.websocket_key.repeated ||
        !is_websocket_key(*fields.websocket_key.value)) {
        return Refusal{400, "malformed Sec-WebSocket-Key"};
    }
    return std::nullopt;
}

}  // namespace

std::size_t head_size(std::string_view bytes, std::size_t searched) {
    // The last three bytes that were searched can be the start of the end, so the search steps back by three bytes.
    constexpr std::string_view kEnd = "\r\n\r\n";
    const std::size_t end = bytes.find(kEnd, searched < kEnd.size() ? 0 : searched - (kEnd.size() - 1));
    return end == std::string_view::npos ? 0 : end + kEnd.size();
}

std::size_t empty_lines(std::string_view bytes) {
    std::size_t size = 0;
    while (bytes.substr(size).starts_with("\r\n")) {
        size += 2;
    }
    return size;
}

bool cannot_be_request(std::string_view bytes, std::size_t searched) {
    if (bytes.substr(0, searched).find('\n') != std::string_view::npos) {
        // The whole first line has been checked by earlier calls.
        return false;
    }
    const std::string_view more = bytes.substr(std::min(searched, bytes.size()));
    // A request line has visible characters and spaces alone, and begins with a method. The first byte of TLS, for
    // example, is a control character.
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

CutTarget cut_target(std::span<char> head) {
    const std::string_view text(head.data(), head.size());
    const std::string_view line = text.substr(0, text.find('\r'));
    const std::size_t begin = line.find(' ') + 1;
    const std::size_t end = line.rfind(' ');
    // Method and space move up to the "/" that takes the place of the target's last byte.
    CutTarget cut{std::string(line.substr(begin, end - begin)), end - begin - 1};
    std::memmove(head.data() + cut.distance, head.data(), begin);
    head[end - 1] = '/';
    return cut;
}

bool check_head(std::string_view text, Head& head, Refusal& refusal, Upgrades upgrades) {
    RequestLine line;
    Fields fields;
    std::optional<Refusal> found = check_request_line(next_line(text), line);
    if (!found) {
        found = read_fields(text, fields);
    }
    if (!found) {
        found = check_framing(fields, line.is_1_1);
    }
    const bool is_upgrade = upgrades == Upgrades::kTaken && begins_websocket(fields, line);
    // HTTP/1.0 has no "100 Continue" (RFC 9110, 10.1.1).
    head = Head{is_upgrade, line.is_1_1 && fields.expect.has_wanted, std::move(line.target), std::move(line.host)};
    if (!found && head.is_upgrade) {
        found = check_upgrade(fields);
    }
    if (found) {
        refusal = *found;
    }
    return !found;
}

}  // namespace tulle::node::http
