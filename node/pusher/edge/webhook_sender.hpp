#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mesh/base/time.hpp"
#include "node/core/address_policy.hpp"

namespace tulle::node {

/// A single POST.
struct WebhookRequest {
    /// Chosen by the caller; the outcome bears the id.
    std::uint64_t id = 0;
    std::string url;
    /// Each "Name: value".
    std::vector<std::string> headers;
    std::string body;
};

/// The result of a request.
struct WebhookOutcome {
    std::uint64_t id = 0;
    /// HTTP status; 0: no answer.
    unsigned status = 0;
    /// The policy does not allow the address of the target.
    bool is_address_refused = false;
    /// Empty when there was an answer.
    std::string error;
    /// True for a status 2xx: the endpoint has taken the events.
    [[nodiscard]] bool is_taken() const { return status >= 200 && status < 300; }
};

/// Makes HTTP requests to endpoints named by apps, and trusts neither apps nor endpoints. No redirect is followed,
/// certificates are verified, and no proxy of the environment is used. The policy is asked about the very address of
/// the connection to be made: neither a spelling of an address nor a name with another address at the second lookup
/// gets round the policy.
///
/// Thread: the owner's; wake() from any thread.
/// Limits: an attempt takes `timeout` at most. kMaxWebhookAnswerBytes of an answer are read and thrown away. The number
///         of requests in flight is the caller's matter.
/// Errors: every failure of a request is an outcome. The constructor throws std::runtime_error when libcurl cannot be
///         set up.
class WebhookSender {
public:
    WebhookSender(AddressPolicy policy, Duration timeout);
    /// Cuts off all requests in flight, without outcomes.
    ~WebhookSender();
    WebhookSender(const WebhookSender&) = delete;
    WebhookSender& operator=(const WebhookSender&) = delete;

    /// Begins a request; the outcome comes from a later run(). Throws std::runtime_error when libcurl has no memory or
    /// cannot do what the request needs; then no outcome follows.
    void start(WebhookRequest request);
    /// Works on the requests in flight until an outcome is there, wake() was called, or `patience` (60 s at most) is
    /// over. Appends the outcomes to `out`.
    void run(Duration patience, std::vector<WebhookOutcome>& out);
    /// Ends the present run(), or the next run() if none is in progress.
    void wake() noexcept;
    /// Number of requests without an outcome.
    [[nodiscard]] std::size_t in_flight() const;

private:
    class Transfers;
    std::unique_ptr<Transfers> transfers_;
};

}  // namespace tulle::node
