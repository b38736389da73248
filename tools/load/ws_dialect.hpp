#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tools/load/dialect.hpp"

namespace tulle::load {

/// Appends a frame as a client sends it, masked (with a fixed mask: there is no proxy to be protected here).
void append_masked_frame(std::string& out, std::uint8_t opcode, std::string_view payload);

inline constexpr std::uint8_t kTextFrame = 1;
inline constexpr std::uint8_t kCloseFrame = 8;
inline constexpr std::uint8_t kPingFrame = 9;
inline constexpr std::uint8_t kPongFrame = 10;

/// What all dialects over WebSocket share: the upgrade, pings, closing.
class WsDialect : public Dialect {
public:
    [[nodiscard]] Framing framing(Role /*role*/) const override { return Framing::kWebSocket; }
    void open(Opening& opening, std::string& out) const override;
    Progress on_opening(Opening& opening, std::string_view input, std::size_t& consumed, std::string& out,
                        std::string& refusal) const override;
    void on_other(const Piece& piece, std::string& out, std::string& complaint) const override;

protected:
    /// The request target of the upgrade.
    [[nodiscard]] virtual std::string target(Role role) const = 0;
    /// The server has agreed to speak WebSocket.
    virtual Progress on_upgraded(Opening& opening, std::string& out) const = 0;
    /// A text frame of the opening after that.
    virtual Progress on_text(Opening& opening, std::string_view text, std::string& out, std::string& refusal) const = 0;
    /// A text frame later on that holds no text of ours.
    virtual void on_other_text(std::string_view text, std::string& out, std::string& complaint) const = 0;
};

}  // namespace tulle::load
