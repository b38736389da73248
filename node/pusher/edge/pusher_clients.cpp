#include "node/pusher/edge/pusher_clients.hpp"

#include <charconv>
#include <utility>
#include <variant>

#include "mesh/base/overloaded.hpp"
#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/wire/codec.hpp"
#include "node/pusher/wire/connect.hpp"
#include "node/web/core/ws_frame.hpp"

namespace tulle::node {
namespace {

/// Ten digits, as with other servers of the protocol.
constexpr std::uint64_t kSocketIdBound = 10'000'000'000;
/// A generation has 31 bits in the id of a client event: the slot is below, kEventIdBit above.
constexpr std::uint32_t kGenerationMask = 0x7fffffff;
/// Close code for a client given up by the node.
constexpr std::uint16_t kGivenUpCode = 4100;
/// Code of an error event before the Close frame.
constexpr std::uint16_t kRejectedCode = 4301;
constexpr std::string_view kSlowReason = "The client is too slow to take its messages";
constexpr std::string_view kShedReason = "The server has too little memory for what this client needs";

/// Asks NodeLimits about the address of a connection. Lives for a single message.
class PeerGate final : public AuthGate {
public:
    PeerGate(const NodeLimits& limits, const PeerAddress& address, Instant now)
        : limits_(limits), address_(address), now_(now) {}

