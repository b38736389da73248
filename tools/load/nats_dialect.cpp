#include "tools/load/dialect.hpp"
#include "tools/load/names.hpp"

namespace tulle::load {
namespace {

/// The text protocol of NATS. The opening ends with the PONG to a PING.
class NatsDialect final : public Dialect {
public:
    [[nodiscard]] Framing framing(Role /*role*/) const override { return Framing::kNats; }

    void open(Opening& opening, std::string& out) const override {
        out +=
            R"(CONNECT {"verbose":false,"pedantic":false,"name":"tulle-bench","lang":"C++","version":")" TULLE_VERSION
            "\"}\r\n";
        const std::uint32_t subscriptions = opening.role == Role::kSubscriber ? opening.channels : 0;
        for (std::uint32_t i = 0; i < subscriptions; ++i) {
            out += "SUB bench-" + std::to_string(opening.channel(i)) + " " + std::to_string(i + 1) + "\r\n";
        }
        // The server answers when all lines before are done.
        out += "PING\r\n";
    }

    Progress on_opening(Opening& /*opening*/, std::string_view input, std::size_t& consumed, std::string& out,
                        std::string& refusal) const override {
        const Piece piece = next_nats(input.data(), input.size());
        if (piece.kind == Piece::Kind::kMore) {
            return Progress::kWaiting;
        }
        consumed = piece.size;
        if (piece.kind == Piece::Kind::kOther && piece.text == "PONG") {
            return Progress::kReady;
        }
        // INFO, +OK or an error: only an error sets `refusal`.
        if (piece.kind == Piece::Kind::kOther) {
            on_other(piece, out, refusal);
        } else {
            refusal = "the server sends what is not of the NATS protocol";
        }
        return refusal.empty() ? Progress::kWaiting : Progress::kRefused;
    }

    void append_message(std::string& out, std::uint32_t channel, std::string_view text) const override {
        out.append("PUB bench-");
        append_number(out, channel);
        out.push_back(' ');
        append_number(out, text.size());
        out.append("\r\n").append(text).append("\r\n");
    }

    // The server closes a connection that does not answer pings.
    void on_other(const Piece& piece, std::string& out, std::string& complaint) const override {
        if (piece.text == "PING") {
            out += "PONG\r\n";
        } else if (piece.text.starts_with("-ERR")) {
            complaint = "the server says: " + std::string(piece.text);
        }
    }
};

}  // namespace

std::unique_ptr<Dialect> nats_dialect() {
    return std::make_unique<NatsDialect>();
}

}  // namespace tulle::load
