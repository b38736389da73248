/// A chat room with a list of the present users. Each line of the input goes to the other users.
///
///     tulle_example_chat ann ws://127.0.0.1:6001 ws://127.0.0.1:6002
///
/// The program ends at the end of the input.
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include <tulle/auth.hpp>
#include <tulle/client.hpp>

#include "client/examples/common.hpp"

namespace {

constexpr const char* kRoom = "presence-room";

void run(const std::string& name, const std::vector<std::string>& servers) {
    tulle::Client client({
        .servers = servers,
        .app_key = example::kKey,
        // A real client asks its application's server, which knows the secret and who this user is.
        .authorizer = tulle::local_authorizer(
            {.app_key = example::kKey,
             .app_secret = example::kSecret,
             .channel_data = R"({"user_id":")" + name + R"(","user_info":{"name":")" + name + R"("}})"}),
    });
    client.on_state(example::say_state);
    client.on_error([](const tulle::ClientError& error) { example::say("error: " + error.message); });
    const tulle::Subscription room = client.subscribe(
        kRoom, {
                   .on_event = [](const tulle::Event& event) { example::say(event.user_id + ": " + event.data); },
                   .on_subscribed =
                       [](const tulle::Subscribed& now) {
                           std::string line = "here, with " + now.me.id + " among them:";
                           for (const tulle::Member& member : now.members) {
                               line += " " + member.id + " " + member.info;
                           }
                           example::say(line);
                       },
                   .on_member_added =
                       [](const tulle::MemberChange& change) {
                           example::say("+ " + change.member.id + " " + change.member.info + ", now " +
                                        std::to_string(change.count));
                       },
                   .on_member_removed =
                       [](const tulle::MemberChange& change) {
                           example::say("- " + change.member.id + ", now " + std::to_string(change.count));
                       },
                   .on_error =
                       [](const tulle::ChannelError& error) {
                           const bool is_too_fast =
                               tulle::error_code(error.code) == tulle::ErrorCode::kClientEventRejected;
                           example::say((is_too_fast ? "not said: " : "not here: ") + error.message);
                       },
               });

    std::string line;
    while (std::getline(std::cin, line)) {
        if (client.trigger(kRoom, "client-said", line) != tulle::TriggerResult::kQueued) {
            example::say("not said: " + line);
        }
    }
    client.close();
}

}  // namespace

int main(int argc, char** argv) {
    try {
        run(argc > 1 ? argv[1] : "somebody", example::servers(argc, argv, 2, "[NAME] "));
    } catch (const std::exception& error) {
        std::cerr << error.what() << "\n";
        return 2;
    }
    return 0;
}