    bool is_shut() const override { return limits_.shut_for(address_, now_) > Duration{}; }

private:
    const NodeLimits& limits_;
    const PeerAddress& address_;
    const Instant now_;
};

}  // namespace

PusherClients::PusherClients(const Context& context)
    : reactor_(context.reactor),
      hub_(context.hub),
      apps_(context.apps),
      timeouts_(context.timeouts),
      limits_(context.limits),
      rations_(context.rations),
      book_(context.book),
      cached_(context.reactor, context.hub),
      leaves_(context.reactor, context.hub, context.presence_grace),
      duties_(context.reactor, context.hub, context.apps, leaves_),
      history_(context.reactor, context.hub),
      delivery_(context.reactor, context.apps, channels_, cached_, history_, *this),
      presence_(context.reactor, leaves_, context.apps, channels_, duties_, *this),
      users_(context.reactor, leaves_, *this),
      prng_(context.seed) {}

PusherClient* PusherClients::find(Slot slot) const {
    return slot.value < clients_.size() ? clients_[slot.value].get() : nullptr;
}

/// Two numbers joined by a dot, as the SDKs demand. The second number holds the slot in the low 32 bits, so that an
/// exclusion finds the connection without a table. Above are 20 random bits: the number stays exact in JavaScript
/// (2^53).
std::string PusherClients::new_socket_id(Slot slot) {
    const std::uint64_t tail = (prng_.below(std::uint64_t{1} << 20) << 32) | slot.value;
    return std::to_string(prng_.below(kSocketIdBound)) + "." + std::to_string(tail);
}

std::optional<Slot> PusherClients::slot_of(std::string_view socket_id) const {
    const std::size_t dot = socket_id.find('.');
    if (dot == std::string_view::npos) {
        return std::nullopt;
    }
    std::uint64_t tail = 0;
    std::from_chars(socket_id.data() + dot + 1, socket_id.data() + socket_id.size(), tail);
    const Slot slot(static_cast<std::uint32_t>(tail));
    const PusherClient* client = find(slot);
    // The slot may belong to a later client, or the id to another node: only the whole id proves the client.
    if (client == nullptr || client->session.socket_id() != socket_id) {
        return std::nullopt;
    }
    return slot;
}

void PusherClients::on_open(WsConnection& connection) {
    const pusher::Admission admission = pusher::admit(apps_, connection.target());
    if (admission.app == nullptr) {
        refuse(connection, admission.close_code, admission.reason);
        return;
    }
    const Slot slot = connection.slot();
    // All steps that may throw come first: memory for the slot, for the fan-out, and for the client.
    if (clients_.size() <= slot.value) {
        clients_.resize(slot.value + 1u);
    }
    delivery_.fanout().reserve(slot);
    last_generation_ = (last_generation_ + 1) & kGenerationMask;
    auto entering = std::make_unique<PusherClient>(
        PusherClient{&connection, pusher::Session(*admission.app, slot, new_socket_id(slot), timeouts_), apps_,
                     last_generation_, &book_.of(admission.app->id), reactor_.now()});
    // The quota is counted last, as from here on on_gone() gives the connection back.
    if (!rations_.open_connection(*admission.app)) {
        reactor_.counters().over_quota_total.add();
        refuse(connection, pusher::kAppOverQuota, pusher::kAppOverQuotaText);
        return;
    }
    // From here to the end of the entry nothing throws: on_gone undoes all of it, or nothing.
    clients_[slot.value] = std::move(entering);
    delivery_.fanout().add(connection);
    ++size_;
    PusherClient& client = *clients_[slot.value];
    client.counters->connections.add();
    pusher::SessionEffects effects;
    client.session.on_open(reactor_.now(), effects);
    run(client, effects);
}

void PusherClients::on_text(WsConnection& connection, std::string_view text) {
    if (PusherClient* client = find(connection.slot())) {
        client->counters->received_total.add();
        // Taken out of the member, as a nested call must not use the same vector.
        pusher::SessionEffects effects = std::exchange(spare_effects_, {});
        ++client->received;
        const PeerGate gate(limits_, connection.peer().address(), reactor_.now());
        client->session.on_text(reactor_.now(), text, {channels_, presence_.rooms(), &gate}, effects);
        run(*client, effects);
        effects.clear();
        spare_effects_ = std::move(effects);
        // A client must not fill the hub faster than the hub works: the connection is read again when the hub has room.
        if (hub_.is_backed_up()) {
            connection.pause(WsConnection::Pause::kHub);
            paused_.push_back(connection.slot());
        }
    }
}

void PusherClients::on_activity(WsConnection& connection, bool is_answered) {
    if (PusherClient* client = find(connection.slot())) {
        client->session.on_activity(reactor_.now(), is_answered);
        connection.set_session_deadline(client->session.next_deadline());
    }
}

void PusherClients::on_session_deadline(WsConnection& connection) {
    if (PusherClient* client = find(connection.slot())) {
        // A subscription keeps a silent connection in use.
        if (channels_.channels_of(connection.slot()) > 0) {
            client->session.on_in_use(reactor_.now());
        }
        pusher::SessionEffects effects;
        client->session.on_deadline(reactor_.now(), effects);
        run(*client, effects);
    }
}

void PusherClients::on_drain(WsConnection& connection) {
    if (PusherClient* client = find(connection.slot())) {
        pusher::SessionEffects effects;
        client->session.on_drain(effects);
        run(*client, effects);
    }
}

WsFarewell PusherClients::farewell(Farewell why) const {
    const std::string_view reason = why == Farewell::kSlow ? kSlowReason : kShedReason;
    return {pusher::error_frame({kGivenUpCode, reason}), kGivenUpCode, std::string(reason)};
}

std::string PusherClients::too_large(std::size_t max_message) const {
    return pusher::error_frame({kRejectedCode, "The message is larger than " + std::to_string(max_message) +
                                                   " bytes, and the connection is closed"});
}

void PusherClients::on_gone(WsConnection& connection) {
    const Slot slot = connection.slot();
    if (find(slot) == nullptr) {
        return;
    }
    depart(slot);
    rations_.close_connection(clients_[slot.value]->session.app().id);
    clients_[slot.value]->counters->connections.sub();
    clients_[slot.value].reset();
    delivery_.fanout().remove(slot);
    --size_;
}

void PusherClients::watch_all_of(Slot slot) {
    if (const PusherClient* client = find(slot)) {
        for (const std::string_view key : channels_.keys_of(slot)) {
            duties_.watch_leaving(client->session.app(), key, channels_.is_confirmed(slot, key));
        }
    }
}

void PusherClients::depart(Slot slot) noexcept {
    // The marks need the channels of the client, so they come before the removal.
    watch_all_of(slot);
    PresenceEffects departures;
    presence_.rooms().remove(slot, departures);
    ChannelEffects effects;
    forget_histories(slot);
    channels_.remove(slot, effects);
    UserEffects sign_out;
    users_.remove(slot, sign_out);
    // First every table forgets the client, then the effects run: no effect finds a client that is half removed.
    presence_.run(departures);
    run(effects);
    users_.run(sign_out);
}

void PusherClients::run(PusherClient& client, pusher::SessionEffects& effects) {
    WsConnection& connection = *client.connection;
    const Slot slot = connection.slot();
    for (pusher::SessionEffect& effect : effects) {
        std::visit(Overloaded{
                       [&](const pusher::Send& send) { connection.send_text(send.text); },
                       [&](const pusher::Subscribe& wanted) { enter(client, wanted); },
                       [&](const pusher::Unsubscribe& gone) {
                           leave(slot, channel_key(client.session.app().id, gone.channel));
                       },
                       [&](pusher::PublishClientEvent& event) { publish(client, event); },
                       [&](const pusher::SignIn& user) { users_.sign_in(client, user); },
                       [&](const pusher::Close& close) {
                           count(close);
                           connection.close(close.code, close.reason);
                           depart(slot);
                       },
                       [&](const pusher::Count& counted) {
                           count(client, counted.what);
                           tell_refusal(client, effects);
                       },
                       [&](const pusher::Pause&) {
                           reactor_.counters().subscriptions_paused_total.add();
                           connection.pause(WsConnection::Pause::kRate);
                       },
                       [&](const pusher::Resume&) { connection.resume(WsConnection::Pause::kRate); },
                   },
                   effect);
    }
    connection.set_session_deadline(client.session.next_deadline());
}

void PusherClients::run(const ChannelEffects& effects) {
    for (const ChannelEffect& effect : effects) {
        std::visit(Overloaded{
                       [&](const SubscribeHub& first) {
                           // The cache is opened before the hub can answer.
                           if (first.retained) {
                               cached_.open(first.channel);
                           }
                           leaves_.subscribe({first.channel, first.generation, first.presence, first.retained});
                       },
                       [&](const UnsubscribeHub& last) {
                           cached_.close(last.channel);
                           leaves_.unsubscribe(last.channel,
                                               classify(channel_of_key(last.channel)).type == ChannelType::kPresence);
                       },
                       [&](const Confirm& confirmed) { confirm(confirmed); },
                       [&](const AskAdmission& wanted) {
                           if (classify(channel_of_key(wanted.channel)).type == ChannelType::kPresence) {
                               presence_.ask(wanted);
                           } else {
                               admit(wanted.slot, wanted.channel);
                           }
                       },
                   },
                   effect);
    }
    if (!effects.empty()) {
        update_gauges();
    }
}

void PusherClients::update_gauges() {
    reactor_.counters().channels.set(channels_.size());
    reactor_.counters().subscriptions.set(channels_.subscriptions());
}

void PusherClients::count(PusherClient& client, pusher::Refused what) {
    ShardCounters& counters = reactor_.counters();
    switch (what) {
        case pusher::Refused::kFrame:
            counters.bad_frames_total.add();
            break;
        case pusher::Refused::kAuth:
            counters.auth_failures_total.add();
            // Many failures shut the gate of the address.
            limits_.on_auth_failure(client.connection->peer().address(), reactor_.now());
            break;
        case pusher::Refused::kThrottled:
            counters.auth_throttled_total.add();
            break;
        case pusher::Refused::kSubscription:
            counters.subscriptions_refused_total.add();
            break;
        case pusher::Refused::kClientEvent:
            counters.client_events_refused_total.add();
            break;
    }
}

void PusherClients::publish(PusherClient& client, pusher::PublishClientEvent& event) {
    // The outboxes of the subscribers could not hold the event, and each subscriber would be closed as too slow.
    if (!client.connection->limits().fits(event.body.size())) {
        pusher::SessionEffects effects;
        client.session.on_event_too_large(event.channel, effects);
        run(client, effects);
        return;
    }
    reactor_.counters().client_events_total.add();
    client.counters->published_total.add();
    const Slot slot = client.connection->slot();
    mesh::Publish publish;
    // The sender hears only of a refusal, so the hub need not answer an accepted event.
    publish.answers = mesh::Publish::Answers::kRefusal;
    publish.id = kEventIdBit | (static_cast<std::uint64_t>(client.generation) << 32) | slot.value;
    publish.channels.push_back(channel_key(client.session.app().id, event.channel));
    publish.exclude_socket = client.session.socket_id();
    // Before the body is moved away.
    duties_.on_client_event(client.session.app(), client.session.socket_id(), event);
    publish.body = share(std::move(event.body));
    hub_.send(std::move(publish));
}

void PusherClients::resume_paused() {
    if (paused_.empty()) {
        return;
    }
    const std::vector<Slot> slots = std::exchange(paused_, {});
    for (const Slot slot : slots) {
        if (PusherClient* client = find(slot)) {
            client->connection->resume(WsConnection::Pause::kHub);
        }
    }
}

void PusherClients::on_publish_refused(const mesh::Published& answer) {
    PusherClient* client = find(Slot{static_cast<std::uint32_t>(answer.id)});
    const auto generation = static_cast<std::uint32_t>(answer.id >> 32) & kGenerationMask;
    // The slot may have a later client by now.
    if (client != nullptr && client->generation == generation) {
        pusher::SessionEffects effects;
        client->session.on_publish_refused(effects);
        run(*client, effects);
    }
}

void PusherClients::on_member_joined(const mesh::MemberJoined& answer) {
    if ((answer.id & PusherUsers::kSignInIdBit) != 0) {
        users_.on_joined(answer);
    } else {
        presence_.on_joined(answer);
    }
}

void PusherClients::on_member_changed(const mesh::MemberChanged& change) {
    if (user_of_online_key(change.channel)) {
        users_.on_changed(change);
    } else {
        presence_.on_changed(change);
    }
}

std::vector<Slot> PusherClients::in_order_of_moving() const {
    std::vector<std::pair<std::uint64_t, Slot>> ranked;
    for (std::uint32_t i = 0; i < clients_.size(); ++i) {
        if (clients_[i] != nullptr) {
            // A later generation gives a smaller rank, and any subscription a greater one than all without.
            const std::uint64_t last = ~clients_[i]->generation;
            ranked.emplace_back(channels_.channels_of(Slot{i}) > 0 ? last + (std::uint64_t{1} << 32) : last, Slot{i});
        }
    }
    std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Slot> order;
    order.reserve(ranked.size());
    for (const auto& [rank, slot] : ranked) {
        order.push_back(slot);
    }
    return order;
}

}  // namespace tulle::node
