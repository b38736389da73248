#include <string>
#include <utility>
#include <variant>

#include "node/core/channel_name.hpp"
#include "node/core/limits.hpp"
#include "node/io/overloaded.hpp"
#include "node/io/pusher_clients.hpp"
#include "node/protocol/pusher/presence.hpp"

namespace tulle::node {

static_assert(kMaxUserIdBytes <= mesh::kMaxUserBytes);
static_assert(kMaxPresenceMemberBytes + 6 * kMaxUserIdBytes + 3 <= mesh::kMaxUserInfoBytes,
              "a card fits, its id escaped");

void PusherClients::enter(Client& client, const pusher::Subscribe& wanted) {
    const Slot slot = client.connection->slot();
    const std::string channel = channel_key(client.session.app().id, wanted.channel);
    if (wanted.member) {
        rooms_.enter(slot, channel, *wanted.member);
    }
    ChannelEffects changes;
    channels_.subscribe(slot, channel, changes);
    run(changes);
}

void PusherClients::leave(Slot slot, const std::string& channel) noexcept {
    if (const Client* client = find(slot)) {
        watch(client->session.app(), channel);
    }
    PresenceEffects departures;
    rooms_.leave(slot, channel, departures);
    run(departures);
    ChannelEffects changes;
    channels_.unsubscribe(slot, channel, changes);
    run(changes);
}

void PusherClients::run(const PresenceEffects& effects) {
    for (const PresenceEffect& effect : effects) {
        std::visit(Overloaded{
                       [&](const JoinHub& joining) { join(joining); },
                       [&](const LeaveHub& leaving) {
                           watch_member(leaving.channel, leaving.user);
                           if (!is_draining_) {
                               hub_.send(mesh::MemberLeave{leaving.channel, leaving.user});
                           }
                       },
                       [&](const Admit& admitted) {
                           if (const std::string* user = rooms_.user_of(admitted.slot, admitted.channel)) {
                               watch_member(admitted.channel, *user);
                           }
                           ChannelEffects changes;
                           channels_.admit(admitted.slot, admitted.channel, changes);
                           run(changes);
                       },
                       [&](const TurnAway& turned) { turn_away(turned); },
                       [&](const TellMember& change) { tell_member(change); },
                   },
                   effect);
    }
}

void PusherClients::ask_admission(const AskAdmission& wanted) {
    PresenceEffects effects;
    rooms_.ask(wanted.slot, wanted.channel, effects);
    run(effects);
}

void PusherClients::join(const JoinHub& joining) {
    const App* app = apps_.find_by_id(app_of_key(joining.channel));
    join(joining, joining.id, app == nullptr ? 0 : app->max_presence_members);
}

void PusherClients::join(const JoinHub& joining, std::uint64_t id, std::size_t max_members) {
    mesh::MemberJoin message;
    message.id = id;
    message.channel = joining.channel;
    message.member = {joining.member.user, share(joining.member.card)};
    message.max_members = max_members;
    hub_.send(std::move(message));
}

void PusherClients::turn_away(const TurnAway& turned) {
    [&]() noexcept {
        ChannelEffects changes;
        channels_.unsubscribe(turned.slot, turned.channel, changes);
        run(changes);
    }();
    if (Client* client = find(turned.slot)) {
        pusher::SessionEffects answer;
        client->session.on_turned_away(channel_of_key(turned.channel), turned.reason, answer);
        run(*client, answer);
    }
}

void PusherClients::tell_member(const TellMember& change) {
    Counter& counter =
        change.joined ? reactor_.counters().members_added_total : reactor_.counters().members_removed_total;
    counter.add();
    broadcast(change.channel, change.joined ? pusher::member_added_body(change.member.card)
                                            : pusher::member_removed_body(change.member.card));
}

void PusherClients::on_member_joined(const mesh::MemberJoined& answer) {
    if ((answer.id & kSignInIdBit) != 0) {
        UserEffects changes;
        if (answer.outcome == mesh::JoinOutcome::kJoined) {
            users_.on_joined(answer.id & ~kSignInIdBit, changes);
        } else {
            users_.on_refused(answer.id & ~kSignInIdBit, changes);
        }
        run(changes);
        return;
    }
    PresenceEffects effects;
    switch (answer.outcome) {
        case mesh::JoinOutcome::kJoined:
            rooms_.on_joined(answer.id, effects);
            break;
        case mesh::JoinOutcome::kFull:
            rooms_.on_refused(answer.id, JoinRefusal::kFull, effects);
            break;
        case mesh::JoinOutcome::kNotReady:
            rooms_.on_refused(answer.id, JoinRefusal::kNotReady, effects);
            break;
        case mesh::JoinOutcome::kTooLarge:
            rooms_.on_refused(answer.id, JoinRefusal::kTooLarge, effects);
            break;
    }
    run(effects);
}

void PusherClients::on_member_changed(const mesh::MemberChanged& change) {
    if (user_of_online_key(change.channel)) {
        UserEffects news;
        users_.on_changed(change.channel, change.joined, news);
        run(news);
        return;
    }
    PresenceEffects effects;
    rooms_.on_changed(change.channel, {change.member.user, change.member.info ? *change.member.info : std::string()},
                      change.joined, effects);
    run(effects);
}

}  // namespace tulle::node
