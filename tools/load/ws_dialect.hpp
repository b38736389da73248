#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tools/load/dialect.hpp"

namespace tulle::load {

/// Appends a frame as a client sends frames, masked. The mask is fixed: no proxy has to be protected here.
void append_masked_frame(std::string& out, std::uint8_t opcode, std::string_view payload);

/// Opcodes of RFC 6455.
inline constexpr std::uint8_t kTextFrame = 1;
inline constexpr std::uint8_t kCloseFrame = 8;
inline constexpr std::uint8_t kPingFrame = 9;
inline constexpr std::uint8_t kPongFrame = 10;

/// The common part of all dialects over WebSocket: the upgrade, pings, closing.
class WsDialect : public Dialect {
public:
    [[nodiscard]] Framing framing(Role /*role*/) const override { return Framing::kWebSocket; }
    /// Appends the upgrade request.
    void open(Opening& opening, std::string& out) const override;
    /// Stage 0 awaits the answer to the upgrade; stage 1 hands text frames to on_text().
    Progress on_opening(Opening& opening, std::string_view input, std::size_t& consumed, std::string& out,
                        std::string& refusal) const override;
    /// Answers pings, complains of a Close, and hands text frames to on_other_text().
    void on_other(const Piece& piece, std::string& out, std::string& complaint) const override;

protected:
    /// The request target of the upgrade.
    [[nodiscard]] virtual std::string target(Role role) const = 0;
    /// The server has agreed to speak WebSocket.
    virtual Progress on_upgraded(Opening& opening, std::string& out) const = 0;
    /// Takes a text frame during the opening, after the upgrade.
    virtual Progress on_text(Opening& opening, std::string_view text, std::string& out, std::string& refusal) const = 0;
    /// Takes a text frame without a text of this run, on a connection that is ready.
    virtual void on_other_text(std::string_view text, std::string& out, std::string& complaint) const = 0;
};

}  // namespace tulle::load
