#include "client/core/presence.hpp"

#include <utility>

#include "client/core/limits.hpp"

namespace tulle::client {

void PresenceLists::expect(const std::string& channel, std::string me) {
    lists_[channel] = List{std::move(me), {}};
}

Subscribed PresenceLists::join(const std::string& channel, std::vector<Member> members) {
    // A list of an earlier answer is replaced, not merged: the server's list is complete.
    List& list = lists_[channel];
    list.members.clear();
    Subscribed detail{std::move(members), Member{list.me, {}, {}}};
    for (const Member& member : detail.members) {
        // The server's list has the user's info; the authorizer has given only the id.
        if (member.id == list.me) {
            detail.me = member;
        }
        // Users beyond the limit are still in the returned list.
        if (list.members.size() < kMaxMembers) {
            list.members.insert_or_assign(member.id, member);
        }
    }
    return detail;
}

MemberAdded PresenceLists::add(const std::string& channel, Member member) {
    auto& members = lists_[channel].members;
    // At the limit a listed user still receives new info.
    if (members.size() < kMaxMembers || members.contains(member.id)) {
        members.insert_or_assign(member.id, member);
    }
    return MemberAdded{std::move(member), members.size()};
}

std::optional<MemberRemoved> PresenceLists::remove(const std::string& channel, std::string_view id) {
    const auto list = lists_.find(channel);
    if (list == lists_.end()) {
        return std::nullopt;
    }
    auto& members = list->second.members;
    const auto it = members.find(id);
    if (it == members.end()) {
        return std::nullopt;
    }
    Member member = std::move(it->second);
    members.erase(it);
    return MemberRemoved{std::move(member), members.size()};
}

}  // namespace tulle::client
