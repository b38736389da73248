#include "tools/load/ws_dialect.hpp"

#include <array>
#include <cstring>

namespace tulle::load {
namespace {

/// The mask of the example in RFC 6455. Any mask will do: the servers are under test, and no proxy is in between.
constexpr std::array<char, 4> kMask{0x37, static_cast<char>(0xfa), 0x21, 0x3d};

/// Appends the payload with the mask applied, eight bytes at a time.
void append_masked(std::string& out, std::string_view payload) {
    const std::size_t begin = out.size();
    out.append(payload);
    char* const at = out.data() + begin;
    std::uint64_t mask = 0;
    std::memcpy(&mask, kMask.data(), kMask.size());
    mask |= mask << 32U;
    std::size_t i = 0;
    for (; i + sizeof(mask) <= payload.size(); i += sizeof(mask)) {
        std::uint64_t word = 0;
        std::memcpy(&word, at + i, sizeof(word));
        word ^= mask;
        std::memcpy(at + i, &word, sizeof(word));
    }
    for (; i < payload.size(); ++i) {
        at[i] = static_cast<char>(at[i] ^ kMask[i % kMask.size()]);
    }
}

/// Text frames without any protocol inside. A connection is ready after the upgrade.
class PlainWsDialect final : public WsDialect {
public:
    void append_message(std::string& out, std::uint32_t /*channel*/, std::string_view text) const override {
        append_masked_frame(out, kTextFrame, text);
    }

protected:
    [[nodiscard]] std::string target(Role role) const override { return role == Role::kSubscriber ? "/sub" : "/pub"; }
    Progress on_upgraded(Opening& /*opening*/, std::string& /*out*/) const override { return Progress::kReady; }
    Progress on_text(Opening& /*opening*/, std::string_view /*text*/, std::string& /*out*/,
                     std::string& /*refusal*/) const override {
        return Progress::kReady;
    }
    void on_other_text(std::string_view /*text*/, std::string& /*out*/, std::string& complaint) const override {
        complaint = "the server sent a text that nobody had published";
    }
};

}  // namespace

void append_masked_frame(std::string& out, std::uint8_t opcode, std::string_view payload) {
    out.push_back(static_cast<char>(0x80U | opcode));
    const std::size_t length = payload.size();
    // The length takes seven bits, or two or eight further bytes in network order.
    const std::size_t wide = length < 126 ? 0U : length <= 0xffff ? 2U : 8U;
    out.push_back(static_cast<char>(0x80U | (wide == 0 ? length : wide == 2 ? 126U : 127U)));
    for (std::size_t i = wide; i > 0; --i) {
        out.push_back(static_cast<char>((length >> (8 * (i - 1))) & 0xffU));
    }
    out.append(kMask.data(), kMask.size());
    append_masked(out, payload);
}

// The key is the example of RFC 6455. The answer's accept header is not checked: a server under test is trusted.
void WsDialect::open(Opening& opening, std::string& out) const {
    out += "GET " + target(opening.role) + " HTTP/1.1\r\nHost: " + opening.host +
           "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
           "Sec-WebSocket-Version: 13\r\n\r\n";
}

Dialect::Progress WsDialect::on_opening(Opening& opening, std::string_view input, std::size_t& consumed,
                                        std::string& out, std::string& refusal) const {
    if (opening.stage == 0) {
        const std::size_t end = input.find("\r\n\r\n");
        if (end == std::string_view::npos) {
            return Progress::kWaiting;
        }
        if (!input.starts_with("HTTP/1.1 101 ")) {
            refusal = "the server answers the upgrade with: " + std::string(input.substr(0, input.find("\r\n")));
            return Progress::kRefused;
        }
        // Frames may follow the answer at once; the caller calls again with the rest.
        consumed = end + 4;
        opening.stage = 1;
        return on_upgraded(opening, out);
    }
    const Piece piece = next_frame(input.data(), input.size());
    consumed = piece.size;
    if (piece.kind == Piece::Kind::kMessage) {
        return on_text(opening, piece.text, out, refusal);
    }
    if (piece.kind == Piece::Kind::kOther) {
        on_other(piece, out, refusal);
        return refusal.empty() ? Progress::kWaiting : Progress::kRefused;
    }
    if (piece.kind == Piece::Kind::kBad) {
        refusal = "the server sends what is no WebSocket frame";
        return Progress::kRefused;
    }
    return Progress::kWaiting;
}

void WsDialect::on_other(const Piece& piece, std::string& out, std::string& complaint) const {
    if (piece.kind == Piece::Kind::kMessage) {
        on_other_text(piece.text, out, complaint);
    } else if (piece.opcode == kPingFrame) {
        append_masked_frame(out, kPongFrame, piece.text);
    } else if (piece.opcode == kCloseFrame) {
        // The body of a Close has the code in two bytes, and a reason.
        complaint = "the server closes the connection";
        if (piece.text.size() >= 2) {
            const unsigned code = static_cast<unsigned>(static_cast<std::uint8_t>(piece.text[0])) << 8U |
                                  static_cast<std::uint8_t>(piece.text[1]);
            complaint += ": " + std::to_string(code) + " " + std::string(piece.text.substr(2));
        }
    }
}

std::unique_ptr<Dialect> plain_ws_dialect() {
    return std::make_unique<PlainWsDialect>();
}

}  // namespace tulle::load
