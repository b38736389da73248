#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/core/limits.hpp"
#include "client/wire/encryption.hpp"
#include "client/wire/server_url.hpp"
#include "client/wire/signing.hpp"
#include "mesh/base/result.hpp"
#include "mesh/base/time.hpp"

namespace tulle::client {

struct PublishMessage {
    std::vector<std::string> channels;
    std::string name;
    std::string data;
    std::string socket_id;  ///< the connection that is not to get the event; empty for none
};

enum class PublishErrc : std::uint8_t {
    kNoChannel,
    kTooManyChannels,  ///< more than kMaxPublishChannels
    kBadChannel,       ///< characters or length that no channel name has
    kMixed,            ///< an encrypted channel among others, which cannot have the same ciphertext
    kNoMasterKey,      ///< an encrypted channel, and no key for it
    kBadName,          ///< empty, longer than 200 bytes, or one of the protocol's own
};
[[nodiscard]] std::string_view describe(PublishErrc error);

/// The message with its data encrypted, if it is for an encrypted channel; otherwise as it is. `master_key` is
/// kKeyBytes long, or empty when there is none.
[[nodiscard]] Result<PublishMessage, PublishErrc> sealed(PublishMessage message, std::string_view master_key,
                                                         const Nonce& nonce);

/// The JSON body of POST /apps/{id}/events.
[[nodiscard]] Result<std::string, PublishErrc> publish_body(const PublishMessage& message);

/// The whole signed HTTP/1.1 request, with keep-alive.
[[nodiscard]] std::string publish_request(const AppCredentials& app, const ServerUrl& server, std::string_view body,
                                          WallSeconds now);

/// An unsigned GET, for the admin listener.
[[nodiscard]] std::string get_request(const ServerUrl& server, std::string_view target);

/// An unsigned POST without a body, for the admin listener. Its content type says that no form of a web page sends it.
[[nodiscard]] std::string post_request(const ServerUrl& server, std::string_view target);

/// Usable as one segment of a path without escapes: 1 to 200 of A-Z a-z 0-9 _ - .
[[nodiscard]] bool is_valid_app_id(std::string_view id);

}  // namespace tulle::client
