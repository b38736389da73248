#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "node/core/ip_address.hpp"

namespace tulle::node {

/// Reads the header of the PROXY protocol, version 1 or 2, by which a proxy names its client at the beginning of a
/// connection, before any byte of the client. The bytes may come in any pieces.
///
/// Thread: none of its own.
/// Limits: kMaxProxyLineBytes for version 1, kMaxProxyHeaderBytes for version 2. A longer header is wrong.
/// Errors: State::kBad for bytes that are no correct header. The addresses and the additional fields (TLV) are checked
///         for their lengths; what the fields say is ignored.
class ProxyHeaderReader {
public:
    enum class State : std::uint8_t {
        /// A part of the header is still to come.
        kMore,
        /// The header is whole.
        kDone,
        /// The bytes are no correct header. Nothing can be said about the rest of the connection.
        kBad
    };

    /// Takes the bytes of the header at the beginning of `bytes`, and returns their number: a byte behind the header is
    /// never taken. REQUIRES: state() is kMore, and `bytes` follow the bytes taken before.
    [[nodiscard]] std::size_t take(std::string_view bytes);

    [[nodiscard]] State state() const { return state_; }
    /// True before the first byte.
    [[nodiscard]] bool is_untouched() const { return state_ == State::kMore && bytes_.empty(); }
    /// The address of the client. Nothing when the header names no address of TCP: a proxy's own check of its server
    /// (LOCAL, UNKNOWN), or a client over another protocol (UNSPEC, a Unix socket, UDP). The connection then counts as
    /// the proxy's own. REQUIRES: state() is kDone.
    [[nodiscard]] const std::optional<IpAddress>& client() const;

private:
    /// The number of bytes at the beginning of `bytes` that surely belong to the header; at least 1.
    [[nodiscard]] std::size_t next_part(std::string_view bytes) const;
    /// Draws the conclusions from the bytes taken so far.
    void look();
    void look_at_line();
    void look_at_block();
    void be_done(const std::optional<IpAddress>& client);
    void be_bad() { state_ = State::kBad; }

    State state_ = State::kMore;
    /// The bytes taken so far.
    std::string bytes_;
    std::optional<IpAddress> client_;
};

}  // namespace tulle::node
