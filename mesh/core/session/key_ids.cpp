#include "mesh/core/session/key_ids.hpp"

#include <algorithm>

#include "mesh/core/node/numbers.hpp"

namespace tulle::mesh {
namespace {

/// "1f3a5b77, 0c0d0e0f": as `tulle keygen` writes the ids.
std::string text_of(const MeshKeyIds& ids) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const std::uint32_t id : ids) {
        text += text.empty() ? "" : ", ";
        for (int shift = 28; shift >= 0; shift -= 4) {
            text += kDigits[(id >> shift) & 15u];
        }
    }
    return text;
}

}  // namespace

void KeyIds::heard(OriginId oid, const MeshKeyIds& ids) {
    if (ids.empty()) {
        return;
    }
    const auto known = std::find_if(heard_.begin(), heard_.end(), [oid](const auto& one) { return one.first == oid; });
    if (known != heard_.end()) {
        known->second = ids;
        return;
    }
    if (heard_.size() >= kMaxMembers) {
        heard_.pop_front();
    }
    heard_.emplace_back(oid, ids);
}

std::string KeyIds::why_refused(std::optional<OriginId> oid) const {
    std::string why = own_.empty() ? "this node has no mesh keys and the other side has some"
                                   : "the other side has none of this node's mesh keys (" + text_of(own_) + ")";
    why += ", or it is no mesh port; ";
    const auto known = std::find_if(heard_.begin(), heard_.end(), [oid](const auto& one) { return one.first == oid; });
    return why + (known != heard_.end() ? "when it was heard last it had " + text_of(known->second)
                                        : "its keys are not known, as it has told this node none");
}

}  // namespace tulle::mesh
