#include "node/app/config_lists.hpp"

#include <string>

#include <gtest/gtest.h>

#include "node/app/command_line.hpp"
#include "node/app/config_file.hpp"

namespace tulle::node::config_lists_test {
namespace {

Config configure(std::vector<const char*> arguments, std::string_view file_text = "") {
    arguments.insert(arguments.begin(), "tulled");
    ConfigFile file = parse_config_file(file_text, "node.toml");
    const Settings flags = parse_command_line(static_cast<int>(arguments.size()), arguments.data()).flags;
    return make_config({flags, file.settings}, std::move(file.apps), Machine{"host", 4});
}

std::string error_of(const std::vector<const char*>& arguments, std::string_view file_text = "") {
    try {
        configure(arguments, file_text);
    } catch (const ConfigError& error) {
        return error.what();
    }
    return "no error";
}

TEST(ConfigLists, LeaveBlanksAndEmptyPartsOut) {
    EXPECT_EQ(parts_of(""), (std::vector<std::string_view>{}));
    EXPECT_EQ(parts_of(" a ,b,, c d ,"), (std::vector<std::string_view>{"a", "b", "c d"}));
}

TEST(OtlpEndpointSetting, IsAUrlWithTheUsualPath) {
    const auto endpoint = [](const char* url) { return configure({"--otlp-endpoint", url}).otlp_endpoint; };
    EXPECT_EQ(endpoint("http://127.0.0.1:4318"), "http://127.0.0.1:4318/v1/traces");
    EXPECT_EQ(endpoint("https://collector.example/"), "https://collector.example/v1/traces");
    EXPECT_EQ(endpoint("http://[::1]:4318/otlp/v1/traces"), "http://[::1]:4318/otlp/v1/traces");
    EXPECT_EQ(configure({}).otlp_endpoint, "");
    for (const std::string& url :
         {std::string("127.0.0.1:4318"), std::string("http://"), std::string("http:///v1/traces"),
          std::string("http://user@h"), std::string("http://h?x=y"), std::string("http://h#x"),
          std::string("http://h /"), "http://" + std::string(1'024, 'h')}) {
        EXPECT_NE(error_of({"--otlp-endpoint", url.c_str()}).find("--otlp-endpoint: must be a URL"), std::string::npos)
            << url;
    }
}

TEST(TrustedProxiesSetting, TakesAddressesAndNetworksOfBothFamilies) {
    const std::vector<AddressRange> expected{*parse_range("10.0.0.0/8"), *parse_range("fd00::/8"),
                                             *parse_range("127.0.0.1")};
    EXPECT_EQ(configure({"--trusted-proxies", "10.0.0.0/8, fd00::/8,127.0.0.1"}).trusted_proxies, expected);
    EXPECT_EQ(configure({}, "trusted_proxies = ['10.0.0.0/8', 'fd00::/8', '127.0.0.1']").trusted_proxies, expected);
    EXPECT_TRUE(configure({}).trusted_proxies.empty());
}

TEST(TrustedProxiesSetting, NamesTheWrongEntryAndItsOrigin) {
    EXPECT_EQ(
        error_of({"--trusted-proxies", "10.0.0.0/8,proxy"}),
        "flag --trusted-proxies: 'proxy' is neither an IP address nor a network of the form 10.0.0.0/8 or fd00::/8");
    EXPECT_EQ(
        error_of({}, "trusted_proxies = ['10.0.0.0/33']"),
        "node.toml:1: trusted_proxies: '10.0.0.0/33' is neither an IP address nor a network of the form 10.0.0.0/8 or"
        " fd00::/8");
    for (const char* all : {"0.0.0.0/0", "::/0", "1.2.3.4/0"}) {
        EXPECT_EQ(
            error_of({"--trusted-proxies", all}),
            "flag --trusted-proxies: '" + std::string(all) +
                "' trusts everybody, so that each client could claim any address: name the networks of the proxies");
    }
    std::string many = "10.0.0.1";
    for (int i = 0; i < 256; ++i) {
        many += ",10.0.0.1";
    }
    EXPECT_EQ(error_of({"--trusted-proxies", many.c_str()}),
              "flag --trusted-proxies: at most 256 addresses and networks of proxies");
}

TEST(TrustedProxiesSetting, IsNeededByTheOtherTwo) {
    EXPECT_EQ(error_of({"--proxy-protocol"}),
              "flag --proxy-protocol: proxy_protocol needs trusted_proxies: name the addresses of the proxies there");
    EXPECT_EQ(
        error_of({"--forwarded-header", "forwarded"}),
        "flag --forwarded-header: forwarded_header needs trusted_proxies: name the addresses of the proxies there");
    EXPECT_EQ(error_of({"--trusted-proxies", "::1", "--forwarded-header", "via"}),
              "flag --forwarded-header: 'via' is not x-forwarded-for or forwarded");
    EXPECT_FALSE(configure({}, "proxy_protocol = false").proxy_protocol);
    const Config config =
        configure({"--trusted-proxies", "::1", "--proxy-protocol", "--forwarded-header", "forwarded"});
    EXPECT_TRUE(config.proxy_protocol);
    EXPECT_EQ(config.forwarded_header, ForwardedHeader::kForwarded);
    EXPECT_EQ(configure({"--trusted-proxies", "::1"}).forwarded_header, ForwardedHeader::kXForwardedFor);
}

TEST(TrustedProxiesSetting, LimitsTheConnectionsOfAnAddressByDefault) {
    EXPECT_EQ(configure({}).max_connections_per_address, 0U);
    EXPECT_EQ(configure({"--trusted-proxies", "::1"}).max_connections_per_address, 1'000U);
    EXPECT_EQ(configure({"--trusted-proxies", "::1", "--max-connections-per-address", "0"}).max_connections_per_address,
              0U);
    EXPECT_EQ(configure({"--max-connections-per-address", "7"}).max_connections_per_address, 7U);
}

TEST(TrustedProxiesSetting, NeedsARestart) {
    const Config before = configure({});
    EXPECT_EQ(changed_keys(before, configure({"--trusted-proxies", "::1", "--proxy-protocol"})),
              (std::vector<std::string_view>{"trusted_proxies", "proxy_protocol"}));
}

}  // namespace
}  // namespace tulle::node::config_lists_test
