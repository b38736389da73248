#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

/// The strict gate in front of the HTTP parser. The gate checks the raw bytes of a head and refuses whatever Beast 1.81
/// would let through and a proxy might read otherwise. The result of the parser can therefore be believed.
///
/// Thread: any; the functions keep no state.
/// Errors: a refused request is answered with the status and the reason of Refusal.
namespace tulle::node::http {

/// The answer to a request that the gate refuses. The connection ends after the answer.
struct Refusal {
    unsigned status = 400;
    /// A static text without quotes and backslashes, because the text goes into JSON as written.
    std::string_view reason;
    friend bool operator==(const Refusal&, const Refusal&) = default;
};

/// Facts about a request with a correct head.
struct Head {
    /// True when the request asks for a WebSocket, correctly. Offers of other protocols are ignored (RFC 9110, 7.8).
    bool is_upgrade = false;
    /// True when the client waits for "100 Continue" before the client sends the body.
    bool expects_continue = false;
    /// For a target in absolute form: the target in origin form (or "*"). Empty for the other forms.
    std::string target = {};
    /// For a target in absolute form: the host in the target, for use in the place of Host (RFC 9112, 3.2.2). Empty for
    /// the other forms.
    std::string host = {};
    friend bool operator==(const Head&, const Head&) = default;
};

/// Bytes of the empty lines at the start of `bytes`. Empty lines before a request line are ignored (RFC 9112, 2.2).
[[nodiscard]] std::size_t empty_lines(std::string_view bytes);

/// Size in bytes of the request head at the start of `bytes`, the empty line at its end included; 0 when the end of the
/// head has not come. The caller has searched the first `searched` bytes before and found no end there, so a head that
/// comes byte by byte is not searched from its beginning each time.
[[nodiscard]] std::size_t head_size(std::string_view bytes, std::size_t searched = 0);

/// True when the bytes of an incomplete head already show: the bytes are not HTTP. The caller can then refuse at once
/// instead of waiting for the rest. The first `searched` bytes have been checked by an earlier call.
[[nodiscard]] bool cannot_be_request(std::string_view bytes, std::size_t searched = 0);

/// The refusal for a head without an end within kMaxHeaderBytes: 414 when not even the request line is complete,
/// otherwise 431. `bytes`: the head as far as the head has come.
[[nodiscard]] Refusal too_large(std::string_view bytes);

/// Whether check_head looks for offers of a WebSocket. A listener without WebSockets passes kIgnored, and offers are
/// then ignored, however malformed.
enum class Upgrades { kTaken, kIgnored };
/// Checks a whole head: the request line, and the fields up to and including the empty line.
///
/// Accepted are targets of visible ASCII with at most kMaxTargetBytes, in origin form, in absolute form with http or
/// https, or "*" with OPTIONS; HTTP/1.x; at most kMaxHeaderFields fields without folding, exactly one Host (HTTP/1.0:
/// at most one), at most one plain Content-Length, and `chunked` as the only Transfer-Encoding.
///
/// Returns true and fills `head`; otherwise returns false and fills `refusal`, and `head` means nothing.
[[nodiscard]] bool check_head(std::string_view text, Head& head, Refusal& refusal,
                              Upgrades upgrades = Upgrades::kTaken);

/// The result of cut_target.
struct CutTarget {
    std::string target;
    /// Bytes by which the start of the head has moved towards the end of the memory.
    std::size_t distance = 0;
};
/// Takes the target out of `head` and leaves "/" in its place. The parser of Beast calls a function for each byte of a
/// target, and check_head has looked at each of those bytes already. The bytes before the target move; the head then
/// begins at `distance`.
/// REQUIRES: check_head has accepted the head.
[[nodiscard]] CutTarget cut_target(std::span<char> head);

}  // namespace tulle::node::http
