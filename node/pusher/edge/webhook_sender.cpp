#include "node/pusher/edge/webhook_sender.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <stdexcept>
#include <utility>

#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "node/pusher/core/webhook_limits.hpp"

namespace tulle::node {
namespace {

struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct FreeEasy {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeMulti {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

/// A request in flight. libcurl holds pointers to the members, so a Transfer never moves.
struct Transfer {
    WebhookRequest request;
    const AddressPolicy* policy = nullptr;
    std::size_t answer_bytes = 0;
    bool is_address_refused = false;
    char error[CURL_ERROR_SIZE] = {};
    std::unique_ptr<curl_slist, FreeList> headers;
    std::unique_ptr<CURL, FreeEasy> easy;
};

/// The address in the form of the policy. False for an address of another family than IPv4 and IPv6.
bool read_address(const curl_sockaddr& from, IpAddress& to) {
    if (from.family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &from.addr, sizeof(v4));
        std::memcpy(to.bytes.data(), &v4.sin_addr, sizeof(v4.sin_addr));
        return true;
    }
    if (from.family == AF_INET6) {
        to.is_v6 = true;
        // `addr` is declared shorter than the address in the member.
        std::memcpy(to.bytes.data(), reinterpret_cast<const char*>(&from.addr) + offsetof(sockaddr_in6, sin6_addr),
                    to.bytes.size());
        return true;
    }
    return false;
}

/// Called by libcurl with the address of the connection to be made, after the lookup of the name. The only place where
/// the address is certain.
curl_socket_t open_socket(void* context, curlsocktype, curl_sockaddr* address) {
    auto& transfer = *static_cast<Transfer*>(context);
    IpAddress target;
    if (!read_address(*address, target) || !transfer.policy->allows(target)) {
        transfer.is_address_refused = true;
        return CURL_SOCKET_BAD;
    }
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/// Called by libcurl for headers and body of an answer: counts and throws away. A return of 0 makes libcurl cut the
/// connection.
std::size_t discard(char*, std::size_t size, std::size_t count, void* context) {
    auto& transfer = *static_cast<Transfer*>(context);
    transfer.answer_bytes += size * count;
    return transfer.answer_bytes > kMaxWebhookAnswerBytes ? 0 : size * count;
}

/// Sets an option of libcurl. Throws when this build of libcurl does not know the option: without the option a request
/// might be unsafe.
template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
    if (curl_easy_setopt(easy, option, value) != CURLE_OK) {
        throw std::runtime_error("libcurl does not know an option that webhooks need: " + std::to_string(option));
    }
}

/// Sets everything on which the safety of a request depends. No default of libcurl is trusted.
void set_up(Transfer& transfer, Duration timeout) {
    CURL* easy = transfer.easy.get();
    const auto timeout_ms = static_cast<long>(std::chrono::ceil<std::chrono::milliseconds>(timeout).count());
    set(easy, CURLOPT_URL, transfer.request.url.c_str());
    set(easy, CURLOPT_POST, 1L);
    set(easy, CURLOPT_POSTFIELDS, transfer.request.body.c_str());
    set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(transfer.request.body.size()));
    set(easy, CURLOPT_HTTPHEADER, transfer.headers.get());
    set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set(easy, CURLOPT_FOLLOWLOCATION, 0L);
    // Without the empty text, libcurl takes a proxy from the environment.
    set(easy, CURLOPT_PROXY, "");
    set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    set(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
    set(easy, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
    // See "Connection: close" in start().
    set(easy, CURLOPT_FORBID_REUSE, 1L);
    // A program with several threads must not let libcurl use signals.
    set(easy, CURLOPT_NOSIGNAL, 1L);
    // The end of a request does not wait for a lookup still under way.
    set(easy, CURLOPT_QUICK_EXIT, 1L);
    set(easy, CURLOPT_ERRORBUFFER, transfer.error);
    set(easy, CURLOPT_PRIVATE, &transfer);
    set(easy, CURLOPT_OPENSOCKETFUNCTION, &open_socket);
    set(easy, CURLOPT_OPENSOCKETDATA, &transfer);
    set(easy, CURLOPT_WRITEFUNCTION, &discard);
    set(easy, CURLOPT_WRITEDATA, &transfer);
    set(easy, CURLOPT_HEADERFUNCTION, &discard);
    set(easy, CURLOPT_HEADERDATA, &transfer);
}

/// The outcome of a finished request. An answer counts by its status, also when the rest of the answer was too long to
/// be read.
WebhookOutcome outcome_of(const Transfer& transfer, CURLcode result) {
    WebhookOutcome outcome;
    outcome.id = transfer.request.id;
    long status = 0;
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
    const bool is_cut_off = result == CURLE_WRITE_ERROR && status >= 200;
    if (result == CURLE_OK || is_cut_off) {
        outcome.status = static_cast<unsigned>(status);
    } else {
        outcome.is_address_refused = transfer.is_address_refused && result == CURLE_COULDNT_CONNECT;
        outcome.error = outcome.is_address_refused  ? "the address is private, and not allowed"
                        : transfer.error[0] != '\0' ? transfer.error
                                                    : curl_easy_strerror(result);
    }
    return outcome;
}

/// Sets libcurl up once for the process. Throws std::runtime_error on failure.
CURLM* new_multi() {
    static const CURLcode is_set_up = curl_global_init(CURL_GLOBAL_DEFAULT);
    CURLM* multi = is_set_up == CURLE_OK ? curl_multi_init() : nullptr;
    if (multi == nullptr) {
        throw std::runtime_error("libcurl cannot be set up");
    }
    return multi;
}

}  // namespace

/// The implementation, so that the header needs no libcurl.
class WebhookSender::Transfers {
public:
    Transfers(AddressPolicy policy, Duration timeout)
        : policy_(std::move(policy)), timeout_(timeout), multi_(new_multi()) {}

    ~Transfers() {
        for (const auto& [easy, transfer] : transfers_) {
            curl_multi_remove_handle(multi_.get(), easy);
        }
    }
    Transfers(const Transfers&) = delete;
    Transfers& operator=(const Transfers&) = delete;

    void start(WebhookRequest request) {
        auto transfer = std::make_unique<Transfer>();
        transfer->request = std::move(request);
        transfer->policy = &policy_;
        // Without this header libcurl would ask for leave before a large body, and wait for the answer.
        transfer->request.headers.emplace_back("Expect:");
        // On a kept connection the endpoint may be about to close, or may have closed already on its side; the endpoint
        // may then read a request without answering. The request is sent again, and the event told twice. So each
        // request has a connection of its own.
        transfer->request.headers.emplace_back("Connection: close");
        transfer->request.headers.emplace_back("User-Agent: tulle/" TULLE_VERSION);
        for (const std::string& header : transfer->request.headers) {
            // curl_slist_append() returns the list that replaces the given list.
            curl_slist* longer = curl_slist_append(transfer->headers.get(), header.c_str());
            if (longer == nullptr) {
                throw std::runtime_error("libcurl has no memory");  // never a request without its signature
            }
            transfer->headers.release();
            transfer->headers.reset(longer);
        }
        transfer->easy.reset(curl_easy_init());
        if (!transfer->easy) {
            throw std::runtime_error("libcurl has no memory");
        }
        set_up(*transfer, timeout_);
        CURL* easy = transfer->easy.get();
        transfers_.emplace(easy, std::move(transfer));
        if (curl_multi_add_handle(multi_.get(), easy) != CURLM_OK) {
            transfers_.erase(easy);
            throw std::runtime_error("libcurl does not take a request");
        }
    }

    void run(Duration patience, std::vector<WebhookOutcome>& out) {
        int running = 0;
        curl_multi_perform(multi_.get(), &running);
        // Outcomes that are there already must not wait.
        if (!take_finished(out)) {
            const auto ms =
                std::clamp<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(patience).count(), 0, 60'000);
            curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(ms), nullptr);
            curl_multi_perform(multi_.get(), &running);
            take_finished(out);
        }
    }

    void wake() noexcept { curl_multi_wakeup(multi_.get()); }
    [[nodiscard]] std::size_t size() const { return transfers_.size(); }

private:
    /// Appends the outcomes of all finished requests. True when there was an outcome.
    bool take_finished(std::vector<WebhookOutcome>& out) {
        const std::size_t before = out.size();
        int left = 0;
        while (CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
            if (message->msg == CURLMSG_DONE) {
                CURL* easy = message->easy_handle;
                const CURLcode result = message->data.result;
                curl_multi_remove_handle(multi_.get(), easy);
                const auto found = transfers_.find(easy);
                out.push_back(outcome_of(*found->second, result));
                transfers_.erase(found);
            }
        }
        return out.size() > before;
    }

    const AddressPolicy policy_;
    const Duration timeout_;
    std::unique_ptr<CURLM, FreeMulti> multi_;
    std::map<CURL*, std::unique_ptr<Transfer>> transfers_;
};

WebhookSender::WebhookSender(AddressPolicy policy, Duration timeout)
    : transfers_(std::make_unique<Transfers>(std::move(policy), timeout)) {}

WebhookSender::~WebhookSender() = default;

void WebhookSender::start(WebhookRequest request) {
    transfers_->start(std::move(request));
}

void WebhookSender::run(Duration patience, std::vector<WebhookOutcome>& out) {
    transfers_->run(patience, out);
}

void WebhookSender::wake() noexcept {
    transfers_->wake();
}

std::size_t WebhookSender::in_flight() const {
    return transfers_->size();
}

}  // namespace tulle::node
