#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/hash.hpp"
#include "node/core/channel_table.hpp"
#include "node/edge/edge.hpp"
#include "node/edge/fanout.hpp"
#include "node/edge/stream_connection.hpp"

/// The smallest protocol that a node can speak, as an example and as the proof that an edge needs nothing of another:
/// lines of text over TCP. "SUB name" and "UNSUB name" are answered by "SUB name" once the mesh knows of it and by
/// "UNSUB name"; "PUB name data" is not answered; each event of a channel is a line "MSG name event data".
namespace tulle::node::line {

class LineEdge;

/// One client. A line of more than kMaxLine bytes ends the connection.
class LineConnection final : public StreamConnection {
public:
    static constexpr std::size_t kMaxLine = 4096;

    LineConnection(LineEdge& edge, Reactor& reactor, Socket socket, Peer peer, const OutboxLimits& limits);
    void start();
    void say(std::string_view line);

private:
    Socket& socket() override { return socket_; }
    std::size_t frame_size(std::string_view bytes) const override { return bytes.find('\n') + 1; }
    void say_farewell(Farewell why) override {
        finish_with(why == Farewell::kSlow ? "ERR too slow\n" : "ERR no memory\n");
    }
    void on_left() override;
    void on_drain() override { finish_with("BYE\n"); }
    void read();
    void on_read(std::size_t bytes);

    LineEdge& edge_;
    Socket socket_;
    std::array<char, kMaxLine> buffer_{};
    std::size_t held_ = 0;  ///< bytes of a line that is not whole
};

/// Channels are those of one app of the Pusher edge: "name" here is "APP/name" in the mesh.
class LineEdge final : public Edge {
public:
    LineEdge(const EdgeContext& context, std::string app);

    void on_line(LineConnection& client, std::string_view line);
    void on_gone(LineConnection& client);

    void accept(Socket socket, Peer peer) override;
    [[nodiscard]] bool make_room() override { return false; }
    void refuse(Socket& socket) override;
    void shed(std::uint64_t bytes) override { fanout_.shed(bytes); }
    [[nodiscard]] std::size_t clients() const override { return clients_; }
    void on_mail(mesh::ToShard& message) override;
    void end_mail() override { fanout_.end_run(); }
    void on_mail_lost(const mesh::ToShard&, const std::exception& error) noexcept override { fanout_.fail_all(error); }
    [[nodiscard]] std::optional<std::vector<std::string>> answer(const mesh::LocalQuery&) override {
        return std::vector<std::string>{};
    }
    void end_turn() override {}
    void on_hub_room() override {}
    void set_moving(bool) override {}
    void end_idle() override {}
    [[nodiscard]] std::vector<Slot> clients_to_move(bool) const override { return {}; }
    void begin_drain() override {}

private:
    void deliver(const mesh::Record& record);
    void run(const ChannelEffects& effects);
    [[nodiscard]] std::string key_of(std::string_view name) const { return app_ + "/" + std::string(name); }
    [[nodiscard]] std::string_view name_of(std::string_view key) const { return key.substr(app_.size() + 1); }

    const EdgeContext context_;
    const std::string app_;
    const OutboxLimits limits_{1u << 20, std::chrono::seconds(10)};
    ChannelTable channels_;
    IdMap<LineConnection*> open_;  ///< by slot
    Fanout fanout_;
    std::size_t clients_ = 0;
};

}  // namespace tulle::node::line
