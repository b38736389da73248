#include "node/admin/admin_gate.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "mesh/base/assert.hpp"
#include "node/admin/admin_answers.hpp"
#include "node/admin/admin_routes.hpp"

namespace tulle::node {
namespace {

using Field = boost::beast::http::field;

/// The value of a header field; nothing for an absent field. A field that stands twice has no certain value: "?" is
/// neither a host nor an origin nor a token that the gate accepts.
std::optional<std::string_view> single_value(const UpgradeRequest& request, Field name) {
    const auto [begin, end] = request.equal_range(name);
    if (begin == end) {
        return std::nullopt;
    }
    const boost::beast::string_view text = std::next(begin) == end ? begin->value() : "?";
    return std::string_view(text.data(), text.size());
}

/// The token in "Bearer TOKEN" (RFC 6750, 2.1); empty for any other form. The scheme may be in upper or lower case.
std::string_view bearer_of(std::string_view authorization) {
    constexpr std::string_view kScheme = "bearer ";
    const bool is_bearer = authorization.size() > kScheme.size() &&
                           std::equal(kScheme.begin(), kScheme.end(), authorization.begin(),
                                      [](char want, char c) { return want == (c >= 'A' && c <= 'Z' ? c + 32 : c); });
    if (!is_bearer) {
        return {};
    }
    authorization.remove_prefix(kScheme.size());
    authorization.remove_prefix(std::min(authorization.find_first_not_of(' '), authorization.size()));
    return authorization;
}

/// 401 or 403 with the challenge that tells a client what is missing (RFC 6750, 3).
HttpResponse challenge(unsigned status, std::string_view reason, std::string_view parameters) {
    HttpResponse response = admin_refusal(status, reason);
    response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"tulle admin\"" + std::string(parameters));
    return response;
}

}  // namespace

AdminGate::AdminGate(const std::vector<std::string>& names, AdminCounters& counters)
    : page_guard_(names), counters_(counters), throttle_({kAdminTokenFailuresPerMinute, true}) {}

void AdminGate::set_tokens(const std::vector<AdminToken>& tokens) {
    tokens_ = AdminTokens(tokens);
    std::map<std::string, std::uint64_t, std::less<>> uses;
    for (const AdminToken& token : tokens) {
        const auto known = counters_.token_uses.find(token.name);
        uses.emplace(token.name, known == counters_.token_uses.end() ? 0 : known->second);
    }
    counters_.token_uses = std::move(uses);
    TULLE_ASSERT(counters_.token_uses.size() == tokens_.entries().size());
}

std::optional<HttpResponse> AdminGate::refuse_page(const UpgradeRequest& request) const {
    http::Provenance provenance{single_value(request, Field::host), single_value(request, Field::origin), std::nullopt,
                                single_value(request, Field::content_type),
                                request.method() == boost::beast::http::verb::post};
    if (const auto site = request.find("Sec-Fetch-Site"); site != request.end()) {
        provenance.fetch_site = std::string_view(site->value().data(), site->value().size());
    }
    const std::optional<http::Refusal> refusal = page_guard_.refuse(provenance);
    return refusal ? std::optional(admin_refusal(refusal->status, refusal->reason)) : std::nullopt;
}

HttpResponse AdminGate::refuse_token(const PeerAddress& peer, Instant now) {
    const Duration shut = throttle_.shut_for(peer, now);
    if (shut > Duration{}) {
        counters_.auth_throttled_total.add();
        HttpResponse response = admin_refusal(429, "too many wrong tokens from this address");
        response.headers.emplace_back("Retry-After",
                                      std::to_string(std::chrono::ceil<std::chrono::seconds>(shut).count()));
        return response;
    }
    counters_.auth_failures_total.add();
    throttle_.on_failure(peer, now);
    return challenge(401, "the token is not one of this node", ", error=\"invalid_token\"");
}

AdminGate::Decision AdminGate::decide(const UpgradeRequest& request, const PeerAddress& peer, Instant now) {
    if (std::optional<HttpResponse> refusal = refuse_page(request)) {
        counters_.pages_refused_total.add();
        return {std::move(refusal)};
    }
    const boost::beast::string_view target = request.target();
    const AdminScope needed = scope_of_path(std::string_view(target.data(), target.size()).substr(0, target.find('?')));
    if (tokens_.empty() || needed == AdminScope::kNone) {
        return {std::nullopt, needed};
    }
    const std::optional<std::string_view> given = single_value(request, Field::authorization);
    if (!given) {
        // Nobody guesses here, so nothing is counted against the address: a browser and curl ask without a token first.
        counters_.auth_missing_total.add();
        return {challenge(401, "a token is needed: Authorization: Bearer TOKEN", "")};
    }
    const AdminTokens::Entry* token = tokens_.find(bearer_of(*given));
    if (token == nullptr) {
        return {refuse_token(peer, now)};
    }
    if (token->scope < needed) {
        counters_.scope_refused_total.add();
        return {
            challenge(403, "the token lacks the scope operate", ", error=\"insufficient_scope\", scope=\"operate\"")};
    }
    ++counters_.token_uses.find(token->name)->second;
    return {std::nullopt, needed, token->name};
}

}  // namespace tulle::node
