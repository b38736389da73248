#include <chrono>
#include <string>
#include <utility>

#include "client/wire/signing.hpp"
#include "tools/load/dialect.hpp"
#include "tools/load/names.hpp"

namespace tulle::load {
namespace {

/// Subscribers are the subscribers of pusher_dialect(). Publishers are backends, and sign each request.
class HttpDialect final : public Dialect {
public:
    HttpDialect(AppKeys keys, std::uint32_t batch)
        : subscribers_(pusher_dialect(keys)),
          keys_{std::move(keys.id), std::move(keys.key), std::move(keys.secret)},
          path_("/apps/" + keys_.id + (batch > 1 ? "/batch_events" : "/events")),
          batch_(batch) {}

    [[nodiscard]] Framing framing(Role role) const override {
        return role == Role::kSubscriber ? Framing::kWebSocket : Framing::kHttp;
    }
    [[nodiscard]] bool opens(Role role) const override { return role == Role::kSubscriber; }
    [[nodiscard]] std::uint32_t messages_per_request() const override { return batch_; }
    [[nodiscard]] std::size_t tail_bytes(std::size_t text_bytes) const override {
        return subscribers_->tail_bytes(text_bytes);
    }

    void open(Opening& opening, std::string& out) const override { subscribers_->open(opening, out); }
    Progress on_opening(Opening& opening, std::string_view input, std::size_t& consumed, std::string& out,
                        std::string& refusal) const override {
        return subscribers_->on_opening(opening, input, consumed, out, refusal);
    }
    void on_other(const Piece& piece, std::string& out, std::string& complaint) const override {
        subscribers_->on_other(piece, out, complaint);
    }

    // With `batch` of 1 the message is the whole body; a comma joins the events of a larger batch.
    void append_message(std::string& out, std::uint32_t channel, std::string_view text) const override {
        if (!out.empty()) {
            out.push_back(',');
        }
        out.append(R"({"name":"bench","channel":")");
        append_channel_name(out, channel);
        out.append(R"(","data":")").append(text).append(R"("})");
    }

    void append_request(std::string& out, std::string_view messages, std::string_view host) const override {
        std::string body;
        // The batch endpoint takes a list, the other endpoint a single event.
        if (batch_ > 1) {
            body.append(R"({"batch":[)").append(messages).append("]}");
            messages = body;
        }
        // The signature covers the time in seconds, so every request is signed by itself.
        const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
        out.append("POST ")
            .append(client::signed_target(keys_, "POST", path_, messages, now))
            .append(" HTTP/1.1\r\nHost: ");
        out.append(host)
            .append("\r\nContent-Type: application/json\r\nContent-Length: ")
            .append(std::to_string(messages.size()));
        out.append("\r\n\r\n").append(messages);
    }

private:
    std::unique_ptr<Dialect> subscribers_;
    client::AppCredentials keys_;
    std::string path_;
    std::uint32_t batch_;
};

}  // namespace

std::unique_ptr<Dialect> http_dialect(AppKeys keys, std::uint32_t batch) {
    return std::make_unique<HttpDialect>(std::move(keys), batch);
}

}  // namespace tulle::load
