#include "node/web/core/deflate_offer.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "node/web/core/characters.hpp"

namespace tulle::node::http {
namespace {

// The bounds of a window's size, as the logarithm of its bytes: 256 bytes to 32 KiB (RFC 7692, 7.1.2).
constexpr unsigned kMinBits = 8;
constexpr unsigned kMaxBits = 15;

/// Cuts the text before the next `separator` off `rest` and returns the text without blanks at its ends. A separator
/// inside quotes does not count. The separator itself is dropped.
std::string_view next_part(std::string_view& rest, char separator) {
    bool is_quoted = false;
    std::size_t end = 0;
    while (end < rest.size() && (is_quoted || rest[end] != separator)) {
        is_quoted = is_quoted != (rest[end] == '"');
        ++end;
    }
    const std::string_view part = trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return part;
}

/// The number in `value`, which may be in quotes, when the number is a size of a window: 8 to 15, without a leading
/// zero. Nothing for any other value.
std::optional<unsigned> bits_of(std::string_view value) {
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
        value = value.substr(1, value.size() - 2);
    }
    // At most two digits are read, so the number cannot overflow.
    unsigned bits = 0;
    if (value.empty() || value.size() > 2 || value.front() == '0') {
        return std::nullopt;
    }
    for (const char c : value) {
        if (c < '0' || c > '9') {
            return std::nullopt;
        }
        bits = bits * 10 + static_cast<unsigned>(c - '0');
    }
    return bits >= kMinBits && bits <= kMaxBits ? std::optional(bits) : std::nullopt;
}

/// The parameters of a single offer. Each parameter may come once (RFC 7692, 7.1).
struct Offer {
    std::optional<unsigned> server_bits{};
    std::optional<unsigned> client_bits{};
    bool names_client_bits = false;
    bool no_server_takeover = false;
    bool no_client_takeover = false;

    /// Reads a single parameter; `value` is absent when the parameter has no "=". False: the offer must be declined,
    /// because the parameter is unknown, repeated, or has a wrong value.
    [[nodiscard]] bool take(std::string_view name, std::optional<std::string_view> value) {
        if (equals_ignoring_case(name, "server_max_window_bits")) {
            // server_max_window_bits must have a value (RFC 7692, 7.1.2.1).
            const bool is_first = !server_bits;
            server_bits = value ? bits_of(*value) : std::nullopt;
            return is_first && server_bits;
        }
        if (equals_ignoring_case(name, "client_max_window_bits")) {
            // client_max_window_bits may stand without a value: the client can then use any window (RFC 7692, 7.1.2.2).
            client_bits = value ? bits_of(*value) : std::nullopt;
            return !std::exchange(names_client_bits, true) && client_bits.has_value() == value.has_value();
        }
        if (equals_ignoring_case(name, "server_no_context_takeover")) {
            // The two parameters about context takeover have no value (RFC 7692, 7.1.1).
            return !std::exchange(no_server_takeover, true) && !value;
        }
        return equals_ignoring_case(name, "client_no_context_takeover") && !std::exchange(no_client_takeover, true) &&
               !value;
    }
};

/// Reads a single offer: the name of the extension, then parameters after semicolons. Nothing for another extension and
/// for an offer with a wrong parameter.
std::optional<Offer> parse(std::string_view rest) {
    if (!equals_ignoring_case(next_part(rest, ';'), "permessage-deflate")) {
        return std::nullopt;
    }
    Offer offer;
    while (!rest.empty()) {
        std::string_view value = next_part(rest, ';');
        const bool has_value = value.find('=') != std::string_view::npos;
        const std::string_view name = next_part(value, '=');
        if (!offer.take(name, has_value ? std::optional(trim(value)) : std::nullopt)) {
            return std::nullopt;
        }
    }
    return offer;
}

}  // namespace

std::optional<DeflateAgreement> agree_on_deflate(std::string_view offers) {
    while (!offers.empty()) {
        const std::optional<Offer> offer = parse(next_part(offers, ','));
        // A client may list several offers in the order of preference; a declined offer leads to the next.
        if (!offer) {
            continue;
        }
        DeflateAgreement agreed{"permessage-deflate; server_no_context_takeover; client_no_context_takeover"};
        // A parameter of the client's offer must appear in the answer with the agreed value.
        if (offer->server_bits) {
            agreed.text.append("; server_max_window_bits=").append(std::to_string(*offer->server_bits));
            agreed.has_full_window = *offer->server_bits == kMaxBits;
        }
        if (offer->client_bits) {
            agreed.text.append("; client_max_window_bits=").append(std::to_string(*offer->client_bits));
        }
        return agreed;
    }
    return std::nullopt;
}

}  // namespace tulle::node::http
