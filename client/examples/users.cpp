/// A signed-in user. The program prints the events sent to the user on any connection, and the friends online.
///
///     tulle_example_users ann bob,cleo ws://127.0.0.1:6001 ws://127.0.0.1:6002
///
/// The program joins a presence channel as the signed-in user, without naming the user again. The program ends at the
/// end of the input.
#include <algorithm>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include <tulle/auth.hpp>
#include <tulle/client.hpp>

#include "client/examples/common.hpp"

namespace {

/// "a,b" as the JSON array ["a","b"].
std::string quoted_list(const std::string& names) {
    std::string list;
    std::size_t begin = 0;
    while (begin < names.size()) {
        const std::size_t end = std::min(names.find(',', begin), names.size());
        list += (list.empty() ? "\"" : ",\"") + names.substr(begin, end - begin) + "\"";
        begin = end + 1;
    }
    return "[" + list + "]";
}

/// The names in one line, each after a blank.
std::string joined(const std::vector<std::string>& names) {
    std::string line;
    for (const std::string& name : names) {
        line += " " + name;
    }
    return line;
}

void run(const std::string& name, const std::string& friends, const std::vector<std::string>& servers) {
    // A real client asks its application's server. Only the server knows the secret and the identity of the user.
    const tulle::LocalCredentials credentials{
        .app_key = example::kKey,
        .app_secret = example::kSecret,
        .user_data = R"({"id":")" + name + R"(","watchlist":)" + quoted_list(friends) + "}",
    };
    tulle::Client client({.servers = servers,
                          .app_key = example::kKey,
                          .authorizer = tulle::local_authorizer(credentials),
                          .user_authenticator = tulle::local_user_authenticator(credentials)});
    client.on_state(example::say_state);
    client.sign_in({
        .on_signed_in = [](const tulle::SignedIn& user) { example::say("signed in as " + user.user_id); },
        .on_refused = [](const tulle::SignInError& error) { example::say("not signed in: " + error.message); },
        .on_event = [](const tulle::Event& event) { example::say("to me: " + event.name + " " + event.data); },
        .on_online = [](const std::vector<std::string>& users) { example::say("online:" + joined(users)); },
        .on_offline = [](const std::vector<std::string>& users) { example::say("offline:" + joined(users)); },
    });
    const tulle::Subscription lobby = client.subscribe(
        "presence-lobby",
        {
            .on_subscribed = [](const tulle::Subscribed& now) { example::say("in the lobby as " + now.me.id); },
            .on_error = [](const tulle::ChannelError& error) { example::say("not in the lobby: " + error.message); },
        });
    const tulle::Subscription weather = client.subscribe(
        "cache-weather", {
                             .on_event = [](const tulle::Event& event) { example::say("weather: " + event.data); },
                             .on_cache_miss = [] { example::say("weather: nobody knows"); },
                         });

    std::string line;
    while (std::getline(std::cin, line)) {
    }
    client.close();
}

}  // namespace

int main(int argc, char** argv) {
    try {
        run(argc > 1 ? argv[1] : "somebody", argc > 2 ? argv[2] : "",
            example::servers(argc, argv, 3, "[NAME] [FRIEND,...] "));
    } catch (const std::exception& error) {
        std::cerr << error.what() << "\n";
        return 2;
    }
    return 0;
}
