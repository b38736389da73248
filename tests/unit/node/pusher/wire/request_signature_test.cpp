#include "node/pusher/wire/request_signature.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>

#include <gtest/gtest.h>

#include "mesh/base/digest.hpp"
#include "mesh/base/prng.hpp"
#include "node/pusher/core/limits.hpp"

namespace tulle::node::pusher::request_signature_test {
namespace {

App official_app() {
    App app;
    app.id = "3";
    app.key = "278d425bdf160c739803";
    app.secret = "7ad3773142a6692b25b8";
    return app;
}

constexpr WallSeconds kThen{std::chrono::seconds{1353088179}};

HttpRequest official_request() {
    return {"POST",
            "/apps/3/events?auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0"
            "&body_md5=ec365a775a4cd0599faeb73354201b6f"
            "&auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c",
            R"({"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"})"};
}

std::optional<std::string> check(const HttpRequest& request, WallSeconds now = kThen) {
    const auto parameters = authenticate(official_app(), request, now);
    if (!parameters) {
        return parameters.error().reason;
    }
    const auto reason = check_body_digest(request, *parameters);
    return reason ? std::optional(std::string(*reason)) : std::nullopt;
}

TEST(RequestAuth, AcceptsTheOfficialVector) {
    EXPECT_EQ(check(official_request()), std::nullopt);
}

TEST(RequestAuth, AcceptsTenMinutesOfSkewEitherWayAndNotASecondMore) {
    EXPECT_EQ(check(official_request(), kThen + 600s), std::nullopt);
    EXPECT_EQ(check(official_request(), kThen - 600s), std::nullopt);
    EXPECT_NE(check(official_request(), kThen + 601s), std::nullopt);
    EXPECT_NE(check(official_request(), kThen - 601s), std::nullopt);
}

TEST(RequestAuth, RefusesAnotherBodyMethodPathOrParameter) {
    HttpRequest request = official_request();
    request.body += " ";
    EXPECT_NE(check(request), std::nullopt);
    request = official_request();
    request.method = "GET";
    EXPECT_NE(check(request), std::nullopt);
    request = official_request();
    request.target.replace(0, 7, "/apps/4");
    EXPECT_NE(check(request), std::nullopt);
    request = official_request();
    request.target += "&more=1";
    EXPECT_NE(check(request), std::nullopt);
}

TEST(RequestAuth, RefusesAMissingParameterAndATimestampThatIsNone) {
    for (const char* name : {"auth_key", "auth_timestamp", "auth_version", "auth_signature", "body_md5"}) {
        HttpRequest request = official_request();
        request.target.replace(request.target.find(name), 1, "x");
        EXPECT_NE(check(request), std::nullopt) << name;
    }
    HttpRequest request = official_request();
    request.target.replace(request.target.find("1353088179"), 10, "1353088179x");
    EXPECT_NE(check(request), std::nullopt);
}

TEST(RequestAuth, LooksAtTheBodyByItsDigestAlone) {
    HttpRequest request = official_request();
    request.body.clear();
    EXPECT_TRUE(authenticate(official_app(), request, kThen).has_value()) << "the body may be still to come";
    EXPECT_NE(check(request), std::nullopt);
}

TEST(RequestAuth, RefusesWhatCanBeNoSignature) {
    const HttpRequest official = official_request();
    const std::size_t at = official.target.find("da454824");
    for (const std::size_t length : {std::size_t{0}, std::size_t{63}}) {
        HttpRequest request = official;
        request.target.resize(at + length);
        EXPECT_TRUE(check(request).value_or("").starts_with("auth_signature does not match: "));
    }
    HttpRequest request = official;
    request.target.replace(at, 2, "DA");
    EXPECT_TRUE(check(request).value_or("").starts_with("auth_signature does not match: "));
}

TEST(RequestAuth, TellsAWrongClockFromAGuess) {
    const auto refusal = [](const HttpRequest& request, WallSeconds now) {
        return authenticate(official_app(), request, now).error();
    };
    EXPECT_TRUE(refusal(official_request(), kThen + 601s).is_signed);
    HttpRequest request = official_request();
    request.target.replace(request.target.find("da454824"), 1, "e");
    EXPECT_FALSE(refusal(request, kThen + 601s).is_signed);
    EXPECT_NE(refusal(request, kThen + 601s).reason.find("is not within 600 seconds"), std::string::npos)
        << "whoever asks is told";
    EXPECT_FALSE(refusal(request, kThen).is_signed);
}

TEST(RequestAuth, NamesTheTimesWhenTheClocksDiffer) {
    EXPECT_EQ(check(official_request(), kThen + 601s),
              "auth_timestamp 1353088179 (2012-11-16T17:49:39Z) is not within 600 seconds of this server's clock, "
              "1353088780 (2012-11-16T17:59:40Z): set the clock of the one that is wrong");
    HttpRequest request = official_request();
    request.target.replace(request.target.find("1353088179"), 10, "1353088179000");
    EXPECT_EQ(check(request),
              "auth_timestamp 1353088179000 is not within 600 seconds of this server's clock, "
              "1353088179 (2012-11-16T17:49:39Z): write seconds, not milliseconds");
    request = official_request();
    request.target.replace(request.target.find("1353088179"), 10, "now");
    EXPECT_EQ(check(request), "auth_timestamp must be a whole number of seconds since 1970");
}

// ---- renderings ----

using Parameters = QueryParameters;

/// A request as a backend knows it, before a library has written it as a target.
struct Plain {
    std::vector<std::string> segments;  ///< after /apps/3
    Parameters parameters;              ///< without those of the signature
};

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string escaped(std::string_view text, std::string_view safe) {
    std::string out;
    for (const char c : text) {
        if (is_alphanumeric(c) || safe.find(c) != std::string_view::npos) {
            out.push_back(c);
        } else {
            std::array<char, 4> digits{};
            std::snprintf(digits.data(), digits.size(), "%%%02X", static_cast<unsigned char>(c));
            out.append(digits.data());
        }
    }
    return out;
}

/// How an SDK signs, and the library below it writes. Safe characters are those that a library writes as they are.
struct Library {
    const char* name;
    std::string_view path_safe;
    std::string_view query_safe;
    bool space_is_plus;
    bool signs_escaped_path;  ///< the backend has escaped a user's id itself, as encodeURIComponent does
    enum class Order { kSorted, kGiven, kShuffled } sent;
    bool signs_as_sent;
    /// How the digits of escapes in the path are written: as signed, and as sent.
    enum class Digits { kUpper, kLower } signed_digits = Digits::kUpper, sent_digits = Digits::kUpper;
};

constexpr Library kLibraries[] = {
    // URL and url.parse of Node, one after the other: what is escaped by one of them
    {"node", "-_.~!$&()*+,;=:@/[]", "-_.~!$()*+,;=:@/?[]`{}|\\^", false, false, Library::Order::kSorted, false},
    {"node, fetch", "-_.~!$&'()*+,;=:@/|[]", "-_.~!$()*+,;=:@/?[]`{}|\\^", false, false, Library::Order::kSorted,
     false},
    {"node, encodeURIComponent", "-_.~!$&()*+,;=:@/%", "-_.~!$()*,;:@/?", false, true, Library::Order::kSorted, false},
    {"java, URIBuilder", "-_.~!$&'()*+,;=:@/", "-_.*", true, false, Library::Order::kShuffled, false},
    {"python, requests", "-_.~!$&'()*+,;=:@/[]", "-_.~!$'()*+,;=:@/?[]", false, false, Library::Order::kSorted, false},
    {"php, Guzzle", "-_.~!$&'()*+,;=:@/", "-_.~", false, false, Library::Order::kSorted, false},
    {"ruby, httpclient", "-_.~!$&'()*+,;=:@/", "-_.", true, false, Library::Order::kShuffled, false},
    {"go, url.String", "-_.~$&+,/:;=@", "-_.~!$'()*+,;=:@/?", false, false, Library::Order::kSorted, false},
    {"dotnet, Uri", "-_.~!$&'()*+,;=:@/[]", "-_.~!$'()*+,;=:@/?[]", false, false, Library::Order::kSorted, false},
    {"rust, form_urlencoded", "-_.~!$&'()*+,;=:@/", "-_.*", true, false, Library::Order::kGiven, true},
    {"swift, URLComponents", "-_.~!$&'()*+,;=:@/", "-_.~!$'()*+,;=:@/?", false, false, Library::Order::kGiven, true},
    {"dotnet, HttpUtility", "-_.~!$&()*+,;=:@/%", "-_.!*()", true, true, Library::Order::kSorted, false,
     Library::Digits::kLower, Library::Digits::kLower},
    {"dotnet behind a proxy that normalises", "-_.~!$&()*+,;=:@/%", "-_.!*()", true, true, Library::Order::kSorted,
     false, Library::Digits::kLower, Library::Digits::kUpper},
    {"a library that writes a-f", "-_.~!$&()*+,;=:@/%", "-_.~", false, true, Library::Order::kSorted, false,
     Library::Digits::kUpper, Library::Digits::kLower},
    {"the same, signed plain", "-_.~", "-_.~", false, false, Library::Order::kSorted, false, Library::Digits::kUpper,
     Library::Digits::kLower},
    {"a proxy that unescapes", "-_.~!$&'()*+,;=:@/|{}", "-_.~!$'()*,;=:@/?", false, true, Library::Order::kSorted,
     false},
};

/// With the digits of its escapes in this case.
std::string with_digits(std::string path, Library::Digits digits) {
    for (std::size_t at = path.find('%'); digits == Library::Digits::kLower && at != std::string::npos;
         at = path.find('%', at + 1)) {
        std::transform(path.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                       path.begin() + static_cast<std::ptrdiff_t>(at) + 3,
                       path.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                       [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
    }
    return path;
}

std::string text_of(const Parameters& parameters, const std::function<std::string(std::string_view)>& written) {
    std::string text;
    for (const auto& [name, value] : parameters) {
        text.append(text.empty() ? "" : "&").append(written(name)).append(1, '=').append(written(value));
    }
    return text;
}

void shuffle(Parameters& parameters, Prng& prng) {
    for (std::size_t i = parameters.size(); i > 1; --i) {
        std::swap(parameters[i - 1], parameters[prng.below(i)]);
    }
}

HttpRequest render(const Plain& plain, const Library& library, Prng& prng) {
    std::string signed_path = "/apps/3";
    std::string sent_path = "/apps/3";
    for (const std::string& segment : plain.segments) {
        const std::string known = library.signs_escaped_path ? escaped(segment, "-_.~!*'()") : segment;
        signed_path.append(1, '/').append(library.signs_escaped_path ? with_digits(known, library.signed_digits)
                                                                     : known);
        const bool keeps_escapes = library.path_safe.find('%') != std::string_view::npos;
        sent_path.append(1, '/').append(
            with_digits(escaped(keeps_escapes ? known : segment, library.path_safe), library.sent_digits));
    }
    Parameters all = plain.parameters;
    all.insert(all.begin(),
               {{"auth_key", official_app().key}, {"auth_timestamp", "1353088179"}, {"auth_version", "1.0"}});
    Parameters sorted = all;
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    Parameters sent = library.sent == Library::Order::kSorted ? sorted : all;
    if (library.sent == Library::Order::kShuffled) {
        shuffle(sent, prng);
    }
    const auto as_it_is = [](std::string_view text) { return std::string(text); };
    const std::string text = "GET\n" + signed_path + "\n" + text_of(library.signs_as_sent ? sent : sorted, as_it_is);
    sent.insert(sent.begin() + static_cast<std::ptrdiff_t>(prng.below(sent.size() + 1)),
                {"auth_signature", hmac_sha256_hex(official_app().secret, text)});
    const std::string query = text_of(sent, [&library](std::string_view part) {
        std::string out = escaped(part, library.query_safe);
        for (std::size_t at = out.find("%20"); library.space_is_plus && at != std::string::npos; at = out.find("%20")) {
            out.replace(at, 3, "+");
        }
        return out;
    });
    return {"GET", sent_path + "?" + query, ""};
}

std::string some_text(Prng& prng, std::string_view alphabet, std::size_t longest) {
    std::string text(1 + prng.below(longest), ' ');
    std::generate(text.begin(), text.end(), [&] { return alphabet[prng.below(alphabet.size())]; });
    return text;
}

/// Channels, users of every kind of id, and parameters of which one name begins with another.
Plain some_request(Prng& prng) {
    constexpr std::string_view kChannel = "abzAZ09_-=@,.;:";
    constexpr std::string_view kUser = "aZ9|'{}<>\"^`~!()*+ ,;=:@$&[]\xc3\xa9?#";
    constexpr std::string_view kNames[] = {"info", "info2", "info-x", "info_y", "infoz", "filter_by_prefix",
                                           "x",    "x9",    "Info3"};
    Plain plain;
    if (prng.chance(50)) {
        plain.segments = {"channels", some_text(prng, kChannel, 20)};
    } else {
        plain.segments = {"users", some_text(prng, kUser, 20), "terminate_connections"};
    }
    for (const std::string_view name : kNames) {
        if (prng.chance(30)) {
            plain.parameters.emplace_back(name, some_text(prng, "abz09_-,. ~'*!:;", 12));
        }
    }
    shuffle(plain.parameters, prng);
    return plain;
}

/// What an authentic request says: its path by segments, and its parameters.
std::optional<std::pair<std::vector<std::string>, Parameters>> meaning_of(const HttpRequest& request) {
    const auto parameters = authenticate(official_app(), request, kThen);
    if (!parameters) {
        return std::nullopt;
    }
    std::vector<std::string> segments;
    for (std::string_view rest = request.path(); !rest.empty();) {
        const std::size_t slash = std::min(rest.find('/', 1), rest.size());
        segments.push_back(percent_decode(rest.substr(1, slash - 1)).value_or("?"));
        rest.remove_prefix(slash);
    }
    Parameters sorted = *parameters;
    std::erase_if(sorted, [](const auto& pair) { return pair.first.starts_with("auth_"); });
    std::sort(sorted.begin(), sorted.end());
    return std::pair{segments, sorted};
}

std::pair<std::vector<std::string>, Parameters> meant(const Plain& plain) {
    std::vector<std::string> segments = plain.segments;
    segments.insert(segments.begin(), {"apps", "3"});
    Parameters sorted = plain.parameters;
    for (auto& [name, value] : sorted) {
        std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c == 'I' ? 'i' : c; });
    }
    std::sort(sorted.begin(), sorted.end());
    return {segments, sorted};
}

TEST(RequestAuth, AcceptsEveryRenderingOfARequestAndReadsWhatWasMeant) {
    for (const Library& library : kLibraries) {
        for (std::uint64_t seed = 1; seed <= 300; ++seed) {
            Prng prng(seed);
            const Plain plain = some_request(prng);
            const HttpRequest request = render(plain, library, prng);
            const auto read = meaning_of(request);
            ASSERT_TRUE(read.has_value()) << library.name << ", seed " << seed << ": " << request.target;
            ASSERT_EQ(*read, meant(plain)) << library.name << ", seed " << seed << ": " << request.target;
        }
    }
}

/// A target with one change at a place that is not the signature's.
std::string changed(std::string target, Prng& prng) {
    constexpr std::string_view kPieces[] = {"%25", "%2F", "%26", "%3D", "%2B",   "+",   "&",   "=", "%0A",
                                            "/",   "a",   "%61", "A",   "%2541", "%7c", "%7C", "c", "C"};
    const std::size_t signature = target.find("auth_signature=");
    std::size_t at = 0;
    do {
        at = 8 + prng.below(target.size() - 8);
    } while (at + 1 >= signature && at <= signature + 15 + 64);
    const std::string_view piece = kPieces[prng.below(std::size(kPieces))];
    switch (prng.below(3)) {
        case 0:
            target.insert(at, piece);
            break;
        case 1:
            target.replace(at, 1, piece);
            break;
        default:
            target.erase(at, 1);
            break;
    }
    return target;
}

TEST(RequestAuth, AcceptsNoRequestThatMeansSomethingElse) {
    std::size_t accepted = 0;
    for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
        Prng prng(seed);
        const Plain plain = some_request(prng);
        const Library& library = kLibraries[prng.below(std::size(kLibraries))];
        HttpRequest request = render(plain, library, prng);
        const std::string before = request.target;
        request.target = changed(before, prng);
        if (const auto read = meaning_of(request)) {
            ++accepted;
            ASSERT_EQ(*read, meant(plain))
                << library.name << ", seed " << seed << ": " << before << " -> " << request.target;
        }
    }
    EXPECT_GT(accepted, 100u) << "other renderings of the same request";
}

/// A request whose signature is that of this text.
HttpRequest signed_by(const std::string& text, const std::string& path, const std::string& query) {
    return {"GET", path + "?" + query + "&auth_signature=" + hmac_sha256_hex(official_app().secret, text), ""};
}

TEST(RequestAuth, TakesNoPathForAnotherThatLooksLikeIt) {
    const std::string query = "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0";
    const auto is_authentic = [&](const std::string& signed_path, const std::string& sent_path) {
        return !check(signed_by("GET\n" + signed_path + "\n" + query, sent_path, query));
    };
    EXPECT_TRUE(is_authentic("/apps/3/users/auth0|5f7c/x", "/apps/3/users/auth0%7C5f7c/x"));
    EXPECT_TRUE(is_authentic("/apps/3/users/auth0%7C5f7c/x", "/apps/3/users/auth0|5f7c/x"));
    EXPECT_TRUE(is_authentic("/apps/3/users/50%/x", "/apps/3/users/50%25/x")) << "which is no path as it stands";
    EXPECT_TRUE(is_authentic("/apps/3/users/%61uth%7c%c3%a9/x", "/apps/3/users/%61uth%7C%C3%A9/x"))
        << "escapes that nobody needs too";
    EXPECT_TRUE(is_authentic("/apps/3/users/%4A%7C%C3%A9/x", "/apps/3/users/%4a%7c%c3%a9/x"));
    EXPECT_FALSE(is_authentic("/apps/3/users/50%ab/x", "/apps/3/users/50%25AB/x"))
        << "the digits behind an escaped % are no escape's";
    EXPECT_FALSE(is_authentic("/apps/3/users/50%25ab/x", "/apps/3/users/50%25AB/x"));
    EXPECT_FALSE(is_authentic("/apps/3/users/%7cab/x", "/apps/3/users/%7CAB/x"));
    EXPECT_FALSE(is_authentic("/apps/3/users/a%41/x", "/apps/3/users/a%2541/x")) << "the signed path means the user aA";
    EXPECT_FALSE(is_authentic("/apps/3/channels/a/users", "/apps/3/channels/a%2Fusers"));
    EXPECT_FALSE(is_authentic("/apps/3/users/a\nb/x", "/apps/3/users/a%0Ab/x"));
    EXPECT_FALSE(is_authentic("/apps/3/users/a/x", "/apps/3/users/A/x"));
    EXPECT_FALSE(is_authentic("/apps/3/users/a/x", "/apps/3//users/a/x"));
}

TEST(RequestAuth, TakesNoParameterForTwoNorTwoForOne) {
    const std::string rest = "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0";
    const std::string text = "GET\n/apps/3/channels\n" + rest + "&info=a&x=b";
    EXPECT_EQ(check(signed_by(text, "/apps/3/channels", rest + "&info=a&x=b")), std::nullopt);
    EXPECT_NE(check(signed_by(text, "/apps/3/channels", rest + "&info=a%26x%3Db")), std::nullopt);
    const std::string other = "GET\n/apps/3/channels\n" + rest + "&x=b&info=a";
    EXPECT_EQ(check(signed_by(other, "/apps/3/channels", rest + "&x=b&info=a")), std::nullopt)
        << "in the order of the query";
    EXPECT_NE(check(signed_by(other, "/apps/3/channels", rest + "&x=b%26info%3Da")), std::nullopt);
    EXPECT_NE(check(signed_by(other, "/apps/3/channels", rest + "&x=b%26INFO%3Da")), std::nullopt);
    EXPECT_NE(check(signed_by(other, "/apps/3/channels", rest + "&x%3Db%26info=a")), std::nullopt);
    EXPECT_NE(check(signed_by(other, "/apps/3/channels", rest + "&x=b&info=a&info=a")), std::nullopt);
    EXPECT_NE(check(signed_by(other, "/apps/3/channels", rest + "&x=b&info=a&Info=b")), std::nullopt);
}

TEST(RequestAuth, ReadsAPlusAsItWasSigned) {
    const std::string rest = "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0";
    const auto info = [&](const std::string& signed_info, const std::string& sent_info) {
        const auto parameters = authenticate(official_app(),
                                             signed_by("GET\n/apps/3/channels\n" + rest + "&info=" + signed_info,
                                                       "/apps/3/channels", rest + "&info=" + sent_info),
                                             kThen);
        return parameters ? *find_parameter(*parameters, "info") : std::string("refused");
    };
    EXPECT_EQ(info("a, b", "a%2C+b"), "a, b");
    EXPECT_EQ(info("a+b", "a+b"), "a+b");
    EXPECT_EQ(info("a+b", "a%2Bb"), "a+b");
    EXPECT_EQ(info("a b", "a%2Bb"), "refused");
}

TEST(RequestAuth, AcceptsARepeatedParameterThatNobodyReads) {
    const std::string rest = "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0";
    EXPECT_EQ(check(signed_by("GET\n/apps/3/channels\n" + rest + "&list[]=b&list[]=a", "/apps/3/channels",
                              rest + "&list%5B%5D=b&list%5B%5D=a")),
              std::nullopt);
}

TEST(RequestAuth, LooksForNoTextBeyondItsLimit) {
    const std::string query = "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0";
    const auto is_authentic = [&](std::size_t length) {
        const std::string long_query = query + "&x=" + std::string(length, 'x');
        const std::string text = "GET\n/apps/3/users/a|b/x\n" + long_query;
        return !check(signed_by(text, "/apps/3/users/a%7Cb/x", long_query));
    };
    EXPECT_TRUE(is_authentic(kMaxSignedTextBytes / 4));
    EXPECT_FALSE(is_authentic(kMaxSignedTextBytes)) << "only the path as it was sent is looked at";
}

}  // namespace
}  // namespace tulle::node::pusher::request_signature_test
