#include "node/web/response_bytes.hpp"

#include <string_view>

#include <boost/beast/http/status.hpp>

#include "node/web/core/date.hpp"

namespace tulle::node {
namespace {

// A head with the usual fields fits, so that the text is allocated once.
constexpr std::size_t kUsualHeadBytes = 256;
constexpr unsigned kNoContent = 204;
constexpr unsigned kUpgradeRequired = 426;
constexpr std::string_view kConnection = "Connection";

/// The words for `status`, such as "Not Found"; "Unknown Status" for an unknown status.
std::string_view reason_of(unsigned status) {
    const auto text = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(status));
    return {text.data(), text.size()};
}

/// The text of Date for `now`. The text is made once a second and kept for each thread, as every answer needs the text.
std::string_view date_of(WallSeconds now) {
    static thread_local WallSeconds second{};
    static thread_local std::string text;
    if (now != second || text.empty()) {
        text = http::date_text(now);
        second = now;
    }
    return text;
}

void append_field(std::string& bytes, std::string_view name, std::string_view value) {
    bytes.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string response_bytes(const HttpResponse& response, Shown shown, Kept kept, WallSeconds now) {
    std::string bytes;
    bytes.reserve(kUsualHeadBytes + response.body.size());
    bytes.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
    bytes.append(reason_of(response.status)).append("\r\nServer: tulle\r\n");
    append_field(bytes, "Date", date_of(now));
    // All options of Connection go into a single field, because some clients read only the first such field.
    std::string connection = kept == Kept::kYes ? "" : kept == Kept::kNo ? "close" : "keep-alive";
    for (const auto& [name, value] : response.headers) {
        if (name == kConnection) {
            connection.insert(0, connection.empty() ? value : value + ", ");
        } else {
            append_field(bytes, name, value);
        }
    }
    if (!connection.empty()) {
        append_field(bytes, kConnection, connection);
    }
    // A length is forbidden in an answer with 204 (RFC 9110, 8.6).
    if (response.status == kNoContent) {
        return bytes.append("\r\n");
    }
    append_field(bytes, "Content-Type", response.content_type);
    append_field(bytes, "Content-Length", std::to_string(response.body.size()));
    bytes.append("\r\n");
    return shown == Shown::kBody ? bytes.append(response.body) : bytes;
}

HttpResponse response_of(const http::Refusal& refusal) {
    HttpResponse response;
    response.status = refusal.status;
    // Reasons are static texts without quotes and backslashes, so that no escapes are needed.
    response.body =
        "{\"error\":\"" + std::string(refusal.reason) + "\",\"code\":" + std::to_string(refusal.status) + "}";
    response.close = true;
    if (refusal.status == kUpgradeRequired) {
        response.headers.emplace_back("Sec-WebSocket-Version", "13");
        response.headers.emplace_back("Upgrade", "websocket");
        // Upgrade needs this (RFC 9110, 7.8).
        response.headers.emplace_back("Connection", "Upgrade");
    }
    return response;
}

}  // namespace tulle::node
