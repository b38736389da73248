/// Subscribes to a channel, and publishes to it every time it is connected:
///
///     tulle_example_pubsub ws://127.0.0.1:6001 ws://127.0.0.1:6002
///
/// Stop the node that it is connected to, and it goes on with the next one. Ends at Ctrl-C.
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <tulle/client.hpp>
#include <tulle/publisher.hpp>
#include <tulle/sign.hpp>

namespace {

constexpr const char* kAppId = "app-id";
constexpr const char* kKey = "app-key";
constexpr const char* kSecret = "app-secret";

/// The HTTP API listens where the WebSockets do.
std::vector<std::string> http_urls(const std::vector<std::string>& servers) {
    std::vector<std::string> urls;
    for (const std::string& server : servers) {
        urls.push_back("http" + server.substr(server.find("://")));
    }
    return urls;
}

void run(const std::vector<std::string>& servers) {
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &stop, nullptr);  // before the client's thread exists, which inherits it

    tulle::Publisher publisher(
        {.servers = http_urls(servers), .app_id = kAppId, .app_key = kKey, .app_secret = kSecret});
    tulle::Client client({
        .servers = servers,
        .app_key = kKey,
        // A real client asks its application's server, which knows the secret and decides who may subscribe.
        .authorizer = [](const std::string& socket_id,
                         const std::string& channel) { return tulle::sign_channel(kKey, kSecret, socket_id, channel); },
    });
    client.on_state([](const tulle::StateChange& change) {
        std::printf("%s %s %s\n", std::string(tulle::to_string(change.state)).c_str(), change.server.c_str(),
                    change.reason.c_str());
    });

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
    std::vector<std::string> servers(argv + 1, argv + argc);
    if (servers.empty()) {
        servers.emplace_back("ws://127.0.0.1:6001");
    }
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    try {
        run(servers);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 2;
    }
    return 0;
}
