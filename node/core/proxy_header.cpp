// Version 1 is a line of text: "PROXY TCP4 203.0.113.7 10.0.0.1 51234 6001\r\n". Version 2 is a block of bytes: a
// signature of 12 bytes, version and command, address family and transport, the length of the rest in two bytes; then
// the addresses, then additional fields. Both are described in HAProxy's doc/proxy-protocol.txt.

#include "node/core/proxy_header.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "mesh/base/assert.hpp"
#include "node/core/limits.hpp"

namespace tulle::node {
namespace {

constexpr std::string_view kLineStart = "PROXY ";
constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kBlockHead = 16;
// The places of the bytes behind the signature.
constexpr std::size_t kCommandAt = 12;
constexpr std::size_t kFamilyAt = 13;
constexpr std::size_t kLengthAt = 14;
// Version 2 with the command LOCAL, and with the command PROXY.
constexpr std::uint8_t kLocal = 0x20;
constexpr std::uint8_t kProxy = 0x21;
// Type and length of an additional field.
constexpr std::size_t kFieldHead = 3;

static_assert(kBlockHead < kMaxProxyHeaderBytes && kMaxProxyLineBytes < kMaxProxyHeaderBytes);

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint8_t>(bytes[at]);
}

std::size_t two_bytes_at(std::string_view bytes, std::size_t at) {
    return static_cast<std::size_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

/// True while `bytes` may be the beginning of `whole`, or begin with `whole`.
bool agrees(std::string_view bytes, std::string_view whole) {
    const std::size_t size = std::min(bytes.size(), whole.size());
    return bytes.substr(0, size) == whole.substr(0, size);
}

/// True for a port as version 1 writes ports: a decimal number without leading zeros.
bool is_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc{} && end == text.data() + text.size() && (text.size() == 1 || text.front() != '0');
}

/// The text up to the next blank, which is taken out of `line` together with the blank.
std::string_view take_word(std::string_view& line) {
    const std::size_t blank = line.find(' ');
    const std::string_view word = line.substr(0, blank);
    line = blank == std::string_view::npos ? std::string_view{} : line.substr(blank + 1);
    return word;
}

/// What an address family of version 2 means.
struct Family {
    std::uint8_t code;
    /// Bytes of the two addresses, with ports.
    std::size_t size;
    /// Bytes of the client's address at the beginning; 0 for a family whose addresses are ignored.
    std::size_t address;
};

// UNSPEC, TCP and UDP over IPv4, TCP and UDP over IPv6, Unix sockets of both kinds.
constexpr std::array<Family, 7> kFamilies{
    {{0x00, 0, 0}, {0x11, 12, 4}, {0x12, 12, 0}, {0x21, 36, 16}, {0x22, 36, 0}, {0x31, 216, 0}, {0x32, 216, 0}}};

/// True when additional fields fill `bytes` exactly.
bool are_fields(std::string_view bytes) {
    while (!bytes.empty()) {
        if (bytes.size() < kFieldHead || bytes.size() - kFieldHead < two_bytes_at(bytes, 1)) {
            return false;
        }
        bytes.remove_prefix(kFieldHead + two_bytes_at(bytes, 1));
    }
    return true;
}

}  // namespace

std::size_t ProxyHeaderReader::take(std::string_view bytes) {
    TULLE_ASSERT(state_ == State::kMore);
    std::size_t taken = 0;
    while (state_ == State::kMore && taken < bytes.size()) {
        const std::size_t part = next_part(bytes.substr(taken));
        bytes_.append(bytes.substr(taken, part));
        taken += part;
        look();
    }
    return taken;
}

const std::optional<IpAddress>& ProxyHeaderReader::client() const {
    TULLE_ASSERT(state_ == State::kDone);
    return client_;
}

/// Version 1 goes to the end of its line. Of version 2 the length is known once its 16 first bytes are there.
std::size_t ProxyHeaderReader::next_part(std::string_view bytes) const {
    std::size_t part = 0;
    if ((bytes_.empty() ? bytes : std::string_view(bytes_)).front() == kLineStart.front()) {
        part = std::min(bytes.find('\n'), kMaxProxyLineBytes - bytes_.size() - 1) + 1;
    } else if (bytes_.size() < kBlockHead) {
        part = kBlockHead - bytes_.size();
    } else {
        part = kBlockHead + two_bytes_at(bytes_, kLengthAt) - bytes_.size();
    }
    return std::min(part, bytes.size());
}

void ProxyHeaderReader::look() {
    if (bytes_.front() == kLineStart.front()) {
        look_at_line();
    } else if (!agrees(bytes_, kSignature)) {
        be_bad();
    } else if (bytes_.size() >= kBlockHead) {
        look_at_block();
    }
}

void ProxyHeaderReader::look_at_line() {
    if (!agrees(bytes_, kLineStart) || (bytes_.size() == kMaxProxyLineBytes && !bytes_.ends_with('\n'))) {
        be_bad();
        return;
    }
    if (!bytes_.ends_with('\n')) {
        return;
    }
    if (!bytes_.ends_with("\r\n")) {
        be_bad();
        return;
    }
    std::string_view line(bytes_);
    line.remove_prefix(kLineStart.size());
    line.remove_suffix(std::string_view("\r\n").size());
    const std::string_view family = take_word(line);
    // The rest of the line means nothing then.
    if (family == "UNKNOWN") {
        be_done(std::nullopt);
        return;
    }
    const std::optional<IpAddress> client = parse_ip(take_word(line));
    const std::optional<IpAddress> proxy = parse_ip(take_word(line));
    const std::string_view from = take_word(line);
    const bool is_v6 = family == "TCP6";
    // `line` is the last word now. A further word stands behind a blank, which no port has.
    if ((is_v6 || family == "TCP4") && client && proxy && client->is_v6 == is_v6 && proxy->is_v6 == is_v6 &&
        is_port(from) && is_port(line)) {
        be_done(client);
    } else {
        be_bad();
    }
}

void ProxyHeaderReader::look_at_block() {
    const std::size_t size = kBlockHead + two_bytes_at(bytes_, kLengthAt);
    const std::uint8_t command = byte_at(bytes_, kCommandAt);
    const auto* family = std::find_if(kFamilies.begin(), kFamilies.end(),
                                      [this](const Family& known) { return known.code == byte_at(bytes_, kFamilyAt); });
    // LOCAL has no addresses that mean anything, whatever the family.
    const bool is_local = command == kLocal;
    if (size > kMaxProxyHeaderBytes || (!is_local && (command != kProxy || family == kFamilies.end())) ||
        (!is_local && size - kBlockHead < family->size)) {
        be_bad();
        return;
    }
    if (bytes_.size() < size) {
        return;
    }
    const std::string_view rest = std::string_view(bytes_).substr(kBlockHead);
    if (is_local || family->size == 0) {
        be_done(std::nullopt);
    } else if (!are_fields(rest.substr(family->size))) {
        be_bad();
    } else if (family->address == 0) {
        be_done(std::nullopt);
    } else {
        IpAddress client{family->address == 16};
        std::transform(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(family->address), client.bytes.begin(),
                       [](char byte) { return static_cast<std::uint8_t>(byte); });
        be_done(client);
    }
}

void ProxyHeaderReader::be_done(const std::optional<IpAddress>& client) {
    state_ = State::kDone;
    client_ = client;
}

}  // namespace tulle::node
