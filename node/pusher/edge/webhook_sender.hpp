#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mesh/base/time.hpp"
#include "node/core/address_policy.hpp"

namespace tulle::node {

/// One POST.
struct WebhookRequest {
    std::uint64_t id = 0;
    std::string url;
    std::vector<std::string> headers;  ///< "Name: value"
    std::string body;
};

struct WebhookOutcome {
    std::uint64_t id = 0;
    unsigned status = 0;              ///< 0: no answer
    bool is_address_refused = false;  ///< the policy does not allow the target's address
    std::string error;                ///< empty when there was an answer
    [[nodiscard]] bool is_taken() const { return status >= 200 && status < 300; }
};

/// Makes HTTP requests to endpoints that apps have named, and trusts neither: no redirect is followed, certificates are
/// verified, no proxy of the environment is used, and the policy is asked with the very address that is about to be
/// connected to, so that neither a spelling nor a name that resolves otherwise the second time gets round it.
///
/// Thread: its owner's; wake from any.
/// Limits: an attempt takes `timeout` at most; of an answer kMaxWebhookAnswerBytes are read, and thrown away.
/// Errors: all are outcomes. The constructor throws std::runtime_error when the library can't be set up.
class WebhookSender {
public:
    WebhookSender(AddressPolicy policy, Duration timeout);
    /// What is in flight is cut off without an outcome.
    ~WebhookSender();
    WebhookSender(const WebhookSender&) = delete;
    WebhookSender& operator=(const WebhookSender&) = delete;

    void start(WebhookRequest request);
    /// Works on what is in flight until an outcome is there, wake was called, or `patience` is over; appends the
    /// outcomes.
    void run(Duration patience, std::vector<WebhookOutcome>& out);
    /// Ends the present or the next run.
    void wake() noexcept;
    [[nodiscard]] std::size_t in_flight() const;

private:
    class Transfers;
    std::unique_ptr<Transfers> transfers_;
};

}  // namespace tulle::node
