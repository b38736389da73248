#include "node/admin/admin_gate.hpp"

#include <string>

#include <gtest/gtest.h>

#include "node/admin/admin_routes.hpp"

namespace tulle::node::admin_gate_test {
namespace {

using Field = boost::beast::http::field;

const std::string kReader = "reader-0123456789";
const std::string kOperator = "operator-0123456789";
const PeerAddress kHere = peer_of_v4(0x7f000001);
const PeerAddress kThere = peer_of_v4(0x0a000002);

class AdminGateTest : public ::testing::Test {
protected:
    AdminGateTest() { gate_.set_tokens(parse_admin_tokens(file_).tokens); }

    static UpgradeRequest request(std::string_view target, std::string_view authorization = "",
                                  boost::beast::http::verb method = boost::beast::http::verb::get) {
        UpgradeRequest made;
        made.method(method);
        made.target({target.data(), target.size()});
        made.set(Field::host, "127.0.0.1:9601");
        if (method == boost::beast::http::verb::post) {
            made.set(Field::content_type, "application/json");
        }
        if (!authorization.empty()) {
            made.set(Field::authorization, {authorization.data(), authorization.size()});
        }
        return made;
    }
    static UpgradeRequest reload(std::string_view authorization) {
        return request("/v1/reload", authorization, boost::beast::http::verb::post);
    }

    /// The status of the refusal; 0: the request may pass.
    unsigned status(const UpgradeRequest& asked, const PeerAddress& peer = kHere) {
        last_ = gate_.decide(asked, peer, now_);
        return last_.refusal ? last_.refusal->status : 0;
    }
    /// The value of a field of the last refusal.
    std::string field(std::string_view name) const {
        for (const auto& [key, value] : last_.refusal->headers) {
            if (key == name) {
                return value;
            }
        }
        return "";
    }

