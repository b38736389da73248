// The clients' apps: who is not let in, and who has to go when they change.
#include <utility>
#include <variant>

#include "node/core/limits.hpp"
#include "node/io/pusher_clients.hpp"
#include "node/protocol/pusher/connect.hpp"

namespace tulle::node {

void PusherClients::refuse(WsConnection& connection, std::uint16_t code, std::string_view reason) {
    reactor_.counters().clients_refused_total.add();
    pusher::SessionEffects effects;
    pusher::refuse_connection(code, reason, effects);
    connection.send_text(std::get<pusher::Send>(effects[0]).text);
    connection.close(code, reason);
}

void PusherClients::on_apps_changed() {
    for (std::size_t i = 0; i < clients_.size(); ++i) {
        Client* client = clients_[i].get();
        if (client == nullptr) {
            continue;
        }
        const auto [fate, app] = fate_of(client->session.app(), apps_);
        if (fate == AppFate::kServed) {
            client->connection->limit_message(max_frame_bytes(app->max_event_bytes));
            client->session.set_app(*app);
            client->apps = apps_;
            continue;
        }
        pusher::SessionEffects effects;
        client->session.on_app_withdrawn(fate, effects);
        run(*client, effects);
    }
}

void PusherClients::count(const pusher::Close& close) {
    ShardCounters& counters = reactor_.counters();
    switch (close.code) {
        case pusher::kAppUnknown:
        case pusher::kAppDisabled:
            counters.app_closes_total.add();
            break;
        case pusher::kPongMissing:
            counters.pong_timeouts_total.add();
            break;
        case pusher::kInactive:
            counters.idle_closes_total.add();
            break;
        default:
            break;
    }
}

}  // namespace tulle::node
