#include "node/web/core/page_guard.hpp"

#include <gtest/gtest.h>

namespace tulle::node::http::page_guard_test {
namespace {

const PageGuard kGuard({"tulle-1.Internal"});

unsigned status_of(const Provenance& provenance) {
    const std::optional<Refusal> refusal = kGuard.refuse(provenance);
    return refusal ? refusal->status : 0;
}

TEST(PageGuard, LetsPassWhoNamesAnAddressOrAKnownName) {
    for (const char* host :
         {"127.0.0.1", "127.0.0.1:9601", "10.255.0.1:80", "[::1]:9601", "[::1]", "[2001:DB8::1.2.3.4]:1", "localhost",
          "LocalHost:9601", "localhost.:9601", "tulle-1.internal:9601", "TULLE-1.INTERNAL"}) {
        EXPECT_EQ(status_of({.host = host}), 0U) << host;
    }
    EXPECT_EQ(status_of({}), 0U) << "the check of a load balancer in HTTP/1.0";
}

TEST(PageGuard, RefusesEveryOtherHost) {
    for (const char* host : {"evil.example",
                             "evil.example:9601",
                             "",
                             ":9601",
                             "127.0.0.1.evil.example",
                             "127.0.0",
                             "1.2.3.4.5",
                             "256.0.0.1",
                             "1..2.3",
                             "0x7f.0.0.1",
                             "2130706433",
                             "localhost.evil.example",
                             "localhost:9601:1",
                             "localhost:a",
                             "localhost:123456",
                             "[::1",
                             "[::1]x",
                             "[evil.example]",
                             "[]",
                             "a@127.0.0.1",
                             "127.0.0.1:",
                             "tulle-1"}) {
        EXPECT_EQ(status_of({.host = host}), std::string_view(host) == "127.0.0.1:" ? 0U : 403U) << host;
    }
}

TEST(PageGuard, RefusesPagesOfOtherOrigins) {
    const auto from = [](std::string_view origin) { return status_of({.host = "127.0.0.1:9601", .origin = origin}); };
    EXPECT_EQ(from("http://127.0.0.1:9601"), 0U);
    EXPECT_EQ(from("https://127.0.0.1:9601"), 0U) << "a proxy that speaks TLS";
    for (const char* origin : {"http://evil.example", "null", "", "http://127.0.0.1:6001", "http://127.0.0.1",
                               "file://127.0.0.1:9601", "http://127.0.0.1:9601.evil.example"}) {
        EXPECT_EQ(from(origin), 403U) << origin;
    }
    EXPECT_EQ(status_of({.origin = "http://evil.example"}), 403U);
}

TEST(PageGuard, BelievesTheBrowserAboutTheSiteOfAFetch) {
    const auto from = [](std::string_view site) { return status_of({.host = "localhost", .fetch_site = site}); };
    EXPECT_EQ(from("none"), 0U) << "typed by a human";
    EXPECT_EQ(from("same-origin"), 0U);
    EXPECT_EQ(from("cross-site"), 403U);
    EXPECT_EQ(from("same-site"), 403U) << "another port of the machine";
    EXPECT_EQ(from("anything"), 403U);
}

TEST(PageGuard, WantsOfAPostWhatNoFormSends) {
    const auto post = [](std::optional<std::string_view> type) {
        return status_of({.host = "localhost", .content_type = type, .is_post = true});
    };
    EXPECT_EQ(post("application/json"), 0U);
    EXPECT_EQ(post("Application/JSON ; charset=utf-8"), 0U);
    EXPECT_EQ(post(std::nullopt), 415U);
    for (const char* type :
         {"", ";", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; a=application/json",
          "text/plain; application/json", "application/json-seq"}) {
        EXPECT_EQ(post(type), 415U) << type;
    }
}

}  // namespace
}  // namespace tulle::node::http::page_guard_test
