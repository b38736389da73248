#include "node/io/response_bytes.hpp"

#include <string_view>

#include <boost/beast/http/status.hpp>

namespace tulle::node {
namespace {

constexpr std::size_t kUsualHeadBytes = 256;
constexpr unsigned kNoContent = 204;

std::string_view reason_of(unsigned status) {
    const auto text = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(status));
    return {text.data(), text.size()};
}

void append_field(std::string& bytes, std::string_view name, std::string_view value) {
    bytes.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string response_bytes(const HttpResponse& response, Shown shown, bool keeps_alive) {
    std::string bytes;
    bytes.reserve(kUsualHeadBytes + response.body.size());
    bytes.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
    bytes.append(reason_of(response.status)).append("\r\nServer: tulle\r\n");
    for (const auto& [name, value] : response.headers) {
        append_field(bytes, name, value);
    }
    if (!keeps_alive) {
        append_field(bytes, "Connection", "close");
    }
    if (response.status == kNoContent) {
        return bytes.append("\r\n");
    }
    append_field(bytes, "Content-Type", response.content_type);
    append_field(bytes, "Content-Length", std::to_string(response.body.size()));
    bytes.append("\r\n");
    return shown == Shown::kBody ? bytes.append(response.body) : bytes;
}

}  // namespace tulle::node
