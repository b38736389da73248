#include <cstdio>
#include <cstdlib>
#include <future>
#include <stdexcept>
#include <string>

#include <tulle/auth.hpp>
#include <tulle/client.hpp>
#include <tulle/publisher.hpp>
#include <tulle/sign.hpp>

namespace {

/// The discard port, where nobody listens.
constexpr const char* kNobody = "://127.0.0.1:9";

void require(bool holds, const char* what) {
    if (!holds) {
        std::printf("not so: %s\n", what);
        std::exit(1);
    }
}

void signs_like_the_documentation_of_the_protocol() {
    require(tulle::sign_channel("278d425bdf160c739803", "7ad3773142a6692b25b8", "1234.1234", "private-foobar") ==
                "278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4",
            "the signature is right");
}

void reports_that_nobody_is_there_and_closes() {
    std::promise<tulle::StateChange> waiting;
    bool told = false;
    tulle::Client client({.servers = {std::string("ws") + kNobody}, .app_key = "app-key"});
    client.on_state([&](const tulle::StateChange& change) {
        if (change.state == tulle::ConnectionState::kWaiting && !told) {
            told = true;
            waiting.set_value(change);
        }
    });
    const tulle::Subscription news = client.subscribe("news", [](const tulle::Event&) {});
    require(!waiting.get_future().get().reason.empty(), "a failed connection has a reason");
    require(client.trigger("private-chat", "client-x", "{}") == tulle::TriggerResult::kNotConnected,
            "nothing is sent without a connection");
    require(client.trigger("news", "x", "{}") == tulle::TriggerResult::kInvalid, "only client events can be triggered");
    client.close();
}

void says_that_nothing_was_published() {
    tulle::Publisher publisher({.servers = {std::string("http") + kNobody},
                                .app_id = "app-id",
                                .app_key = "app-key",
                                .app_secret = "app-secret"});
    require(publisher.publish("news", "greeting", "{}").status == tulle::PublishStatus::kUnavailable,
            "a node that is not there is unavailable");
    require(publisher.publish("no such name", "greeting", "{}").status == tulle::PublishStatus::kInvalid,
            "a name that no channel has is refused");
}

void keeps_what_no_node_may_read_to_itself() {
    const std::string channel = "private-encrypted-notes";
    tulle::Publisher publisher({.servers = {std::string("http") + kNobody},
                                .app_id = "app-id",
                                .app_key = "app-key",
                                .app_secret = "app-secret"});
    require(publisher.publish(channel, "note", "{}").status == tulle::PublishStatus::kInvalid,
            "nothing is sent in the clear to an encrypted channel");
    const std::string master_key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    require(tulle::shared_secret(master_key, channel) == "6HIu2Ml7LuqS2ArXzUM4z9ISQnR6KeWiGTOTByNKJZg=",
            "the key of a channel is the one of the official server kit");
    const tulle::Authorizer authorizer = tulle::local_authorizer(
        {.app_key = "app-key", .app_secret = "app-secret", .encryption_master_key_base64 = master_key});
    require(authorizer("1.2", channel).shared_secret == tulle::shared_secret(master_key, channel),
            "an authorizer gives the key of the channel");
}

void speaks_tls_and_refuses_authorities_that_are_not_there() {
    const tulle::Client client({.servers = {"wss://127.0.0.1:1"}, .app_key = "app-key"});
    try {
        const tulle::Client wrong(
            {.servers = {"wss://127.0.0.1:1"}, .app_key = "app-key", .ca_file = "/nowhere/ca.pem"});
    } catch (const std::invalid_argument& error) {
        require(std::string(error.what()).find("/nowhere/ca.pem") != std::string::npos, "the error names the file");
        return;
    }
    require(false, "a file of authorities that is not there is refused");
}

}  // namespace

int main() {
    signs_like_the_documentation_of_the_protocol();
    reports_that_nobody_is_there_and_closes();
    says_that_nothing_was_published();
    keeps_what_no_node_may_read_to_itself();
    speaks_tls_and_refuses_authorities_that_are_not_there();
    std::printf("ok\n");
    return 0;
}
