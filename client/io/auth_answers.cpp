#include "client/io/auth_answers.hpp"

#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "client/core/channel_name.hpp"
#include "client/wire/codec.hpp"
#include "client/wire/encryption.hpp"
#include "client/wire/event_detail.hpp"

namespace tulle::client {
namespace {

Input failed(const Authorize& question, const std::string& reason) {
    return AuthorizationFailed{question.dial, question.channel, subscription_error_data("AuthError", reason), reason};
}

/// Checks the application's answer for the parts needed by the kind of channel.
Input answer(const Authorize& question, ChannelAuth auth) {
    if (auth.auth.empty()) {
        return failed(question, "the authorizer refused");
    }
    Authorized authorized{question.dial, {}, {}, {}};
    // The client must know its own user before the server's list arrives. An empty channel_data joins as the signed-in
    // user.
    if (is_presence(question.channel) && !auth.channel_data.empty()) {
        const std::optional<Member> me = decode_member(auth.channel_data);
        if (!me) {
            return failed(question, "the authorizer's channel_data is not JSON with a user_id");
        }
        authorized.user_id = me->id;
    }
    // Without a key no event of the channel could be read.
    if (is_encrypted(question.channel)) {
        std::optional<std::string> key = decode_key(auth.shared_secret);
        if (!key) {
            return failed(question, "the authorizer's shared_secret is not the base64 of 32 bytes");
        }
        authorized.key = std::move(*key);
    }
    authorized.request = SubscribeRequest{question.channel, std::move(auth.auth), std::move(auth.channel_data)};
    return authorized;
}

}  // namespace

Input ask(const Authorizer& authorizer, const Authorize& question) {
    if (!authorizer) {
        return failed(question, "no authorizer");
    }
    // The application's exception counts as a refusal: the other channels go on.
    try {
        return answer(question, authorizer(question.socket_id, question.channel));
    } catch (const std::exception& error) {
        return failed(question, std::string("the authorizer failed: ") + error.what());
    } catch (...) {
        return failed(question, "the authorizer failed");
    }
}

Input ask(const UserAuthenticator& authenticator, const Authenticate& question) {
    if (!authenticator) {
        return AuthenticationFailed{question.dial, "no user authenticator"};
    }
    try {
        UserAuth auth = authenticator(question.socket_id);
        if (auth.auth.empty()) {
            return AuthenticationFailed{question.dial, "the user authenticator refused"};
        }
        return Authenticated{question.dial, SignInRequest{std::move(auth.auth), std::move(auth.user_data)}};
    } catch (const std::exception& error) {
        return AuthenticationFailed{question.dial, std::string("the user authenticator failed: ") + error.what()};
    } catch (...) {
        return AuthenticationFailed{question.dial, "the user authenticator failed"};
    }
}

}  // namespace tulle::client
