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

/// How a Publisher reaches the cluster. The constructor of Publisher checks the values.
struct PublisherOptions {
    /// Nodes of one cluster, "http://HOST[:PORT][/PREFIX]" or "https://…" for TLS; the default port is 80, or 443. The
    /// signature does not cover the prefix. A publisher keeps to one node, and moves to the next after kUnavailable.
    std::vector<std::string> servers;
    /// 1 to 200 of A-Z a-z 0-9 _ - .
    std::string app_id;
    std::string app_key;
    std::string app_secret;
    /// For private-encrypted-* channels: the master key of the authorizing server, 32 bytes in base64. Without a master
    /// key such a publish is kInvalid.
    std::string encryption_master_key_base64 = {};
    /// The limit for each node: once for connecting, the TLS handshake included, and once for writing the request and
    /// reading the answer. The look-up of a host name has no limit.
    std::chrono::milliseconds timeout = std::chrono::seconds(5);
    /// The certificates (PEM) of the authorities that are trusted over TLS; empty: those that the system trusts. A
    /// server's certificate must be vouched for by one of them, and name the host of the URL.
    std::string ca_file = {};
};

/// Options of a single publish.
struct PublishOptions {
    /// The connection excluded from the recipients, usually the origin of the event; empty to exclude nobody.
    std::string socket_id;
};

/// The outcome of a publish. Only after kUnknown may the event have been published without an acknowledgement.
enum class PublishStatus {
    /// The cluster has accepted the event for every subscriber.
    kAccepted,
    /// Not sent: an invalid event or channel name, or an encrypted channel without a master key or among others.
    /// `error` has the reason.
    kInvalid,
    /// Not published: a node answered with an HTTP status other than 2xx and 5xx (`http_status`).
    kRefused,
    /// Not published: every node was out of reach, too busy, or knew too few others to hold the event (503).
    kUnavailable,
    /// Possibly published: the request was sent, but no usable answer came (no answer, or a 5xx other than 503), or the
    /// node has delivered the event, but fewer nodes hold the event than its channel wants.
    kUnknown,
};

/// The status in one lower-case English word.
[[nodiscard]] std::string_view to_string(PublishStatus status);

/// The answer of Publisher::publish().
struct PublishResult {
    PublishStatus status = PublishStatus::kUnknown;
    /// 0 without an answer.
    int http_status = 0;
    /// The reason in words; empty for kAccepted.
    std::string error;
    /// The URL of the last node asked; empty for kInvalid.
    std::string server;

    [[nodiscard]] bool ok() const { return status == PublishStatus::kAccepted; }
};

/// Publishes through signed calls of the HTTP API, over one kept-alive connection for each server in use.
///
/// Threads: any. Calls exclude each other, and each call blocks until its result is there. Use several publishers to
///          publish in parallel.
/// Safety:  a publisher tries another node only when the first node cannot have published the event: the request was
///          not wholly written, or the node answered 503. An event without an answer is never sent again; the result is
///          kUnknown.
/// Order:   an accepted event precedes every event published later.
/// Limits:  100 channels for one publish; an answer of more than 1 MiB counts as no answer.
class Publisher {
public:
    /// Connects to no server yet. Throws std::invalid_argument for unusable options: no server, a malformed URL, a CA
    /// file that cannot be read, an invalid app id, an empty key or secret, a timeout of zero or less, a malformed
    /// master key.
    explicit Publisher(PublisherOptions options);
    /// A moved-from Publisher may only be destroyed or assigned to.
    Publisher(Publisher&&) noexcept;
    Publisher& operator=(Publisher&&) noexcept;
    ~Publisher();

    /// Publishes one event to 1 to 100 channels. `data` arrives unchanged, as text; most clients expect JSON. Bytes
    /// outside UTF-8 arrive as U+FFFD. An encrypted channel must be the only channel of its publish: the publisher
    /// encrypts `data`, and no node can read the event.
    ///
    /// Errors: the result tells about network errors and refusals. std::system_error is thrown when the kernel's random
    ///         generator fails.
    [[nodiscard]] PublishResult publish(const std::vector<std::string>& channels, const std::string& event,
                                        const std::string& data, const PublishOptions& options = {});
    /// Publishes one event to one channel.
    [[nodiscard]] PublishResult publish(const std::string& channel, const std::string& event, const std::string& data,
                                        const PublishOptions& options = {});

private:
    std::unique_ptr<client::PublisherCore> core_;
};

}  // namespace tulle
