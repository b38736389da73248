#include "node/pusher/edge/pusher_presence.hpp"

#include <utility>
#include <variant>

#include "mesh/base/overloaded.hpp"
#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/core/limits.hpp"
#include "node/pusher/wire/presence.hpp"

namespace tulle::node {

static_assert(kMaxUserIdBytes <= mesh::kMaxUserBytes);
static_assert(kMaxPresenceMemberBytes + 6 * kMaxUserIdBytes + 3 <= mesh::kMaxUserInfoBytes,
              "a card fits, its id escaped");

void PusherPresence::run(const PresenceEffects& effects) {
    for (const PresenceEffect& effect : effects) {
        std::visit(Overloaded{
                       [&](const JoinHub& joining) { join(joining); },
                       [&](const LeaveHub& leaving) { leave(leaving); },
                       [&](const Admit& admitted) { admit(admitted); },
                       [&](const TurnAway& turned) { turn_away(turned); },
                       [&](const TellMember& change) { tell(change); },
                   },
                   effect);
    }
}

void PusherPresence::ask(const AskAdmission& wanted) {
    PresenceEffects effects;
    rooms_.ask(wanted.slot, wanted.channel, effects);
    run(effects);
}

void PusherPresence::join(const JoinHub& joining) {
    const App* app = apps_.find_by_id(app_of_key(joining.channel));
    mesh::MemberJoin message;
    message.id = joining.id;
    message.channel = joining.channel;
    message.member = {joining.member.user, share(joining.member.card)};
    // An app that is gone takes nobody in.
    message.max_members = app == nullptr ? 0 : app->max_presence_members;
    hub_.join(std::move(message));
}

void PusherPresence::leave(const LeaveHub& leaving) {
    duties_.watch_leaving_member(leaving.channel, leaving.user);
    hub_.leave(leaving.channel, leaving.user);
}

void PusherPresence::admit(const Admit& admitted) {
    if (const std::string* user = rooms_.user_of(admitted.slot, admitted.channel)) {
        duties_.watch_member(admitted.channel, *user);
    }
    sessions_.admit(admitted.slot, admitted.channel);
}

void PusherPresence::turn_away(const TurnAway& turned) {
    // The table forgets the client before the hub is told. An exception between the two would leave the hub untold for
    // ever, and so ends the process.
    [&]() noexcept {
        ChannelEffects changes;
        channels_.unsubscribe(turned.slot, turned.channel, changes);
        sessions_.run(changes);
    }();
    if (PusherClient* client = sessions_.find(turned.slot)) {
        pusher::SessionEffects answer;
        client->session.on_turned_away(channel_of_key(turned.channel), turned.reason, answer);
        sessions_.run(*client, answer);
    }
}

void PusherPresence::tell(const TellMember& change) {
    Counter& counter =
        change.joined ? reactor_.counters().members_added_total : reactor_.counters().members_removed_total;
    counter.add();
    sessions_.broadcast(change.channel, change.joined ? pusher::member_added_body(change.member.card)
                                                      : pusher::member_removed_body(change.member.card));
}

void PusherPresence::on_listed(const mesh::Subscribed& answer) {
    if (answer.members) {
        PresenceRooms::Users users;
        for (const mesh::PresenceMember& member : *answer.members) {
            // A user without a card gets an empty card, as readers of cards expect no null.
            users.emplace(member.user, member.info ? member.info : share(std::string()));
        }
        rooms_.on_listed(answer.channel, std::move(users));
    }
}

void PusherPresence::on_joined(const mesh::MemberJoined& answer) {
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

void PusherPresence::on_changed(const mesh::MemberChanged& change) {
    PresenceEffects effects;
    rooms_.on_changed(change.channel, {change.member.user, change.member.info ? *change.member.info : std::string()},
                      change.joined, effects);
    run(effects);
}

}  // namespace tulle::node