    const std::string file_ = "prom read " + kReader + "\nops operate " + kOperator;
    AdminCounters counters_;
    AdminGate gate_{{"tulle-1"}, counters_};
    AdminGate::Decision last_;
    Instant now_{Duration(1s)};
};

TEST_F(AdminGateTest, HealthChecksNeedNoToken) {
    for (const char* path : {"/", "*", "/up", "/live", "/ready", "/ready?x=1"}) {
        EXPECT_EQ(status(request(path)), 0u) << path;
    }
    EXPECT_EQ(status(request("/ready", "Bearer wrong-0123456789")), 0u);
    EXPECT_EQ(counters_.auth_failures_total.get(), 0u);
}

TEST_F(AdminGateTest, EverythingElseNeedsOne) {
    for (const char* path : {"/metrics", "/v1/status", "/v1/doctor?timeout_ms=5", "/v1/trace", "/v1/reload", "/none",
                             "/ready/", "//ready", "/Ready", "/%72eady"}) {
        EXPECT_EQ(status(request(path)), 401u) << path;
        EXPECT_EQ(field("WWW-Authenticate"), "Bearer realm=\"tulle admin\"");
    }
    EXPECT_EQ(counters_.auth_missing_total.get(), 10u);
    EXPECT_EQ(status(request("/metrics", "Bearer " + kReader)), 0u);
    EXPECT_EQ(last_.token, "prom");
    EXPECT_EQ(status(request("/metrics", "bEARER   " + kReader)), 0u) << "RFC 9110: the scheme has no case";
    EXPECT_EQ(status(request("/metrics", "Bearer " + kOperator)), 0u) << "a greater scope includes the lesser";
    EXPECT_EQ(counters_.token_uses.at("prom"), 2u);
    EXPECT_EQ(counters_.token_uses.at("ops"), 1u);
}

TEST_F(AdminGateTest, OtherFormsAreWrongTokens) {
    UpgradeRequest twice = request("/metrics", "Bearer " + kReader);
    twice.insert(Field::authorization, "Bearer " + kReader);
    EXPECT_EQ(status(twice), 401u);
    for (const std::string& form : {kReader, "Basic " + kReader, "Bearer" + kReader, "Bearer " + kReader + " x",
                                    std::string("Bearer "), "Bearer " + kReader + "," + kReader}) {
        EXPECT_EQ(status(request("/metrics", form)), 401u) << form;
        EXPECT_EQ(field("WWW-Authenticate"), "Bearer realm=\"tulle admin\", error=\"invalid_token\"");
    }
}

TEST_F(AdminGateTest, WhatChangesTheNodeNeedsTheScopeOperate) {
    EXPECT_EQ(status(reload("Bearer " + kReader)), 403u);
    EXPECT_EQ(field("WWW-Authenticate"),
              "Bearer realm=\"tulle admin\", error=\"insufficient_scope\", scope=\"operate\"");
    EXPECT_EQ(counters_.scope_refused_total.get(), 1u);
    EXPECT_EQ(counters_.auth_failures_total.get(), 0u) << "the token is right";
    EXPECT_EQ(status(reload("Bearer " + kOperator)), 0u);
    EXPECT_EQ(last_.token, "ops");
    EXPECT_EQ(last_.needed, AdminScope::kOperate);
    EXPECT_EQ(status(request("/v1/trace", "Bearer " + kReader, boost::beast::http::verb::post)), 0u);
}

TEST_F(AdminGateTest, TenWrongTokensShutAnAddressToWrongTokensAlone) {
    for (std::size_t i = 0; i < kAdminTokenFailuresPerMinute; ++i) {
        EXPECT_EQ(status(request("/metrics", "Bearer wrong-0123456789")), 401u) << i;
    }
    EXPECT_EQ(status(request("/metrics", "Bearer wrong-0123456789")), 429u);
    EXPECT_EQ(field("Retry-After"), "60");
    EXPECT_EQ(counters_.auth_failures_total.get(), kAdminTokenFailuresPerMinute);
    EXPECT_EQ(counters_.auth_throttled_total.get(), 1u);
    EXPECT_EQ(status(request("/metrics", "Bearer " + kReader)), 0u) << "nobody is locked out";
    EXPECT_EQ(status(request("/metrics")), 401u) << "who sends no token guesses none";
    EXPECT_EQ(status(request("/metrics", "Bearer wrong-0123456789"), kThere), 401u) << "another address";
    now_ += 60s;
    EXPECT_EQ(status(request("/metrics", "Bearer wrong-0123456789")), 401u) << "a minute later";
}

TEST_F(AdminGateTest, APageIsRefusedWhateverItsToken) {
    UpgradeRequest evil = request("/metrics", "Bearer " + kOperator);
    evil.set(Field::origin, "https://evil.example");
    EXPECT_EQ(status(evil), 403u);
    UpgradeRequest rebound = request("/ready");
    rebound.set(Field::host, "evil.example");
    EXPECT_EQ(status(rebound), 403u);
    EXPECT_EQ(counters_.pages_refused_total.get(), 2u);
    EXPECT_EQ(counters_.token_uses.at("ops"), 0u);
}

TEST_F(AdminGateTest, NewTokensHoldAtOnceAndKeepTheCountsOfTheOldOnes) {
    EXPECT_EQ(status(request("/metrics", "Bearer " + kReader)), 0u);
    gate_.set_tokens(parse_admin_tokens("prom read new-0123456789abc\nlate read late-0123456789abc").tokens);
    EXPECT_EQ(status(request("/metrics", "Bearer " + kReader)), 401u);
    EXPECT_EQ(status(request("/metrics", "Bearer " + kOperator)), 401u);
    EXPECT_EQ(status(request("/metrics", "Bearer new-0123456789abc")), 0u);
    EXPECT_EQ(counters_.token_uses.size(), 2u);
    EXPECT_EQ(counters_.token_uses.at("prom"), 2u);
    EXPECT_EQ(counters_.token_uses.at("late"), 0u);
}

TEST_F(AdminGateTest, WithoutTokensNobodyIsAskedForOne) {
    gate_.set_tokens({});
    EXPECT_EQ(status(request("/metrics")), 0u);
    EXPECT_EQ(status(reload("")), 0u);
    EXPECT_EQ(last_.needed, AdminScope::kOperate);
}

TEST(AdminRoutes, WhatChangesTheNodeIsAPost) {
    for (const AdminRoute& route : kAdminRoutes) {
        EXPECT_TRUE(route.scope != AdminScope::kOperate || route.method == "POST") << route.path;
    }
    EXPECT_EQ(find_admin_route("/nowhere"), nullptr);
    EXPECT_EQ(scope_of_path("/nowhere"), AdminScope::kRead);
}

}  // namespace
}  // namespace tulle::node::admin_gate_test
