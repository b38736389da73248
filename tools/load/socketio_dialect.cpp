#include "tools/load/dialect.hpp"
#include "tools/load/ws_dialect.hpp"

namespace tulle::load {
namespace {

/// Packets of Engine.IO 4 and Socket.IO 5, by the first characters.
constexpr std::string_view kEngineOpen = "0";
constexpr std::string_view kEngineClose = "1";
constexpr std::string_view kEnginePing = "2";
constexpr std::string_view kEnginePong = "3";
constexpr std::string_view kConnect = "40";
constexpr std::string_view kDisconnect = "41";
constexpr std::string_view kConnectError = "44";

/// Engine.IO and Socket.IO packets in text frames. An opening is ready when the server confirms the namespace.
class SocketIoDialect final : public WsDialect {
public:
    // Behind the text come the characters "].
    [[nodiscard]] std::size_t tail_bytes(std::size_t text_bytes) const override { return text_bytes + 2; }

    void append_message(std::string& out, std::uint32_t /*channel*/, std::string_view text) const override {
        // The buffer keeps its capacity, so nothing is allocated for a message. "42" is a Socket.IO event in an
        // Engine.IO message.
        static thread_local std::string scratch;
        scratch.assign(R"(42["pub",")").append(text).append(R"("])");
        append_masked_frame(out, kTextFrame, scratch);
    }

protected:
    [[nodiscard]] std::string target(Role role) const override {
        return std::string("/socket.io/?EIO=4&transport=websocket&role=") + (role == Role::kSubscriber ? "sub" : "pub");
    }

    Progress on_upgraded(Opening& /*opening*/, std::string& /*out*/) const override { return Progress::kWaiting; }

    Progress on_text(Opening& /*opening*/, std::string_view text, std::string& out,
                     std::string& refusal) const override {
        // The server has opened the Engine.IO session; the client asks for the default namespace.
        if (text.starts_with(kEngineOpen)) {
            append_masked_frame(out, kTextFrame, kConnect);
        } else if (text.starts_with(kConnect)) {
            return Progress::kReady;
        } else if (text.starts_with(kConnectError)) {
            refusal = "the server refuses: " + std::string(text.substr(0, 200));
            return Progress::kRefused;
        } else {
            // A ping may come during the opening, too.
            on_other_text(text, out, refusal);
        }
        return refusal.empty() ? Progress::kWaiting : Progress::kRefused;
    }

    void on_other_text(std::string_view text, std::string& out, std::string& complaint) const override {
        if (text.starts_with(kEnginePing)) {
            append_masked_frame(out, kTextFrame, kEnginePong);
        } else if (text.starts_with(kEngineClose) || text.starts_with(kDisconnect)) {
            complaint = "the server ends the session";
        }
    }
};

}  // namespace

std::unique_ptr<Dialect> socketio_dialect() {
    return std::make_unique<SocketIoDialect>();
}

}  // namespace tulle::load
