#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

/// The strict gate in front of the HTTP parser: what Beast 1.81 would let through and a proxy might read otherwise is
/// refused here, on the raw bytes, so that the parser's result can be believed.
namespace tulle::node::http {

/// Why a request is refused; the connection ends after the answer.
struct Refusal {
    unsigned status = 400;
    std::string_view reason;  ///< static text
    friend bool operator==(const Refusal&, const Refusal&) = default;
};

/// What the gate has learned of a request whose head it let pass.
struct Head {
    /// asks for a WebSocket, correctly; other offers to upgrade are ignored (RFC 9110, 7.8)
    bool is_upgrade = false;
    bool expects_continue = false;  ///< waits for "100 Continue" before the body
    /// Of a target in absolute form, the target in origin form (or "*") and the host that it names, which takes the
    /// place of Host (RFC 9112, 3.2.2); empty for other forms.
    std::string target = {};
    std::string host = {};
    friend bool operator==(const Head&, const Head&) = default;
};

/// Bytes of the empty lines that `bytes` begin with: before a request line they are ignored (RFC 9112, 2.2).
[[nodiscard]] std::size_t empty_lines(std::string_view bytes);

/// Size of the request head that `bytes` begin with, its empty line included; 0 when its end has not arrived. The first
/// `searched` bytes are known not to hold the end, so that a head that comes byte by byte is not searched from its
/// beginning each time.
[[nodiscard]] std::size_t head_size(std::string_view bytes, std::size_t searched = 0);

/// Whether what has arrived of a head already shows that it is not HTTP, so that nobody need wait for the rest. The
/// first `searched` bytes are known not to show it.
[[nodiscard]] bool cannot_be_request(std::string_view bytes, std::size_t searched = 0);

/// Why a head is refused whose end does not come within kMaxHeaderBytes: for its target, or for its fields.
[[nodiscard]] Refusal too_large(std::string_view bytes);

/// Checks a whole head: request line, and fields up to and including the empty line. Targets of visible ASCII and at
/// most kMaxTargetBytes, in origin form, in absolute form with http or https, or "*" with OPTIONS; HTTP/1.x; at most
/// kMaxHeaderFields fields without folding, one Host, at most one plain Content-Length, and `chunked` as the only
/// Transfer-Encoding. Returns true and fills `head`, or fills `refusal`. `upgrades`: whether the listener has
/// WebSockets; otherwise offers of one are ignored too, whatever they look like.
enum class Upgrades { kTaken, kIgnored };
[[nodiscard]] bool check_head(std::string_view text, Head& head, Refusal& refusal,
                              Upgrades upgrades = Upgrades::kTaken);

struct CutTarget {
    std::string target;
    std::size_t distance = 0;  ///< bytes by which the head begins later now
};
/// Takes the target out of a head and leaves "/" in its place: Beast's parser calls a function for each byte of a
/// target, which check_head has looked at already. REQUIRES: check_head has let the head pass.
[[nodiscard]] CutTarget cut_target(std::span<char> head);

}  // namespace tulle::node::http
