#include "node/core/trace_context.hpp"

#include <algorithm>

namespace tulle::node {
namespace {

// "00-" + 32 digits + "-" + 16 digits + "-" + 2 digits.
constexpr std::size_t kTraceAt = 3;
constexpr std::size_t kSpanAt = 36;
constexpr std::size_t kFlagsAt = 53;
constexpr std::size_t kTextBytes = 55;
constexpr std::uint8_t kSampled = 1;

std::optional<std::uint8_t> digit(char c) {
    if (c >= '0' && c <= '9') {
        return static_cast<std::uint8_t>(c - '0');
    }
    // Upper-case digits are not allowed.
    return c >= 'a' && c <= 'f' ? std::optional(static_cast<std::uint8_t>(c - 'a' + 10)) : std::nullopt;
}

/// Reads the digits at `text` into `bytes`. False for other characters.
template <std::size_t Size>
bool read_hex(const char* text, std::array<std::uint8_t, Size>& bytes) {
    for (std::uint8_t& byte : bytes) {
        const std::optional<std::uint8_t> high = digit(*text++);
        const std::optional<std::uint8_t> low = digit(*text++);
        if (!high || !low) {
            return false;
        }
        byte = static_cast<std::uint8_t>(*high << 4U | *low);
    }
    return true;
}

template <std::size_t Size>
bool is_zero(const std::array<std::uint8_t, Size>& bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

std::optional<TraceContext> sampled_context(std::string_view traceparent) {
    if (traceparent.size() < kTextBytes) {
        return std::nullopt;
    }
    std::array<std::uint8_t, 1> version{};
    std::array<std::uint8_t, 1> flags{};
    TraceContext context;
    const char* text = traceparent.data();
    const bool has_dashes = text[kTraceAt - 1] == '-' && text[kSpanAt - 1] == '-' && text[kFlagsAt - 1] == '-';
    if (!has_dashes || !read_hex(text, version) || !read_hex(text + kTraceAt, context.trace) ||
        !read_hex(text + kSpanAt, context.span) || !read_hex(text + kFlagsAt, flags)) {
        return std::nullopt;
    }
    const bool ends_well = traceparent.size() == kTextBytes || (version[0] > 0 && traceparent[kTextBytes] == '-');
    if (version[0] == 0xff || !ends_well || is_zero(context.trace) || is_zero(context.span) ||
        (flags[0] & kSampled) == 0) {
        return std::nullopt;
    }
    return context;
}

std::string to_bytes(const TraceContext& context) {
    std::string bytes(context.trace.begin(), context.trace.end());
    bytes.append(context.span.begin(), context.span.end());
    return bytes;
}

std::optional<TraceContext> context_of(std::string_view bytes) {
    if (bytes.size() != kTraceContextBytes) {
        return std::nullopt;
    }
    TraceContext context;
    std::copy_n(bytes.begin(), context.trace.size(), context.trace.begin());
    std::copy_n(bytes.begin() + context.trace.size(), context.span.size(), context.span.begin());
    return is_zero(context.trace) || is_zero(context.span) ? std::nullopt : std::optional(context);
}

}  // namespace tulle::node
