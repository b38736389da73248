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

/// One event to publish.
struct PublishMessage {
    std::vector<std::string> channels;
    std::string name;
    std::string data;
    /// The connection excluded from the recipients; empty to exclude nobody.
    std::string socket_id;
};

/// The reasons against sending a PublishMessage.
enum class PublishErrc : std::uint8_t {
    kNoChannel,
    /// More than kMaxPublishChannels.
    kTooManyChannels,
    /// Characters or a length outside the rules for channel names.
    kBadChannel,
    /// An encrypted channel among others. Each channel has its own key, so the channels cannot share a ciphertext.
    kMixed,
    /// An encrypted channel, but no master key to derive the channel's key from.
    kNoMasterKey,
    /// Empty, longer than kMaxEventNameCharacters, or reserved for the protocol.
    kBadName,
};
/// The error in words, for PublishResult::error.
[[nodiscard]] std::string_view describe(PublishErrc error);

/// Encrypts the data of a message to an encrypted channel, and returns any other message unchanged. `master_key` is
/// kKeyBytes long, or empty. Errors: kMixed, kNoMasterKey.
[[nodiscard]] Result<PublishMessage, PublishErrc> sealed(PublishMessage message, std::string_view master_key,
                                                         const Nonce& nonce);

/// The JSON body of POST /apps/{id}/events. Checks the names and the number of channels.
[[nodiscard]] Result<std::string, PublishErrc> publish_body(const PublishMessage& message);

/// The complete signed HTTP/1.1 request, with keep-alive. `now` becomes the timestamp of the signature; a server
/// rejects old timestamps.
[[nodiscard]] std::string publish_request(const AppCredentials& app, const ServerUrl& server, std::string_view body,
                                          WallSeconds now);

/// A complete unsigned GET request, for the admin listener.
[[nodiscard]] std::string get_request(const ServerUrl& server, std::string_view target);

/// A complete unsigned POST request without a body, for the admin listener. No form of a web page can send the content
/// type of the request, so the listener can tell the request from a forged request.
[[nodiscard]] std::string post_request(const ServerUrl& server, std::string_view target);

/// True for an id usable as one segment of a path without escapes: 1 to kMaxAppIdBytes of A-Z a-z 0-9 _ - . except "."
/// and "..".
[[nodiscard]] bool is_valid_app_id(std::string_view id);

}  // namespace tulle::client
