#include "node/pusher/edge/pusher_users.hpp"

#include <string>
#include <utility>
#include <variant>

#include "mesh/base/overloaded.hpp"
#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/core/limits.hpp"
#include "node/pusher/wire/codec.hpp"
#include "node/web/core/ws_frame.hpp"

namespace tulle::node {

static_assert(kMaxSignInIdBytes <= mesh::kMaxUserBytes);
static_assert(kMaxAppIdBytes + kMaxSignInIdBytes + 16 < mesh::kMaxChannelBytes, "a user's channels fit");

void PusherUsers::sign_in(const PusherClient& client, const pusher::SignIn& user) {
    UserEffects changes;
    users_.sign_in(client.connection->slot(), client.session.app().id, user.user, user.watchlist, changes);
    run(changes);
}

void PusherUsers::run(const UserEffects& effects) {
    for (const UserEffect& effect : effects) {
        std::visit(Overloaded{
                       [&](const SubscribeHub& first) {
                           hub_.subscribe({first.channel, first.generation, first.presence, first.retained});
                       },
                       [&](const UnsubscribeHub& last) { hub_.unsubscribe(last.channel, true); },
                       [&](const JoinHub& joining) { join(joining); },
                       [&](const LeaveHub& leaving) { hub_.leave(leaving.channel, leaving.user); },
                       [&](const SignedIn& done) { answer(done.slot, true); },
                       [&](const SignInFailed& failed) { answer(failed.slot, false); },
                       [&](const TellWatchers& news) { tell_watchers(news); },
                   },
                   effect);
    }
}

void PusherUsers::join(const JoinHub& joining) {
    mesh::MemberJoin message;
    message.id = joining.id | kSignInIdBit;
    message.channel = joining.channel;
    message.member = {joining.member.user, share(joining.member.card)};
    // The channel has a single member, the user, however many connections there are.
    message.max_members = 1;
    hub_.join(std::move(message));
}

void PusherUsers::answer(Slot slot, bool is_in) {
    if (PusherClient* client = sessions_.find(slot)) {
        pusher::SessionEffects effects;
        if (is_in) {
            reactor_.counters().signins_total.add();
            client->session.on_signed_in(effects);
        } else {
            client->session.on_drain(effects);
        }
        sessions_.run(*client, effects);
    }
}

void PusherUsers::tell_watchers(const TellWatchers& news) {
    const std::string text = pusher::watchlist_events(news.online, news.offline);
    // Written once for all watchers.
    const SlabRange frame = reactor_.arena().append({TextFrameHeader(text.size()).view(), text});
    for (const Slot slot : news.slots) {
        if (const PusherClient* client = sessions_.find(slot)) {
            client->connection->send(frame, 1);
        }
    }
}

void PusherUsers::on_reachable(Slot slot) {
    UserEffects changes;
    users_.on_reachable(slot, changes);
    run(changes);
}

void PusherUsers::on_subscribed(const mesh::Subscribed& answer) {
    UserEffects changes;
    // The only possible member of the channel is the user: a non-empty list means online.
    users_.on_subscribed(answer.channel, answer.generation, answer.members && !answer.members->empty(), changes);
    run(changes);
}

void PusherUsers::on_joined(const mesh::MemberJoined& answer) {
    UserEffects changes;
    if (answer.outcome == mesh::JoinOutcome::kJoined) {
        users_.on_joined(answer.id & ~kSignInIdBit, changes);
    } else {
        users_.on_refused(answer.id & ~kSignInIdBit, changes);
    }
    run(changes);
}

void PusherUsers::on_changed(const mesh::MemberChanged& change) {
    UserEffects news;
    users_.on_changed(change.channel, change.joined, news);
    run(news);
}

std::vector<Slot> PusherUsers::connections(std::string_view app_id, std::string_view user) const {
    return users_.connections(online_key(app_id, user));
}

}  // namespace tulle::node
