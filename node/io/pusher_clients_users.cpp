#include <string>
#include <utility>
#include <variant>

#include "node/core/channel_name.hpp"
#include "node/core/ws_frame.hpp"
#include "node/io/overloaded.hpp"
#include "node/io/pusher_clients.hpp"
#include "node/protocol/pusher/codec.hpp"

namespace tulle::node {

static_assert(kMaxSignInIdBytes <= mesh::kMaxUserBytes);
static_assert(kMaxAppIdBytes + kMaxSignInIdBytes + 16 < mesh::kMaxChannelBytes, "a user's channels fit");

void PusherClients::sign_in(Client& client, const pusher::SignIn& user) {
    UserEffects changes;
    users_.sign_in(client.connection->slot(), client.session.app().id, user.user, user.watchlist, changes);
    run(changes);
}

void PusherClients::run(const UserEffects& effects) {
    for (const UserEffect& effect : effects) {
        std::visit(Overloaded{
                       [&](const SubscribeHub& first) {
                           hub_.send(mesh::Subscribe{first.channel, first.generation, first.presence, first.kept});
                       },
                       [&](const UnsubscribeHub& last) {
                           if (!is_draining_) {
                               hub_.send(mesh::Unsubscribe{last.channel});
                           }
                       },
                       [&](const JoinHub& joining) { join(joining, joining.id | kSignInIdBit, 1); },
                       [&](const LeaveHub& leaving) {
                           if (!is_draining_) {
                               hub_.send(mesh::MemberLeave{leaving.channel, leaving.user});
                           }
                       },
                       [&](const SignedIn& done) { answer_signin(done.slot, true); },
                       [&](const SignInFailed& failed) { answer_signin(failed.slot, false); },
                       [&](const TellWatchers& news) { tell_watchers(news); },
                   },
                   effect);
    }
}

void PusherClients::answer_signin(Slot slot, bool is_in) {
    if (Client* client = find(slot)) {
        pusher::SessionEffects answer;
        if (is_in) {
            reactor_.counters().signins_total.add();
            client->session.on_signed_in(answer);
        } else {
            client->session.on_drain(answer);
        }
        run(*client, answer);
    }
}

void PusherClients::tell_watchers(const TellWatchers& news) {
    const std::string text = pusher::watchlist_events(news.online, news.offline);
    const SlabRange frame = reactor_.arena().append({TextFrameHeader(text.size()).view(), text});
    for (const Slot slot : news.slots) {
        if (const Client* client = find(slot)) {
            client->connection->send(frame, 1);
        }
    }
}

void PusherClients::end_user(std::string_view app_id, std::string_view user) {
    end(users_.connections(online_key(app_id, user)));
    end(rooms_.connections(channel_key(app_id, {}), user));
}

void PusherClients::end(const std::vector<Slot>& slots) {
    for (const Slot slot : slots) {
        if (Client* client = find(slot)) {
            pusher::SessionEffects effects;
            client->session.on_terminated(effects);
            reactor_.counters().users_ended_total.add(effects.empty() ? 0 : 1);
            run(*client, effects);
        }
    }
}

}  // namespace tulle::node
