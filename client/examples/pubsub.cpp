/// Subscribes to a channel, and publishes to the channel after every connection:
///
///     tulle_example_pubsub ws://127.0.0.1:6001 ws://127.0.0.1:6002
///
/// After a stop of the connected node the program goes on with the next node. Ctrl-C ends the program.
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <tulle/client.hpp>
#include <tulle/publisher.hpp>
#include <tulle/sign.hpp>

#include "client/examples/common.hpp"

namespace {

void run(const std::vector<std::string>& servers) {
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    // Blocked before the client's thread exists, because a new thread inherits the mask.
    pthread_sigmask(SIG_BLOCK, &stop, nullptr);

    tulle::Publisher publisher({.servers = example::http_urls(servers),
                                .app_id = example::kAppId,
                                .app_key = example::kKey,
                                .app_secret = example::kSecret});
    tulle::Client client({
        .servers = servers,
        .app_key = example::kKey,
        // A real client asks its application's server, which knows the secret and decides who may subscribe.
        .authorizer =
            [](const std::string& socket_id, const std::string& channel) {
                return tulle::sign_channel(example::kKey, example::kSecret, socket_id, channel);
            },
    });
    client.on_state(example::say_state);
    const tulle::Subscription news = client.subscribe("news", [&](const tulle::Event& event) {
        std::printf("%s %s %s\n", event.channel.c_str(), event.name.c_str(), event.data.c_str());
        if (event.name == "pusher:subscription_succeeded") {
            const tulle::PublishResult result = publisher.publish("news", "greeting", R"({"text":"hello"})");
            std::printf("published: %s %s\n", std::string(tulle::to_string(result.status)).c_str(),
                        result.error.c_str());
        }
    });
    const tulle::Subscription chat = client.subscribe("private-chat", [&](const tulle::Event& event) {
        std::printf("%s %s %s\n", event.channel.c_str(), event.name.c_str(), event.data.c_str());
        if (event.name == "pusher:subscription_succeeded" &&
            client.trigger("private-chat", "client-joined", "hello, others") != tulle::TriggerResult::kQueued) {
            std::printf("not sent\n");
        }
    });

    int signal = 0;
    sigwait(&stop, &signal);
    client.close();
}

}  // namespace

int main(int argc, char** argv) {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    try {
        run(example::servers(argc, argv, 1));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 2;
    }
    return 0;
}
