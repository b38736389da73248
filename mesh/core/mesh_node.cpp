#include "mesh/core/mesh_node.hpp"

#include <algorithm>
#include <utility>

#include "mesh/base/assert.hpp"

namespace tulle::mesh {

MeshNode::MeshNode(NodeOptions options, std::uint64_t seed)
    : options_(std::move(options)),
      prng_(seed),
      ring_(options_.limits),
      local_(options_.limits),
      table_(options_.limits),
      presence_(options_.oid, options_.timing, options_.limits),
      kept_(options_.oid, options_.timing, options_.limits),
      clock_(options_.wall_offset_us),
      usage_(options_.timing),
      origins_(options_.limits.remembered_origins),
      reconcile_(options_.timing, options_.limits),
      queries_(options_.limits),
      traces_(options_.limits.traces),
      duties_(options_.oid, options_.timing, options_.limits),
      membership_(options_, prng_,
                  {.last = [this] { return ring_.last(); }, .terms = [this](OriginId oid) { return terms_for(oid); }}) {
    TULLE_ASSERT(options_.oid != OriginId{});
    queries_.set_names([this](OriginId oid) { return name_of(oid); });
}

SessionTerms MeshNode::terms_for(OriginId oid) {
    if (const auto position = reconcile_.abort(oid)) {  // if it is there, it sends what we miss itself, in order
        unmourned_.insert_or_assign(oid, *position);
    }
    SessionTerms terms{.delivered = origins_.delivered(oid), .at = ring_.last(), .extras = {}, .members = {}};
    if (terms.delivered) {
        terms.extras = origins_.extras(oid);
    }
    return terms;
}

void MeshNode::set_shards(std::uint64_t shards) {
    shards_ = shards;
    queries_.set_shards(shards);
}

void MeshNode::start(Instant now, Effects& out) {
    started_ = now;
    promised_ = now;
    membership_.start(now, out);
    settle(now, out);
}

void MeshNode::step(Instant now, Input input, Effects& out) {
    note_time(now, out);
    std::visit(
        [&](auto& what) {
            using T = std::decay_t<decltype(what)>;
            if constexpr (std::is_same_v<T, LinkUp>) {
                membership_.on_link_up(now, what.link, out);
            } else if constexpr (std::is_same_v<T, LinkDown>) {
                membership_.on_link_down(now, what.link, out);
            } else if constexpr (std::is_same_v<T, EndpointChecked>) {
                membership_.on_endpoint_checked(now, what, out);
            } else if constexpr (std::is_same_v<T, SubscriberSeen>) {
                const auto link = links_.find(what.oid);
                if (link != links_.end() || subscribers_.size() < options_.limits.remembered_origins) {
                    subscribers_.insert(what.oid);  // anybody can subscribe, under any id
                }
                if (link != links_.end()) {
                    touch(link->second);
                }
            } else if constexpr (std::is_same_v<T, SubscriberGone>) {
                membership_.on_subscriber_gone();
            } else if constexpr (std::is_same_v<T, Control>) {
                if (membership_.on_control(now, what, out)) {
                    handle_events(now, out);
                    on_control(now, what, out);
                }
            } else if constexpr (std::is_same_v<T, Data>) {
                if (membership_.on_data(now, what, out)) {
                    handle_events(now, out);
                    on_data(now, what, out);
                }
            } else if constexpr (std::is_same_v<T, PortInput>) {
                on_port(now, what.shard, what.message, out);
            } else if constexpr (std::is_same_v<T, NameResolved>) {
                membership_.on_name_resolved(now, what, out);
            } else if constexpr (std::is_same_v<T, RetireRequest>) {
                begin_retire(now, what, out);
            } else {
                begin_leave(now, what, out);
            }
        },
        input);
    handle_events(now, out);
}

void MeshNode::settle(Instant now, Effects& out) {
    note_time(now, out);
    ring_.expire(now);
    membership_.on_deadline(now, out);
    handle_events(now, out);
    drop_lost_unconfirmed(now, out);
    mourn_again(now, out);
    work_duties(now, out);
    tick_links(now, out);
    handle_events(now, out);  // a leaver may have gone
    tick_window(now, out);
    introduce(out);
    queries_.on_deadline(now, out);
    traces_.on_deadline(now, out);
    Reconcile::Out todo;
    reconcile_.on_deadline(now, todo);
    run(now, todo, out);
    static_cast<void>(table_.sweep());
    PresenceTable::Changes changes;
    presence_.on_deadline(now, changes);
    tell(changes, out);
    hand_on(now);
    tick_usage(now, out);
    check_readiness(out);
    tick_gate(now, out);
    tick_leave(now, out);
    promised_ = table_.sweeping() ? now : std::max(earliest(), now);
}

void MeshNode::handle_events(Instant now, Effects& out) {
    for (const MembershipEvent& event : membership_.take_events()) {
        if (const auto* up = std::get_if<SessionUp>(&event)) {
            on_session_up(now, *up, out);
        } else {
            on_session_down(now, std::get<SessionDown>(event), out);
        }
    }
}

std::optional<std::pair<InterestVersion, std::uint64_t>> MeshNode::interest_of(OriginId oid) const {
    const auto found = links_.find(oid);
    if (found == links_.end() || !found->second.synced) {
        return std::nullopt;
    }
    const InterestSlot slot = found->second.slot;
    return std::pair{table_.version(slot).value_or(InterestVersion{}), table_.digest(slot)};
}

}  // namespace tulle::mesh
