#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tulle {

namespace client {
class PublisherCore;
}  // namespace client

struct PublisherOptions {
    /// Nodes of one cluster, "http://HOST[:PORT][/PREFIX]"; a prefix is not part of what is signed. The one that
    /// answered last is asked first. TLS (https) is not supported yet.
    std::vector<std::string> servers;
    std::string app_id;
    std::string app_key;
    std::string app_secret;
    /// For private-encrypted-* channels: 32 bytes in base64, the same that the authorizing server has.
    std::string encryption_master_key_base64 = {};
    /// For one node: connecting, writing and waiting for the answer. Looking up a host name takes as long as it takes.
    std::chrono::milliseconds timeout = std::chrono::seconds(5);
};

struct PublishOptions {
    std::string socket_id;  ///< this connection does not get the event; empty: everyone gets it
};

enum class PublishStatus {
    kAccepted,     ///< the cluster has it and owes it to every subscriber
    kInvalid,      ///< not sent: no event or channel has such a name, or it cannot be encrypted (error says why)
    kRefused,      ///< a node has said no (http_status); it was not published
    kUnavailable,  ///< no node could be reached, or all were too busy (503); it was not published
    kUnknown,      ///< sent, but no usable answer came: it may have been published
};

[[nodiscard]] std::string_view to_string(PublishStatus status);

struct PublishResult {
    PublishStatus status = PublishStatus::kUnknown;
    int http_status = 0;  ///< 0 when there was no answer
    std::string error;    ///< empty when accepted
    std::string server;   ///< the URL of the node that the result comes from

    [[nodiscard]] bool ok() const { return status == PublishStatus::kAccepted; }
};

/// Publishes by signed calls of the HTTP API, over one kept-alive connection.
///
/// Threads: any; calls exclude each other and block until the result is there. To publish in parallel, use several.
/// Safety:  another node is tried only when the event cannot have been published: it was not wholly written, or the
///          node refused it as too busy (503). An event without an answer is never sent again; it is reported as
///          kUnknown.
/// Order:   an event that was accepted comes before all that is published after it.
class Publisher {
public:
    /// Throws std::invalid_argument for options that cannot work.
    explicit Publisher(PublisherOptions options);
    Publisher(Publisher&&) noexcept;
    Publisher& operator=(Publisher&&) noexcept;
    ~Publisher();

    /// 1 to 100 channels. `data` arrives as it is, text; most clients expect JSON in it. An encrypted channel must be
    /// the only one; its data is encrypted here, and no node can read it.
    [[nodiscard]] PublishResult publish(const std::vector<std::string>& channels, const std::string& event,
                                        const std::string& data, const PublishOptions& options = {});
    [[nodiscard]] PublishResult publish(const std::string& channel, const std::string& event, const std::string& data,
                                        const PublishOptions& options = {});

private:
    std::unique_ptr<client::PublisherCore> core_;
};

}  // namespace tulle
