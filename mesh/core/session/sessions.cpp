#include "mesh/core/session/sessions.hpp"

#include <algorithm>

namespace tulle::mesh {

Session& Sessions::open(const NodeOptions& options, OriginId oid, RecordNo delivered, InterestSlot slot) {
    const auto [it, is_new] = map_.try_emplace(oid, options, oid, delivered, slot);
    TULLE_ASSERT(is_new);
    // The slots are small numbers, so a vector by slot wastes little room.
    in_slot_.resize(std::max<std::size_t>(in_slot_.size(), slot.value + 1u));
    TULLE_ASSERT(in_slot_[slot.value] == nullptr);
    in_slot_[slot.value] = &it->second;
    touch(it->second);
    return it->second;
}

void Sessions::close(Session& session) {
    const OriginId oid = session.oid;
    TULLE_ASSERT(in_slot_[session.interest.slot.value] == &session);
    in_slot_[session.interest.slot.value] = nullptr;
    // The queue must not keep the address of a place that is about to go.
    due_.remove(oid, session.place);
    map_.erase(oid);
}

Session* Sessions::find(OriginId oid) {
    const auto found = map_.find(oid);
    return found == map_.end() ? nullptr : &found->second;
}

const Session* Sessions::find(OriginId oid) const {
    const auto found = map_.find(oid);
    return found == map_.end() ? nullptr : &found->second;
}

std::vector<OriginId> Sessions::ids() const {
    std::vector<OriginId> ids;
    for (const auto& [oid, session] : map_) {
        ids.push_back(oid);
    }
    return ids;
}

void Sessions::touch_all() {
    for (auto& [oid, session] : map_) {
        touch(session);
    }
}

}  // namespace tulle::mesh
