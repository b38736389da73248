#include "tools/load/dialect.hpp"
#include "tools/load/names.hpp"

namespace tulle::load {
namespace {

/// Appends a bulk string of RESP2.
void append_bulk(std::string& out, std::string_view text) {
    out.push_back('$');
    append_number(out, text.size());
    out.append("\r\n").append(text).append("\r\n");
}

/// RESP2. A subscriber is ready after a confirmation for each channel, a publisher after the PONG to a PING.
class RedisDialect final : public Dialect {
public:
    [[nodiscard]] Framing framing(Role /*role*/) const override { return Framing::kRedis; }

    void open(Opening& opening, std::string& out) const override {
        // A PING shows: the server talks to this connection.
        if (opening.role == Role::kPublisher) {
            opening.awaited = 1;
            out += "*1\r\n$4\r\nPING\r\n";
            return;
        }
        // A single SUBSCRIBE names all channels; the server confirms each by itself.
        opening.awaited = opening.channels;
        out.push_back('*');
        append_number(out, opening.channels + 1);
        out += "\r\n";
        append_bulk(out, "SUBSCRIBE");
        for (std::uint32_t i = 0; i < opening.channels; ++i) {
            append_bulk(out, "bench-" + std::to_string(opening.channel(i)));
        }
    }

    Progress on_opening(Opening& opening, std::string_view input, std::size_t& consumed, std::string& /*out*/,
                        std::string& refusal) const override {
        const Piece piece = next_reply(input.data(), input.size());
        if (piece.kind == Piece::Kind::kMore) {
            return Progress::kWaiting;
        }
        if (piece.kind != Piece::Kind::kOther || piece.text.starts_with('-')) {
            refusal = "the server answers: " + std::string(piece.text);
            return Progress::kRefused;
        }
        consumed = piece.size;
        return --opening.awaited == 0 ? Progress::kReady : Progress::kWaiting;
    }

    void append_message(std::string& out, std::uint32_t channel, std::string_view text) const override {
        // The buffer keeps its capacity, so nothing is allocated for a message.
        static thread_local std::string name;
        name.assign("bench-");
        append_number(name, channel);
        out.append("*3\r\n$7\r\nPUBLISH\r\n");
        append_bulk(out, name);
        append_bulk(out, text);
    }

    void on_other(const Piece& piece, std::string& /*out*/, std::string& complaint) const override {
        // An integer is the usual answer to PUBLISH: the number of receivers.
        if (!piece.text.starts_with(':')) {
            complaint = "the server answers: " + std::string(piece.text);
        }
    }
};

}  // namespace

std::unique_ptr<Dialect> redis_dialect() {
    return std::make_unique<RedisDialect>();
}

}  // namespace tulle::load
