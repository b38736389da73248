#include "node/pusher/wire/request_signature.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/digest.hpp"
#include "node/pusher/core/limits.hpp"

namespace tulle::node::pusher {
namespace {

/// Hexadecimal digits of an MD5.
constexpr std::size_t kBodyDigestDigits = 32;
/// Bytes hashed by an HMAC besides the text: two keys and a digest, each padded to a block.
constexpr std::size_t kHmacBytes = 192;
/// The only parameter outside the signed text.
constexpr std::string_view kSignatureName = "auth_signature";
/// The parameters known to the API.
constexpr std::array<std::string_view, 7> kNames{"auth_key", "auth_timestamp",   "auth_version", kSignatureName,
                                                 "body_md5", "filter_by_prefix", "info"};

/// For ASCII letters alone, unlike std::tolower.
char lower_case(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string in_lower_case(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), lower_case);
    return text;
}

/// True for a parameter known to the API. `name` is in lower case.
bool is_known(std::string_view name) {
    return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

// ---- age ----

/// "1353088179 (2012-11-16T17:49:39Z)"; for years beyond 9999 the number alone.
std::string written_time(std::int64_t seconds) {
    constexpr std::int64_t kLastSecond = 253'402'300'799;
    std::string text = std::to_string(seconds);
    if (seconds <= kLastSecond) {
        const std::chrono::sys_seconds time{std::chrono::seconds{seconds}};
        const auto day = std::chrono::floor<std::chrono::days>(time);
        const std::chrono::year_month_day date{day};
        const std::chrono::hh_mm_ss clock{time - day};
        std::array<char, 32> written{};
        std::snprintf(written.data(), written.size(), " (%04d-%02u-%02uT%02d:%02d:%02dZ)",
                      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                      static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
        text.append(written.data());
    }
    return text;
}

/// Why the time of a signature is too far from the present; empty when the time is near enough.
std::string refuse_age(std::string_view timestamp, WallSeconds now) {
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(timestamp.data(), timestamp.data() + timestamp.size(), seconds);
    if (error != std::errc{} || end != timestamp.data() + timestamp.size() || seconds < 0) {
        return "auth_timestamp must be a whole number of seconds since 1970";
    }
    const std::int64_t here = now.time_since_epoch().count();
    const std::int64_t allowed = std::chrono::duration_cast<std::chrono::seconds>(kMaxClockSkew).count();
    if (seconds >= here - allowed && seconds <= here + allowed) {
        return {};
    }
    // A common mistake: JavaScript's Date.now() counts milliseconds.
    const bool is_in_ms = seconds / 1000 >= here - allowed && seconds / 1000 <= here + allowed;
    return "auth_timestamp " + written_time(seconds) + " is not within " + std::to_string(allowed) +
           " seconds of this server's clock, " + written_time(here) +
           (is_in_ms ? ": write seconds, not milliseconds" : ": set the clock of the one that is wrong");
}

// ---- the path ----

/// A character that never needs an escape (RFC 3986, 2.3).
bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_.~").find(c) != std::string_view::npos;
}

/// A character left alone by encodeURIComponent. Some libraries escape the apostrophe afterwards.
bool is_component_char(char c) {
    return is_unreserved(c) || std::string_view("!*'()").find(c) != std::string_view::npos;
}

/// A character allowed in a segment of a path without an escape (RFC 3986, pchar).
bool is_segment_char(char c) {
    return is_unreserved(c) || std::string_view("!$&'()*+,;=:@").find(c) != std::string_view::npos;
}

/// The case of the hexadecimal digits of an escape.
enum class Digits { kUpper, kLower };

/// The path with the digits of the escapes in a single case. The case has no meaning (RFC 3986, 6.2.2.1).
std::string with_digits(std::string_view path, Digits digits) {
    constexpr std::size_t kEscape = 3;
    std::string text(path);
    for (std::size_t at = text.find('%'); at != std::string::npos && at + kEscape <= text.size();
         at = text.find('%', at + kEscape)) {
        for (char& c : std::span(text).subspan(at + 1, kEscape - 1)) {
            c = digits == Digits::kLower ? lower_case(c) : c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
        }
    }
    return text;
}

/// Appends `segment` with escapes for all characters except those for which `is_plain` is true.
template <class IsPlain>
void append_escaped(std::string& out, std::string_view segment, IsPlain is_plain) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    for (const char c : segment) {
        if (is_plain(c)) {
            out.push_back(c);
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out.append({'%', kDigits[byte >> 4u], kDigits[byte & 15u]});
        }
    }
}

/// True when a decoded path could be taken for a sent path and then mean another path, or could be taken for two paths:
/// with a control character, a slash more, or a further escape.
bool is_ambiguous(std::string_view decoded, std::string_view sent) {
    const bool has_control = std::any_of(decoded.begin(), decoded.end(),
                                         [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
    const bool has_other_segments =
        std::count(decoded.begin(), decoded.end(), '/') != std::count(sent.begin(), sent.end(), '/');
    const std::optional<std::string> again = percent_decode(decoded);
    return has_control || has_other_segments || (again && *again != decoded);
}

/// Appends a text, unless the list has the text already: every distinct text is hashed once.
void add_distinct(std::vector<std::string>& texts, std::string text) {
    if (std::find(texts.begin(), texts.end(), text) == texts.end()) {
        texts.push_back(std::move(text));
    }
}

/// The texts that may have been signed as the path, each once. The path as sent comes first, likelier texts come before
/// unlikelier texts.
std::vector<std::string> paths_of(std::string_view sent) {
    std::vector<std::string> paths{std::string(sent)};
    std::string plain;
    std::string needed;
    std::string component;
    std::string full;
    for (std::string_view rest = sent; !rest.empty();) {
        const std::size_t slash = std::min(rest.find('/', 1), rest.size());
        const std::optional<std::string> segment = percent_decode(rest.substr(1, slash - 1));
        if (!segment) {
            return paths;
        }
        plain.append(1, '/').append(*segment);
        append_escaped(needed.append(1, '/'), *segment, is_segment_char);
        append_escaped(component.append(1, '/'), *segment, is_component_char);
        append_escaped(full.append(1, '/'), *segment, is_unreserved);
        rest.remove_prefix(slash);
    }
    if (!is_ambiguous(plain, sent)) {
        add_distinct(paths, std::move(plain));
    }
    const std::array<std::string, 4> escaped{std::string(sent), std::move(needed), std::move(component),
                                             std::move(full)};
    for (const std::string& text : escaped) {
        add_distinct(paths, text);
    }
    for (const std::string& text : escaped) {
        add_distinct(paths, with_digits(text, Digits::kUpper));
        add_distinct(paths, with_digits(text, Digits::kLower));
    }
    return paths;
}

// ---- the parameters ----

/// A way to read the query.
struct Reading {
    /// Names in lower case.
    QueryParameters parameters;
    /// Names as sent; empty when all names were sent in lower case.
    std::vector<std::string> sent;
};

/// True when a reader of the signed text would find a parameter of the protocol inside the value, or would cut the
/// value of a protocol parameter short at an ampersand.
bool holds_parameter(std::string_view name, std::string_view value) {
    const std::size_t first = value.find('&');
    if (first == std::string_view::npos || is_known(name)) {
        return first != std::string_view::npos;
    }
    for (std::size_t mark = first; mark != std::string_view::npos; mark = value.find('&', mark + 1)) {
        const std::string_view rest = value.substr(mark + 1);
        if (is_known(in_lower_case(std::string(rest.substr(0, rest.find_first_of("=&")))))) {
            return true;
        }
    }
    return false;
}

/// Reads the query and refuses queries that could be signed texts of other queries.
Result<Reading, Unauthentic> read_query(std::string_view query) {
    std::optional<QueryParameters> parameters = parse_query(query);
    if (!parameters) {
        return Unauthentic{400, "malformed query, or more than " + std::to_string(kMaxQueryParameters) + " parameters"};
    }
    Reading reading;
    // Without escapes, no name or value can hold a separator.
    const bool has_escapes = query.find('%') != std::string_view::npos;
    const bool has_upper_case = std::any_of(parameters->begin(), parameters->end(), [](const auto& parameter) {
        return std::any_of(parameter.first.begin(), parameter.first.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    });
    for (auto& [name, value] : *parameters) {
        if (has_upper_case) {
            reading.sent.push_back(std::exchange(name, in_lower_case(name)));
        }
        if (has_escapes && (name.find_first_of("=&") != std::string::npos || holds_parameter(name, value))) {
            return Unauthentic{400,
                               "a parameter of the query holds another one, which its signature would not tell apart"};
        }
    }
    if (has_repeated(*parameters, kNames)) {
        return Unauthentic{400, "a parameter of the query comes twice"};
    }
    reading.parameters = std::move(*parameters);
    return reading;
}

/// Name and value.
using Pair = std::pair<std::string_view, std::string_view>;

/// The pairs as name=value, joined by ampersands.
std::string joined(const std::vector<Pair>& pairs) {
    std::size_t size = 0;
    for (const auto& [name, value] : pairs) {
        size += name.size() + value.size() + 2;
    }
    std::string text;
    text.reserve(size);
    for (const auto& [name, value] : pairs) {
        text.append(text.empty() ? "" : "&").append(name).append(1, '=').append(value);
    }
    return text;
}

/// The parameters without the signature. `is_as_sent`: with names as sent. REQUIRES with `is_as_sent`: `reading.sent`
/// is not empty.
std::vector<Pair> pairs_of(const Reading& reading, bool is_as_sent) {
    std::vector<Pair> pairs;
    pairs.reserve(reading.parameters.size());
    for (std::size_t i = 0; i < reading.parameters.size(); ++i) {
        const auto& [name, value] = reading.parameters[i];
        if (name != kSignatureName) {
            pairs.emplace_back(is_as_sent ? reading.sent[i] : name, value);
        }
    }
    return pairs;
}

/// Stable; costs a comparison of neighbours when the pairs are sorted already, as SDKs send them.
void sort_by_name(std::vector<Pair>& pairs) {
    const auto by_name = [](const Pair& a, const Pair& b) { return a.first < b.first; };
    if (!std::is_sorted(pairs.begin(), pairs.end(), by_name)) {
        std::stable_sort(pairs.begin(), pairs.end(), by_name);
    }
}

/// The text signed by nearly all libraries: parameters sorted by name.
std::string usual_query_of(const Reading& reading) {
    std::vector<Pair> pairs = pairs_of(reading, false);
    sort_by_name(pairs);
    return joined(pairs);
}

/// The parameters without the signature, in each order signed by SDKs.
void add_orders(const Reading& reading, bool is_as_sent, std::vector<std::string>& texts) {
    const std::vector<Pair> pairs = pairs_of(reading, is_as_sent);
    std::vector<Pair> sorted = pairs;
    sort_by_name(sorted);
    add_distinct(texts, joined(sorted));
    add_distinct(texts, joined(pairs));
    std::sort(sorted.begin(), sorted.end(), [](const Pair& a, const Pair& b) {
        return std::string(a.first).append(1, '=').append(a.second) <
               std::string(b.first).append(1, '=').append(b.second);
    });
    add_distinct(texts, joined(sorted));
}

/// All texts that may have been signed as the query. The first is usual_query_of().
std::vector<std::string> queries_of(const Reading& reading) {
    std::vector<std::string> texts;
    add_orders(reading, false, texts);
    if (!reading.sent.empty()) {
        add_orders(reading, true, texts);
    }
    return texts;
}

/// Looks for the text that was signed, over all paths and all readings of the query, likeliest texts first, until
/// kMaxSignedTextBytes are hashed.
class Search {
public:
    Search(const App& app, const HttpRequest& request, std::string_view signature)
        : app_(app), method_(request.method), path_(request.path()), signature_(signature) {}

    /// The index of the reading that was signed; nothing when no text fits. Likelier texts come first: each reading in
    /// its first order, then the other orders. The likeliest text costs a single HMAC: no other text is prepared
    /// before.
    [[nodiscard]] std::optional<std::size_t> find(const std::vector<Reading>& readings) {
        if (is_signed(path_, usual_query_of(readings.front()))) {
            return 0;
        }
        const std::vector<std::string> paths = paths_of(path_);
        std::vector<std::vector<std::string>> queries;
        std::size_t most = 0;
        for (const Reading& reading : readings) {
            most = std::max(most, queries.emplace_back(queries_of(reading)).size());
        }
        for (std::size_t order = 0; order < most; ++order) {
            for (std::size_t i = 0; i < readings.size(); ++i) {
                // The first path with the first query was tried above.
                const bool is_tried = order == 0 && i == 0;
                if (order < queries[i].size() && is_signed(paths, is_tried ? 1 : 0, queries[i][order])) {
                    return i;
                }
            }
        }
        return std::nullopt;
    }

private:
    /// True when the query is signed with a path from index `begin` on.
    bool is_signed(const std::vector<std::string>& paths, std::size_t begin, const std::string& query) {
        return std::any_of(paths.begin() + static_cast<std::ptrdiff_t>(begin), paths.end(),
                           [&](const std::string& path) { return is_signed(path, query); });
    }
    /// True when the text of path and query is signed. Also false when the bytes that may be hashed are used up.
    bool is_signed(std::string_view path, const std::string& query) {
        std::string text;
        text.reserve(method_.size() + path.size() + query.size() + 2);
        text.append(method_).append(1, '\n').append(path).append(1, '\n').append(query);
        const bool is_first = hashed_ == 0;
        hashed_ += text.size() + kHmacBytes;
        return (is_first || hashed_ <= kMaxSignedTextBytes) &&
               equal_constant_time(signature_, hmac_sha256_hex(app_.secret, text));
    }

    const App& app_;
    std::string_view method_;
    std::string_view path_;
    std::string_view signature_;
    /// Bytes hashed so far.
    std::size_t hashed_ = 0;
};

/// Checks everything but the age and the signature. Hashes nothing.
std::optional<Unauthentic> check_claims(const App& app, const QueryParameters& parameters) {
    const std::string* key = find_parameter(parameters, "auth_key");
    const std::string* version = find_parameter(parameters, "auth_version");
    if (key == nullptr || find_parameter(parameters, "auth_timestamp") == nullptr || version == nullptr ||
        find_parameter(parameters, kSignatureName) == nullptr) {
        return Unauthentic{401, "auth_key, auth_timestamp, auth_version and auth_signature are needed"};
    }
    if (*key != app.key) {
        return Unauthentic{401, "auth_key is not a key of this app"};
    }
    if (*version != "1.0") {
        return Unauthentic{401, "auth_version must be 1.0"};
    }
    return std::nullopt;
}

/// The parameters in the reading for which the signature is right; nothing when there is none.
std::optional<QueryParameters> find_signed(const App& app, const HttpRequest& request, Reading reading) {
    const std::string signature = *find_parameter(reading.parameters, kSignatureName);
    if (!is_lower_hex(signature, kSignatureDigits)) {
        return std::nullopt;
    }
    std::vector<Reading> readings;
    readings.push_back(std::move(reading));
    // Some libraries write a space as '+', others leave a '+' as it is: a query with '+' has two readings.
    if (request.query().find('+') != std::string_view::npos) {
        std::string query(request.query());
        std::replace(query.begin(), query.end(), '+', ' ');
        if (Result<Reading, Unauthentic> spaced = read_query(query)) {
            readings.push_back(std::move(*spaced));
        }
    }
    const std::optional<std::size_t> found = Search(app, request, signature).find(readings);
    return found ? std::optional(std::move(readings[*found].parameters)) : std::nullopt;
}

}  // namespace

Result<QueryParameters, Unauthentic> authenticate(const App& app, const HttpRequest& request, WallSeconds now) {
    Result<Reading, Unauthentic> reading = read_query(request.query());
    if (!reading) {
        return reading.error();
    }
    if (std::optional<Unauthentic> refusal = check_claims(app, reading->parameters)) {
        return std::move(*refusal);
    }
    // The age is judged after the signature is checked: a right signature with a wrong clock is reported as such, and
    // is no guess.
    std::string too_old = refuse_age(*find_parameter(reading->parameters, "auth_timestamp"), now);
    std::optional<QueryParameters> parameters = find_signed(app, request, std::move(*reading));
    if (!too_old.empty()) {
        return Unauthentic{401, std::move(too_old), parameters.has_value()};
    }
    if (!parameters) {
        return Unauthentic{
            401,
            "auth_signature does not match: it is the HMAC-SHA256, under the app's secret, of the method,"
            " the path and the sorted query, in three lines; `tulle log` shows the text"};
    }
    return std::move(*parameters);
}

std::string text_to_sign(const HttpRequest& request) {
    Result<Reading, Unauthentic> reading = read_query(request.query());
    if (!reading) {
        return {};
    }
    QueryParameters parameters = std::move(reading->parameters);
    std::erase_if(parameters, [](const auto& parameter) { return parameter.first == kSignatureName; });
    std::sort(parameters.begin(), parameters.end());
    std::string text = request.method + "\n" + std::string(request.path()) + "\n";
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        text.append(i == 0 ? "" : "&").append(parameters[i].first).append("=").append(parameters[i].second);
    }
    return text;
}

std::optional<std::string_view> check_body_digest(const HttpRequest& request, const QueryParameters& parameters) {
    const std::string* digest = find_parameter(parameters, "body_md5");
    if (digest == nullptr) {
        return request.body.empty() ? std::nullopt : std::optional<std::string_view>("body_md5 is needed with a body");
    }
    if (!is_lower_hex(*digest, kBodyDigestDigits) || !equal_constant_time(*digest, md5_hex(request.body))) {
        return "body_md5 does not match the body";
    }
    return std::nullopt;
}

}  // namespace tulle::node::pusher
