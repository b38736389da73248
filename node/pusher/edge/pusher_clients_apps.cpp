// The part of PusherClients that refuses and ends clients: refused connections, apps after a change of the
// configuration, users ended by order of their app, and connections closed by an operator.
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <spdlog/spdlog.h>

#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/core/limits.hpp"
#include "node/pusher/edge/pusher_census.hpp"
#include "node/pusher/edge/pusher_clients.hpp"
#include "node/pusher/wire/connect.hpp"

namespace tulle::node {

void PusherClients::refuse(WsConnection& connection, std::uint16_t code, std::string_view reason) {
    reactor_.counters().clients_refused_total.add();
    if (limits_.refusals().is_on()) {
        tell_refusal(connection, pusher::app_of_target(apps_, connection.target()),
                     "closed with " + std::to_string(code) + ": " + std::string(reason) + " (" +
                         std::string(connection.target()) + ")");
    }
    // The same frames as for a session that closes, although there is no session.
    pusher::SessionEffects effects;
    pusher::refuse_connection(code, reason, effects);
    connection.send_text(std::get<pusher::Send>(effects[0]).text);
    connection.close(code, reason);
}

void PusherClients::tell_refusal(const WsConnection& connection, const App* app, std::string_view what) {
    if (limits_.refusals().is_on()) {
        limits_.refusals().tell(reactor_.now(), app == nullptr ? "" : app->id, connection.peer().address(), what);
    }
}

void PusherClients::tell_refusal(const PusherClient& client, const pusher::SessionEffects& effects) {
    if (!limits_.refusals().is_on()) {
        return;
    }
    // What the client is told beside the count says what was refused and why.
    std::string what;
    for (const pusher::SessionEffect& effect : effects) {
        if (const auto* send = std::get_if<pusher::Send>(&effect)) {
            what = send->text;
        } else if (const auto* close = std::get_if<pusher::Close>(&effect)) {
            what = "closed with " + std::to_string(close->code) + ": " + close->reason;
        }
    }
    tell_refusal(*client.connection, &client.session.app(), what);
}

void PusherClients::on_apps_changed() {
    for (std::size_t i = 0; i < clients_.size(); ++i) {
        PusherClient* client = clients_[i].get();
        if (client == nullptr) {
            continue;
        }
        const auto [fate, app] = fate_of(client->session.app(), apps_);
        if (fate == AppFate::kServed) {
            // The new configuration may allow other sizes. `apps` keeps the new app alive for the session.
            client->connection->limit_message(max_frame_bytes(app->max_event_bytes));
            client->session.set_app(*app);
            client->apps = apps_;
            continue;
        }
        pusher::SessionEffects effects;
        client->session.on_app_withdrawn(fate, effects);
        run(*client, effects);
    }
    duties_.review(channels_, presence_.rooms());
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

void PusherClients::end_user(std::string_view app_id, std::string_view user) {
    end(users_.connections(app_id, user));
    end(presence_.rooms().connections(channel_key(app_id, {}), user));
}

void PusherClients::end(const std::vector<Slot>& slots) {
    for (const Slot slot : slots) {
        if (PusherClient* client = find(slot)) {
            pusher::SessionEffects effects;
            client->session.on_terminated(effects);
            reactor_.counters().users_ended_total.add(effects.empty() ? 0 : 1);
            run(*client, effects);
        }
    }
}

std::vector<std::string> PusherClients::answer(const ClientQuestion& question, const std::string& node) {
    const PusherCensus census({reactor_.now(), node, apps_, clients_, channels_, presence_.rooms(), users_});
    if (question.what != ClientQuestion::What::kKick || !census.is_for_us(question)) {
        return census.answer(question, mesh::kMaxQueryPartBytes);
    }
    // The answer names the connections, so it is written before they end.
    const PusherCensus::Chosen chosen = census.choose(question);
    std::vector<std::string> parts = census.answer_connections(question, chosen, mesh::kMaxQueryPartBytes);
    for (const Slot slot : chosen.slots) {
        if (PusherClient* client = find(slot)) {
            pusher::SessionEffects effects;
            client->session.on_kicked(question.reconnects, effects);
            reactor_.counters().clients_kicked_total.add(effects.empty() ? 0 : 1);
            run(*client, effects);
        }
    }
    if (!chosen.slots.empty()) {
        spdlog::info("connections closed by an operator: {}", chosen.slots.size());
    }
    return parts;
}

}  // namespace tulle::node
