#include "node/app/config_webhooks.hpp"

#include <string>

#include <gtest/gtest.h>

#include "node/app/config_file.hpp"

namespace tulle::node::config_webhooks_test {
namespace {

const std::string kApp = "[[apps]]\nid = \"1\"\nkey = \"k\"\nsecret = \"s\"\n";

ConfigFile parse(const std::string& text) {
    return parse_config_file(text, "f.toml");
}

std::string error_of(const std::string& text) {
    try {
        parse(text);
    } catch (const ConfigError& error) {
        return error.what();
    }
    return "no error";
}

std::string webhook_error(const std::string& lines) {
    return error_of(kApp + "[[apps.webhooks]]\n" + lines);
}

TEST(ConfigWebhooks, AWebhookIsToldOfEverythingUnlessItSaysOtherwise) {
    const ConfigFile file = parse(kApp + "[[apps.webhooks]]\nurl = \"https://example.com/hook?a=b\"\n");
    Webhook webhook;
    webhook.url = "https://example.com/hook?a=b";
    EXPECT_EQ(file.apps[0].webhooks, std::vector<Webhook>{webhook});
    EXPECT_TRUE(webhook.events.all());
    EXPECT_TRUE(webhook.batch);
    EXPECT_FALSE(webhook.keep_types);
    EXPECT_FALSE(file.apps[0].subscription_count);
}

TEST(ConfigWebhooks, AWebhookHasEventsFiltersAndHeaders) {
    const ConfigFile file = parse(kApp +
                                  "subscription_count = true\n"
                                  "[[apps.webhooks]]\n"
                                  "url = \"http://[2606:4700::1]:8080\"\n"
                                  "event_types = [\"member_added\", \"cache_miss\"]\n"
                                  "channel_name_starts_with = \"presence-\"\n"
                                  "channel_name_ends_with = \"-x\"\n"
                                  "headers = { X-Custom = \"a b\" }\n"
                                  "batch = false\n"
                                  "keep_types = true\n");
    Webhook webhook;
    webhook.url = "http://[2606:4700::1]:8080";
    webhook.events.reset();
    webhook.events.set(static_cast<std::size_t>(WebhookEvent::kMemberAdded));
    webhook.events.set(static_cast<std::size_t>(WebhookEvent::kCacheMiss));
    webhook.channel_name_starts_with = "presence-";
    webhook.channel_name_ends_with = "-x";
    webhook.headers = {{"X-Custom", "a b"}};
    webhook.batch = false;
    webhook.keep_types = true;
    EXPECT_EQ(file.apps[0].webhooks, std::vector<Webhook>{webhook});
    EXPECT_TRUE(file.apps[0].subscription_count);
}

TEST(ConfigWebhooks, UrlsThatAreNoneAreRefused) {
    for (const char* url :
         {"", "example.com", "ftp://example.com", "HTTP:/x", "http://", "https:///x", "http://u:p@h/", "http://h/#a",
          "http://h:99999/", "http://h:0/", "http://h:x/", "http://h h/", "http://[]", "http://:80/"}) {
        EXPECT_TRUE(
            webhook_error("url = \"" + std::string(url) + "\"").starts_with("f.toml:6: apps.webhooks.url: must have") ||
            webhook_error("url = \"" + std::string(url) + "\"").starts_with("f.toml:6: apps.webhooks.url: must be"))
            << url << ": " << webhook_error("url = \"" + std::string(url) + "\"");
    }
}

TEST(ConfigWebhooks, MistakesAreNamedWithTheirPlace) {
    EXPECT_EQ(webhook_error("batch = true"), "f.toml:5: apps.webhooks: url is missing");
    EXPECT_EQ(webhook_error("uri = \"http://a\""), "f.toml:6: apps.webhooks.uri: unknown key: is url meant?");
    EXPECT_EQ(webhook_error("event_types = [\"x\"]"),
              "f.toml:6: apps.webhooks.event_types: 'x' is none of channel_occupied, channel_vacated, member_added, "
              "member_removed, client_event, cache_miss, subscription_count");
    EXPECT_EQ(error_of(kApp + "webhooks = 1"),
              "f.toml:5: apps.webhooks: must be an array of tables: [[apps.webhooks]]");
}

TEST(ConfigWebhooks, HeadersOfOursCannotBeReplaced) {
    for (const char* name : {"X-Pusher-Key", "x-pusher-signature", "Content-Type", "HOST", "Transfer-Encoding"}) {
        EXPECT_EQ(webhook_error("url = \"http://a\"\nheaders = { " + std::string(name) + " = \"v\" }"),
                  "f.toml:7: apps.webhooks.headers." + std::string(name) + ": is a header that Tulle sets itself");
    }
}

TEST(ConfigWebhooks, HeadersCannotHoldLinesOfTheirOwn) {
    EXPECT_NE(webhook_error("url = \"http://a\"\nheaders = { X-A = \"a\\r\\nX-Pusher-Key: k\" }"), "no error");
    EXPECT_NE(webhook_error("url = \"http://a\"\nheaders = { X-A = \"\" }"), "no error");
    EXPECT_NE(webhook_error("url = \"http://a\"\nheaders = { \"X A:\" = \"a\" }"), "no error");
}

TEST(ConfigWebhooks, SettingsOfAllWebhooks) {
    const WebhookSettings defaults = parse("").webhooks;
    EXPECT_EQ(defaults.vacated_hold, 3s);
    EXPECT_EQ(defaults.retry_for, 300s);
    EXPECT_EQ(defaults.addresses, AddressPolicy{});
    const WebhookSettings settings = parse(
                                         "[webhooks]\nallow_private_addresses = [\"10.0.0.0/8\", \"::1\"]\n"
                                         "vacated_hold = \"250ms\"\nremoved_hold = \"0s\"\ntimeout = \"2s\"\n"
                                         "retry_for = \"5m\"\nqueue_events = 10\nqueue_bytes = 1000\n")
                                         .webhooks;
    EXPECT_EQ(settings.vacated_hold, 250ms);
    EXPECT_EQ(settings.removed_hold, 0s);
    EXPECT_EQ(settings.timeout, 2s);
    EXPECT_EQ(settings.queue_events, 10u);
    EXPECT_EQ(settings.queue_bytes, 1000u);
    ASSERT_EQ(settings.addresses.allowed.size(), 2u);
    EXPECT_EQ(settings.addresses.allowed[0], (AddressRange{{false, {10}}, 8}));
    EXPECT_EQ(settings.addresses.allowed[1].bits, 128u);
    EXPECT_TRUE(parse("[webhooks]\nallow_private_addresses = true\n").webhooks.addresses.allow_all);
}

TEST(ConfigWebhooks, SettingsOutOfRangeAreRefused) {
    EXPECT_EQ(error_of("[webhooks]\nvacated_hold = \"2m\""),
              "f.toml:2: webhooks.vacated_hold: must be a time from 0s to 1m, such as \"250ms\", \"3s\" or \"5m\"");
    EXPECT_EQ(error_of("[webhooks]\nvacated_hold = 3"),
              "f.toml:2: webhooks.vacated_hold: must be a duration in quotes, such as \"3s\"");
    EXPECT_EQ(error_of("[webhooks]\nretry_fro = \"3s\""),
              "f.toml:2: webhooks.retry_fro: unknown key: is retry_for meant?");
    for (const char* line :
         {"vacated_hold = 3", "timeout = \"0s\"", "timeout = \"5\"", "timeout = \"-5s\"", "retry_for = \"25h\"",
          "retry_for = \"99999999999h\"", "queue_events = 0", "allow_private_addresses = [\"10.0.0.0/33\"]",
          "allow_private_addresses = [\"10.0.0/8\"]", "allow_private_addresses = [\"::1/129\"]",
          "allow_private_addresses = [\"localhost\"]", "allow_private_addresses = [\"10.0.0.0/8x\"]",
          "allow_private_addresses = 1", "other = 1"}) {
        EXPECT_TRUE(error_of("[webhooks]\n" + std::string(line)).starts_with("f.toml:2: webhooks.")) << line;
    }
}

}  // namespace
}  // namespace tulle::node::config_webhooks_test
