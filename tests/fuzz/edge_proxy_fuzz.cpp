// What proxies say about the client: the header of the PROXY protocol, and the lists of addresses in HTTP.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/assert.hpp"
#include "node/core/limits.hpp"
#include "node/core/proxy_header.hpp"
#include "node/core/trusted_proxies.hpp"
#include "node/web/core/forwarded.hpp"

namespace {

using tulle::node::ForwardedHeader;
using tulle::node::IpAddress;
using tulle::node::ProxyHeaderReader;
using tulle::node::TrustedProxies;
using State = ProxyHeaderReader::State;

/// Feeds the bytes in pieces of `size`; returns how many belong to the header.
std::size_t feed(ProxyHeaderReader& reader, std::string_view bytes, std::size_t size) {
    std::size_t taken = 0;
    for (std::size_t come = size; reader.state() == State::kMore && taken < bytes.size(); come += size) {
        const std::string_view seen = bytes.substr(0, std::max(come, taken + 1)).substr(taken);
        const std::size_t part = reader.take(seen);
        TULLE_ASSERT(part > 0 && part <= seen.size());
        taken += part;
    }
    return taken;
}

/// A header that comes in pieces is judged like one that comes whole, and the end of a correct one does not depend on
/// what stands behind.
void read_header(std::string_view bytes) {
    ProxyHeaderReader whole;
    const std::size_t size = feed(whole, bytes, bytes.size() + 1);
    TULLE_ASSERT(size <= tulle::node::kMaxProxyHeaderBytes);
    for (const std::size_t pieces : {std::size_t{1}, std::size_t{5}}) {
        ProxyHeaderReader reader;
        const std::size_t taken = feed(reader, bytes, pieces);
        TULLE_ASSERT(reader.state() == whole.state());
        TULLE_ASSERT(whole.state() != State::kDone || (taken == size && reader.client() == whole.client()));
    }
    if (whole.state() == State::kDone) {
        ProxyHeaderReader alone;
        TULLE_ASSERT(feed(alone, bytes.substr(0, size), size) == size && alone.state() == State::kDone);
        ProxyHeaderReader shorter;
        static_cast<void>(feed(shorter, bytes.substr(0, size - 1), size));
        TULLE_ASSERT(shorter.state() == State::kMore);
    }
}

/// The lines of a header of HTTP. Whatever the client has written before, the proxy's last entry decides.
void read_lines(std::string_view bytes, ForwardedHeader header) {
    static const auto kRange = tulle::node::parse_range("10.0.0.0/8");
    const TrustedProxies proxies({*kRange}, header);
    std::vector<std::string_view> lines;
    for (std::string_view rest = bytes; !rest.empty();) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        lines.push_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    if (const auto client = tulle::node::http::forwarded_client(lines, proxies)) {
        TULLE_ASSERT(tulle::node::parse_ip(tulle::node::to_string(*client)) == client);
    }
    const auto written = tulle::node::parse_ip("203.0.113.7");
    const std::string entry = header == ForwardedHeader::kForwarded ? "for=\"203.0.113.7:1\"" : "203.0.113.7";
    std::string last(lines.empty() ? std::string_view{} : lines.back());
    last += "," + entry;
    if (lines.empty()) {
        lines.emplace_back();
    }
    lines.back() = last;
    TULLE_ASSERT(tulle::node::http::forwarded_client(lines, proxies) == written);
    lines.push_back("10.0.0.2");
    if (header == ForwardedHeader::kXForwardedFor) {
        TULLE_ASSERT(tulle::node::http::forwarded_client(lines, proxies) == written);
    }
}

void read_address(std::string_view text) {
    if (const auto address = tulle::node::parse_ip(text)) {
        TULLE_ASSERT(tulle::node::parse_ip(tulle::node::to_string(*address)) == address);
        TULLE_ASSERT(contains(*tulle::node::parse_range(text), *address));
    }
    if (const auto range = tulle::node::parse_range(text)) {
        TULLE_ASSERT(range->bits <= (range->base.is_v6 ? 128U : 32U) && contains(*range, range->base));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    read_header(bytes);
    read_lines(bytes, ForwardedHeader::kXForwardedFor);
    read_lines(bytes, ForwardedHeader::kForwarded);
    read_address(bytes.substr(0, bytes.find('\n')));
    return 0;
}
