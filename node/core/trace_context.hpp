#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tulle::node {

/// A place in a trace: the id of the trace, and the id of the span that causes what comes next. Both are random numbers
/// other than zero (W3C Trace Context, 3.2.2).
struct TraceContext {
    std::array<std::uint8_t, 16> trace{};
    std::array<std::uint8_t, 8> span{};
    friend bool operator==(const TraceContext&, const TraceContext&) = default;
};

/// Bytes of a context in a record of the mesh.
inline constexpr std::size_t kTraceContextBytes = 24;

/// The context in the field `traceparent` of a request, "00-TRACE-SPAN-FLAGS" in lower-case hexadecimal digits. Nothing
/// for any other text, for an id of zero, and for a trace that is not sampled. Later versions than 00 may have more
/// parts behind the flags (W3C Trace Context, 3.2.2 and 4.3).
[[nodiscard]] std::optional<TraceContext> sampled_context(std::string_view traceparent);

/// The context as kTraceContextBytes bytes: trace, then span.
[[nodiscard]] std::string to_bytes(const TraceContext& context);
/// The inverse of to_bytes; nothing for any other number of bytes, and for an id of zero.
[[nodiscard]] std::optional<TraceContext> context_of(std::string_view bytes);

/// Two lower-case hexadecimal digits for each byte.
template <std::size_t Size>
[[nodiscard]] std::string to_hex(const std::array<std::uint8_t, Size>& bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    text.reserve(2 * Size);
    for (const std::uint8_t byte : bytes) {
        text += kDigits[byte >> 4U];
        text += kDigits[byte & 15U];
    }
    return text;
}

}  // namespace tulle::node
