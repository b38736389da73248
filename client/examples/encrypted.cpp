/// Notes unreadable for every node. The program publishes each line of the input in encrypted form. Every client with
/// the key receives the line.
///
///     tulle_example_encrypted ws://127.0.0.1:6001 ws://127.0.0.1:6002
///
/// The program ends at the end of the input.
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include <tulle/auth.hpp>
#include <tulle/client.hpp>
#include <tulle/publisher.hpp>

#include "client/examples/common.hpp"

namespace {

constexpr const char* kChannel = "private-encrypted-notes";

/// 32 bytes in base64. Only the application's servers have the master key. Clients receive the key of a single channel
/// from the servers.
constexpr const char* kMasterKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

void run(const std::vector<std::string>& servers) {
    tulle::Publisher publisher({.servers = example::http_urls(servers),
                                .app_id = example::kAppId,
                                .app_key = example::kKey,
                                .app_secret = example::kSecret,
                                .encryption_master_key_base64 = kMasterKey});
    tulle::Client client({
        .servers = servers,
        .app_key = example::kKey,
        .authorizer = tulle::local_authorizer(
            {.app_key = example::kKey, .app_secret = example::kSecret, .encryption_master_key_base64 = kMasterKey}),
    });
    client.on_state(example::say_state);
    const tulle::Subscription notes = client.subscribe(
        kChannel, {
                      .on_event = [](const tulle::Event& event) { example::say(event.name + ": " + event.data); },
                      .on_subscribed = [](const tulle::Subscribed&) { example::say("subscribed"); },
                      .on_error = [](const tulle::ChannelError& error) { example::say("error: " + error.message); },
                  });

    std::string line;
    while (std::getline(std::cin, line)) {
        const tulle::PublishResult result = publisher.publish(kChannel, "note", line);
        example::say("published: " + std::string(tulle::to_string(result.status)) + " " + result.error);
    }
    client.close();
}

}  // namespace

int main(int argc, char** argv) {
    try {
        run(example::servers(argc, argv, 1));
    } catch (const std::exception& error) {
        std::cerr << error.what() << "\n";
        return 2;
    }
    return 0;
}
