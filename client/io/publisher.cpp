#include <tulle/publisher.hpp>

#include <sys/random.h>

#include <cerrno>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "client/io/clock.hpp"
#include "client/io/http_connection.hpp"
#include "client/io/master_key.hpp"
#include "client/io/server_list.hpp"
#include "client/wire/encryption.hpp"
#include "client/wire/publish.hpp"

namespace tulle {
namespace client {
namespace {

/// The most bytes of a server's answer quoted in PublishResult::error. The text is for a log line.
constexpr std::size_t kMaxErrorBytes = 300;

PublisherOptions checked(PublisherOptions options) {
    if (!is_valid_app_id(options.app_id)) {
        throw std::invalid_argument("tulle::Publisher: an app id is 1 to 200 of A-Z a-z 0-9 _ - .");
    }
    if (options.app_key.empty() || options.app_secret.empty()) {
        throw std::invalid_argument("tulle::Publisher: no app key or no app secret");
    }
    if (options.timeout <= std::chrono::milliseconds::zero()) {
        throw std::invalid_argument("tulle::Publisher: the timeout must be positive");
    }
    return options;
}

/// A nonce from the kernel's random generator. A repeated nonce under one key would break the encryption, so no seeded
/// generator is used.
Nonce random_nonce() {
    Nonce nonce;
    std::size_t filled = 0;
    while (filled < nonce.size()) {
        const ssize_t got = ::getrandom(nonce.data() + filled, nonce.size() - filled, 0);
        // A signal may interrupt the call before any byte has come.
        if (got < 0 && errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "getrandom");
        }
        filled += got > 0 ? static_cast<std::size_t>(got) : 0;
    }
    return nonce;
}

/// The meaning of an answer. A node sends 503 before numbering the event, so the event is certainly not published,
/// unless the answer says otherwise. Any other 5xx may come after the numbering.
PublishStatus status_of(int http_status, bool is_delivered) {
    if (is_delivered) {
        return PublishStatus::kUnknown;
    }
    if (http_status >= 200 && http_status < 300) {
        return PublishStatus::kAccepted;
    }
    if (http_status == 503) {
        return PublishStatus::kUnavailable;
    }
    return http_status >= 500 ? PublishStatus::kUnknown : PublishStatus::kRefused;
}

PublishResult result_of(const Exchange& exchange, const std::string& server) {
    switch (exchange.outcome) {
        case ExchangeOutcome::kNotSent:
            return {PublishStatus::kUnavailable, 0, exchange.error, server};
        case ExchangeOutcome::kUnanswered:
            return {PublishStatus::kUnknown, 0, exchange.error, server};
        case ExchangeOutcome::kAnswered:
            break;
    }
    PublishResult result{status_of(exchange.status, exchange.is_delivered), exchange.status, {}, server};
    if (!result.ok()) {
        result.error = "HTTP " + std::to_string(exchange.status) + ": " + exchange.body.substr(0, kMaxErrorBytes);
    }
    return result;
}

}  // namespace

/// The state of a Publisher: one connection for each server, and the server to ask first.
///
/// Thread: any. The mutex covers the connections; checking and encrypting run outside the lock.
class PublisherCore {
public:
    explicit PublisherCore(PublisherOptions options)
        : options_(checked(std::move(options))),
          master_key_(master_key(options_.encryption_master_key_base64, "tulle::Publisher")) {
        app_ = AppCredentials{options_.app_id, options_.app_key, options_.app_secret};
        std::vector<ServerUrl> servers = parse_servers(options_.servers, "http", "tulle::Publisher");
        const std::shared_ptr<ServerTrust> trust = trust_for(servers, options_.ca_file, "tulle::Publisher");
        for (ServerUrl& server : servers) {
            connections_.push_back(std::make_unique<HttpConnection>(std::move(server), options_.timeout,
                                                                    HttpConnection::kMaxBody, std::string(), trust));
        }
    }

    PublishResult publish(PublishMessage given) {
        // Every check precedes the network, so an invalid message costs no round trip.
        // Without a master key nothing is encrypted, and no nonce is drawn.
        const Nonce nonce = master_key_.empty() ? Nonce{} : random_nonce();
        const Result<PublishMessage, PublishErrc> message = sealed(std::move(given), master_key_, nonce);
        if (message.has_error()) {
            return {PublishStatus::kInvalid, 0, std::string(describe(message.error())), {}};
        }
        const Result<std::string, PublishErrc> body = publish_body(*message);
        if (body.has_error()) {
            return {PublishStatus::kInvalid, 0, std::string(describe(body.error())), {}};
        }
        const std::lock_guard lock(mutex_);
        PublishResult result;
        // Only kUnavailable proves an unpublished event, so only kUnavailable leads to the next server.
        for (std::size_t tried = 0; tried < connections_.size(); ++tried) {
            HttpConnection& connection = *connections_[current_];
            const Exchange exchange =
                connection.exchange(publish_request(app_, connection.server(), *body, wall_now()));
            result = result_of(exchange, options_.servers[current_]);
            if (result.status != PublishStatus::kUnavailable) {
                break;
            }
            current_ = (current_ + 1) % connections_.size();
        }
        return result;
    }

private:
    PublisherOptions options_;
    /// Empty: encrypted channels are refused.
    std::string master_key_;
    AppCredentials app_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<HttpConnection>> connections_;
    /// The index of the server for the next publish: the server of the last result other than kUnavailable.
    std::size_t current_ = 0;
};

}  // namespace client

std::string_view to_string(PublishStatus status) {
    switch (status) {
        case PublishStatus::kAccepted:
            return "accepted";
        case PublishStatus::kInvalid:
            return "invalid";
        case PublishStatus::kRefused:
            return "refused";
        case PublishStatus::kUnavailable:
            return "unavailable";
        case PublishStatus::kUnknown:
            break;
    }
    return "unknown";
}

Publisher::Publisher(PublisherOptions options) : core_(std::make_unique<client::PublisherCore>(std::move(options))) {}
Publisher::Publisher(Publisher&&) noexcept = default;
Publisher& Publisher::operator=(Publisher&&) noexcept = default;
Publisher::~Publisher() = default;

PublishResult Publisher::publish(const std::vector<std::string>& channels, const std::string& event,
                                 const std::string& data, const PublishOptions& options) {
    return core_->publish(client::PublishMessage{channels, event, data, options.socket_id});
}

PublishResult Publisher::publish(const std::string& channel, const std::string& event, const std::string& data,
                                 const PublishOptions& options) {
    return publish(std::vector<std::string>{channel}, event, data, options);
}

}  // namespace tulle
